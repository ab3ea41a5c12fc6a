'use strict'

/**
 * The rooms of a manager that wait for visitors. They all wait equally long, so they are a list, the one that has waited longest
 * first, and one timer does for all of them: a timer for each would cost as much memory as a room.
 */

const { spreadOut } = require('./spread.js')
const { LONGEST_DELAY_MS, timeBy, Timer } = require('./timers.js')

/**
 * A room that may wait: its place in the list, if it does.
 * @typedef {object} Idler
 * @property {number} idleSince `NOT_IDLE`, or milliseconds from when the list began: V8 would keep a date outside of the object
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
  /**
   * The `setTimeout` by which rooms wait.
   * @type {unknown}
   */
  #setTimeout
  #began = 0
  /** When a room was added last. */
  #latest = 0
  /** @type {T | undefined} */
  #longest
  /** @type {T | undefined} */
  #shortest
  /** Whether rooms that have waited long enough have their turns. */
  #isEnding = false

  /**
   * @param {number} timeoutMs
   * @param {(room: T) => void} onTimeout must not throw
   */
  constructor(timeoutMs, onTimeout) {
    this.#timeoutMs = timeoutMs
    this.#onTimeout = onTimeout
  }

  /**
   * Begins to wait with a room, anew if it waits already.
   * @param {T} room
   */
  add(room) {
    this.remove(room)
    room.idleSince = this.#keepTime()
    room.longerIdle = this.#shortest
    if (this.#shortest === undefined) this.#longest = room
    else this.#shortest.shorterIdle = room
    this.#shortest = room
    if (!this.#timer.armed && !this.#isEnding) this.#arm(room.idleSince)
  }

  /**
   * Does not wait with a room any longer.
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

  /**
   * Gives the time. All begin to wait anew where it is told by another clock than before, or has gone back: no room is
   * closed too early.
   * @returns {number}
   */
  #keepTime() {
    const { setTimeout } = globalThis
    const time = timeBy(setTimeout)
    if (setTimeout !== this.#setTimeout || time < this.#latest) {
      this.#setTimeout = setTimeout
      this.#began = time
      for (let room = this.#longest; room !== undefined; room = room.shorterIdle) room.idleSince = 0
      this.#timer.clear()
    }
    this.#latest = time
    return time - this.#began
  }

  /**
   * Waits until the room that has waited longest has waited long enough.
   * @param {number} now
   */
  #arm(now) {
    const room = this.#longest
    if (room === undefined) return
    const since = room.idleSince
    const delay = Math.max(since + this.#timeoutMs - now, 0)
    // Where the clock stands still the timer has been right all the same, unless it had to be shorter than the wait.
    const due = delay > LONGEST_DELAY_MS ? NOT_IDLE : since
    this.#timer.armUnreferenced(delay, () => this.#end(due))
  }

  /**
   * The rooms that have waited long enough go, each when it is its turn.
   * @param {number} due those that wait since then have, whatever the clock says
   */
  #end(due) {
    this.#isEnding = true
    spreadOut(this.#takeOverdue(due), this.#onTimeout, () => {
      this.#isEnding = false
      this.#arm(this.#keepTime())
    })
  }

  /**
   * Takes out the rooms that have waited long enough by now. A visitor may still come before it is a room's turn.
   * @param {number} due
   */
  *#takeOverdue(due) {
    const began = this.#began
    const now = timeBy(this.#setTimeout) - began
    for (;;) {
      const room = this.#longest
      if (room === undefined || began !== this.#began) return
      if (room.idleSince > due && room.idleSince + this.#timeoutMs > now) return
      this.remove(room)
      yield room
    }
  }
}

module.exports = { IdleRooms, NOT_IDLE }
