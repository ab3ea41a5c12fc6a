'use strict'

/**
 * What peers may take: the defaults, the preset for the open internet, and how an option becomes a
 * complete set. `index.d.ts` says what each member means, SPEC.md who enforces it.
 */

const { checkInteger, invalidArgument, isRecord } = require('./arguments.js')

/** @typedef {import('../index').ManagerLimits} ManagerLimits */

const KIB = 1024
const MIB = 1024 * KIB
const GIB = 1024 * MIB

/**
 * JSON is read by recursion, and what was accepted must be readable again: `Limits::ACCEPTED_BEFORE` in
 * `src/protocol/limits.rs` goes as deep.
 */
const MOST_NESTING = 256

/** Above every limit that a number can express in all that they are compared with. */
const MOST = Number.MAX_SAFE_INTEGER

/** @type {Readonly<ManagerLimits>} */
const DEFAULT_LIMITS = Object.freeze({
  frameBytes: 16 * MIB,
  nesting: 64,
  keysPerFrame: 100_000,
  nameBytes: 16 * KIB,
  fieldsPerComponent: 10_000,
  componentBytes: 16 * MIB,
  documentBytes: GIB,
  components: 1_000_000,
  bufferNumbers: 1_048_576,
  bufferGrowthPerByte: 64,
  bufferGrowthBase: 65_536,
  presenceBytes: MIB,
  sessions: 10_000,
  queuedBytes: MIB,
  stallTimeoutMs: 30_000,
  framesPerSecond: Number.POSITIVE_INFINITY,
  framesBurst: Number.POSITIVE_INFINITY,
  bytesPerSecond: Number.POSITIVE_INFINITY,
  bytesBurst: Number.POSITIVE_INFINITY,
  heartbeatMs: 30_000,
  authorizeTimeoutMs: 10_000,
  rooms: 1_000_000,
  totalSessions: 100_000,
})

/**
 * What a client did offline comes back as one frame, and one that is refused for its size is sent again for ever:
 * `frameBytes` is for hundreds of strokes, and `keysPerFrame` for as many components as fit in it. A network that stalls until the
 * heartbeat would end it holds back `framesBurst` at 30 frames a second. Presence has a component for each
 * thing that is selected, so it stays as large as it is.
 * @type {Readonly<ManagerLimits>}
 */
const PUBLIC_LIMITS = Object.freeze({
  ...DEFAULT_LIMITS,
  frameBytes: 8 * MIB,
  nesting: 32,
  keysPerFrame: 50_000,
  nameBytes: KIB,
  fieldsPerComponent: 1_000,
  componentBytes: 4 * MIB,
  documentBytes: 128 * MIB,
  components: 200_000,
  bufferNumbers: 262_144,
  sessions: 1_000,
  queuedBytes: 512 * KIB,
  framesPerSecond: 200,
  framesBurst: 2_000,
  bytesPerSecond: MIB,
  bytesBurst: 16 * MIB,
})

/** What may be taken within a second, and what at once after a rest: twice that where only the rate is given. */
const BURSTS = /** @type {const} */ ([
  ['framesPerSecond', 'framesBurst'],
  ['bytesPerSecond', 'bytesBurst'],
])

/**
 * Sets that are complete: rooms share them.
 * @type {WeakSet<object>}
 */
const complete = new WeakSet([DEFAULT_LIMITS, PUBLIC_LIMITS])

/** Members that are amounts of time or per time: any number above 0, `Infinity` for none. */
const MEASURES = new Set([
  'stallTimeoutMs',
  'framesPerSecond',
  'framesBurst',
  'bytesPerSecond',
  'bytesBurst',
  'authorizeTimeoutMs',
])

/**
 * Gives the complete limits that an option stands for. What it leaves out is as in `base`.
 * @param {unknown} option
 * @param {Readonly<ManagerLimits>} [base]
 * @returns {Readonly<ManagerLimits>}
 */
function resolveLimits(option, base = DEFAULT_LIMITS) {
  if (option === undefined) return base
  if (option === 'public') return PUBLIC_LIMITS
  if (!isRecord(option)) throw invalidArgument('options.limits', "'public' or an object", option)
  if (isComplete(option)) return option
  /** @type {Partial<ManagerLimits>} */
  const given = {}
  for (const [name, value] of Object.entries(option)) {
    if (!isMember(name))
      throw invalidArgument(`options.limits.${name}`, 'left out: there is no such limit', value)
    if (value === undefined) continue
    checkLimit(name, value)
    given[name] = Number(value)
  }
  for (const [rate, burst] of BURSTS) {
    const perSecond = given[rate]
    if (perSecond !== undefined) given[burst] ??= 2 * perSecond
  }
  const limits = Object.freeze({ ...base, ...given })
  complete.add(limits)
  return limits
}

/**
 * @param {object} option
 * @returns {option is Readonly<ManagerLimits>}
 */
function isComplete(option) {
  return complete.has(option)
}

/**
 * @param {string} name
 * @returns {name is keyof ManagerLimits}
 */
function isMember(name) {
  return Object.hasOwn(DEFAULT_LIMITS, name)
}

/**
 * @param {keyof ManagerLimits} name
 * @param {unknown} value
 */
function checkLimit(name, value) {
  const isNumber = typeof value === 'number'
  if (name === 'heartbeatMs') {
    check(name, 'a number of milliseconds from 0 on', isNumber && value >= 0, value)
  } else if (MEASURES.has(name)) {
    check(name, 'a number above 0', isNumber && value > 0, value)
  } else {
    checkInteger(`options.limits.${name}`, value, 1, name === 'nesting' ? MOST_NESTING : MOST)
  }
}

/**
 * @param {string} name
 * @param {string} expected
 * @param {boolean} isFine
 * @param {unknown} value
 */
function check(name, expected, isFine, value) {
  if (!isFine) throw invalidArgument(`options.limits.${name}`, expected, value)
}

module.exports = { DEFAULT_LIMITS, PUBLIC_LIMITS, resolveLimits }
