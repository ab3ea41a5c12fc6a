'use strict'

/**
 * How texts reach a socket. An *outlet* belongs to one session and is the only way to its socket, so
 * that everything leaves in order.
 *
 * A socket of an unknown kind is sent to at once. One of a known kind (`ws`, Bun) has a queue that
 * is written once per turn of the event loop: the system call per frame is most of a server's cost.
 * The kind is chosen when the session joins and never changes, and an outlet never throws out of
 * `send` or `flush`: it tells its owner.
 */

const { flushAtEndOfTurn } = require('./turn.js')

/** @typedef {import('../index').WebSocketLike} WebSocketLike */

/**
 * Called when a socket cannot be written.
 * @typedef {(error: unknown) => void} OnFailure
 */

/**
 * @typedef {object} Outlet
 * @property {boolean} isDirect whether what is sent leaves inside the call
 * @property {(text: string) => void} send
 * @property {() => void} flush writes what waits, now
 * @property {() => void} discard forgets what waits
 */

/**
 * A kind of socket whose texts are written in batches.
 * @typedef {object} SocketKind
 * @property {(socket: WebSocketLike) => boolean} matches
 * @property {(socket: WebSocketLike, texts: string[]) => void} write
 */

/** The `readyState` of a WebSocket that can be sent to. */
const OPEN = 1

/**
 * The innards of a `ws` server socket. Each is tested before it is relied on, since no version of
 * `ws` promises them.
 * @typedef {object} WsInnards
 * @property {unknown} readyState
 * @property {unknown} extensions
 * @property {unknown} _isServer
 * @property {{ cork?: unknown, uncork?: unknown } | null | undefined} _socket
 * @property {{ _queue?: unknown, _state?: unknown, _deflating?: unknown } | null | undefined} _sender
 */

/** @type {SocketKind} */
const wsKind = {
  matches(socket) {
    const ws = /** @type {WsInnards} */ (/** @type {unknown} */ (socket))
    const sender = ws._sender
    return (
      ws.readyState === OPEN &&
      ws._isServer === true &&
      ws.extensions === '' &&
      typeof ws._socket?.cork === 'function' &&
      typeof ws._socket.uncork === 'function' &&
      Array.isArray(sender?._queue) &&
      sender._queue.length === 0 &&
      (sender._state === 0 || sender._deflating === false)
    )
  },

  write(socket, texts) {
    const ws = /** @type {{ readyState: number, _socket?: import('node:net').Socket | null }} */ (
      /** @type {unknown} */ (socket)
    )
    // A socket that is closing takes nothing any more, and its close event is on its way.
    if (ws.readyState !== OPEN) return
    const raw = ws._socket
    raw?.cork()
    try {
      for (const text of texts) socket.send(text)
    } finally {
      raw?.uncork()
    }
  },
}

/** What a Bun socket's `send` returns for a message that it threw away. */
const DROPPED_BY_BUN = 0

/** @type {SocketKind} */
const bunKind = {
  matches(socket) {
    const bun = /** @type {{ cork?: unknown, getBufferedAmount?: unknown }} */ (socket)
    return typeof bun.cork === 'function' && typeof bun.getBufferedAmount === 'function'
  },

  write(socket, texts) {
    const bun =
      /** @type {{ readyState?: number, cork: (write: () => void) => void, send: (text: string) => unknown }} */ (
        /** @type {unknown} */ (socket)
      )
    if (bun.readyState !== undefined && bun.readyState !== OPEN) return
    bun.cork(() => {
      for (const text of texts) {
        // Other servers with the same methods return 0 for a message that they did take.
        if (bun.send(text) === DROPPED_BY_BUN && process.versions.bun !== undefined) {
          throw new Error('The socket dropped a message')
        }
      }
    })
  },
}

/** @type {readonly SocketKind[]} */
const KNOWN_KINDS = [wsKind, bunKind]

/**
 * @param {WebSocketLike} socket
 * @param {OnFailure} onFailure
 * @returns {Outlet}
 */
function outletFor(socket, onFailure) {
  const kind = KNOWN_KINDS.find(({ matches }) => matches(socket))
  return kind === undefined
    ? new DirectOutlet(socket, onFailure)
    : new QueuedOutlet(socket, kind, onFailure)
}

/** @implements {Outlet} */
class DirectOutlet {
  isDirect = true
  #socket
  #onFailure

  /**
   * @param {WebSocketLike} socket
   * @param {OnFailure} onFailure
   */
  constructor(socket, onFailure) {
    this.#socket = socket
    this.#onFailure = onFailure
  }

  /** @param {string} text */
  send(text) {
    try {
      this.#socket.send(text)
    } catch (error) {
      this.#onFailure(error)
    }
  }

  flush() {}

  discard() {}
}

/**
 * Holds at most what is sent within one turn.
 * @implements {Outlet}
 */
class QueuedOutlet {
  isDirect = false
  #socket
  #kind
  #onFailure
  /** @type {string[]} */
  #texts = []
  #isDirty = false

  /**
   * @param {WebSocketLike} socket
   * @param {SocketKind} kind
   * @param {OnFailure} onFailure
   */
  constructor(socket, kind, onFailure) {
    this.#socket = socket
    this.#kind = kind
    this.#onFailure = onFailure
  }

  #onTurnEnd = () => this.flush()

  /** @param {string} text */
  send(text) {
    this.#texts.push(text)
    if (this.#isDirty) return
    this.#isDirty = true
    flushAtEndOfTurn(this.#onTurnEnd)
  }

  flush() {
    this.#isDirty = false
    if (this.#texts.length === 0) return
    const texts = this.#texts
    this.#texts = []
    try {
      this.#kind.write(this.#socket, texts)
    } catch (error) {
      this.#onFailure(error)
    }
  }

  discard() {
    this.#texts = []
  }
}

/**
 * @param {WebSocketLike} socket
 * @param {number} [code]
 * @param {string} [reason]
 */
function closeSocket(socket, code, reason) {
  const closable = /** @type {{ close: (code?: number, reason?: string) => void }} */ (socket)
  if (code === undefined) closable.close()
  else closable.close(code, reason)
}

module.exports = { closeSocket, outletFor }
