'use strict'

/**
 * The sessions of a room that lag: their sockets do not drain. The engine sends them nothing, and nothing
 * is read from them, until they have drained; those that do not move at all are closed.
 */

const { isSpent } = require('../reception/budget.js')
const { Reason } = require('../reception/intake.js')
const { Backlog, relieve } = require('./backlog.js')
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
 * @property {() => void} drained some session lags no more
 */

class Laggards {
  #host
  /** @type {Map<Session, Backlog>} */
  #backlogs = new Map()
  #timer = new Timer()
  #polledAt = 0

  /** @param {Host} host */
  constructor(host) {
    this.#host = host
  }

  /**
   * Whether a session lags.
   * @param {Session} session
   */
  has(session) {
    return this.#backlogs.has(session)
  }

  /**
   * A session's socket is full. Told again while that is so, since the engine catches a session up by itself
   * where one of its frames had waited for the store.
   * @param {Session} session
   */
  add(session) {
    if (session.isGone) return
    const { engine, queue, witness } = this.#host
    if (!this.#backlogs.has(session)) {
      witness.lagging(session)
      this.#backlogs.set(session, new Backlog(heldBy(session), () => this.#giveUp(session)))
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
    for (const [session, backlog] of [...this.#backlogs]) {
      if (session.isGone) this.#forget(session)
      else this.#look(session, backlog, elapsedMs)
    }
    relieve(now)
    if (this.#backlogs.size > 0) this.#arm()
  }

  /**
   * @param {Session} session
   * @param {Backlog} backlog
   * @param {number} elapsedMs
   */
  #look(session, backlog, elapsedMs) {
    session.flush()
    const { limits } = this.#host
    const held = heldBy(session)
    if (held.queued <= limits.queuedBytes * DRAINED_SHARE) {
      // Many may drain at once, and each diff may be large.
      if (!isSpent(false)) this.#release(session)
      return
    }
    const excusedMs = backlog.look(held) / LEAST_BYTES_PER_MS
    backlog.stalledMs = Math.max(0, backlog.stalledMs + elapsedMs - excusedMs)
    if (backlog.stalledMs >= limits.stallTimeoutMs) this.#giveUp(session)
  }

  /** @param {Session} session */
  #giveUp(session) {
    this.#forget(session)
    this.#host.expel(session, ...TOO_SLOW)
  }

  /** @param {Session} session */
  #forget(session) {
    this.#backlogs.get(session)?.end()
    this.#backlogs.delete(session)
  }

  /**
   * Brings a session up to date, then handles what it has sent.
   * @param {Session} session
   */
  #release(session) {
    const { engine, queue, witness } = this.#host
    this.#forget(session)
    queue.run(engine.drained(session.number))
    this.#host.drained()
    // What it was sent now may have been too much again, and so may be whatever it will be sent.
    if (this.#backlogs.has(session)) {
      session.intake?.admit(Reason.LAGGING)
      return
    }
    witness.drained(session)
    session.intake?.release(Reason.LAGGING)
  }
}

/**
 * What a session's socket holds, and of that what the system is being given.
 * @param {Session} session
 */
function heldBy({ queuedBytes: queued, leavingBytes: leaving }) {
  return { queued, leaving }
}

module.exports = { Laggards }
