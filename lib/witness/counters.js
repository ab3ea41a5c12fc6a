'use strict'

/**
 * What a room counts, always: plain numbers that only grow, so that counting costs an addition and
 * who reads them can take differences.
 */

/** @typedef {import('../../index').RoomCounters} RoomCounters */

/** How often something came about, by its code. Codes are heddle's own: no peer makes one up. */
class CountsByCode {
  /**
   * There when something has come about: a room's sessions may all be honest.
   * @type {Record<string | number, number> | undefined}
   */
  #counts

  /**
   * @param {string | number} code
   * @param {number} [times]
   */
  add(code, times = 1) {
    this.#counts ??= Object.create(null)
    const counts = /** @type {Record<string | number, number>} */ (this.#counts)
    counts[code] = (counts[code] ?? 0) + times
  }

  /** @param {CountsByCode} other */
  include(other) {
    for (const [code, times] of Object.entries(other.#counts ?? {})) this.add(code, times)
  }

  /** Gives a copy. */
  get all() {
    return { ...this.#counts }
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
