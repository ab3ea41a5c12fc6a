'use strict'

/**
 * The native room behind a guard: its expected errors come out coded, and everything else it throws
 * means that it is broken, which is told once to its owner.
 *
 * What answers a caller throws; what happens by itself (a frame, a leave, a refresh) gives no effects
 * when the room breaks, since nobody there could do anything about it.
 */

const { codedError, HeddleError } = require('./errors.js')
const { mailbox, openAnswer } = require('./mailbox.js')
const { NativeRoom } = require('./native.js')

/** @typedef {import('./mailbox.js').Effects} Effects */
/** @typedef {import('./frames.js').Frame} Frame */
/** @typedef {import('../index').SessionPermission} SessionPermission */
/** @typedef {import('../native').NativeSnapshot} NativeSnapshot */

class Engine {
  #native
  #onBroken
  /** @type {HeddleError | undefined} */
  #broken

  /**
   * @param {boolean} wantsPatches
   * @param {(error: HeddleError) => void} onBroken
   */
  constructor(wantsPatches, onBroken) {
    this.#native = new NativeRoom(mailbox, wantsPatches)
    this.#onBroken = onBroken
  }

  /** Why the room is broken, if it is. */
  get broken() {
    return this.#broken
  }

  /** @returns {number} */
  get clock() {
    return this.#ask(() => this.#native.clock)
  }

  /** How many components are alive, and how many are tombstones. */
  get census() {
    return this.#ask(() => {
      const { components, tombstones } = this.#native
      return { components, tombstones }
    })
  }

  /** @param {string} text */
  restore(text) {
    this.#ask(() => this.#native.restore(text))
  }

  /** @returns {NativeSnapshot} */
  snapshot() {
    return this.#ask(() => this.#native.snapshot())
  }

  /**
   * @param {number} session
   * @param {string} clientId
   * @param {SessionPermission} permissions
   * @param {boolean} isHeld
   * @returns {Effects | null}
   */
  join(session, clientId, permissions, isHeld) {
    const text = JSON.stringify(clientId)
    return this.#ask(() => openAnswer(this.#native.join(session, text, permissions, isHeld)))
  }

  /**
   * @param {number} session
   * @param {Frame} frame
   * @returns {Effects | null}
   */
  receive(session, frame) {
    try {
      return openAnswer(
        typeof frame === 'string'
          ? this.#native.receiveText(session, frame)
          : this.#native.receiveBytes(session, frame),
      )
    } catch (error) {
      this.break(error)
      return null
    }
  }

  /**
   * @param {number} session
   * @returns {Effects | null}
   */
  leave(session) {
    return this.#tell(() => openAnswer(this.#native.leave(session))) ?? null
  }

  /**
   * @param {number} session
   * @returns {SessionPermission | undefined}
   */
  permissions(session) {
    return this.#ask(() => this.#native.permissions(session)) ?? undefined
  }

  /**
   * @param {number} session
   * @param {SessionPermission} permissions
   */
  setPermissions(session, permissions) {
    this.#ask(() => this.#native.setPermissions(session, permissions))
  }

  /**
   * Gives `false` when the refresh was superseded or the session is gone.
   * @param {number} session
   * @param {number} attempt
   * @param {SessionPermission} permissions
   * @returns {boolean}
   */
  tokenVerified(session, attempt, permissions) {
    return this.#tell(() => this.#native.tokenVerified(session, attempt, permissions)) ?? false
  }

  /**
   * @param {number} session
   * @param {number} attempt
   * @returns {Effects | null}
   */
  tokenRefused(session, attempt) {
    return this.#tell(() => openAnswer(this.#native.tokenRefused(session, attempt))) ?? null
  }

  /**
   * @param {string} patches
   * @returns {Effects | null}
   */
  applyPatches(patches) {
    return this.#ask(() => openAnswer(this.#native.applyPatches(patches)))
  }

  /**
   * Breaks the room, after a failure that nobody expected.
   * @param {unknown} cause
   * @returns {HeddleError}
   */
  break(cause) {
    if (this.#broken === undefined) {
      const message = 'The engine failed in this room, which is closed'
      this.#broken = new HeddleError('HEDDLE_ROOM_BROKEN', message, { cause })
      this.#onBroken(this.#broken)
    }
    return this.#broken
  }

  /**
   * @template T
   * @param {() => T} call
   * @returns {T}
   */
  #ask(call) {
    try {
      return call()
    } catch (error) {
      const expected = codedError(error)
      if (expected !== undefined && expected.code !== 'HEDDLE_ROOM_BROKEN') throw expected
      throw this.break(error)
    }
  }

  /**
   * @template T
   * @param {() => T} call
   * @returns {T | undefined}
   */
  #tell(call) {
    try {
      return call()
    } catch (error) {
      this.break(error)
      return undefined
    }
  }
}

module.exports = { Engine }
