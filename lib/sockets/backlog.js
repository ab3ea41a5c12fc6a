'use strict'

/**
 * What all sessions of the process that lag hold together. A catch-up may be as large as its document, and each of
 * many who ask for one and do not read it would keep its own: over the bound, the slowest of them go.
 */

/** What they may hold together, in bytes. */
const MOST_BYTES = 1024 ** 3

/** How long a session must have lagged before its pace says anything. */
const PACE_AFTER_MS = 1_000

/** @type {Set<Backlog>} */
const backlogs = new Set()
let totalBytes = 0

/** What one session that lags holds, and how fast that leaves. */
class Backlog {
  stalledMs = 0
  #since = performance.now()
  #leftBytes = 0
  #giveUp

  /**
   * @param {{ queued: number, leaving: number }} held by its socket now, and of that what the system is being given
   * @param {() => void} giveUp closes the session, and ends the backlog
   */
  constructor({ queued, leaving }, giveUp) {
    this.queued = queued
    this.leaving = leaving
    this.#giveUp = giveUp
    totalBytes += queued
    backlogs.add(this)
  }

  /**
   * Looks again, and gives how many bytes have left since the last time.
   * @param {{ queued: number, leaving: number }} held
   */
  look({ queued, leaving }) {
    // Both count the same bytes, at different moments.
    const leftBytes = Math.max(this.queued - queued, this.leaving - leaving, 0)
    totalBytes += queued - this.queued
    this.#leftBytes += leftBytes
    this.queued = queued
    this.leaving = leaving
    return leftBytes
  }

  /** The session lags no more, or is gone. */
  end() {
    if (backlogs.delete(this)) totalBytes -= this.queued
  }

  giveUp() {
    this.#giveUp()
  }

  /**
   * Bytes per millisecond; without bound where it is too early to tell.
   * @param {number} now
   */
  paceAt(now) {
    const elapsedMs = now - this.#since
    return elapsedMs < PACE_AFTER_MS ? Number.POSITIVE_INFINITY : this.#leftBytes / elapsedMs
  }
}

/**
 * Gives up the slowest sessions while all together hold too much. One by itself may hold anything.
 * @param {number} now
 */
function relieve(now) {
  while (totalBytes > MOST_BYTES && backlogs.size > 1) {
    /** @type {Backlog | undefined} */
    let slowest
    for (const backlog of backlogs) {
      const pace = backlog.paceAt(now)
      if (pace < (slowest?.paceAt(now) ?? Number.POSITIVE_INFINITY)) slowest = backlog
    }
    if (slowest === undefined) return
    slowest.giveUp()
    slowest.end()
  }
}

module.exports = { Backlog, relieve }
