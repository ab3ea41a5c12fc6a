'use strict'

/** What `getStats()` and `metrics()` read: the figures of one room, and their sums over a manager's rooms. */

const { Counters } = require('./counters.js')

/** @typedef {import('../index').RoomManagerStats} RoomManagerStats */
/** @typedef {import('../index').RoomStats} RoomStats */

/**
 * The room that is looked at.
 * @typedef {object} Subject
 * @property {import('./engine.js').Engine} engine
 * @property {import('./keepers.js').Keeper | undefined} keeper
 * @property {import('./sessions.js').Sessions} sessions
 * @property {import('./witness.js').Witness} witness
 */

/** A room that closed or broke is looked at like any other: nothing here can fail. */
class RoomFigures {
  #room

  /** @param {Subject} room */
  constructor(room) {
    this.#room = room
  }

  get counters() {
    return this.#room.witness.counters
  }

  /** What a manager adds up. */
  get gauges() {
    const { engine, keeper, sessions, witness } = this.#room
    return {
      sessions: sessions.count,
      lagging: witness.laggingCount,
      queuedBytes: sessions.queuedBytes,
      documentBytes: engine.documentBytes,
      unstored: keeper?.unstored ?? 0,
    }
  }

  /** @returns {RoomStats} */
  get all() {
    const { engine, keeper } = this.#room
    return {
      timestamp: engine.clock,
      ...engine.census,
      ...this.gauges,
      unsaved: keeper?.isUnsaved ?? false,
      durability: keeper?.durability ?? 'none',
      cutBytes: keeper?.cutBytes ?? 0,
      ...this.counters.all,
    }
  }
}

/** The figures of a manager. Its counters have those of closed rooms too, so that no sum ever falls. */
class ManagerFigures {
  #roomsOpened = 0
  /**
   * The rooms whose counters may still move.
   * @type {Set<RoomFigures>}
   */
  #counting = new Set()
  /** What those have counted that are gone. */
  #gone = new Counters()

  /**
   * Counts a room from its first moment on.
   * @param {RoomFigures} room
   */
  add(room) {
    this.#roomsOpened += 1
    this.#counting.add(room)
  }

  /**
   * Nothing happens in a room any more.
   * @param {RoomFigures} room
   */
  retire(room) {
    if (this.#counting.delete(room)) this.#gone.include(room.counters)
  }

  /**
   * @param {RoomFigures[]} open
   * @returns {RoomManagerStats}
   */
  sum(open) {
    const sums = {
      rooms: open.length,
      sessions: 0,
      lagging: 0,
      queuedBytes: 0,
      documentBytes: 0,
      unstored: 0,
    }
    for (const room of open) {
      const { sessions, lagging, queuedBytes, documentBytes, unstored } = room.gauges
      sums.sessions += sessions
      sums.lagging += lagging
      sums.queuedBytes += queuedBytes
      sums.documentBytes += documentBytes
      sums.unstored += unstored
    }
    const counters = new Counters()
    counters.include(this.#gone)
    for (const room of this.#counting) counters.include(room.counters)
    return { ...sums, roomsOpened: this.#roomsOpened, ...counters.all }
  }
}

module.exports = { ManagerFigures, RoomFigures }
