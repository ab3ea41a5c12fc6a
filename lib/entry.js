'use strict'

/** A room as its manager has it. */

const { NOT_IDLE } = require('./idle.js')
const { deferred } = require('./timers.js')

/** @typedef {import('./room.js').Room} Room */

/**
 * Who must know of a room's comings and goings whatever its users do: the manager.
 * @typedef {object} Observer
 * @property {boolean} isOver whether the room counts as closed, although it may not know yet
 * @property {() => void} joining somebody is about to join; throws where there is no space
 * @property {() => void} joined
 * @property {(remaining: number) => void} left
 * @property {(lastSave: Promise<void>) => void} closed
 */

/**
 * What an entry tells its manager: of its room what an observer is told.
 * @typedef {object} House
 * @property {boolean} isClosed
 * @property {() => void} joining
 * @property {(entry: Entry) => void} joined
 * @property {(entry: Entry, remaining: number) => void} left
 * @property {(entry: Entry, lastSave: Promise<void>) => void} closed
 */

/**
 * A room that is opening or open.
 * @implements {Observer}
 */
class Entry {
  /** @type {Room | undefined} */
  room
  isOpen = false
  /** Whether nothing may happen in the room any more. */
  isGone = false
  idleSince = NOT_IDLE
  /** @type {Entry | undefined} */
  longerIdle
  /** @type {Entry | undefined} */
  shorterIdle
  /** Counts what shows that somebody wants the room. */
  visits = 0
  /** How many sessions the room has, as the manager counts them. */
  sessions = 0
  /**
   * There until the room is open, or did not open.
   * @type {import('./timers.js').Deferred<Room> | undefined}
   */
  #opening = deferred()
  #house

  /**
   * @param {string} id
   * @param {House} house
   */
  constructor(id, house) {
    this.id = id
    this.#house = house
  }

  /** @returns {Promise<Room>} */
  get opened() {
    return this.#opening?.promise ?? Promise.resolve(/** @type {Room} */ (this.room))
  }

  /** Whether the room counts as closed, although it may not know yet. */
  get isOver() {
    return this.isGone || this.#house.isClosed
  }

  /** @param {Room} room */
  succeed(room) {
    this.isOpen = true
    this.#opening?.resolve(room)
    this.#opening = undefined
  }

  /** @param {unknown} error */
  fail(error) {
    this.#opening?.reject(error)
  }

  joining() {
    this.#house.joining()
  }

  joined() {
    this.#house.joined(this)
  }

  /** @param {number} remaining */
  left(remaining) {
    this.#house.left(this, remaining)
  }

  /** @param {Promise<void>} lastSave */
  closed(lastSave) {
    this.#house.closed(this, lastSave)
  }
}

module.exports = { Entry }
