'use strict'

/**
 * The rooms of a manager that wait for visitors. They all wait equally long, so they are a list, the one that has waited longest
 * first, and one timer does for all of them: a timer for each would cost as much memory as a room.
 */

const { spreadOut } = require('./spread.js')
const { LONGEST_DELAY_MS, Timer } = require('./timers.js')

/**
 * A room that may wait: its place in the list, if it does.
 * @typedef {object} Idler
 * @property {number} idleSince `NOT_IDLE`, or milliseconds from when the list was made: V8 would keep a date outside of the object
 * @property {any} longerIdle
 * @property {any} shorterIdle
 */

/** Of a room that does not wait. */
const NOT_IDLE = -1

/** @template {Idler} T */
class IdleRooms {
  #timeoutMs
  #onTimeout
  #timer = new Timer()
  /** By the clock, which users' tests fake with the timers. */
  #began = Date.now()
  /** @type {T | undefined} */
  #longest
  /** @type {T | undefined} */
  #shortest
  /** Whether rooms that have waited long enough have their turns. */
  #isEnding = false

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
    room.idleSince = this.#now
    room.longerIdle = this.#shortest
    if (this.#shortest === undefined) this.#longest = room
    else this.#shortest.shorterIdle = room
    this.#shortest = room
    if (!this.#timer.armed && !this.#isEnding) this.#arm(room.idleSince)
  }

  /**
   * A room does not wait any more.
   * @param {T} room
   */
  remove(room) {
    if (room.idleSince === NOT_IDLE) return
    const { longerIdle, shorterIdle } = room
    room.idleSince = NOT_IDLE
    room.longerIdle = undefined
    room.shorterIdle = undefined
    if (longerIdle === undefined) this.#longest = shorterIdle
    else longerIdle.shorterIdle = shorterIdle
    if (shorterIdle === undefined) this.#shortest = longerIdle
    else shorterIdle.longerIdle = longerIdle
    if (this.#longest === undefined) this.#timer.clear()
  }

  get #now() {
    return Math.max(Date.now() - this.#began, 0)
  }

  /**
   * Waits until the room that has waited longest has waited long enough.
   * @param {number} now
   */
  #arm(now) {
    const room = this.#longest
    if (room === undefined) return
    const delay = Math.min(room.idleSince + this.#timeoutMs - now, LONGEST_DELAY_MS)
    // Where the clock stands still, or went back, the timer has still been right.
    this.#timer.armUnreferenced(Math.max(delay, 0), () => this.#end(now + delay))
  }

  /**
   * The rooms that have waited long enough go, each when it is its turn.
   * @param {number} due when the timer was to fire
   */
  #end(due) {
    this.#isEnding = true
    spreadOut(this.#takeUntil(Math.max(this.#now, due)), this.#onTimeout, () => {
      this.#isEnding = false
      this.#arm(Math.max(this.#now, due))
    })
  }

  /**
   * Takes the rooms out that have waited long enough by then. A visitor may still come before it is a room's turn.
   * @param {number} time
   */
  *#takeUntil(time) {
    for (;;) {
      const room = this.#longest
      if (room === undefined || room.idleSince + this.#timeoutMs > time) return
      this.remove(room)
      yield room
    }
  }
}

module.exports = { IdleRooms, NOT_IDLE }
