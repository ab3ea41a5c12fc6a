'use strict'

/**
 * When a room is saved: at most every throttle interval while it changes, again with growing delay
 * after a failure, at once for `flush()`, and a last time when it closes.
 *
 * Unsaved is whatever the clock counted since the snapshot that was stored last. One save is in
 * flight at a time; what asks for another meanwhile gets the next one, with the newest state.
 */

const { HeddleError, messageOf } = require('./errors.js')
const { deferred, ignore, Timer } = require('./timers.js')

/** @typedef {import('../index').RoomSnapshot} RoomSnapshot */
/** @typedef {import('../index').Storage} Storage */
/** @typedef {import('./timers.js').Deferred<void>} Waiting */

const FIRST_RETRY_MS = 100
const LONGEST_RETRY_MS = 30_000
const LAST_SAVE_ATTEMPTS = 5

/**
 * What the saver needs of its room.
 * @typedef {object} SavedRoom
 * @property {() => number} clock
 * @property {() => RoomSnapshot} snapshot
 * @property {(error: unknown) => void} report tells of a failed save that nobody waits for
 */

class Saver {
  #storage
  #throttleMs
  #room
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

  /**
   * @param {Storage} storage
   * @param {number} throttleMs
   * @param {SavedRoom} room
   */
  constructor(storage, throttleMs, room) {
    this.#storage = storage
    this.#throttleMs = throttleMs
    this.#room = room
    this.#savedClock = room.clock()
  }

  /** Whether something was applied that no completed save holds. */
  get isUnsaved() {
    return this.#room.clock() !== this.#savedClock
  }

  /** The room holds what the storage holds. */
  loaded() {
    this.#savedClock = this.#room.clock()
  }

  /** The room changed: it is saved when the throttle, or the back-off that runs, lets it. */
  changed() {
    if (!this.#isClosed && !this.#timer.armed) this.#timer.arm(this.#throttleMs, this.#onTimer)
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
    if (!this.#isSaving) this.#save()
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
    if (!this.#isSaving) this.#save()
    return this.#last.promise
  }

  #onTimer = () => {
    if (this.#isSaving) this.#isDue = true
    else this.#save()
  }

  #save() {
    const waiting = this.#next
    this.#next = undefined
    this.#isSaving = true
    this.#isDue = false
    this.#inFlight = this.#store().then(
      () => this.#succeeded(waiting),
      (cause) => this.#failed(cause, waiting),
    )
  }

  async #quiet() {
    while (this.#isSaving) await this.#inFlight
  }

  /** Runs up to the storage's `save` at once: the snapshot is of now. */
  async #store() {
    const clock = this.#room.clock()
    await this.#storage.save(this.#room.snapshot())
    this.#savedClock = clock
  }

  /** @param {Waiting | undefined} waiting */
  #succeeded(waiting) {
    this.#isSaving = false
    this.#failures = 0
    waiting?.resolve()
    if (this.#next !== undefined) this.#save()
    else if (!this.isUnsaved) this.#settle()
    else if (this.#isDue || this.#last !== undefined) this.#save()
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
    if (waiting === undefined || isGivenUp) this.#room.report(error)
    if (this.#next !== undefined) this.#save()
    else if (isGivenUp) this.#giveUp(error)
    else if (!this.isUnsaved) this.#settle()
    else if (!this.#isClosed || this.#last !== undefined) this.#retryLater()
  }

  #retryLater() {
    const first = Math.min(this.#throttleMs, FIRST_RETRY_MS)
    const delayMs = Math.max(first, 1) * 2 ** (this.#failures - 1)
    this.#timer.arm(Math.min(delayMs, LONGEST_RETRY_MS), this.#onTimer)
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
 * @param {unknown} cause
 * @param {boolean} isGivenUp
 * @returns {HeddleError}
 */
function saveFailed(cause, isGivenUp) {
  const what = isGivenUp
    ? `The last save of a closed room failed ${LAST_SAVE_ATTEMPTS} times, what it held is lost`
    : 'A room could not be saved'
  return new HeddleError('HEDDLE_SAVE_FAILED', `${what}: ${messageOf(cause)}`, { cause })
}

module.exports = { Saver }
