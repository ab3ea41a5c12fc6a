'use strict'

/**
 * Checks of the arguments that users hand over. Each throws a `TypeError` with
 * `code: 'HEDDLE_INVALID_ARGUMENT'` that names the argument and never shows its value: it may be a
 * token.
 */

/** The delays that a room and a manager take. */
const DELAYS = ['saveThrottleMs', 'idleTimeout']

/** What comes later than this nobody would call live. */
const LONGEST_WRITE_INTERVAL_MS = 1_000

/** The callbacks that a room takes. */
const CALLBACKS = [
  'createStorage',
  'onDataChange',
  'onDocumentPatch',
  'onSessionRemoved',
  'onTokenRefresh',
  'onError',
]

/**
 * @param {string} name
 * @param {string} expected
 * @param {unknown} value
 * @returns {TypeError & { code: string }}
 */
function invalidArgument(name, expected, value) {
  const error = new TypeError(`${name} must be ${expected}, not ${kindOf(value)}`)
  return Object.assign(error, { code: 'HEDDLE_INVALID_ARGUMENT' })
}

/**
 * @param {unknown} value
 * @returns {string}
 */
function kindOf(value) {
  if (value === null || value === undefined) return String(value)
  if (Array.isArray(value)) return 'an array'
  if (typeof value === 'number') return `the number ${value}`
  return typeof value === 'object' ? 'an object of another kind' : `a ${typeof value}`
}

/**
 * @param {unknown} value
 * @returns {value is Record<string, unknown>}
 */
function isRecord(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/**
 * @param {string} name
 * @param {unknown} value
 * @returns {asserts value is string}
 */
function checkString(name, value) {
  if (typeof value !== 'string') throw invalidArgument(name, 'a string', value)
}

/**
 * Checks a string that every frame of somebody may carry to everybody else.
 * @param {string} name
 * @param {string} value
 * @param {number} most
 */
function checkBytes(name, value, most) {
  if (!isWithin(value, most)) throw invalidArgument(name, `${most} bytes at most`, value)
}

/**
 * Whether a string has no more bytes than that, in UTF-8.
 * @param {string} value
 * @param {number} most
 */
function isWithin(value, most) {
  return value.length <= most && Buffer.byteLength(value) <= most
}

/**
 * @param {string} name
 * @param {unknown} value
 * @returns {asserts value is Record<string, unknown>}
 */
function checkRecord(name, value) {
  if (!isRecord(value)) throw invalidArgument(name, 'an object', value)
}

/**
 * @param {string} name
 * @param {unknown} value
 */
function checkFunction(name, value) {
  if (typeof value !== 'function') throw invalidArgument(name, 'a function', value)
}

/**
 * Checks that an object has the methods that will be called on it.
 * @param {string} name
 * @param {unknown} value
 * @param {readonly string[]} methods
 */
function checkMethods(name, value, methods) {
  const has = (/** @type {string} */ method) =>
    typeof (/** @type {Record<string, unknown>} */ (value)[method]) === 'function'
  if (typeof value !== 'object' || value === null || !methods.every(has)) {
    const list = methods.map((method) => `${method}()`).join(' and ')
    throw invalidArgument(name, `an object with ${list}`, value)
  }
}

/**
 * @param {unknown} storage
 * @param {string} name
 */
function checkStorage(storage, name) {
  checkMethods(name, storage, ['load', 'save'])
  const { append, loadChanges } = /** @type {{ append?: unknown, loadChanges?: unknown }} */ (
    storage
  )
  // Changes that cannot be read again would be lost, and nobody would notice before the next start.
  if (append !== undefined || loadChanges !== undefined) {
    checkMethods(name, storage, ['append', 'loadChanges'])
  }
}

/**
 * Checks what rooms and managers have in common.
 * @param {unknown} options
 */
function checkRoomOptions(options) {
  checkRecord('options', options)
  for (const name of CALLBACKS) {
    if (options[name] !== undefined) checkFunction(`options.${name}`, options[name])
  }
  for (const name of DELAYS) {
    const delay = options[name]
    if (delay !== undefined && !(typeof delay === 'number' && delay >= 0)) {
      throw invalidArgument(`options.${name}`, 'a number of milliseconds from 0 on', delay)
    }
  }
  if (options.writeIntervalMs !== undefined) {
    checkInteger('options.writeIntervalMs', options.writeIntervalMs, 0, LONGEST_WRITE_INTERVAL_MS)
  }
  if (options.storage !== undefined) checkStorage(options.storage, 'options.storage')
  const durability = options.durability
  if (durability !== undefined && !['none', 'process', 'disk'].includes(String(durability))) {
    throw invalidArgument('options.durability', "'none', 'process' or 'disk'", durability)
  }
  checkHistory(options.history)
}

/** @param {unknown} history */
function checkHistory(history) {
  if (history === undefined) return
  checkRecord('options.history', history)
  const { retentionMs } = history
  if (!(typeof retentionMs === 'number' && retentionMs > 0)) {
    const name = 'options.history.retentionMs'
    throw invalidArgument(name, 'a number of milliseconds above 0', retentionMs)
  }
}

/**
 * @param {string} name
 * @param {unknown} value
 * @param {number} least
 * @param {number} [most]
 * @returns {asserts value is number}
 */
function checkInteger(name, value, least, most) {
  const integer = Number.isSafeInteger(value) ? Number(value) : Number.NaN
  if (!(integer >= least && integer <= (most ?? integer))) {
    const range = most === undefined ? `${least} on` : `${least} to ${most}`
    throw invalidArgument(name, `an integer from ${range}`, value)
  }
}

module.exports = {
  checkBytes,
  checkFunction,
  checkInteger,
  checkMethods,
  checkRecord,
  checkRoomOptions,
  checkStorage,
  checkString,
  invalidArgument,
  isRecord,
  isWithin,
}
