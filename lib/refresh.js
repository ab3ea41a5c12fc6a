'use strict'

/**
 * What users' code says about a token, at connect and at each refresh.
 */

const { isRecord } = require('./arguments.js')
const { HeddleError } = require('./errors.js')

/** @typedef {import('../index').SessionPermission} SessionPermission */

/** @typedef {{ permissions: SessionPermission, metadata: unknown }} Grant */

/**
 * Asks, in a microtask, what a token stands for. Never rejects: `undefined` is a refusal.
 * @param {() => unknown} verify
 * @param {(error: HeddleError) => void} onMistake told of an answer that is neither
 * @returns {Promise<Grant | undefined>}
 */
async function askInMicrotask(verify, onMistake) {
  /** @type {unknown} */
  let answer
  try {
    await undefined
    answer = await verify()
  } catch {
    // To throw is how a token is refused; there is nothing to report.
    return undefined
  }
  try {
    return grantOf(answer, 'onTokenRefresh')
  } catch (error) {
    if (error instanceof HeddleError) onMistake(error)
    return undefined
  }
}

/**
 * Throws `HEDDLE_BAD_AUTHORIZATION`.
 * @param {unknown} answer
 * @param {string} callback who gave it
 * @returns {Grant}
 */
function grantOf(answer, callback) {
  if (!isRecord(answer)) {
    const message = `${callback} must return an object with permissions, or throw`
    throw new HeddleError('HEDDLE_BAD_AUTHORIZATION', message)
  }
  return { permissions: permissionOf(answer.permissions), metadata: answer.metadata }
}

/**
 * Anything but the one word is the lesser right.
 * @param {unknown} permissions
 * @returns {SessionPermission}
 */
function permissionOf(permissions) {
  return permissions === 'readwrite' ? 'readwrite' : 'readonly'
}

module.exports = { askInMicrotask, grantOf, permissionOf }
