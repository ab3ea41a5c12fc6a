'use strict'

/** The calls of a room's engine, with what the native room takes and gives. */

const { GuardedRoom } = require('./guarded-room.js')
const { clearMailbox, order, unstoredBytes } = require('./mailbox.js')
const { raw } = require('./raw.js')

/** @typedef {import('./mailbox.js').Effects} Effects */
/** @typedef {import('./mailbox.js').OpenAnswer} OpenAnswer */
/** @typedef {import('./reception/frames.js').Frame} Frame */
/** @typedef {import('../index').SessionPermission} SessionPermission */
/** @typedef {import('../native').NativeHistory} NativeHistory */
/** @typedef {import('../native').NativePast} NativePast */
/** @typedef {import('../native').NativeRestoration} NativeRestoration */
/** @typedef {import('../native').NativeSnapshot} NativeSnapshot */

const TWO_TO_32 = 2 ** 32

class Engine extends GuardedRoom {
  /** @returns {number} */
  get clock() {
    return this.ask(() => this.native.clock)
  }

  /** How many components are alive, and how many are tombstones. */
  get census() {
    return this.ask(() => {
      const { components, tombstones } = this.native
      return { components, tombstones }
    })
  }

  /** The size of the document, as the limits count it. */
  get documentBytes() {
    return this.ask(() => this.native.documentBytes)
  }

  /** Whether the document differs from one that nobody has touched: tombstones and a clock count. */
  get isMarked() {
    const { components, tombstones } = this.census
    return this.clock > 0 || components > 0 || tombstones > 0
  }

  /** @param {string} text */
  restore(text) {
    this.ask(() => this.native.restore(text))
  }

  /** @returns {NativeSnapshot} */
  snapshot() {
    return this.ask(() => this.native.snapshot())
  }

  /**
   * Takes over what the room's files hold, which were opened. Gives `false` when they hold nothing: the document stays.
   * @returns {boolean}
   */
  adopt() {
    return this.ask(() => this.native.adopt())
  }

  /** Lets go of the room's files, which were opened. */
  abandon() {
    this.native.abandon()
  }

  /** Whether something was accepted that is not stored. */
  get hasUnstored() {
    return this.native.hasUnstored
  }

  /**
   * How many bytes are kept until what was accepted is stored; after a call that gave nothing to do.
   * @returns {number}
   */
  get unstoredBytes() {
    return unstoredBytes()
  }

  /**
   * Drops the last edit by the server itself if it was taken back, instead of having it wait.
   * @returns {boolean} whether it was taken back
   */
  forgetEdit() {
    return this.native.forgetEdit()
  }

  /** Whether a commit is under way on another thread. */
  get isBusy() {
    return this.native.isBusy
  }

  /**
   * Stores what was accepted, and gives the effects that may be seen now.
   * @returns {Effects | null}
   */
  commit() {
    clearMailbox()
    try {
      return this.answer(raw === undefined ? this.native.commit() : this.#commitRaw(raw))
    } catch (error) {
      this.break(error)
      return null
    }
  }

  /**
   * Gives what has become of earlier commits, flushes and closes.
   * @returns {OpenAnswer | null}
   */
  poll() {
    return this.tell(() => this.open(this.native.poll())) ?? null
  }

  /**
   * Takes back what the store has not answered to for so long.
   * @param {number} afterMs
   * @returns {OpenAnswer | null}
   */
  giveUp(afterMs) {
    return this.tell(() => this.open(this.native.giveUp(afterMs))) ?? null
  }

  /** How many accepted changes are not stored. */
  get unstored() {
    return this.native.clock - this.native.storedClock
  }

  /** The clock up to which everything is stored. */
  get storedClock() {
    return this.native.storedClock
  }

  /** Makes what is accepted from now on wait until it is stored. */
  journal() {
    this.native.journal()
  }

  /**
   * Puts in place what a storage holds.
   * @param {string | null} snapshot JSON text
   * @param {string} changes JSON text of a list
   */
  recover(snapshot, changes) {
    this.ask(() => this.native.recover(snapshot, changes))
  }

  /**
   * Gives the changes that nobody has taken yet, as the JSON text of a list.
   * @returns {string | null}
   */
  takeBatch() {
    return this.tell(() => this.native.takeBatch()) ?? null
  }

  /**
   * Everything up to this clock is stored.
   * @param {number} clock
   * @returns {OpenAnswer | null}
   */
  stored(clock) {
    return this.tell(() => this.open(this.native.stored(clock))) ?? null
  }

  /**
   * Takes back what is not stored.
   * @returns {OpenAnswer | null}
   */
  storeFailed() {
    return this.tell(() => this.open(this.native.storeFailed())) ?? null
  }

  /**
   * Handles what has waited since.
   * @returns {OpenAnswer | null}
   */
  storeRecovered() {
    return this.tell(() => this.open(this.native.storeRecovered())) ?? null
  }

  /**
   * Begins a copy of the document as it is now; gives it where that is little work.
   * @returns {NativeSnapshot | null}
   */
  beginSnapshot() {
    return this.ask(() => this.native.beginSnapshot())
  }

  /**
   * Begins a copy of the document as far as it is stored; gives it where that is little work.
   * @param {string} inFlight the text of what was taken and is not stored yet
   * @returns {NativeSnapshot | null}
   */
  beginStoredSnapshot(inFlight) {
    return this.ask(() => this.native.beginStoredSnapshot(inFlight))
  }

  /**
   * Does a share of the copy that was begun last; gives it once it is whole.
   * @returns {NativeSnapshot | null}
   */
  continueSnapshot() {
    return this.ask(() => this.native.continueSnapshot())
  }

  /** The room was closed, and its last save is over: tells the garbage collector what it weighs. */
  retire() {
    this.native.retire()
  }

  /** @param {number} ticket */
  flushStore(ticket) {
    this.native.flushStore(ticket)
  }

  /**
   * @param {number} ticket
   * @param {NativeSnapshot} snapshot
   */
  saveSnapshot(ticket, snapshot) {
    this.native.saveSnapshot(ticket, snapshot)
  }

  /** Tells who asks for the room's files that they will be free soon. */
  beginClose() {
    this.native.beginClose()
  }

  /**
   * @param {number} ticket
   * @param {boolean} save
   */
  closeStore(ticket, save) {
    this.native.closeStore(ticket, save)
  }

  /**
   * @param {number} session
   * @param {string} clientId
   * @param {SessionPermission} permissions
   * @param {boolean} isHeld
   * @returns {OpenAnswer | null}
   */
  join(session, clientId, permissions, isHeld) {
    const text = JSON.stringify(clientId)
    return this.ask(() => this.open(this.native.join(session, text, permissions, isHeld)))
  }

  /**
   * @param {number} session
   * @param {Frame} frame
   * @returns {Effects | null}
   */
  receive(session, frame) {
    clearMailbox()
    try {
      return this.answer(
        raw === undefined
          ? this.#receivePlain(session, frame)
          : this.#receiveRaw(raw, session, frame),
      )
    } catch (error) {
      this.break(error)
      return null
    }
  }

  /**
   * @param {number} session
   * @param {Frame} frame
   */
  #receivePlain(session, frame) {
    return typeof frame === 'string'
      ? this.native.receiveText(session, frame)
      : this.native.receiveBytes(session, frame)
  }

