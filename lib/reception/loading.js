'use strict'

/**
 * What waits while a room loads: the caller of `load()`, and the frames of the sessions that have
 * joined already. Frames are handled in the order in which they came, over all sessions.
 */

const { Inbox } = require('./frames.js')
const { deferred } = require('../timers.js')

/** @typedef {import('./frames.js').Frame} Frame */
/** @typedef {import('../sessions.js').Session} Session */

class LoadGate {
  #frameBytes
  /** @type {import('../timers.js').Deferred<void>} */
  #outcome = deferred()
  /**
   * There where somebody has joined already, which is rare.
   * @type {Map<Session, Inbox> | undefined}
   */
  #inboxes
  /**
   * The session of each waiting frame.
   * @type {Session[] | undefined}
   */
  #arrivals

  /** @param {number} frameBytes the size of the largest frame */
  constructor(frameBytes) {
    this.#frameBytes = frameBytes
  }

  /** Settles when the room is loaded, or when that failed. */
  get promise() {
    return this.#outcome.promise
  }

  /**
   * Makes a session's frames wait.
   * @param {Session} session
   */
  admit(session) {
    this.#inboxes ??= new Map()
    this.#inboxes.set(session, new Inbox(this.#frameBytes))
    session.gate = this
  }

  /**
   * Keeps a frame; gives `false` when the session has too much waiting.
   * @param {Session} session
   * @param {Frame} frame
   */
  hold(session, frame) {
    const inbox = this.#inboxes?.get(session)
    if (inbox?.add(frame) !== true) return false
    this.#arrivals ??= []
    this.#arrivals.push(session)
    return true
  }

  /**
   * Forgets the frames of a session that has left.
   * @param {Session} session
   */
  forget(session) {
    this.#inboxes?.get(session)?.close()
    this.#inboxes?.delete(session)
  }

  /**
   * Hands out what waits, then lets the sessions through. A frame that comes from inside `handle`
   * queues behind those of its session.
   * @param {(session: Session, frame: Frame) => void} handle
   */
  open(handle) {
    // Grows while it is walked over.
    for (const session of this.#arrivals ?? []) {
      const frame = this.#inboxes?.get(session)?.take()
      if (frame !== undefined) handle(session, frame)
    }
    for (const session of this.#inboxes?.keys() ?? []) session.gate = undefined
    this.#outcome.resolve()
  }

  /** @param {unknown} error */
  fail(error) {
    for (const inbox of this.#inboxes?.values() ?? []) inbox.close()
    this.#inboxes = undefined
    this.#arrivals = undefined
    this.#outcome.reject(error)
  }
}

module.exports = { LoadGate }
