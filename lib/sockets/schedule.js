'use strict'

/**
 * When the queues of sockets are written: at the end of the turn in which something came into them or, for rooms that ask for it,
 * all together so many milliseconds after the last time. A write costs a system call whatever it holds, and the first of
 * many more than those that follow it.
 */

const { realNow, RealTimer } = require('../timers.js')
const { flushAtEndOfTurn } = require('../turn.js')

/** @typedef {import('../turn.js').Flushable} Flushable */

/**
 * @typedef {object} Schedule
 * @property {(outlet: Flushable) => void} add has an outlet flushed, once, when it is time; its `flush` must not throw
 */

/** @type {Schedule} */
const eachTurn = { add: flushAtEndOfTurn }

/**
 * What comes after a rest need not wait.
 * @implements {Schedule}
 */
class Interval {
  #leastMs
  /** @type {Flushable[]} */
  #outlets = []
  #flushedAt = Number.NEGATIVE_INFINITY
  #timer = new RealTimer()

  /** @param {number} leastMs between two times */
  constructor(leastMs) {
    this.#leastMs = leastMs
  }

  /** @param {Flushable} outlet */
  add(outlet) {
    this.#outlets.push(outlet)
    if (this.#outlets.length > 1) return
    const remainingMs = this.#leastMs - (realNow() - this.#flushedAt)
    // Timers cut off parts of a millisecond.
    if (remainingMs > 0) this.#timer.arm(Math.ceil(remainingMs), () => this.flush())
    else flushAtEndOfTurn(this)
  }

  flush() {
    this.#flushedAt = realNow()
    const outlets = this.#outlets
    this.#outlets = []
    for (const outlet of outlets) outlet.flush()
  }
}

/**
 * By milliseconds: so many may be waited for at most, so there are not many.
 * @type {Map<number, Schedule>}
 */
const intervals = new Map([[0, eachTurn]])

/**
 * The schedule of all rooms with the same interval.
 * @param {number} writeIntervalMs an integer
 * @returns {Schedule}
 */
function scheduleOf(writeIntervalMs) {
  let schedule = intervals.get(writeIntervalMs)
  if (schedule === undefined) {
    schedule = new Interval(writeIntervalMs)
    intervals.set(writeIntervalMs, schedule)
  }
  return schedule
}

module.exports = { scheduleOf }