  /**
   * @param {NonNullable<typeof raw>} calls
   * @param {number} session
   * @param {Frame} frame
   */
  #receiveRaw(calls, session, frame) {
    order[0] = this.place
    order[1] = this.generation
    order[2] = session
    order[3] = session < TWO_TO_32 ? 0 : session / TWO_TO_32
    if (typeof frame !== 'string') return calls.receiveBytes(frame)
    order[4] = frame.length
    return calls.receiveText(frame)
  }

  /** @param {NonNullable<typeof raw>} calls */
  #commitRaw(calls) {
    order[0] = this.place
    order[1] = this.generation
    return calls.commit()
  }

  /**
   * @param {number} session
   * @returns {OpenAnswer | null}
   */
  leave(session) {
    return this.tell(() => this.open(this.native.leave(session))) ?? null
  }

  /**
   * Sends a session nothing more until it has drained.
   * @param {number} session
   * @returns {OpenAnswer | null}
   */
  lag(session) {
    return this.tell(() => this.open(this.native.lag(session))) ?? null
  }

  /**
   * Brings a session that lags up to date.
   * @param {number} session
   * @returns {OpenAnswer | null}
   */
  drained(session) {
    return this.tell(() => this.open(this.native.drained(session))) ?? null
  }

  /**
   * Goes on with the catch-ups that come in steps. Gives nothing where all of them wait for something.
   * @param {number[]} ready the sessions that can take more
   * @returns {Effects | null}
   */
  step(ready) {
    return this.tell(() => this.open(this.native.step(ready))) ?? null
  }

  /**
   * @param {number} session
   * @returns {SessionPermission | undefined}
   */
  permissions(session) {
    return this.ask(() => this.native.permissions(session)) ?? undefined
  }

  /**
   * @param {number} session
   * @param {SessionPermission} permissions
   */
  setPermissions(session, permissions) {
    this.ask(() => this.native.setPermissions(session, permissions))
  }

  /**
   * Gives `false` when the refresh was superseded or the session is gone.
   * @param {number} session
   * @param {number} attempt
   * @param {SessionPermission} permissions
   * @returns {boolean}
   */
  tokenVerified(session, attempt, permissions) {
    return this.tell(() => this.native.tokenVerified(session, attempt, permissions)) ?? false
  }

  /**
   * @param {number} session
   * @param {number} attempt
   * @returns {OpenAnswer | null}
   */
  tokenRefused(session, attempt) {
    return this.tell(() => this.open(this.native.tokenRefused(session, attempt))) ?? null
  }

  /**
   * @param {string} patches
   * @returns {OpenAnswer | null}
   */
  applyPatches(patches) {
    return this.ask(() => this.open(this.native.applyPatches(patches)))
  }

  /**
   * What reads the history of a room in files, where it keeps one.
   * @returns {NativeHistory | null}
   */
  history() {
    return this.ask(() => this.native.history())
  }

  /**
   * How to get from the document as it is now to what it was.
   * @param {NativePast} past
   * @returns {NativeRestoration}
   */
  planRestoration(past) {
    return this.ask(() => this.native.planRestoration(past))
  }

  /**
   * @param {string} patches of a restoration, whatever their size
   * @returns {OpenAnswer | null}
   */
  applyRestoration(patches) {
    return this.ask(() => this.open(this.native.applyRestoration(patches)))
  }
}

module.exports = { Engine }
