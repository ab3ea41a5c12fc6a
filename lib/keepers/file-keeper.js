'use strict'

/**
 * A room in files of its own: a snapshot and a journal, which the native side writes, compacts and
 * heals by itself. Here is only the order of the calls, and what JS has to know of them.
 */

const { codedError, nativeError } = require('../errors.js')
const { NativeNotifier } = require('../native.js')
const { Saver, saveFailed } = require('./saver.js')
const { lazySnapshot, restOfSnapshot } = require('./snapshot.js')
const { deferred, ignore, KeepAlive, pause, RealTimer, STORE_PATIENCE_MS } = require('../timers.js')

/** @typedef {import('../../index').Durability} Durability */
/** @typedef {import('../../index').HeddleErrorCode} HeddleErrorCode */
/** @typedef {import('../../index').Storage} Storage */
/** @typedef {import('../../native').NativeFileStore} NativeFileStore */
/** @typedef {import('../../native').NativeOpening} NativeOpening */
/** @typedef {import('../../native').NativeSnapshot} NativeSnapshot */
/** @typedef {import('../mailbox.js').Effects} Effects */
/** @typedef {import('./keepers.js').Keeper} Keeper */
/** @typedef {import('./keepers.js').KeptRoom} KeptRoom */

/** What the native side says of a room whose owner in this process is about to let go. */
const OWNER_IS_CLOSING = /** @type {HeddleErrorCode} */ ('HEDDLE_ROOM_CLOSING')

/** How soon a room is asked for again that this process is closing. */
const CLOSING_RETRY_MS = 10

/**
 * The open rooms, by their places on the native side: those are used again.
 * @type {(FileKeeper | undefined)[]}
 */
const openKeepers = []
let nextTicket = 1

const notifier = new NativeNotifier(() => {
  for (const place of notifier.take()) openKeepers[place]?.poll()
})

/**
 * What it takes to open a room's files.
 * @typedef {{ files: NativeFileStore, throttleMs: number, retentionMs: number | undefined }} Unopened
 */

/** @implements {Keeper} */
class FileKeeper {
  #room
  /**
   * Saves snapshots where no journal does.
   * @type {Saver | undefined}
   */
  #saver
  /**
   * There until `load`.
   * @type {Unopened | undefined}
   */
  #unopened
  /**
   * There while `load` is under way.
   * @type {Promise<NativeOpening> | undefined}
   */
  #opening
  #isOpen = false
  #isClosed = false
  /**
   * There from the call of `close`.
   * @type {Promise<void> | undefined}
   */
  #closing
  #cutBytes = 0
  /**
   * There from the first commit on that is made on another thread: most rooms that are open have nothing to do.
   * @type {RealTimer | undefined}
   */
  #commitTimer
  /**
   * Who waits until no commit is under way.
   * @type {import('../timers.js').Deferred<void> | undefined}
   */
  #idle
  /**
   * There while the store has failed.
   * @type {KeepAlive | undefined}
   */
  #keepAlive
  /**
   * Who waits, by ticket.
   * @type {Map<number, import('../timers.js').Deferred<void>> | undefined}
   */
  #waiting

