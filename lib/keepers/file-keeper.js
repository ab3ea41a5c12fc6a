'use strict'

/**
 * A room in files of its own: a snapshot and a journal, which the native side writes, compacts and
 * heals by itself. Here is only the order of the calls, and what JS has to know of them.
 */

const { codedError, nativeError } = require('../errors.js')
const { NativeNotifier, openFiles } = require('../native.js')
const { Saver, saveFailed } = require('./saver.js')
const { lazySnapshot, restOfSnapshot } = require('./snapshot.js')
const { spreadOut } = require('../spread.js')
const { deferred, ignore, KeepAlive, pause, RealTimer, STORE_PATIENCE_MS } = require('../timers.js')

/** @typedef {import('../../index').Durability} Durability */
/** @typedef {import('../../index').HeddleErrorCode} HeddleErrorCode */
/** @typedef {import('../../index').Storage} Storage */
/** @typedef {import('../../native').NativeSnapshot} NativeSnapshot */
/** @typedef {import('../mailbox.js').Effects} Effects */
/** @typedef {import('./keepers.js').Keeper} Keeper */
/** @typedef {import('./keepers.js').KeptRoom} KeptRoom */
/** @typedef {import('./storage.js').Location} Location */

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

// Thousands may be let go of at once, and hear of it at once.
const notifier = new NativeNotifier(() => {
  spreadOut(notifier.take(), (place) => openKeepers[place]?.poll())
})

/**
 * What it takes to open a room's files.
 * @typedef {{ files: Location, throttleMs: number, retentionMs: number | undefined }} Unopened
 */

/** @typedef {import('../timers.js').Deferred<void>} Waiting */

/** What most open rooms have nothing of: nothing is under way in them. */
class Affairs {
  /**
   * Saves snapshots where no journal does.
   * @type {Saver | undefined}
   */
  saver
  /**
   * There until `load`.
   * @type {Unopened | undefined}
   */
  unopened
  /**
   * There while `load` is under way.
   * @type {Promise<number> | undefined}
   */
  opening
  /**
   * There from the call of `close`.
   * @type {Promise<void> | undefined}
   */
  closing
  /** How many bytes of a torn end were cut off the journal when the room was opened. */
  cutBytes = 0
  /**
   * There from the first commit on that is made on another thread.
   * @type {RealTimer | undefined}
   */
  commitTimer
  /**
   * Who waits until no commit is under way.
   * @type {Waiting | undefined}
   */
  idle
  /**
   * There while the store has failed.
   * @type {KeepAlive | undefined}
   */
  keepAlive
  /**
   * Who waits, by ticket.
   * @type {Map<number, Waiting> | undefined}
   */
  waiting

  /** Whether there is nothing that a room that has just been opened would have to keep. */
  get isNothing() {
    return this.saver === undefined && this.cutBytes === 0 && this.closing === undefined
  }
}

/** Of a room that has none. */
const NO_AFFAIRS = Object.freeze(new Affairs())

/** @implements {Keeper} */
class FileKeeper {
  #room
  #isOpen = false
  /** @type {Affairs | undefined} */
  #made

