'use strict'

/**
 * What comes in from one socket, on its way to the engine. While there is a reason to *hold* it, its
 * frames wait here in order, and the socket is paused if it can be, so that what its peer sends piles up at
 * the peer. Nothing is dropped: what would not fit in the inbox costs the session.
 */

const { Inbox } = require('./frames.js')

/** @typedef {import('./frames.js').Frame} Frame */

/** Why frames wait: bits, since reasons come and go independently. */
const Reason = /** @type {const} */ ({
  /** What was sent to the socket has not drained: an answer would be one more. */
  LAGGING: 1,
})

/** Those reasons that may last: reading on would only fill the inbox. */
const PAUSING = Reason.LAGGING

/**
 * A socket that can be told not to read, as `ws` can.
 * @typedef {{ pause: () => void, resume: () => void }} Pausable
 */

class Intake {
  #socket
  #handle
  #inbox
  #reasons = 0
  #isDraining = false
  #isOver = false
  #isPaused = false

  /**
   * @param {unknown} socket
   * @param {number} frameBytes the size of the largest frame that must be able to wait
   * @param {(frame: Frame) => void} handle must not throw
   */
  constructor(socket, frameBytes, handle) {
    this.#socket = isPausable(socket) ? socket : undefined
    this.#handle = handle
    this.#inbox = new Inbox(frameBytes)
  }

  /** Whether frames wait, or would if they came. */
  get isHeld() {
    return this.#reasons !== 0
  }

  /** Whether nothing is read from the socket. */
  get isPaused() {
    return this.#isPaused
  }

  /**
   * Handles a frame, or keeps it behind those that wait. Gives `false`, and keeps nothing any more, when
   * too much waits.
   * @param {Frame} frame
   * @returns {boolean}
   */
  receive(frame) {
    if (this.#isOver) return true
    if (this.#reasons !== 0 || this.#isDraining) return this.#inbox.add(frame)
    this.#handle(frame)
    return true
  }

  /**
   * Makes frames wait until the reason is released.
   * @param {number} reason
   */
  hold(reason) {
    if (this.#isOver) return
    this.#reasons |= reason
    if ((this.#reasons & PAUSING) !== 0) this.#pause()
  }

  /**
   * Ends a reason; with the last one what waits is handled, before this returns.
   * @param {number} reason
   */
  release(reason) {
    this.#reasons &= ~reason
    this.#drain()
  }

  /** Forgets what waits, for good: the session is gone. */
  discard() {
    this.#isOver = true
    this.#inbox.close()
    // A paused socket would not read that its peer has closed it.
    this.#resume()
  }

  /** Handles what waits until there is a reason again. */
  #drain() {
    if (this.#isDraining) return
    this.#isDraining = true
    while (this.#reasons === 0) {
      const frame = this.#inbox.take()
      if (frame === undefined) break
      this.#handle(frame)
    }
    this.#isDraining = false
    if ((this.#reasons & PAUSING) === 0) this.#resume()
  }

  #pause() {
    if (this.#isPaused || this.#socket === undefined) return
    try {
      this.#socket.pause()
      this.#isPaused = true
    } catch {
      // What it reads all the same waits in the inbox.
    }
  }

  #resume() {
    if (!this.#isPaused) return
    this.#isPaused = false
    try {
      this.#socket?.resume()
    } catch {
      // It is gone, and its close event on its way.
    }
  }
}

/**
 * @param {unknown} socket
 * @returns {socket is Pausable}
 */
function isPausable(socket) {
  const { pause, resume } = /** @type {Record<string, unknown>} */ (socket)
  return typeof pause === 'function' && typeof resume === 'function'
}

module.exports = { Intake, Reason }
