'use strict'

/**
 * What serves the people in a room, and runs its effects: made for the first of them, and let go of when nobody is there any
 * more. Here is what becomes of each effect.
 */

const { Refreshes } = require('./arrival/refresh.js')
const { EffectQueue } = require('./effects.js')
const { Reception } = require('./reception/reception.js')
const { Sessions } = require('./sessions.js')
const { scheduleOf } = require('./sockets/schedule.js')
const { commitAtEndOfTurn } = require('./turn.js')

/** @typedef {import('./engine.js').Engine} Engine */
/** @typedef {import('./hooks.js').Hooks} Hooks */
/** @typedef {import('./keepers/keepers.js').Keeper} Keeper */
/** @typedef {import('./sessions.js').Session} Session */

/**
 * The room that is served. None of these may throw.
 * @typedef {object} ServedRoom
 * @property {Hooks} hooks
 * @property {Engine} engine
 * @property {Keeper | undefined} keeper
 * @property {number} writeIntervalMs
 * @property {() => boolean} isClosed
 * @property {(session: Session, remaining: number) => void} left a session has left
 */

class Service {
  #hooks
  #keeper

  /** @param {ServedRoom} room */
  constructor({ hooks, engine, keeper, writeIntervalMs, isClosed, left }) {
    this.#hooks = hooks
    this.#keeper = keeper
    const { limits } = engine
    const sessions = new Sessions(hooks.witness, limits.queuedBytes)
    const refreshes = new Refreshes({
      engine,
      hooks,
      run: (effects) => queue.run(effects),
      timeoutMs: limits.authorizeTimeoutMs,
    })
    const queue = new EffectQueue(sessions, {
      close: (session, code, reason) => this.close(session, code, reason),
      refused: (session, code) => hooks.witness.refused(session, code),
      left,
      walks: (session, begins) => {
        if (begins) reception.walks.begin(session)
        else reception.walks.end(session)
      },
      piece: (text, receivers) => reception.walks.give(text, receivers),
      verifyToken: (session, attempt, token) => refreshes.verify(session, attempt, token),
      changed: (patches) => {
        keeper?.changed()
        hooks.documentChanged(patches)
      },
      commit: () => this.#commitSoon(),
      storeFailed: (error) => keeper?.storeFailed(error),
      storeHealed: () => keeper?.storeHealed(),
      storeTrouble: (error) => keeper?.storeTrouble(error),
      settled: (ticket, error) => keeper?.settled(ticket, error),
      failed: (error) => engine.break(error),
    })
    const reception = new Reception({
      engine,
      queue,
      sessions,
      limits,
      schedule: scheduleOf(writeIntervalMs),
      witness: hooks.witness,
      isClosed,
      report: (error, sessionId) => hooks.report(error, sessionId),
    })
    this.sessions = sessions
    this.queue = queue
    this.reception = reception
  }

  /** Whether it serves nobody, and nothing is under way. */
  get isAtRest() {
    return this.sessions.isEmpty && this.queue.isIdle && this.reception.isAtRest
  }

  /**
   * Closes a session's socket.
   * @param {Session} session
   * @param {number} [code]
   * @param {string} [reason]
   */
  close(session, code, reason) {
    this.sessions.catchUp(session)
    try {
      session.close(code, reason)
    } catch (error) {
      this.#hooks.report(error, session.id)
    }
  }

  /** Commits at the end of the turn, or now where a socket is sent to inside the call. */
  #commitSoon() {
    if (this.sessions.hasDirect) this.#keeper?.commit()
    else commitAtEndOfTurn(() => this.#keeper?.commit())
  }
}

module.exports = { Service }
