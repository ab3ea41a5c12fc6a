'use strict'

/**
 * How texts reach a socket. An *outlet* belongs to one session and is the only way to its socket, so
 * that everything leaves in order.
 *
 * A socket of an unknown kind is sent to at once. One of a known kind (`ws`, Bun) has a queue that
 * is written once per turn of the event loop: the system call per frame is most of a server's cost.
 * The kind is chosen when the session joins and never changes, and an outlet never throws out of
 * `send` or `flush`: it tells its owner.
 *
 * A socket takes whatever it is given and keeps what does not leave. So an outlet looks what became of what it
 * wrote, and past the mark it tells its owner and writes nothing more until the socket has let go of some.
 */

const { isCount } = require('./counts.js')
const { bufferedBytes, kindOf } = require('./sockets.js')
const { onRejection } = require('../timers.js')
const { flushAtEndOfTurn } = require('../turn.js')

/** @typedef {import('../../index').WebSocketLike} WebSocketLike */
/** @typedef {import('./sockets.js').SocketKind} SocketKind */

/**
 * Who is told what a socket does not do. None of these may throw.
 * @typedef {object} OutletOwner
 * @property {number} mark the bytes past which a socket counts as full
 * @property {(error: unknown) => void} failed the socket cannot be written
 * @property {() => void} full it does not take what it is sent; told again and again while that is so
 */

/**
 * @typedef {object} Outlet
 * @property {boolean} isDirect whether what is sent leaves inside the call
 * @property {number} waitingBytes what has not been given to the socket, roughly
 * @property {(text: string) => void} send
 * @property {() => void} flush writes what waits, now, as far as the socket takes it
 * @property {() => void} discard forgets what waits
 */

/**
 * @param {WebSocketLike} socket
 * @param {OutletOwner} owner
 * @returns {Outlet}
 */
function outletFor(socket, owner) {
  const kind = kindOf(socket)
  return kind === undefined
    ? new DirectOutlet(socket, owner)
    : new QueuedOutlet(socket, kind, owner)
}

/** @implements {Outlet} */
class DirectOutlet {
  isDirect = true
  waitingBytes = 0
  #socket
  #owner

  /**
   * @param {WebSocketLike} socket
   * @param {OutletOwner} owner
   */
  constructor(socket, owner) {
    this.#socket = socket
    this.#owner = owner
  }

  /** @param {string} text */
  send(text) {
    try {
      onRejection(this.#socket.send(text), this.#owner.failed)
    } catch (error) {
      this.#owner.failed(error)
      return
    }
    if (bufferedBytes(this.#socket) > this.#owner.mark) this.#owner.full()
  }

  flush() {}

  discard() {}
}

/**
 * Holds at most what is sent within one turn, and of that hardly more than the mark.
 * @implements {Outlet}
 */
class QueuedOutlet {
  isDirect = false
  #socket
  #kind
  #owner
  /** @type {string[]} */
  #texts = []
  /** The length of the texts: their bytes, but for what is not ASCII. */
  #length = 0
  #isDirty = false
  #isWriting = false

  /**
   * @param {WebSocketLike} socket
   * @param {SocketKind} kind
   * @param {OutletOwner} owner
   */
  constructor(socket, kind, owner) {
    this.#socket = socket
    this.#kind = kind
    this.#owner = owner
  }

  get waitingBytes() {
    return this.#length
  }

  #onTurnEnd = () => this.flush()

  /** @param {string} text */
  send(text) {
    const last = this.#texts.length - 1
    // Nobody needs to hear how many were there: each of hundreds who come at once would tell all of them.
    if (isCount(text) && isCount(this.#texts[last])) this.#texts[last] = text
    else this.#keep(text)
    // A turn may have more to say than should ever wait.
    if (this.#length > this.#owner.mark) this.flush()
    if (this.#isDirty || this.#texts.length === 0) return
    this.#isDirty = true
    flushAtEndOfTurn(this.#onTurnEnd)
  }

  flush() {
    this.#isDirty = false
    // What is sent from inside a write is written behind it.
    if (this.#isWriting) return
    this.#isWriting = true
    let isFull = false
    while (this.#texts.length > 0 && !isFull) {
      if (!this.#isSocketFull) this.#write(this.#takeBatch())
      isFull = this.#isSocketFull
    }
    this.#isWriting = false
    if (isFull) this.#owner.full()
  }

  discard() {
    this.#texts = []
    this.#length = 0
  }

  /** @param {string} text */
  #keep(text) {
    this.#texts.push(text)
    this.#length += text.length
  }

  /** Takes what may be written before the socket is looked at again: what one text alone goes over the mark by. */
  #takeBatch() {
    const texts = this.#texts
    if (this.#length <= this.#owner.mark) {
      this.discard()
      return texts
    }
    let count = 0
    let length = 0
    for (const text of texts) {
      if (length > this.#owner.mark) break
      length += text.length
      count += 1
    }
    this.#length -= length
    return texts.splice(0, count)
  }

  get #isSocketFull() {
    return bufferedBytes(this.#socket) > this.#owner.mark
  }

  /** @param {string[]} texts */
  #write(texts) {
    try {
      this.#kind.write(this.#socket, texts)
    } catch (error) {
      this.#owner.failed(error)
    }
  }
}

module.exports = { outletFor }
