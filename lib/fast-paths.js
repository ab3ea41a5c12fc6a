'use strict'

/**
 * The fast paths, each of which has a plain one that does the same. `HEDDLE_WITHOUT`, a comma-separated list of
 * names that is read once at load, turns them off: for tests of the plain ones, and to find out whether a fast one is to blame.
 */

/** @typedef {'raw-functions' | 'joined-writes' | 'fast-decoder'} FastPath */

/** @type {readonly FastPath[]} */
const NAMES = ['raw-functions', 'joined-writes', 'fast-decoder']

/** @returns {Set<string>} */
function readOff() {
  const names = (process.env.HEDDLE_WITHOUT ?? '').split(',').map((name) => name.trim())
  const off = new Set(names.filter((name) => name !== ''))
  for (const name of off) {
    if (!NAMES.some((known) => known === name)) {
      throw new Error(`HEDDLE_WITHOUT names ${name}, and there is only ${NAMES.join(', ')}`)
    }
  }
  return off
}

const off = readOff()

/**
 * @param {FastPath} name
 * @returns {boolean}
 */
function isOff(name) {
  return off.has(name)
}

module.exports = { isOff, NAMES }
