'use strict'

/**
 * What is done faster than it need be. Each has a plain way beside it, which users can force where a fast one is
 * suspected, and which the tests run on.
 */

/** @typedef {'raw-functions' | 'joined-writes' | 'fast-decoder'} FastPath */

/** @type {readonly string[]} */
const FAST_PATHS = ['raw-functions', 'joined-writes', 'fast-decoder']

/** The names of those that are off, as they were at load. */
const off = new Set((process.env.HEDDLE_WITHOUT ?? '').split(',').filter((name) => name !== ''))

for (const name of off) {
  if (FAST_PATHS.includes(name)) continue
  throw new Error(`HEDDLE_WITHOUT names "${name}", which is none of ${FAST_PATHS.join(', ')}`)
}

/** @param {FastPath} name */
function isOff(name) {
  return off.has(name)
}

module.exports = { isOff }
