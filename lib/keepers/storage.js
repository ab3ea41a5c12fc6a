'use strict'

/**
 * The storages that come with heddle, and how a room reads from any of them.
 *
 * Files, their names and their formats are the native side's. Here is the order of the calls, and
 * the difference between a script that reads a file alone and a room that opens on it: only the
 * latter must not take a damaged file for an empty one.
 */

const { checkRecord, checkString } = require('../arguments.js')
const { codedError, HeddleError } = require('../errors.js')
const { NativeFileStore } = require('../native.js')
const { lazySnapshot, snapshotText, sourceOf } = require('./snapshot.js')
const { ignore } = require('../timers.js')

/** @typedef {import('../../index').RoomSnapshot} RoomSnapshot */
/** @typedef {import('../../index').Storage} Storage */

/**
 * Why a storage's last `load()` gave `null` for a file that is there.
 * @type {WeakMap<Storage, InstanceType<typeof HeddleError>>}
 */
const damages = new WeakMap()

/**
 * Where the files of a room are.
 * @typedef {object} Location
 * @property {string} dir
 * @property {string} roomId
 */

/**
 * Where the files of a `FileStorage` are, for whoever opens them: a storage that is not called itself need not name them.
 * @type {(storage: object) => Location | undefined}
 */
let filesIn

/** Before the first call. */
const NO_CALL = Promise.resolve()

/** @implements {Storage} */
class FileStorage {
  static {
    filesIn = (storage) =>
      #dir in storage ? { dir: storage.#dir, roomId: storage.#roomId } : undefined
  }

  #dir
  #roomId
  /** @type {InstanceType<typeof NativeFileStore> | undefined} */
  #store
  /**
   * Settles when all calls so far have: they run one after the other.
   * @type {Promise<unknown>}
   */
  #lastCall = NO_CALL
  /** @param {{ dir: string, roomId: string }} options */
  constructor(options) {
    checkRecord('options', options)
    checkString('options.dir', options.dir)
    checkString('options.roomId', options.roomId)
    this.#dir = options.dir
    this.#roomId = options.roomId
  }

  /** @returns {Promise<RoomSnapshot | null>} */
  load() {
    return this.#inOrder(async () => {
      damages.delete(this)
      const text = await this.#files.load().catch((/** @type {unknown} */ error) => {
        const coded = codedError(error)
        if (coded?.code !== 'HEDDLE_DAMAGED_FILE') throw coded ?? error
        damages.set(this, coded)
        return null
      })
      return text === null ? null : lazySnapshot(text)
    })
  }

  /**
   * @param {RoomSnapshot} snapshot
   * @returns {Promise<void>}
   */
  async save(snapshot) {
    // Before any wait: the caller may change the object after the call.
    const source = sourceOf(snapshot)
    await this.#inOrder(async () => {
      await this.#files.save(source).catch((/** @type {unknown} */ error) => {
        throw codedError(error) ?? error
      })
      damages.delete(this)
    })
  }

  get #files() {
    this.#store ??= new NativeFileStore(this.#dir, this.#roomId)
    return this.#store
  }

  /**
   * @template T
   * @param {() => Promise<T>} call
   * @returns {Promise<T>}
   */
  #inOrder(call) {
    const result = this.#lastCall.then(call)
    // Its caller hears of a failure; the next call only has to wait for it.
    this.#lastCall = result.catch(ignore)
    return result
  }
}

/** @implements {Storage} */
class MemoryStorage {
  /** @type {import('./snapshot.js').SnapshotSource | undefined} */
  #source

  /** @returns {Promise<RoomSnapshot | null>} */
  async load() {
    return this.#source === undefined ? null : lazySnapshot(this.#source)
  }

  /**
   * @param {RoomSnapshot} snapshot
   * @returns {Promise<void>}
   */
  async save(snapshot) {
    this.#source = sourceOf(snapshot)
  }
}

/**
 * Gives where the files of a storage are that a room may keep itself in; nothing for one whose `load` or `save` is
 * somebody else's, who wants them to be called.
 * @param {Storage} storage
 */
function filesOf(storage) {
  const { load, save } = FileStorage.prototype
  return storage.load === load && storage.save === save ? filesIn(storage) : undefined
}

/**
 * What a storage holds, as JSON texts: a snapshot, and the list of the changes after it.
 * @typedef {{ snapshot: string | null, changes: string }} Stored
 */

/**
 * Reads what a room opens on, or `null` for an empty room. Calls `load` at once.
 * @param {Storage} storage
 * @returns {Promise<Stored | null>}
 */
async function readStorage(storage) {
  const loaded = (await storage.load()) ?? null
  const damage = damages.get(storage)
  if (loaded === null && damage !== undefined) throw damage
  const snapshot = loaded === null ? null : snapshotText(loaded)
  const changes = await readChanges(storage, loaded?.timestamp ?? 0)
  return snapshot === null && changes.length === 0
    ? null
    : { snapshot, changes: JSON.stringify(changes) }
}

/**
 * @param {Storage} storage
 * @param {number} after
 * @returns {Promise<readonly import('../../index').StoredChange[]>}
 */
async function readChanges(storage, after) {
  if (storage.loadChanges === undefined) return []
  const changes = await storage.loadChanges(after)
  if (Array.isArray(changes)) return changes
  throw new HeddleError('HEDDLE_BAD_SNAPSHOT', 'loadChanges() must resolve to an array')
}

module.exports = { FileStorage, filesOf, MemoryStorage, readStorage }
