'use strict'

/** JSON values compared and described, for the errors of `heddle/testing`. */

const { inspect } = require('node:util')

/**
 * Says where two JSON values differ first, or gives `undefined`. Prototypes and the order of names do
 * not count; properties count by name, `__proto__` too.
 * @param {unknown} got
 * @param {unknown} wanted
 * @param {string} [path]
 * @returns {string | undefined}
 */
function differenceOf(got, wanted, path = '') {
  if (Object.is(got, wanted)) return undefined
  if (!isObject(got) || !isObject(wanted) || Array.isArray(got) !== Array.isArray(wanted)) {
    return `${path === '' ? 'it' : path} is ${sayValue(got)} instead of ${sayValue(wanted)}`
  }
  for (const name of new Set([...Object.keys(wanted), ...Object.keys(got)])) {
    const inside = `${path}[${JSON.stringify(name)}]`
    if (!Object.hasOwn(wanted, name)) return `${inside} is there`
    if (!Object.hasOwn(got, name)) return `${inside} is missing`
    const difference = differenceOf(got[name], wanted[name], inside)
    if (difference !== undefined) return difference
  }
  return undefined
}

/**
 * Describes numbers by their runs: `1..6, 8`.
 * @param {readonly unknown[]} numbers
 * @returns {string}
 */
function runsOf(numbers) {
  /** @type {[first: unknown, last: unknown][]} */
  const runs = []
  for (const number of numbers) {
    const run = runs.at(-1)
    if (run !== undefined && typeof number === 'number' && number - 1 === run[1]) run[1] = number
    else runs.push([number, number])
  }
  if (runs.length === 0) return 'nothing'
  return runs.map(([first, last]) => (first === last ? `${first}` : `${first}..${last}`)).join(', ')
}

/** @param {unknown} value */
function sayValue(value) {
  return inspect(value, { depth: 1, breakLength: Number.POSITIVE_INFINITY, maxStringLength: 80 })
}

/**
 * @param {unknown} value
 * @returns {value is Record<string, unknown>}
 */
function isObject(value) {
  return typeof value === 'object' && value !== null
}

module.exports = { differenceOf, runsOf, sayValue }
