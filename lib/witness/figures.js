'use strict'

/** What `getStats()` and `metrics()` read: the figures of one room, and their sums over a manager's rooms. */

const { Counters, CountsByCode } = require('./counters.js')

/** @typedef {import('../../index').RoomManagerStats} RoomManagerStats */
/** @typedef {import('../../index').RoomStats} RoomStats */

/**
 * The room that is looked at.
 * @typedef {object} Subject
 * @property {import('../engine.js').Engine} engine
 * @property {import('../keepers/keepers.js').Keeper | undefined} keeper
 * @property {import('../sessions.js').Sessions | undefined} sessions there when there has been one
 * @property {import('./witness.js').Witness} witness
 */

/** @typedef {ReturnType<typeof noGauges>} Gauges */
/** @typedef {import('./witness.js').Witness} Witness */

function noGauges() {
  return { sessions: 0, lagging: 0, queuedBytes: 0, documentBytes: 0, unstored: 0 }
}

/** A room that closed or broke is looked at like any other: nothing here can fail. */
class RoomFigures {
  #room

  /** @param {Subject} room */
  constructor(room) {
    this.#room = room
  }

  /**
   * Adds what there is now to the sums of a manager, which may have very many rooms.
   * @param {Gauges} sums
   */
  addTo(sums) {
    const { engine, keeper, sessions, witness } = this.#room
    if (sessions !== undefined) {
      sums.sessions += sessions.count
      sums.lagging += witness.laggingCount
      sums.queuedBytes += sessions.queuedBytes
    }
    sums.documentBytes += engine.documentBytes
    if (keeper !== undefined) sums.unstored += keeper.unstored
  }

  /** @returns {RoomStats} */
  get all() {
    const { engine, keeper, witness } = this.#room
    const gauges = noGauges()
    this.addTo(gauges)
    return {
      timestamp: engine.clock,
      ...engine.census,
      ...gauges,
      unsaved: keeper?.isUnsaved ?? false,
      durability: keeper?.durability ?? 'none',
      cutBytes: keeper?.cutBytes ?? 0,
      ...witness.counters.all,
    }
  }
}

/** The figures of a manager. Its counters have those of closed rooms too, so that no sum ever falls. */
class ManagerFigures {
  #roomsOpened = 0
  /**
   * Those in rooms that are closing, whose counters may still move.
   * @type {Set<Witness>}
   */
  #departing = new Set()
  /** What those have counted that are gone. */
  #gone = new Counters()
  #connectionsRefused = new CountsByCode()

  /**
   * A room was made.
   * @param {Witness} witness
   * @param {boolean} isGone whether it was closed before that
   */
  opened(witness, isGone) {
    this.#roomsOpened += 1
    if (isGone) this.departs(witness)
  }

  /**
   * A room is about to close; until now its manager has listed it among the open ones.
   * @param {Witness} witness
   */
  departs(witness) {
    this.#departing.add(witness)
  }

  /**
   * A connection was refused before it had a session.
   * @param {string} code
   */
  refused(code) {
    this.#connectionsRefused.add(code)
  }

  /**
   * Nothing happens in a room any more.
   * @param {Witness} witness
   */
  retire(witness) {
    if (this.#departing.delete(witness)) witness.addTo(this.#gone)
  }

  /**
   * @param {Iterable<RoomFigures>} open
   * @param {Iterable<Witness>} counting those in all rooms that have not departed
   * @returns {RoomManagerStats}
   */
  sum(open, counting) {
    const gauges = noGauges()
    let rooms = 0
    for (const room of open) {
      rooms += 1
      room.addTo(gauges)
    }
    const counters = new Counters()
    counters.include(this.#gone)
    for (const witness of this.#departing) witness.addTo(counters)
    for (const witness of counting) witness.addTo(counters)
    return {
      rooms,
      ...gauges,
      roomsOpened: this.#roomsOpened,
      connectionsRefused: this.#connectionsRefused.all,
      ...counters.all,
    }
  }
}

module.exports = { ManagerFigures, RoomFigures }
