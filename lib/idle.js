'use strict'

/**
 * The rooms of a manager that wait for visitors. They all wait equally long, so those that begin to in one millisecond share
 * a timer: a hundred thousand timers would cost as much memory as the rooms.
 */

const { spreadOut } = require('./spread.js')
const { Timer } = require('./timers.js')

/**
 * A room that may wait.
 * @typedef {object} Idler
 * @property {Party<any> | undefined} party who it waits with, if it waits
 */

/**
 * Rooms that began to wait in the same millisecond.
 * @template {Idler} T
 */
class Party {
  timer = new Timer()
  /** @type {Set<T>} */
  rooms = new Set()

  /** @param {number} since by the clock, which users' tests fake with the timers */
  constructor(since) {
    this.since = since
  }
}

/** @template {Idler} T */
class IdleRooms {
  #timeoutMs
  #onTimeout
  /**
   * The one that was made last.
   * @type {Party<T> | undefined}
   */
  #latest

  /**
   * @param {number} timeoutMs
   * @param {(room: T) => void} onTimeout for each that has waited so long; must not throw
   */
  constructor(timeoutMs, onTimeout) {
    this.#timeoutMs = timeoutMs
    this.#onTimeout = onTimeout
  }

  /**
   * Lets a room wait, from now on.
   * @param {T} room
   */
  add(room) {
    this.remove(room)
    const now = Date.now()
    let party = this.#latest
    if (party === undefined || party.since !== now || party.rooms.size === 0) {
      party = this.#begin(now)
    }
    party.rooms.add(room)
    room.party = party
  }

  /**
   * A room does not wait any more.
   * @param {T} room
   */
  remove(room) {
    const { party } = room
    if (party === undefined) return
    room.party = undefined
    party.rooms.delete(room)
    if (party.rooms.size === 0) party.timer.clear()
  }

  /** @param {number} now */
  #begin(now) {
    /** @type {Party<T>} */
    const party = new Party(now)
    this.#latest = party
    party.timer.armUnreferenced(this.#timeoutMs, () => this.#end(party))
    return party
  }

  /**
   * Its rooms have waited long enough: each until it is its turn.
   * @param {Party<T>} party
   */
  #end(party) {
    if (this.#latest === party) this.#latest = undefined
    spreadOut(party.rooms, (room) => {
      this.remove(room)
      this.#onTimeout(room)
    })
  }
}

module.exports = { IdleRooms }