  /**
   * @param {Storage} storage
   * @param {Location} files
   * @param {Durability} durability
   * @param {import('./keepers.js').KeeperOptions} options
   * @param {KeptRoom} room
   */
  constructor(storage, files, durability, { saveThrottleMs, history }, room) {
    this.durability = durability
    this.#room = room
    const retentionMs = history?.retentionMs
    this.#affairs.unopened = { files, throttleMs: saveThrottleMs, retentionMs }
    if (durability === 'none') {
      const { engine } = room
      this.#affairs.saver = new Saver({
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

  get #affairs() {
    this.#made ??= new Affairs()
    return this.#made
  }

  get isUnsaved() {
    const { saver, keepAlive } = this.#made ?? NO_AFFAIRS
    if (saver !== undefined) return saver.isUnsaved
    return keepAlive !== undefined || this.#room.engine.hasUnstored
  }

  get unstored() {
    return this.#made?.saver?.unsaved ?? this.#room.engine.unstored
  }

  get cutBytes() {
    return this.#made?.cutBytes ?? 0
  }

  /**
   * All in one function: very many rooms may be opening at once, and each function that waits takes more than an open room.
   * @returns {Promise<void>}
   */
  async load() {
    const affairs = this.#affairs
    const { unopened } = affairs
    // It is loaded once.
    if (unopened === undefined) return
    affairs.unopened = undefined
    const { engine } = this.#room
    /** @type {number | undefined} */
    let cutBytes
    while (cutBytes === undefined) {
      // Whoever closes the room meanwhile waits until its files are let go.
      affairs.opening = this.#open(unopened)
      try {
        cutBytes = await affairs.opening
      } catch (cause) {
        const error = codedError(cause)
        if (error?.code !== OWNER_IS_CLOSING) throw error ?? cause
        await pause(CLOSING_RETRY_MS)
        if (affairs.closing !== undefined) return
      }
    }
    if (affairs.closing !== undefined) {
      engine.abandon()
      return
    }
    affairs.opening = undefined
    affairs.cutBytes = cutBytes
    openKeepers[engine.place] = this
    this.#isOpen = true
    const isKnown = engine.adopt()
    affairs.saver?.loaded()
    // Before anybody is told that it changed.
    if (!isKnown && engine.isMarked) {
      await this.#saveAll(engine.beginSnapshot() ?? (await restOfSnapshot(engine)))
    } else if (affairs.isNothing) {
      this.#made = undefined
    }
  }

  changed() {
    this.#made?.saver?.changed()
  }

  commit() {
    if (this.#isOpen) this.#run(this.#room.engine.commit())
  }

  /** Settles when what was accepted is stored, or could not be. */
  async stored() {
    this.commit()
    if (!this.#isOpen || !this.#room.engine.isBusy) return
    const affairs = this.#affairs
    affairs.idle ??= deferred()
    await affairs.idle.promise
  }

  /** The native side has news. */
  poll() {
    // Something has ended: what is under way now began later.
    this.#made?.commitTimer?.clear()
    this.#run(this.#room.engine.poll())
  }

  /** @returns {Promise<void>} */
  async flush() {
    const { saver, closing } = this.#made ?? NO_AFFAIRS
    if (saver !== undefined) return saver.flush()
    if (closing !== undefined) return closing
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
    const closing = this.#close(save)
    this.#affairs.closing = closing
    return closing
  }

  /**
   * @param {boolean} save
   * @returns {Promise<void>}
   */
  async #close(save) {
    this.commit()
    const { saver, opening, waiting } = this.#affairs
    if (!this.#isOpen) {
      // Files that are being opened are let go before anybody opens them again.
      await opening?.catch(ignore)
      return saver?.close(save)
    }
    // Whoever asks for the room from now on waits instead of being refused.
    this.#room.engine.beginClose()
    // Nobody answers a flush once the files are closed.
    const flushes = Array.from(waiting?.values() ?? [], ({ promise }) => promise)
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
    const affairs = this.#affairs
    affairs.keepAlive ??= new KeepAlive()
    affairs.keepAlive.hold()
    this.#room.report(saveFailed(nativeError(text)))
  }

  storeHealed() {
    if (this.#made === undefined) return
    this.#made.keepAlive?.release()
    this.#made.keepAlive = undefined
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
    const waiting = this.#made?.waiting?.get(ticket)
    this.#made?.waiting?.delete(ticket)
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
      this.#made?.keepAlive?.release()
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
   * Opens the files, unless somebody in this process is closing them. Gives how much of a torn end was cut off the journal.
   * @param {Unopened} unopened
   * @returns {Promise<number>}
   */
  #open({ files, throttleMs, retentionMs: historyRetention }) {
    const { engine } = this.#room
    return openFiles(files.dir, files.roomId, notifier, engine.place, {
      durability: this.durability,
      leastCompactionGap: throttleMs,
      limits: engine.limits,
      ...(historyRetention !== undefined && { historyRetention }),
    })
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
    const affairs = this.#made
    if (affairs === undefined) return
    affairs.commitTimer?.clear()
    affairs.idle?.resolve()
    affairs.idle = undefined
  }

  #awaitCommit() {
    const affairs = this.#affairs
    affairs.commitTimer ??= new RealTimer()
    if (affairs.commitTimer.armed) return
    affairs.commitTimer.arm(STORE_PATIENCE_MS, () => {
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
    /** @type {Waiting} */
    const waiting = deferred()
    this.#affairs.waiting ??= new Map()
    this.#affairs.waiting.set(ticket, waiting)
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