  /**
   * @param {Storage} storage
   * @param {NativeFileStore} files
   * @param {Durability} durability
   * @param {import('./keepers.js').KeeperOptions} options
   * @param {KeptRoom} room
   */
  constructor(storage, files, durability, { saveThrottleMs, history }, room) {
    this.#unopened = { files, throttleMs: saveThrottleMs, retentionMs: history?.retentionMs }
    this.durability = durability
    this.#room = room
    if (durability === 'none') {
      const { engine } = room
      this.#saver = new Saver({
        throttleMs: saveThrottleMs,
        engine,
        clock: () => engine.clock,
        begin: () => engine.beginSnapshot(),
        store: (snapshot) =>
          this.#isOpen ? this.#saveAll(snapshot) : storage.save(lazySnapshot(snapshot)),
        report: (error) => room.report(error),
      })
    }
  }

  get isUnsaved() {
    if (this.#saver !== undefined) return this.#saver.isUnsaved
    return this.#keepAlive !== undefined || this.#room.engine.hasUnstored
  }

  get unstored() {
    return this.#saver === undefined ? this.#room.engine.unstored : this.#saver.unsaved
  }

  /** How many bytes of a torn end were cut off the journal when the room was opened. */
  get cutBytes() {
    return this.#cutBytes
  }

  /** @returns {Promise<void>} */
  async load() {
    const unopened = this.#unopened
    // It is loaded once.
    if (unopened === undefined) return
    this.#unopened = undefined
    const opening = await this.#opened(unopened)
    if (this.#isClosed) {
      opening.release()
      return
    }
    const { engine } = this.#room
    this.#cutBytes = opening.cutBytes
    openKeepers[engine.place] = this
    this.#isOpen = true
    const isKnown = engine.adopt(opening)
    this.#saver?.loaded()
    // Before anybody is told that it changed.
    if (!isKnown && engine.isMarked) {
      await this.#saveAll(engine.beginSnapshot() ?? (await restOfSnapshot(engine)))
    }
  }

  /**
   * What the files hold; whoever closes the room meanwhile lets them go.
   * @param {Unopened} unopened
   */
  async #opened(unopened) {
    this.#opening = this.#open(unopened)
    try {
      return await this.#opening
    } finally {
      if (!this.#isClosed) this.#opening = undefined
    }
  }

  changed() {
    this.#saver?.changed()
  }

  commit() {
    if (this.#isOpen) this.#run(this.#room.engine.commit())
  }

  /** Settles when what was accepted is stored, or could not be. */
  async stored() {
    this.commit()
    if (!this.#isOpen || !this.#room.engine.isBusy) return
    this.#idle ??= deferred()
    await this.#idle.promise
  }

  /** The native side has news. */
  poll() {
    // Something has ended: what is under way now began later.
    this.#commitTimer?.clear()
    this.#run(this.#room.engine.poll())
  }

  /** @returns {Promise<void>} */
  async flush() {
    if (this.#saver !== undefined) return this.#saver.flush()
    if (this.#closing !== undefined) return this.#closing
    if (!this.#isOpen) return
    this.commit()
    try {
      await this.#settlement((ticket) => this.#room.engine.flushStore(ticket))
    } catch (cause) {
      throw saveFailed(cause)
    }
  }

  /**
   * @param {boolean} save
   * @returns {Promise<void>}
   */
  close(save) {
    this.#closing = this.#close(save)
    return this.#closing
  }

  /**
   * @param {boolean} save
   * @returns {Promise<void>}
   */
  async #close(save) {
    this.commit()
    this.#isClosed = true
    const saver = this.#saver
    if (!this.#isOpen) {
      // Files that are being opened are let go before anybody opens them again.
      await this.#opening?.catch(ignore)
      return saver?.close(save)
    }
    // Whoever asks for the room from now on waits instead of being refused.
    this.#room.engine.beginClose()
    // Nobody answers a flush once the files are closed.
    const flushes = Array.from(this.#waiting?.values() ?? [], ({ promise }) => promise)
    await Promise.allSettled(flushes)
    try {
      await saver?.close(save)
    } finally {
      await this.#closeFiles(save && saver === undefined)
    }
  }

  /** @param {string} text */
  storeFailed(text) {
    // Who waits for something that is not stored: it is tried until the room is closed.
    this.#keepAlive ??= new KeepAlive()
    this.#keepAlive.hold()
    this.#room.report(saveFailed(nativeError(text)))
  }

  storeHealed() {
    this.#keepAlive?.release()
    this.#keepAlive = undefined
  }

  /** @param {string} text */
  storeTrouble(text) {
    const error = nativeError(text)
    this.#room.report(error.code === 'HEDDLE_HISTORY_FAILED' ? error : saveFailed(error))
  }

  /**
   * @param {number} ticket
   * @param {string | null} text
   */
  settled(ticket, text) {
    const waiting = this.#waiting?.get(ticket)
    this.#waiting?.delete(ticket)
    if (text === null) waiting?.resolve()
    else waiting?.reject(nativeError(text))
  }

  /** @param {boolean} save */
  async #closeFiles(save) {
    try {
      await this.#settlement((ticket) => this.#room.engine.closeStore(ticket, save))
    } catch (cause) {
      const error = saveFailed(cause, true)
      this.#room.report(error)
      throw error
    } finally {
      this.#isOpen = false
      this.#rest()
      this.#keepAlive?.release()
      openKeepers[this.#room.engine.place] = undefined
    }
  }

  /**
   * Puts a snapshot in place of all that the files hold.
   * @param {NativeSnapshot} snapshot
   */
  #saveAll(snapshot) {
    return this.#settlement((ticket) => this.#room.engine.saveSnapshot(ticket, snapshot))
  }

  /**
   * Opens the files, as soon as nobody in this process is closing them.
   * @param {Unopened} unopened
   */
  async #open({ files, throttleMs, retentionMs: historyRetention }) {
    const options = {
      durability: this.durability,
      leastCompactionGap: throttleMs,
      limits: this.#room.engine.limits,
      ...(historyRetention !== undefined && { historyRetention }),
    }
    for (;;) {
      try {
        return await files.open(notifier, this.#room.engine.place, options)
      } catch (cause) {
        const error = codedError(cause)
        if (error === undefined) throw cause
        if (error.code !== OWNER_IS_CLOSING) throw error
        await pause(CLOSING_RETRY_MS)
      }
    }
  }

  /**
   * Runs an answer of the native side.
   * @param {Effects | null} effects
   */
  #run(effects) {
    this.#room.run(effects)
    if (!this.#room.engine.isBusy) this.#rest()
    else this.#awaitCommit()
  }

  /** No commit is under way. */
  #rest() {
    this.#commitTimer?.clear()
    this.#idle?.resolve()
    this.#idle = undefined
  }

  #awaitCommit() {
    this.#commitTimer ??= new RealTimer()
    if (this.#commitTimer.armed) return
    this.#commitTimer.arm(STORE_PATIENCE_MS, () => {
      this.#run(this.#room.engine.giveUp(STORE_PATIENCE_MS))
    })
  }

  /**
   * Asks the native side for something that takes its time, and keeps the process alive until then.
   * @param {(ticket: number) => void} ask
   * @returns {Promise<void>}
   */
  async #settlement(ask) {
    const ticket = nextTicket
    // The native side has them in 32 bits. Each keeper has its own that wait, so they may come again.
    nextTicket = (nextTicket + 1) >>> 0
    /** @type {import('../timers.js').Deferred<void>} */
    const waiting = deferred()
    this.#waiting ??= new Map()
    this.#waiting.set(ticket, waiting)
    const keepAlive = new KeepAlive()
    keepAlive.hold()
    try {
      ask(ticket)
      await waiting.promise
    } finally {
      keepAlive.release()
    }
  }
}

module.exports = { FileKeeper }
