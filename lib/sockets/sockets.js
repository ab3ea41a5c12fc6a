'use strict'

/**
 * The kinds of sockets: how each is written in batches, how much of what it was given it still holds, and
 * how it is closed.
 */

/** @typedef {import('../../index').WebSocketLike} WebSocketLike */

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
 * The kind of a socket, which never changes; none where it is unknown.
 * @param {WebSocketLike} socket
 * @returns {SocketKind | undefined}
 */
function kindOf(socket) {
  return KNOWN_KINDS.find(({ matches }) => matches(socket))
}

/**
 * What sockets tell of their queues.
 * @typedef {object} Queued
 * @property {(() => unknown) | undefined} [getBufferedAmount]
 * @property {unknown} [bufferedAmount]
 * @property {(NodeSocket & { _parent?: NodeSocket | null }) | null} [_socket]
 */

/**
 * As much of the innards of a `net.Socket` as Node's own timeout for idle sockets looks at. An encrypted one is the child of the
 * one that writes.
 * @typedef {{ _handle?: { writeQueueSize?: unknown } | null }} NodeSocket
 */

/**
 * How many bytes a socket holds that have not left the process; 0 where it does not tell.
 * @param {WebSocketLike} socket
 * @returns {number}
 */
function bufferedBytes(socket) {
  const queued = /** @type {Queued} */ (/** @type {unknown} */ (socket))
  try {
    const { getBufferedAmount } = queued
    return amount(
      typeof getBufferedAmount === 'function'
        ? getBufferedAmount.call(queued)
        : queued.bufferedAmount,
    )
  } catch {
    return 0
  }
}

/**
 * How many of them the system is being given right now; 0 where the socket does not tell. `ws` and Node
 * count a write as a whole until all of it has left, so that of one large frame only this tells that it is moving.
 * @param {WebSocketLike} socket
 * @returns {number}
 */
function leavingBytes(socket) {
  const queued = /** @type {Queued} */ (/** @type {unknown} */ (socket))
  try {
    const raw = queued._socket?._parent ?? queued._socket
    return amount(raw?._handle?.writeQueueSize)
  } catch {
    return 0
  }
}

/**
 * How many bytes have come through a socket so far, frames that are still under way included; 0 where it does not tell.
 * @param {unknown} socket
 * @returns {number}
 */
function readBytes(socket) {
  const source = /** @type {{ _socket?: { bytesRead?: unknown } | null }} */ (socket)
  try {
    return amount(source._socket?.bytesRead)
  } catch {
    return 0
  }
}

/**
 * @param {unknown} value
 * @returns {number}
 */
function amount(value) {
  return typeof value === 'number' && value > 0 ? value : 0
}

/** The close code and reason of a socket whose peer does not read what it is sent. */
const TOO_SLOW = /** @type {const} */ ([4408, 'too slow'])

/**
 * Gives what the socket's `close` gives: a promise of some.
 * @param {WebSocketLike} socket
 * @param {number} [code]
 * @param {string} [reason]
 * @returns {unknown}
 */
function closeSocket(socket, code, reason) {
  const closable =
    /** @type {{ close: (code?: number, reason?: string) => unknown, terminate?: () => void }} */ (
      socket
    )
  if (code === undefined) return closable.close()
  try {
    return closable.close(code, reason)
  } finally {
    // Its peer would read the close frame behind all that it does not read, and that would be kept until then.
    if (code === TOO_SLOW[0] && typeof closable.terminate === 'function') closable.terminate()
  }
}

module.exports = { bufferedBytes, closeSocket, kindOf, leavingBytes, readBytes, TOO_SLOW }
