'use strict'

/** Snapshots and changes for the cases of `heddle/testing`, such as a room hands to its storage. */

/** @typedef {import('../../index').Patch} Patch */
/** @typedef {import('../../index').RoomSnapshot} RoomSnapshot */
/** @typedef {import('../../index').StoredChange} StoredChange */

/** In 2023. */
const STARTED_AT = 1_700_000_000_123

/** Names and values that do not survive where JSON text is taken for more, or for less, than that. */
const STRANGE_DOCUMENT = `{
  "__proto__": { "_exists": true, "__proto__": { "x": 1 }, "constructor": "text", "toString": null },
  "": { "_exists": true, "": "", "length": 0, "a.b": 1, "$set": {} },
  "\\u0000/\\ud800": { "_exists": true, "\\udc00": "\\ud83d", "nul": "a\\u0000b", "pair": "\\ud83c\\udfa8" },
  "caf\\u00e9/Box": { "_exists": true, "lines": "\\r\\n\\u2028'\\"\\\\", "spaces": "  " },
  "cafe\\u0301/Box": { "_exists": true, "date": "2020-01-01T00:00:00.000Z", "digits": "007" },
  "numbers/Box": {
    "_exists": true, "most": 1.7976931348623157e308, "least": 5e-324, "third": 0.3333333333333333,
    "safe": [9007199254740991, -9007199254740991, 4294967296, 1e21, 1e-7, 0.1, 0]
  },
  "nested/Box": { "_exists": true, "deep": [[[[]], {}], { "a": { "b": [null, true, false, ""] } }] },
  "10": { "_exists": true, "9": 1, "10": 2 },
  "gone/Box": { "_exists": false }
}`

/**
 * A room after `clock` changes.
 * @param {number} clock
 * @returns {RoomSnapshot}
 */
function snapshotAt(clock) {
  if (clock === 0) return { timestamp: 0, state: {}, timestamps: {} }
  return {
    timestamp: clock,
    state: { 'a/Box': { _exists: true, x: clock, label: 'é🎨' }, 'b/Box': { _exists: false } },
    timestamps: { 'a/Box': { _exists: 1, x: clock, label: 1 }, 'b/Box': { _exists: 1 } },
  }
}

/** @returns {RoomSnapshot} */
function strangeSnapshot() {
  const state = strangePatch()
  const clocksOf = (/** @type {object} */ fields) =>
    Object.fromEntries(Object.keys(fields).map((name, at) => [name, 2 ** 40 + at]))
  const timestamps = Object.fromEntries(
    Object.entries(state).map(([key, fields]) => [key, clocksOf(fields)]),
  )
  return { timestamp: 2 ** 41, state, timestamps }
}

/** @returns {RoomSnapshot} */
function largeSnapshot() {
  const { state, timestamps } = snapshotAt(5_000)
  for (let at = 1; at < 5_000; at += 1) {
    state[`${at}/Shape`] = {
      _exists: true,
      x: at,
      points: [at, at + 0.5],
      text: 'word '.repeat(20),
    }
    timestamps[`${at}/Shape`] = { _exists: at, x: at, points: at, text: at }
  }
  return { timestamp: 5_000, state, timestamps }
}

/** @returns {Patch} */
function strangePatch() {
  return JSON.parse(STRANGE_DOCUMENT)
}

/**
 * The changes `first` to `last`; changes of two authors differ.
 * @param {number} first
 * @param {number} last
 * @param {string} [author]
 * @returns {StoredChange[]}
 */
function changes(first, last, author = 'alice') {
  return Array.from({ length: last - first + 1 }, (_, at) => ({
    timestamp: first + at,
    time: STARTED_AT + first + at,
    clientId: author,
    patches: [{ 'a/Box': { x: first + at, by: author } }],
  }))
}

/**
 * Three changes: by a client with an odd name, by the server, and one that changes nothing.
 * @returns {StoredChange[]}
 */
function strangeChanges() {
  const delta = { __buf: 1, len: 3, runs: [[0, [1.5, -2]]] }
  return [
    {
      timestamp: 1,
      time: STARTED_AT,
      clientId: '\u0000é🎨\ud800\'"\\',
      patches: [
        strangePatch(),
        { 'a/Box': { x: 1 } },
        { 'a/Box': { x: 2 } },
        { 'a/Box': { delta } },
      ],
    },
    // The wall clock was set back.
    {
      timestamp: 2,
      time: STARTED_AT - 1,
      clientId: '',
      patches: [{ 'a/Box': { _exists: false } }],
    },
    { timestamp: 3, time: 0, clientId: '__proto__', patches: [{}, { 'a/Box': {} }] },
  ]
}

/**
 * Fields of which one cannot be read: storing them fails, in any storage that looks at them.
 * @returns {{ _exists: true, x: number }}
 */
function unreadableFields() {
  return {
    _exists: true,
    /** @returns {number} */
    get x() {
      throw new Error('this field of the test cannot be read')
    },
  }
}

/**
 * Changes all of a value, as far as it lets itself be changed.
 * @param {unknown} value
 */
function scramble(value) {
  if (typeof value !== 'object' || value === null) return
  for (const [name, inner] of Object.entries(value)) {
    scramble(inner)
    if (typeof inner !== 'object') Reflect.set(value, name, 'scrambled')
  }
  Reflect.set(value, Array.isArray(value) ? value.length : 'scrambled', 'scrambled')
}

module.exports = {
  changes,
  largeSnapshot,
  scramble,
  snapshotAt,
  strangeChanges,
  strangeSnapshot,
  unreadableFields,
}
