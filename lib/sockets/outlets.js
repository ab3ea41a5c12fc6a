'use strict'

/**
 * How texts reach a socket. An *outlet* belongs to one session and is the only way to its socket, so
 * that everything leaves in order.
 *
 * A socket of an unknown kind is sent to at once. One of a known kind (`ws`, Bun) has a queue that
 * is written once per turn of the event loop, or less often: the system call per frame is most of a server's cost.
 * The kind is chosen when the session joins and never changes, and an outlet never throws out of
 * `send` or `flush`: it tells its owner.
 *
 * A socket takes whatever it is given and keeps what does not leave. So an outlet looks what became of what it
 * wrote, and past the mark it tells its owner and writes nothing more until the socket has let go of some.
 */

const { isCount } = require('./counts.js')
const { frameOf } = require('./frames.js')
const { kindOf } = require('./kinds.js')
const { bufferedBytes } = require('./sockets.js')
const { onRejection } = require('../timers.js')
const { flushAtEndOfTurn } = require('../turn.js')

/** @typedef {import('../../index').WebSocketLike} WebSocketLike */
/** @typedef {import('./frames.js').Frame} Frame */
/** @typedef {import('./kinds.js').SocketKind} SocketKind */
/** @typedef {import('./schedule.js').Schedule} Schedule */

/**
 * Who is told what a socket does not do. None of these may throw.
 * @typedef {object} OutletOwner
 * @property {number} mark the bytes past which a socket counts as full
 * @property {Schedule} schedule when its queue is written
 * @property {(error: unknown) => void} failed the socket cannot be written
 * @property {() => void} full it does not take what it is sent; told again and again while that is so
 */

/**
 * @typedef {object} Outlet
 * @property {boolean} isDirect whether what is sent leaves inside the call
 * @property {boolean} isOver whether nothing may be sent any more
 * @property {WebSocketLike} socket
 * @property {OutletOwner} owner
 * @property {number} place where it stands among those of its kind who are sent the same
 * @property {number} waitingBytes what has not been given to the socket, roughly
 * @property {(text: string) => void} send
 * @property {() => void} flush writes what waits, now, as far as the socket takes it
 * @property {() => void} hurry has what waits written at the end of this turn, whatever the schedule
 * @property {() => void} end forgets what waits, for good: the socket is gone
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
  isOver = false
  place = 0
  waitingBytes = 0

  /**
   * @param {WebSocketLike} socket
   * @param {OutletOwner} owner
   */
  constructor(socket, owner) {
    this.socket = socket
    this.owner = owner
  }

  /** @param {string} text */
  send(text) {
    const { socket, owner } = this
    try {
      const given = /** @type {unknown} */ (socket.send(text))
      if (given !== undefined) onRejection(given, owner.failed)
    } catch (error) {
      owner.failed(error)
      return
    }
    if (bufferedBytes(socket) > owner.mark) owner.full()
  }

  flush() {}

  hurry() {}

  end() {
    this.isOver = true
  }
}

/**
 * Holds at most what is sent until the schedule has it written, and of that hardly more than the mark.
 * @implements {Outlet}
 */
class QueuedOutlet {
  isDirect = false
  isOver = false
  place = 0
  #kind
  /** @type {Frame[]} */
  #frames = []
  /** The length of their texts: their bytes, but for what is not ASCII. */
  #length = 0
  #isDirty = false
  #isWriting = false

  /**
   * @param {WebSocketLike} socket
   * @param {SocketKind} kind
   * @param {OutletOwner} owner
   */
  constructor(socket, kind, owner) {
    this.socket = socket
    this.#kind = kind
    this.owner = owner
  }

  get waitingBytes() {
    return this.#length
  }

  /** @param {string} text */
  send(text) {
    const frames = this.#frames
    const last = frames.length - 1
    // Nobody needs to hear how many were there: each of hundreds who come at once would tell all of them.
    if (isCount(text) && isCount(frames[last]?.text)) frames[last] = frameOf(text)
    else this.#keep(text)
    // There may be more to say than should ever wait.
    if (this.#length > this.owner.mark) this.flush()
    if (this.#isDirty || this.#frames.length === 0) return
    this.#isDirty = true
    this.owner.schedule.add(this)
  }

  flush() {
    this.#isDirty = false
    // What is sent from inside a write is written behind it.
    if (this.#isWriting) return
    this.#isWriting = true
    let isFull = false
    while (this.#frames.length > 0 && !isFull) {
      if (!this.#isSocketFull) this.#write(this.#takeBatch())
      isFull = this.#isSocketFull
    }
    this.#isWriting = false
    if (isFull) this.owner.full()
  }

  hurry() {
    flushAtEndOfTurn(this)
  }

  end() {
    this.isOver = true
    this.#forget()
  }

  #forget() {
    this.#frames = []
    this.#length = 0
  }

  /** @param {string} text */
  #keep(text) {
    this.#frames.push(frameOf(text))
    this.#length += text.length
  }

  /** Takes what may be written before the socket is looked at again: what one text alone goes over the mark by. */
  #takeBatch() {
    const frames = this.#frames
    if (this.#length <= this.owner.mark) {
      this.#forget()
      return frames
    }
    let count = 0
    let length = 0
    for (const { text } of frames) {
      if (length > this.owner.mark) break
      length += text.length
      count += 1
    }
    this.#length -= length
    return frames.splice(0, count)
  }

  get #isSocketFull() {
    return bufferedBytes(this.socket) > this.owner.mark
  }

  /** @param {readonly Frame[]} frames */
  #write(frames) {
    try {
      this.#kind.write(this.socket, frames)
    } catch (error) {
      this.owner.failed(error)
    }
  }
}

module.exports = { outletFor }
