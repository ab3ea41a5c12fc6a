'use strict'

/**
 * When a room is saved: at most every throttle interval while it changes, again with growing delay
 * after a failure, at once for `flush()`, and a last time when it closes.
 *
 * Unsaved is whatever the clock counted since the snapshot that was stored last. One save is in
 * flight at a time; what asks for another meanwhile gets the next one, with the newest state.
 */

const { HeddleError, messageOf } = require('../errors.js')
const { lazySnapshot, restOfSnapshot } = require('./snapshot.js')
const { readStorage } = require('./storage.js')
const { deferred, ignore, retryDelayMs, Timer } = require('../timers.js')

/** @typedef {import('../../index').Storage} Storage */
/** @typedef {import('../../native').NativeSnapshot} NativeSnapshot */
/** @typedef {import('../engine.js').Engine} Engine */
/** @typedef {import('./keepers.js').Keeper} Keeper */
/** @typedef {import('./keepers.js').KeptRoom} KeptRoom */
/** @typedef {import('../timers.js').Deferred<void>} Waiting */

const LAST_SAVE_ATTEMPTS = 5

/**
 * @typedef {object} Saving
 * @property {number} throttleMs the least time between two saves
 * @property {Engine} engine
 * @property {() => number} clock of what the next save would store
 * @property {() => NativeSnapshot | null} begin begins a copy of what there is now; gives it where that is little work
 * @property {(snapshot: NativeSnapshot) => Promise<void>} store
 * @property {(error: unknown) => void} report tells of a failed save that nobody waits for
 */

class Saver {
  #saving
  #savedClock
  #timer = new Timer()
  #isSaving = false
  /**
   * Settles when the newest save has; never rejects.
   * @type {Promise<void> | undefined}
   */
  #inFlight
  /** The throttle ran out while a save was in flight. */
  #isDue = false
  /** How many saves in a row have failed. */
  #failures = 0
  /**
   * Who waits for the save after the one in flight.
   * @type {Waiting | undefined}
   */
  #next
  #isClosed = false
  /**
   * Who waits for a closed room's last save.
   * @type {Waiting | undefined}
   */
  #last

  /** @param {Saving} saving */
  constructor(saving) {
    this.#saving = saving
    this.#savedClock = saving.clock()
  }

  /** How many changes were applied that no completed save holds. */
  get unsaved() {
    return this.#saving.clock() - this.#savedClock
  }

  get isUnsaved() {
    return this.unsaved !== 0
  }

  /** The room holds what the storage holds. */
  loaded() {
    this.#savedClock = this.#saving.clock()
  }

