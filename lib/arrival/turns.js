'use strict'

/**
 * Whose turn it is to join. Hundreds of sockets may open in one turn of the event loop, and accepting them is all that one
 * turn should do: those over its share join in later turns, in order.
 */

const { deferred } = require('../timers.js')
const { onceInLaterTurn } = require('../turn.js')

/** How many join in one turn, in all rooms of the process. */
const JOINS_PER_TURN = 32

let joins = 0

/**
 * Who waits, in order of arrival.
 * @type {import('../timers.js').Deferred<void>[]}
 */
let line = []

/**
 * Gives a promise where somebody who wants to join has to wait, and nothing where this turn has space.
 * @returns {Promise<void> | undefined}
 */
function turnToJoin() {
  arm()
  if (joins < JOINS_PER_TURN) {
    joins += 1
    return undefined
  }
  /** @type {import('../timers.js').Deferred<void>} */
  const turn = deferred()
  line.push(turn)
  return turn.promise
}

const arm = onceInLaterTurn(beginTurn)

function beginTurn() {
  const next = line.slice(0, JOINS_PER_TURN)
  line = line.slice(JOINS_PER_TURN)
  joins = next.length
  // Those who come in this turn are behind them.
  if (joins > 0) arm()
  for (const turn of next) turn.resolve()
}

module.exports = { turnToJoin }
