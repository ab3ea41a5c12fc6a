'use strict'

/**
 * Snapshots between the native side, which writes them as JSON text, and users, who see objects.
 *
 * The text of a large room is costly to make and to parse, and most snapshots are only handed from
 * a room to a storage. So what users get parses its text at the first look; until then the source
 * is remembered beside it, and whoever hands the object on hands on the source.
 */

const { isRecord } = require('../arguments.js')
const { HeddleError, messageOf } = require('../errors.js')

/** @typedef {import('../../index').RoomSnapshot} RoomSnapshot */
/** @typedef {import('../../native').NativeSnapshot} NativeSnapshot */
/** @typedef {import('../engine.js').Engine} Engine */

/**
 * What a snapshot is made from: its JSON text, or the native side's copy that can write it.
 * @typedef {string | NativeSnapshot} SnapshotSource
 */

// The real one, as it was at load: a copy has nothing to do with the time that tests fake.
const inLaterTurn = setImmediate

const LAZY_FIELDS = /** @type {const} */ (['timestamp', 'state', 'timestamps'])

/** @type {WeakMap<object, SnapshotSource>} */
const unreadSources = new WeakMap()

/**
 * Makes a copy of a room's document whole that was begun, a share of it in each turn of the event loop. The document may
 * change meanwhile, which the copy does not show; of one room only one is made at a time.
 * @param {Engine} engine
 * @returns {Promise<NativeSnapshot>}
 */
async function restOfSnapshot(engine) {
  for (;;) {
    await new Promise((resolve) => {
      inLaterTurn(resolve)
    })
    const snapshot = engine.continueSnapshot()
    if (snapshot !== null) return snapshot
  }
}

/**
 * Gives a snapshot that parses its text at the first look and is plain data from then on.
 * @param {SnapshotSource} source
 * @returns {RoomSnapshot}
 */
function lazySnapshot(source) {
  const snapshot = /** @type {RoomSnapshot} */ ({})
  unreadSources.set(snapshot, source)
  /** @type {RoomSnapshot | undefined} */
  let parsed
  const read = () => {
    if (parsed !== undefined) return parsed
    const parts = /** @type {RoomSnapshot} */ (JSON.parse(textOf(source)))
    parsed = parts
    unreadSources.delete(snapshot)
    for (const field of LAZY_FIELDS) {
      // Deleted by the user, it stays so; frozen, it stays an accessor of what was parsed.
      const property = Object.getOwnPropertyDescriptor(snapshot, field)
      if (property?.get !== undefined && property.configurable) {
        defineField(snapshot, field, parts[field])
      }
    }
    return parts
  }
  for (const field of LAZY_FIELDS) {
    Object.defineProperty(snapshot, field, {
      configurable: true,
      enumerable: true,
      get: () => read()[field],
      set: (value) => {
        read()
        Object.assign(snapshot, { [field]: value })
      },
    })
  }
  if (typeof source !== 'string') defineField(snapshot, 'timestamp', source.timestamp)
  return snapshot
}

/**
 * @param {RoomSnapshot} snapshot
 * @param {string} field
 * @param {unknown} value
 */
function defineField(snapshot, field, value) {
  Object.defineProperty(snapshot, field, {
    configurable: true,
    enumerable: true,
    writable: true,
    value,
  })
}

/**
 * Gives what a snapshot can be stored from, without parsing it where nobody has looked at it. Throws
 * `HEDDLE_BAD_SNAPSHOT`.
 * @param {unknown} snapshot
 * @returns {SnapshotSource}
 */
function sourceOf(snapshot) {
  if (!isRecord(snapshot)) {
    throw new HeddleError('HEDDLE_BAD_SNAPSHOT', 'A snapshot must be an object')
  }
  const source = unreadSources.get(snapshot)
  if (source !== undefined && isUntouched(snapshot, source)) return source
  return stringify(snapshot)
}

/**
 * Gives a snapshot's JSON text. Throws `HEDDLE_BAD_SNAPSHOT`.
 * @param {unknown} snapshot
 * @returns {string}
 */
function snapshotText(snapshot) {
  return textOf(sourceOf(snapshot))
}

/**
 * @param {SnapshotSource} source
 * @returns {string}
 */
function textOf(source) {
  return typeof source === 'string' ? source : readText(source)
}

/**
 * Gives the text of a document that the native side has. Throws `HEDDLE_SNAPSHOT_TOO_LARGE` where it is longer than a
 * string can be: a document may be, and only a reader in JS minds.
 * @param {{ text: () => string }} document
 * @returns {string}
 */
function readText(document) {
  try {
    return document.text()
  } catch (cause) {
    const message = 'The document is longer than a string of this runtime can be'
    throw new HeddleError('HEDDLE_SNAPSHOT_TOO_LARGE', message, { cause })
  }
}

/**
 * Whether an unread snapshot still says what its source says.
 * @param {object} snapshot
 * @param {SnapshotSource} source
 * @returns {boolean}
 */
function isUntouched(snapshot, source) {
  const names = Object.keys(snapshot)
  if (names.length !== LAZY_FIELDS.length) return false
  return LAZY_FIELDS.every((field) => {
    const property = Object.getOwnPropertyDescriptor(snapshot, field)
    if (property === undefined) return false
    return (
      property.get !== undefined ||
      (typeof source !== 'string' && field === 'timestamp' && property.value === source.timestamp)
    )
  })
}

/**
 * @param {object} snapshot
 * @returns {string}
 */
function stringify(snapshot) {
  try {
    const text = JSON.stringify(snapshot)
    if (typeof text === 'string') return text
  } catch (cause) {
    const message = `A snapshot must be JSON: ${messageOf(cause)}`
    throw new HeddleError('HEDDLE_BAD_SNAPSHOT', message, { cause })
  }
  throw new HeddleError('HEDDLE_BAD_SNAPSHOT', 'A snapshot must be JSON')
}

module.exports = { lazySnapshot, readText, restOfSnapshot, snapshotText, sourceOf }