  /** The room changed: it is saved when the throttle, or the back-off that runs, lets it. */
  changed() {
    if (!this.#isClosed && !this.#timer.armed)
      this.#timer.arm(this.#saving.throttleMs, this.#onTimer)
  }

  /**
   * Saves now, also when nothing changed. Settles with the first save that began after the call.
   * @returns {Promise<void>}
   */
  flush() {
    if (this.#isClosed && !this.isUnsaved) return Promise.resolve()
    this.#timer.clear()
    this.#next ??= deferred()
    const { promise } = this.#next
    if (!this.#isSaving) this.#begin()
    return promise
  }

  /**
   * Ends saving, after the last save where `save` says so and something is unsaved. Settles when the
   * storage is left alone; rejects when the last save was given up, which was reported then.
   * @param {boolean} save
   * @returns {Promise<void>}
   */
  close(save) {
    this.#isClosed = true
    this.#timer.clear()
    this.#failures = 0
    if (!save || !(this.#isSaving || this.isUnsaved)) return this.#quiet()
    this.#last = deferred()
    this.#last.promise.catch(ignore)
    if (!this.#isSaving) this.#begin()
    return this.#last.promise
  }

  #onTimer = () => {
    if (this.#isSaving) this.#isDue = true
    else this.#begin()
  }

  #begin() {
    const waiting = this.#next
    this.#next = undefined
    this.#isSaving = true
    this.#isDue = false
    this.#inFlight = this.#store(waiting).then(
      () => this.#succeeded(waiting),
      (cause) => this.#failed(cause, waiting),
    )
  }

  async #quiet() {
    while (this.#isSaving) await this.#inFlight
  }

  /**
   * The snapshot is of now; where it is small, this runs up to the storage's `save` at once.
   * @param {Waiting | undefined} waiting
   */
  async #store(waiting) {
    const { engine, begin, store } = this.#saving
    const clock = this.#saving.clock()
    let snapshot = begin()
    if (snapshot === null) {
      snapshot = await restOfSnapshot(engine)
      const isWanted = !this.#isClosed || this.#last !== undefined || waiting !== undefined
      if (!isWanted) return
    }
    await store(snapshot)
    this.#savedClock = clock
  }

  /** @param {Waiting | undefined} waiting */
  #succeeded(waiting) {
    this.#isSaving = false
    this.#failures = 0
    waiting?.resolve()
    if (this.#next !== undefined) this.#begin()
    else if (!this.isUnsaved) this.#settle()
    else if (this.#isDue || this.#last !== undefined) this.#begin()
    else this.changed()
  }

  /**
   * @param {unknown} cause
   * @param {Waiting | undefined} waiting
   */
  #failed(cause, waiting) {
    this.#isSaving = false
    this.#failures += 1
    const isGivenUp = this.#last !== undefined && this.#failures >= LAST_SAVE_ATTEMPTS
    const error = saveFailed(cause, isGivenUp)
    waiting?.reject(error)
    if (waiting === undefined || isGivenUp) this.#saving.report(error)
    if (this.#next !== undefined) this.#begin()
    else if (isGivenUp) this.#giveUp(error)
    else if (!this.isUnsaved) this.#settle()
    else if (!this.#isClosed || this.#last !== undefined) this.#retryLater()
  }

  #retryLater() {
    this.#timer.arm(retryDelayMs(this.#failures, this.#saving.throttleMs), this.#onTimer)
  }

  /** Everything is stored. */
  #settle() {
    this.#timer.clear()
    this.#last?.resolve()
    this.#last = undefined
  }

  /** @param {HeddleError} error */
  #giveUp(error) {
    this.#last?.reject(error)
    this.#last = undefined
  }
}

/**
 * Keeps a room as snapshots in its storage: an ack promises nothing until the next one.
 * @implements {Keeper}
 */
class SnapshotKeeper {
  /** @type {'none'} */
  durability = 'none'
  #storage
  #room
  #saver
  #isClosed = false

  /**
   * @param {Storage} storage
   * @param {number} throttleMs
   * @param {KeptRoom} room
   */
  constructor(storage, throttleMs, room) {
    const { engine } = room
    this.#storage = storage
    this.#room = room
    this.#saver = new Saver({
      throttleMs,
      engine,
      clock: () => engine.clock,
      begin: () => engine.beginSnapshot(),
      store: (snapshot) => storage.save(lazySnapshot(snapshot)),
      report: (error) => room.report(error),
    })
  }

  get isUnsaved() {
    return this.#saver.isUnsaved
  }

  get unstored() {
    return this.#saver.unsaved
  }

  async load() {
    const stored = await readStorage(this.#storage)
    if (this.#isClosed) return
    if (stored !== null) this.#room.engine.recover(stored.snapshot, stored.changes)
    this.#saver.loaded()
  }

  changed() {
    this.#saver.changed()
  }

  flush() {
    return this.#saver.flush()
  }

  /** @param {boolean} save */
  close(save) {
    this.#isClosed = true
    return this.#saver.close(save)
  }

  // Nothing waits for the storage, and nothing fails but saves.
  commit() {}
  storeFailed() {}
  storeHealed() {}
  storeTrouble() {}
  settled() {}
}

/**
 * @param {unknown} cause
 * @param {boolean} [isGivenUp]
 * @returns {HeddleError}
 */
function saveFailed(cause, isGivenUp = false) {
  const what = isGivenUp
    ? `The last save of a closed room failed ${LAST_SAVE_ATTEMPTS} times, what it held is lost`
    : 'A room could not be saved'
  return new HeddleError('HEDDLE_SAVE_FAILED', `${what}: ${messageOf(cause)}`, { cause })
}

module.exports = { Saver, SnapshotKeeper, saveFailed }
