'use strict'

/**
 * The sessions of a room that lag: their sockets do not drain. The engine sends them nothing, and nothing
 * is read from them, until they have drained; those that do not move at all are closed.
 */

const { isSpent } = require('../reception/budget.js')
const { Reason } = require('../reception/intake.js')
const { TOO_SLOW } = require('./sockets.js')
const { Timer } = require('../timers.js')

/** @typedef {import('../effects.js').EffectQueue} EffectQueue */
/** @typedef {import('../engine.js').Engine} Engine */
/** @typedef {import('../sessions.js').Session} Session */

/** How often the sockets are looked at: no kind of socket tells when it has drained in part. */
const POLL_MS = 20

/**
 * What one look counts at most. A process that was held up or put to sleep does not know that its peers
 * did not read meanwhile.
 */
const LONGEST_STALL_PER_POLL_MS = 1_000

/** What has to leave on the whole: a reader that takes a byte now and then would keep what waits for ever. */
const LEAST_BYTES_PER_MS = 1024 / 1000

/** A session has drained when it is down to this share of the mark: it should not lag again at once. */
const DRAINED_SHARE = 1 / 4

/**
 * @typedef {object} Host
 * @property {Engine} engine
 * @property {EffectQueue} queue
 * @property {{ queuedBytes: number, stallTimeoutMs: number }} limits
 * @property {import('../witness/witness.js').Witness} witness
 * @property {(session: Session, code: number, reason: string) => void} expel
 */

/**
 * What a socket held at the last look, and how much time without progress there is to be made up for.
 * @typedef {{ queued: number, leaving: number, stalledMs: number }} Look
 */

class Laggards {
  #host
  /** @type {Map<Session, Look>} */
  #looks = new Map()
  #timer = new Timer()
  #polledAt = 0

  /** @param {Host} host */
  constructor(host) {
    this.#host = host
  }

  /**
   * A session's socket is full. Told again while that is so, since the engine catches a session up by itself
   * where one of its frames had waited for the store.
   * @param {Session} session
   */
  add(session) {
    if (session.isGone) return
    const { engine, queue, witness } = this.#host
    if (!this.#looks.has(session)) {
      witness.lagging(session)
      const { queuedBytes: queued, leavingBytes: leaving } = session
      this.#looks.set(session, { queued, leaving, stalledMs: 0 })
      session.intake?.hold(Reason.LAGGING)
      if (!this.#timer.armed) {
        this.#polledAt = performance.now()
        this.#arm()
      }
    }
    queue.run(engine.lag(session.number))
  }

  #arm() {
    this.#timer.armUnreferenced(POLL_MS, () => this.#poll())
  }

  #poll() {
    const now = performance.now()
    const elapsedMs = Math.min(now - this.#polledAt, LONGEST_STALL_PER_POLL_MS)
    this.#polledAt = now
    for (const [session, look] of [...this.#looks]) {
      if (session.isGone) this.#looks.delete(session)
      else this.#look(session, look, elapsedMs)
    }
    if (this.#looks.size > 0) this.#arm()
  }

  /**
   * @param {Session} session
   * @param {Look} look
   * @param {number} elapsedMs
   */
  #look(session, look, elapsedMs) {
    session.flush()
    const { limits, expel } = this.#host
    const { queuedBytes: queued, leavingBytes: leaving } = session
    if (queued <= limits.queuedBytes * DRAINED_SHARE) {
      // Many may drain at once, and each diff may be large.
      if (!isSpent(false)) this.#release(session)
      return
    }
    // Both count the same bytes, at different moments.
    const leftBytes = Math.max(look.queued - queued, look.leaving - leaving, 0)
    look.stalledMs = Math.max(0, look.stalledMs + elapsedMs - leftBytes / LEAST_BYTES_PER_MS)
    look.queued = queued
    look.leaving = leaving
    if (look.stalledMs >= limits.stallTimeoutMs) {
      this.#looks.delete(session)
      expel(session, ...TOO_SLOW)
    }
  }

  /**
   * Brings a session up to date, then handles what it has sent.
   * @param {Session} session
   */
  #release(session) {
    const { engine, queue, witness } = this.#host
    this.#looks.delete(session)
    queue.run(engine.drained(session.number))
    // What it was sent now may have been too much again, and so may be whatever it will be sent.
    if (this.#looks.has(session)) {
      session.intake?.admit(Reason.LAGGING)
      return
    }
    witness.drained(session)
    session.intake?.release(Reason.LAGGING)
  }
}

module.exports = { Laggards }
