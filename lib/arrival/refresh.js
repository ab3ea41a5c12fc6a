'use strict'

/**
 * What users' code says about a token, at connect and at each refresh.
 *
 * A session has one refresh under way at most, and one more that waits: the latest. A peer that sends
 * tokens faster than they are verified costs no more than that, and of those it sent the last one counts.
 */

const { isRecord } = require('../arguments.js')
const { HeddleError } = require('../errors.js')
const { Timer } = require('../timers.js')

/** @typedef {import('../../index').SessionPermission} SessionPermission */
/** @typedef {import('../engine.js').Engine} Engine */
/** @typedef {import('../hooks.js').Hooks} Hooks */
/** @typedef {import('../mailbox.js').Effects} Effects */
/** @typedef {import('../sessions.js').Session} Session */

/** @typedef {{ permissions: SessionPermission, metadata: unknown }} Grant */

/**
 * One refresh.
 * @typedef {object} Refresh
 * @property {number} attempt what the engine calls it
 * @property {string} callback who is asked
 * @property {() => unknown} ask
 */

/**
 * What the refreshes of a room need of it.
 * @typedef {object} Surroundings
 * @property {Engine} engine
 * @property {Hooks} hooks
 * @property {(effects: Effects | null) => void} run
 * @property {number} timeoutMs how long an answer may take
 */

/**
 * The errors that say that there was no answer, to be told from what users' code throws, which may be anything.
 * @type {WeakSet<object>}
 */
const noAnswers = new WeakSet()

/** The refreshes of one room. */
class Refreshes {
  #surroundings

  /** @param {Surroundings} surroundings */
  constructor(surroundings) {
    this.#surroundings = surroundings
  }

  /**
   * Has a token verified that came in a session's frame.
   * @param {Session} session
   * @param {number} attempt
   * @param {string} token
   */
  verify(session, attempt, token) {
    if (session.isGone) return
    const { id: sessionId, clientId, onRefresh } = session
    const { hooks } = this.#surroundings
    const verify = onRefresh ?? hooks.tokenVerifier({ sessionId, clientId, token })
    if (verify === undefined) return
    const callback = onRefresh === undefined ? 'onTokenRefresh' : 'authorize'
    session.refreshes ??= new SessionRefreshes(session, this.#surroundings)
    session.refreshes.add({ attempt, callback, ask: () => verify(token) })
  }
}

/** The refreshes of one session. */
class SessionRefreshes {
  #session
  #surroundings
  #timer = new Timer()
  #isBusy = false
  /** @type {Refresh | undefined} */
  #waiting
  #isOver = false

  /**
   * @param {Session} session
   * @param {Surroundings} surroundings
   */
  constructor(session, surroundings) {
    this.#session = session
    this.#surroundings = surroundings
  }

  /** @param {Refresh} refresh */
  add(refresh) {
    // One that waits already is superseded before it began.
    if (this.#isBusy) this.#waiting = refresh
    else this.#begin(refresh)
  }

  /** The session is gone: nothing is asked any more, and no answer counts. */
  stop() {
    this.#isOver = true
    this.#waiting = undefined
    this.#timer.clear()
  }

  /** @param {Refresh} refresh */
  #begin(refresh) {
    this.#isBusy = true
    const { callback, ask, attempt } = refresh
    const askLater = async () => {
      await undefined
      return ask()
    }
    const { timeoutMs } = this.#surroundings
    grantInTime(askLater, callback, { timer: this.#timer, timeoutMs }).then(
      (grant) => this.#finish(() => this.#accept(attempt, grant)),
      (error) => this.#finish(() => this.#refuse(attempt, error)),
    )
  }

  /** @param {() => void} settle */
  #finish(settle) {
    if (this.#isOver) return
    this.#timer.clear()
    this.#isBusy = false
    const next = this.#waiting
    this.#waiting = undefined
    // Whatever came of one that was superseded.
    if (next === undefined) settle()
    else this.#begin(next)
  }

  /**
   * @param {number} attempt
   * @param {Grant} grant
   */
  #accept(attempt, { permissions, metadata }) {
    const session = this.#session
    const counts = this.#surroundings.engine.tokenVerified(session.number, attempt, permissions)
    if (counts && metadata !== undefined) session.metadata = metadata
  }

  /**
   * @param {number} attempt
   * @param {unknown} error
   */
  #refuse(attempt, error) {
    const { engine, hooks, run } = this.#surroundings
    const { id, number } = this.#session
    run(engine.tokenRefused(number, attempt))
    // To throw is how a token is refused; only what is no answer at all is news to the server.
    if (isNoAnswer(error)) hooks.report(error, id)
  }
}

/**
 * Asks what a token stands for. Rejects with what `ask` throws or rejects with, and with
 * `HEDDLE_BAD_AUTHORIZATION` or `HEDDLE_AUTHORIZE_TIMEOUT` where it gives no answer.
 * @param {() => unknown} ask
 * @param {string} callback who is asked
 * @param {{ timer: Timer, timeoutMs: number }} patience to be cleared by the caller
 * @returns {Promise<Grant>}
 */
function grantInTime(ask, callback, { timer, timeoutMs }) {
  // `await` reads what it gets once, whatever that is, and takes one outcome of it at most.
  const answer = async () => grantOf(await ask(), callback)
  return new Promise((resolve, reject) => {
    timer.armUnreferenced(timeoutMs, () => {
      reject(noAnswer('HEDDLE_AUTHORIZE_TIMEOUT', `${callback} gave no answer in time`))
    })
    answer().then(resolve, reject)
  })
}

/**
 * Throws `HEDDLE_BAD_AUTHORIZATION`, or what reading the answer throws.
 * @param {unknown} answer
 * @param {string} callback who gave it
 * @returns {Grant}
 */
function grantOf(answer, callback) {
  if (!isRecord(answer) || !('permissions' in answer)) {
    const message = `${callback} must return an object with permissions, or throw`
    throw noAnswer('HEDDLE_BAD_AUTHORIZATION', message)
  }
  const { permissions, metadata } = answer
  return { permissions: permissionOf(permissions), metadata }
}

/**
 * Whether an error says that there was no answer; all others are what users' code answered with.
 * @param {unknown} error
 * @returns {error is HeddleError}
 */
function isNoAnswer(error) {
  return noAnswers.has(/** @type {object} */ (error))
}

/**
 * @param {import('../../index').HeddleErrorCode} code
 * @param {string} message
 * @returns {HeddleError}
 */
function noAnswer(code, message) {
  const error = new HeddleError(code, message)
  noAnswers.add(error)
  return error
}

/**
 * Anything but the one word is the lesser right.
 * @param {unknown} permissions
 * @returns {SessionPermission}
 */
function permissionOf(permissions) {
  return permissions === 'readwrite' ? 'readwrite' : 'readonly'
}

module.exports = { grantInTime, isNoAnswer, permissionOf, Refreshes, SessionRefreshes }
