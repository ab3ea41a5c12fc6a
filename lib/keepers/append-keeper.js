'use strict'

/**
 * A room in a storage of the user's own that takes changes one by one: nothing is shown before
 * `append` has resolved, and snapshots only keep what it has to hold small.
 */

const { HeddleError } = require('../errors.js')
const { Saver, saveFailed } = require('./saver.js')
const { lazySnapshot } = require('./snapshot.js')
const { readStorage } = require('./storage.js')
const {
  deferred,
  KeepAlive,
  pause,
  RealTimer,
  retryDelayMs,
  STORE_PATIENCE_MS,
} = require('../timers.js')

/** @typedef {import('../../index').Durability} Durability */
/** @typedef {import('../../index').Storage} Storage */
/** @typedef {import('../../index').StoredChange} StoredChange */
/** @typedef {import('./keepers.js').Keeper} Keeper */
/** @typedef {import('./keepers.js').KeptRoom} KeptRoom */

/**
 * @typedef {object} Waiting
 * @property {number} clock up to where
 * @property {import('../timers.js').Deferred<void>} stored
 */

/** The text of a list without changes. */
const NOTHING = '[]'

/** How often a closed room tries to append what is left. */
const LAST_APPEND_ATTEMPTS = 5

/** Changes smaller than this are not worth a snapshot, however small that is. */
const LEAST_APPENDED_LENGTH = 64 * 1024

/** @implements {Keeper} */
class AppendKeeper {
  #storage
  #room
  #saver
  /** Whether an append has not settled yet; there is never a second one. */
  #isAppending = false
  /** The text of what it appends, as long as that may still become stored. */
  #inFlight = NOTHING
  /** Whether what was accepted waits, after an append that failed or does not settle. */
  #isStalled = false
  /** How many appends in a row have failed. */
  #failures = 0
  #isClosed = false
  #patience = new RealTimer()
  #retry = new RealTimer()
  #keepAlive = new KeepAlive()
  /**
   * Who waits until something is stored, or an append has failed.
   * @type {Waiting[]}
   */
  #waiting = []
  /**
   * Why the last append failed, if one has.
   * @type {HeddleError | undefined}
   */
  #error
  /**
   * Who waits until no append is under way.
   * @type {import('../timers.js').Deferred<void> | undefined}
   */
  #idle
  /** What was appended since the last snapshot, and the size of that, in characters. */
  #appendedLength = 0
  #snapshotLength = 0

