'use strict'

/**
 * How a room is kept: what is written when, and when an ack may leave. One keeper belongs to one
 * room, and there is a kind for each way to store it.
 *
 * | kind | durability | storage |
 * |---|---|---|
 * | `SnapshotKeeper` | `'none'` | any: snapshots, at most every `saveThrottleMs` |
 * | `FileKeeper` | all | `FileStorage`: files that only this room may write while it is open |
 * | `AppendKeeper` | `'process'`, `'disk'` | one of the user's own that has `append` |
 */

const { AppendKeeper } = require('./append-keeper.js')
const { HeddleError } = require('../errors.js')
const { FileKeeper } = require('./file-keeper.js')
const { SnapshotKeeper } = require('./saver.js')
const { filesOf } = require('./storage.js')

/** @typedef {import('../../index').Durability} Durability */
/** @typedef {import('../../index').HistoryOptions} HistoryOptions */
/** @typedef {import('../../index').Storage} Storage */
/** @typedef {import('../engine.js').Engine} Engine */
/** @typedef {import('../mailbox.js').Effects} Effects */

/**
 * What a keeper needs of its room.
 * @typedef {object} KeptRoom
 * @property {Engine} engine
 * @property {(effects: Effects | null) => void} run
 * @property {(error: unknown) => void} report tells of what went wrong where nobody waits
 */

/**
 * @typedef {object} KeeperOptions
 * @property {Storage} storage
 * @property {Durability | undefined} durability
 * @property {number} saveThrottleMs
 * @property {HistoryOptions | undefined} history
 */

/**
 * @typedef {object} Keeper
 * @property {Durability} durability
 * @property {number} [cutBytes] how much of a torn end was cut off the journal
 * @property {boolean} isUnsaved whether something was accepted that is not stored
 * @property {number} unstored how many accepted changes are not stored
 * @property {() => Promise<void>} load puts what is stored into the engine
 * @property {() => void} changed the document changed
 * @property {() => void} commit stores what the engine accepted
 * @property {() => Promise<void>} [stored] settles when what was accepted is stored, or could not be
 * @property {() => Promise<void>} flush
 * @property {(save: boolean) => Promise<void>} close settles when the storage is left alone
 * @property {(error: string) => void} storeFailed
 * @property {() => void} storeHealed
 * @property {(error: string) => void} storeTrouble
 * @property {(ticket: number, error: string | null) => void} settled
 */

/**
 * Chooses how a room is kept. Throws `HEDDLE_DURABILITY_UNAVAILABLE`.
 * @param {KeeperOptions} options
 * @param {KeptRoom} room
 * @returns {Keeper}
 */
function keeperOf(options, room) {
  const { storage, durability, saveThrottleMs, history } = options
  const files = filesOf(storage)
  if (history !== undefined && (files === undefined || durability === 'none')) {
    throw historyUnavailable()
  }
  if (files !== undefined) {
    return new FileKeeper(storage, files, durability ?? 'process', options, room)
  }
  const canAppend = typeof storage.append === 'function'
  if (durability === 'none' || (durability === undefined && !canAppend)) {
    return new SnapshotKeeper(storage, saveThrottleMs, room)
  }
  if (!canAppend) throw unavailable(durability)
  return new AppendKeeper(storage, durability ?? 'process', saveThrottleMs, room)
}

/**
 * @param {Durability | undefined} durability
 * @returns {HeddleError}
 */
function unavailable(durability) {
  const message = `durability '${durability}' needs a storage with append()`
  return new HeddleError('HEDDLE_DURABILITY_UNAVAILABLE', message)
}

/** @returns {HeddleError} */
function historyUnavailable() {
  const message = "a history needs FileStorage, with durability 'process' or 'disk'"
  return new HeddleError('HEDDLE_DURABILITY_UNAVAILABLE', message)
}

module.exports = { historyUnavailable, keeperOf, unavailable }
