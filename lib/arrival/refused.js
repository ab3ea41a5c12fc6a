'use strict'

/**
 * What a connection is refused for, as those see it who count: a code out of few, all of heddle's own. What users' code
 * throws may hold anything, a token or a code of its own, so of that only the step counts in which it came.
 */

const { ConnectRequestError, HeddleError } = require('../errors.js')
const { isNoAnswer } = require('./refresh.js')

/** How far a connection has come; the value stands for what is thrown there and has no code of heddle's. */
const Step = /** @type {const} */ ({
  /** Nobody was asked yet. */
  KNOCKING: 'HEDDLE_INVALID_ARGUMENT',
  AUTHORIZING: 'not-authorized',
  /** Its room is opened, and joined. */
  OPENING: 'room-not-opened',
})

/** Its frames came faster than anybody answered. */
const TOO_MANY_FRAMES = 'too-many-frames'

/**
 * @param {unknown} error
 * @param {string} step
 * @returns {string}
 */
function refusalCode(error, step) {
  if (isNoAnswer(error)) return error.code
  // Of what `authorize` throws not even a code of heddle's is heddle's word.
  const code = step === Step.AUTHORIZING ? undefined : ownCodeOf(error)
  return code ?? step
}

/**
 * @param {unknown} error which need not let anybody look at it
 * @returns {string | undefined}
 */
function ownCodeOf(error) {
  try {
    const isOwn = error instanceof HeddleError || error instanceof ConnectRequestError
    return isOwn ? error.code : undefined
  } catch {
    return undefined
  }
}

module.exports = { refusalCode, Step, TOO_MANY_FRAMES }