  /**
   * @param {Storage} storage
   * @param {Durability} durability
   * @param {number} throttleMs
   * @param {KeptRoom} room
   */
  constructor(storage, durability, throttleMs, room) {
    this.#storage = storage
    this.durability = durability
    this.#room = room
    this.#saver = new Saver({
      throttleMs,
      engine: room.engine,
      clock: () => room.engine.storedClock,
      begin: () => this.#beginSnapshot(),
      store: (snapshot) => this.#save(snapshot),
      report: (error) => room.report(error),
    })
  }

  get isUnsaved() {
    return this.#isStalled || this.#room.engine.hasUnstored
  }

  get unstored() {
    return this.#room.engine.unstored
  }

  /** @returns {Promise<void>} */
  async load() {
    const { engine } = this.#room
    const stored = await readStorage(this.#storage)
    if (this.#isClosed) return
    if (stored !== null) engine.recover(stored.snapshot, stored.changes)
    engine.journal()
    this.#snapshotLength = stored?.snapshot?.length ?? 0
    this.#saver.loaded()
    // Before anybody is told that it changed.
    if (stored === null && engine.isMarked) await this.#saver.flush()
  }

  changed() {}

  /** Begins to append what was accepted, unless an append is under way. */
  commit() {
    if (this.#isAppending || this.#isStalled) return
    const text = this.#room.engine.takeBatch()
    if (text === null) return
    /** @type {StoredChange[]} */
    const changes = JSON.parse(text)
    this.#isAppending = true
    this.#inFlight = text
    this.#keepAlive.hold()
    this.#patience.arm(STORE_PATIENCE_MS, this.#giveUp)
    void this.#append(changes, text.length)
  }

  /** @returns {Promise<void>} */
  async flush() {
    await this.#allStored()
    await this.#saver.flush()
  }

  /**
   * @param {boolean} save
   * @returns {Promise<void>}
   */
  async close(save) {
    this.commit()
    this.#isClosed = true
    let isStored = false
    try {
      if (save) await this.#lastAppends()
      isStored = save
    } finally {
      // Whatever became of them: a snapshot that came later would be older than the next room's.
      await this.#saver.close(isStored).finally(() => this.#leave())
    }
  }

  // The native side has no store to tell of.
  storeFailed() {}
  storeHealed() {}
  storeTrouble() {}
  settled() {}

  /**
   * @param {StoredChange[]} changes
   * @param {number} length of their text
   */
  async #append(changes, length) {
    const last = changes.at(-1)?.timestamp ?? 0
    try {
      await this.#storage.append?.(changes)
    } catch (error) {
      this.#ended()
      this.#failed(error)
      return
    }
    this.#ended()
    if (this.#isStalled) {
      // It was taken back meanwhile, and is handed in again under the same clocks.
      this.#tryAgain()
      return
    }
    this.#failures = 0
    this.#inFlight = NOTHING
    this.#appendedLength += length
    this.#room.run(this.#room.engine.stored(last))
    if (this.#appendedLength > Math.max(this.#snapshotLength, LEAST_APPENDED_LENGTH)) {
      this.#saver.changed()
    }
    this.commit()
    this.#tell()
  }

  /** The append under way has settled. */
  #ended() {
    this.#isAppending = false
    this.#patience.clear()
    this.#keepAlive.release()
    this.#idle?.resolve()
    this.#idle = undefined
  }

  /** @param {unknown} error */
  #failed(error) {
    // First: who is told of it may try again.
    this.#retry.arm(retryDelayMs(this.#failures + 1), this.#tryAgain)
    this.#stall(error)
  }

  #giveUp = () => {
    const message = `The storage has not answered for ${STORE_PATIENCE_MS} ms`
    this.#stall(new HeddleError('HEDDLE_STORAGE', message))
  }

  /**
   * Takes back what is not stored; it waits, and everything else goes on.
   * @param {unknown} cause
   */
  #stall(cause) {
    this.#failures += 1
    const isFirst = this.#failures === 1
    this.#error = saveFailed(cause)
    const waiting = this.#waiting
    this.#waiting = []
    if (!this.#isStalled) {
      this.#isStalled = true
      this.#inFlight = NOTHING
      this.#room.run(this.#room.engine.storeFailed())
    }
    for (const { stored } of waiting) stored.reject(this.#error)
    // Once per episode, and last: who is told may call the room.
    if (isFirst) this.#room.report(this.#error)
  }

  #tryAgain = () => {
    this.#retry.clear()
    if (this.#isStalled && !this.#isAppending) {
      this.#isStalled = false
      this.#room.run(this.#room.engine.storeRecovered())
    }
    this.commit()
    this.#tell()
  }

  /** Answers those who wait for what is stored now. */
  #tell() {
    const stored = this.isUnsaved ? this.#room.engine.storedClock : Number.POSITIVE_INFINITY
    const isDue = (/** @type {Waiting} */ { clock }) => clock <= stored
    for (const { stored } of this.#waiting.filter(isDue)) stored.resolve()
    this.#waiting = this.#waiting.filter((waiting) => !isDue(waiting))
  }

  /** Settles when everything accepted so far is stored; rejects when the next attempt fails. */
  async #allStored() {
    if (!this.#isStalled) this.commit()
    // One that does not answer: another attempt has to wait for it.
    else if (this.#isAppending) throw this.#error
    else this.#tryAgain()
    if (!this.isUnsaved) return
    if (this.#isStalled) throw this.#error
    /** @type {Waiting} */
    const waiting = { clock: this.#room.engine.clock, stored: deferred() }
    this.#waiting.push(waiting)
    await waiting.stored.promise
  }

  /** Tries for the last time to append what was accepted. */
  async #lastAppends() {
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#allStored()
        return
      } catch (cause) {
        if (attempt < LAST_APPEND_ATTEMPTS) {
          await pause(retryDelayMs(attempt))
        } else {
          const error = saveFailed(cause, true)
          this.#room.report(error)
          throw error
        }
      }
    }
  }

  /** Waits for the append under way, which nobody else does any more. */
  async #leave() {
    this.#retry.clear()
    this.#keepAlive.release()
    // What one append leaves is the next one.
    while (this.#isAppending) {
      this.#idle ??= deferred()
      await this.#idle.promise
      this.#retry.clear()
    }
  }

  /** What a snapshot holds must not be taken back, so it is of what is stored. */
  #beginSnapshot() {
    this.#appendedLength = 0
    return this.#room.engine.beginStoredSnapshot(this.#inFlight)
  }

  /** @param {import('../../native').NativeSnapshot} snapshot */
  #save(snapshot) {
    this.#snapshotLength = snapshot.length
    return this.#storage.save(lazySnapshot(snapshot))
  }
}

module.exports = { AppendKeeper }
