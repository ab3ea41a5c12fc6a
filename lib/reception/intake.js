'use strict'

/**
 * What comes in from one socket, on its way to the engine. While there is a reason to *hold* it, its
 * frames wait here in order, and the socket is paused if it can be, so that what its peer sends piles up at
 * the peer. Nothing is dropped: what would not fit in the inbox costs the session.
 */

const { isSpent, lineUp } = require('./budget.js')
const { Inbox, mayCatchUp } = require('./frames.js')
const { Debt, meterOf } = require('./rates.js')

/** @typedef {import('../../index').Limits} Limits */
/** @typedef {import('./frames.js').Frame} Frame */
/** @typedef {import('../sessions.js').Session} Session */

/** Why frames wait: bits, since reasons come and go independently. */
const Reason = /** @type {const} */ ({
  /** What was sent to the socket has not drained: an answer would be one more. */
  LAGGING: 1,
  /** It sent more than it may, and has to let time pass. */
  OVER_RATE: 2,
  /** It asks for a catch-up, and this turn of the event loop has seen enough of them. */
  TURN_IS_FULL: 4,
  /** Its room keeps much that the store has not taken yet. */
  STORE_IS_SLOW: 8,
  /** It is being caught up in steps: an answer would move its client's cursor over what is yet to come. */
  WALKS: 16,
})

/** Those reasons that may last: reading on would only fill the inbox. */
const PAUSING = Reason.LAGGING | Reason.OVER_RATE | Reason.STORE_IS_SLOW | Reason.WALKS

/** What is taken in at most of somebody who is heard now and then, but for the frame that is over it. */
const MOST_AJAR_BYTES = 16 * 1024

/**
 * A socket that can be told not to read, as `ws` can.
 * @typedef {{ pause: () => void, resume: () => void }} Pausable
 */

/**
 * The room that an intake takes frames in for.
 * @typedef {object} Receiver
 * @property {(session: Session, frame: Frame) => void} handle must not throw
 */

class Intake {
  #socket
  #session
  #isDirect
  #receiver
  #inbox
  #meter
  /** @type {Debt | undefined} */
  #debt
  #reasons = 0
  #isDraining = false
  #isOver = false
  #isPaused = false
  /** Whether the socket is read a little, although it counts as paused. */
  #isAjar = false

  /**
   * @param {unknown} socket
   * @param {Session} session
   * @param {Receiver} receiver
   * @param {Readonly<Limits>} limits
   */
  constructor(socket, session, receiver, limits) {
    this.#socket = isPausable(socket) ? socket : undefined
    this.#session = session
    this.#isDirect = session.isDirect
    this.#receiver = receiver
    this.#inbox = new Inbox(limits.frameBytes)
    this.#meter = meterOf(limits)
  }

  /** Whether frames wait, or would if they came. */
  get isHeld() {
    return this.#reasons !== 0
  }

  /** Whether nothing is read from the socket, but for some frames now and then. */
  get isPaused() {
    return this.#isPaused
  }

  /**
   * Charges a frame that has come, and lets it and what follows wait when it was too much. Gives `false` when the
   * socket cannot be made to stop.
   * @param {Frame} frame
   * @returns {boolean}
   */
  charge(frame) {
    const meter = this.#meter
    if (meter === undefined || this.#isOver || meter.charge(frame)) return true
    this.hold(Reason.OVER_RATE)
    if (!this.#isPaused) return false
    this.#debt ??= new Debt(meter, () => this.release(Reason.OVER_RATE))
    this.#debt.wait()
    return true
  }

  /**
   * Handles a frame, or keeps it behind those that wait. Gives `false`, and keeps nothing any more, when
   * too much waits.
   * @param {Frame} frame
   * @returns {boolean}
   */
  receive(frame) {
    if (this.#isOver) return true
    if (this.#isAjar && this.#inbox.bytes >= MOST_AJAR_BYTES) this.#pause()
    if (this.#reasons !== 0 || this.#isDraining || this.#mustTakeTurns(frame)) {
      return this.#inbox.add(frame)
    }
    this.#receiver.handle(this.#session, frame)
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

  /**
   * Handles what waits for this reason, which stays, and has some more come for the next time: somebody whom there is
   * always more to tell is heard all the same. Of what it asks for, it is told one thing at a time.
   * @param {number} reason
   */
  admit(reason) {
    if (this.#isDraining) return
    this.#isDraining = true
    let frame = this.#inbox.peek()
    while (frame !== undefined && this.#reasons === reason && !this.#mustTakeTurns(frame)) {
      this.#inbox.take()
      this.#receiver.handle(this.#session, frame)
      if (mayCatchUp(frame)) break
      frame = this.#inbox.peek()
    }
    this.#isDraining = false
    if (this.#reasons === 0) this.#drain()
    else if (this.#reasons === reason && this.#inbox.peek() === undefined) this.#leaveAjar()
  }

  /** Forgets what waits, for good: the session is gone. */
  discard() {
    this.#isOver = true
    this.#inbox.close()
    this.#debt?.forget()
    // A paused socket would not read that its peer has closed it.
    this.#resume()
  }

  /** Its turn has come. Another reason may have come with the time. */
  takeTurn() {
    this.release(Reason.TURN_IS_FULL)
  }

  /**
   * Lets the session wait for a later turn if that is what this frame calls for.
   * @param {Frame} frame
   */
  #mustTakeTurns(frame) {
    if (!isSpent(this.#isDirect) || !mayCatchUp(frame)) return false
    this.hold(Reason.TURN_IS_FULL)
    lineUp(this.#receiver, this)
    return true
  }

  /** Handles what waits until there is a reason again. */
  #drain() {
    if (this.#isDraining) return
    this.#isDraining = true
    while (this.#reasons === 0) {
      const frame = this.#inbox.peek()
      if (frame === undefined || this.#mustTakeTurns(frame)) break
      this.#inbox.take()
      this.#receiver.handle(this.#session, frame)
    }
    this.#isDraining = false
    if ((this.#reasons & PAUSING) === 0) this.#resume()
  }

  #pause() {
    if ((this.#isPaused && !this.#isAjar) || this.#socket === undefined) return
    this.#isAjar = false
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
    this.#isAjar = false
    // Nothing was heard of it meanwhile.
    this.#session.pulse?.beat()
    this.#read()
  }

  /** Has the socket read a little. */
  #leaveAjar() {
    if (!this.#isPaused) return
    this.#isAjar = true
    this.#read()
  }

  #read() {
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
