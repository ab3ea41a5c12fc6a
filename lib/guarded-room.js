'use strict'

/**
 * The native room behind a guard: its expected errors come out coded, and everything else it throws
 * means that it is broken, which is told once to its owner.
 *
 * What answers a caller throws; what happens by itself (a frame, a leave, a refresh) gives no effects
 * when the room breaks, since nobody there could do anything about it.
 */

const { codedError, HeddleError } = require('./errors.js')
const { clearMailbox, mustOpen, openAnswer } = require('./mailbox.js')
const { openRoom, roomAt } = require('./rooms.js')

/** @typedef {import('./mailbox.js').Effects} Effects */
/** @typedef {import('./mailbox.js').OpenAnswer} OpenAnswer */
/** @typedef {import('../index').Limits} Limits */

/**
 * An object and no closure: there is one for each room.
 * @typedef {object} EngineOwner
 * @property {(error: HeddleError) => void} engineBroke called once
 */

class GuardedRoom {
  /** Where the native room is. */
  #place
  #generation
  #owner
  /** @type {HeddleError | undefined} */
  #broken

  /**
   * @param {boolean} wantsPatches
   * @param {Readonly<Limits>} limits
   * @param {EngineOwner} owner
   */
  constructor(wantsPatches, limits, owner) {
    ;[this.#place, this.#generation] = openRoom(this, wantsPatches, limits)
    this.limits = limits
    this.#owner = owner
  }

  /** The native room, until that of another engine is asked for. */
  get native() {
    return roomAt(this.#place, this.#generation)
  }

  /** A number that no other room has at the same time. */
  get place() {
    return this.#place
  }

  /** Which of the rooms that were at its place it is. */
  get generation() {
    return this.#generation
  }

  /** Why the room is broken, if it is. */
  get broken() {
    return this.#broken
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
      this.#owner.engineBroke(this.#broken)
    }
    return this.#broken
  }

  /**
   * Leaves an answer in the mailbox, to be run from there, if it can be.
   * @param {string | null | undefined} texts
   * @returns {Effects | null}
   */
  answer(texts) {
    if (texts === null || texts === undefined) return null
    return mustOpen() ? this.open(texts) : texts
  }

  /**
   * Opens an answer, all parts of it: the next call of any kind would be given what is left.
   * @param {string | null} texts
   * @returns {OpenAnswer | null}
   */
  open(texts) {
    const effects = openAnswer(texts)
    while (effects !== null && mustOpen()) effects.push(...(openAnswer(this.native.more()) ?? []))
    return effects
  }

  /**
   * Makes a call that answers a caller.
   * @template T
   * @param {() => T} call
   * @returns {T}
   */
  ask(call) {
    clearMailbox()
    try {
      return call()
    } catch (error) {
      const expected = codedError(error)
      if (expected !== undefined && expected.code !== 'HEDDLE_ROOM_BROKEN') throw expected
      throw this.break(error)
    }
  }

  /**
   * Makes a call for what happens by itself.
   * @template T
   * @param {() => T} call
   * @returns {T | undefined}
   */
  tell(call) {
    clearMailbox()
    try {
      return call()
    } catch (error) {
      this.break(error)
      return undefined
    }
  }
}

module.exports = { GuardedRoom }
