'use strict'

/**
 * What a room counts, always: plain numbers that only grow, so that counting costs an addition and
 * who reads them can take differences.
 */

/** @typedef {import('../../index').RoomCounters} RoomCounters */

/** @type {(string | number)[]} */
const NONE = []

/** How often something came about, by its code. Codes are heddle's own: no peer makes one up. */
class CountsByCode {
  /**
   * A code and its count after each other: a room has seen one code or two, for which a dictionary would take half a kilobyte.
   * @type {(string | number)[]}
   */
  #counts = NONE

  /**
   * @param {string | number} code
   * @param {number} [times]
   */
  add(code, times = 1) {
    const counts = this.#counts
    for (let at = 0; at < counts.length; at += 2) {
      if (counts[at] !== code) continue
      counts[at + 1] = Number(counts[at + 1]) + times
      return
    }
    // A list that is spread into another leaves room in it for sixteen more.
    this.#counts = counts.concat(code, times)
  }

  /** @param {CountsByCode} other */
  include(other) {
    const counts = other.#counts
    for (let at = 0; at < counts.length; at += 2) this.add(counts[at] ?? '', Number(counts[at + 1]))
  }

  /** Gives a copy. */
  get all() {
    /** @type {Record<string | number, number>} */
    const all = {}
    const counts = this.#counts
    for (let at = 0; at < counts.length; at += 2) all[counts[at] ?? ''] = Number(counts[at + 1])
    return all
  }
}

class Counters {
  framesIn = 0
  bytesIn = 0
  framesOut = 0
  refused = new CountsByCode()
  sessionsOpened = 0
  sessionsClosed = new CountsByCode()
  lags = 0
  saveErrors = 0
  errors = 0

  /**
   * Counts what another has counted too.
   * @param {Counters} other
   */
  include(other) {
    this.framesIn += other.framesIn
    this.bytesIn += other.bytesIn
    this.framesOut += other.framesOut
    this.refused.include(other.refused)
    this.sessionsOpened += other.sessionsOpened
    this.sessionsClosed.include(other.sessionsClosed)
    this.lags += other.lags
    this.saveErrors += other.saveErrors
    this.errors += other.errors
  }

  /** @returns {RoomCounters} */
  get all() {
    return { ...this, refused: this.refused.all, sessionsClosed: this.sessionsClosed.all }
  }
}

module.exports = { Counters, CountsByCode }
