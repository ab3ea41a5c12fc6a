'use strict'

/**
 * A room's history: what was, read on worker threads from the files that the room keeps itself in.
 */

const { codedError, HeddleError, nativeError } = require('../errors.js')
const { readText } = require('./snapshot.js')

/** @typedef {import('../../index').HistoryEntry} HistoryEntry */
/** @typedef {import('../../index').RoomSnapshot} RoomSnapshot */
/** @typedef {import('../../native').NativeHistory} NativeHistory */
/** @typedef {import('../../native').NativePast} NativePast */
/** @typedef {import('../engine.js').Engine} Engine */

/**
 * What the history needs of its room.
 * @typedef {object} RememberedRoom
 * @property {Engine} engine
 * @property {() => void} check throws when the room is not open
 * @property {() => Promise<void>} stored settles when what was accepted is stored, or could not be
 * @property {(error: unknown) => void} report tells of what went wrong where nobody waits
 */

/** More than there can be; the native side takes 32 bits. */
const MOST_CHANGES = 2 ** 32 - 1

class History {
  #room

  /** @param {RememberedRoom} room */
  constructor(room) {
    this.#room = room
  }

  /**
   * @param {number} after
   * @param {number} limit
   * @returns {Promise<HistoryEntry[]>}
   */
  async list(after, limit) {
    const most = Math.min(limit, MOST_CHANGES)
    const { changes, errors } = await this.#read((native, stored) =>
      native.list(after, stored, most),
    )
    for (const error of errors) this.#room.report(nativeError(error))
    return JSON.parse(changes)
  }

  /**
   * @param {number} timestamp
   * @returns {Promise<RoomSnapshot>}
   */
  async snapshotAt(timestamp) {
    return JSON.parse(readText(await this.past(timestamp)))
  }

  /**
   * The room as it was right after a change.
   * @param {number} timestamp
   * @returns {Promise<NativePast>}
   */
  past(timestamp) {
    return this.#read((native, stored) => native.at(timestamp, stored))
  }

  /**
   * @template T
   * @param {(native: NativeHistory, stored: number) => Promise<T>} read
   * @returns {Promise<T>}
   */
  async #read(read) {
    const { engine, check, stored } = this.#room
    check()
    // What was accepted before the call is history too.
    await stored()
    const native = engine.history()
    if (native === null) {
      throw new HeddleError('HEDDLE_NO_HISTORY', 'This room keeps no history')
    }
    try {
      return await read(native, engine.storedClock)
    } catch (error) {
      throw codedError(error) ?? error
    }
  }
}

module.exports = { History }
