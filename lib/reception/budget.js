'use strict'

/**
 * How much of a turn of the event loop goes into catch-ups, over all rooms of the process. A `reconnect` can cost
 * megabytes, and hundreds of clients come back at once: what is over the budget is handled in later turns, so that
 * timers, other sockets and other rooms have theirs in between.
 */

const { onceInLaterTurn } = require('../turn.js')

/** What one turn sends to single sessions before the others that may want as much have to wait. */
const TURN_BUDGET_LENGTH = 2 * 1024 * 1024

/** Texts below this are no catch-ups to speak of, and are not counted. */
const COUNTED_LENGTH = 16 * 1024

/** What is counted for sockets that are promised an answer inside the call (CC4). */
const LARGE_LENGTH = 256 * 1024

/**
 * Somebody whose turn comes later.
 * @typedef {object} Waiter
 * @property {() => void} takeTurn must not throw
 */

let spent = 0
let spentOnLarge = 0

/**
 * Who waits, by room, in order of arrival. The room whose turn is next comes first.
 * @type {Map<object, Waiter[]>}
 */
const line = new Map()

/**
 * Notes what a text costs this turn.
 * @param {number} length
 */
function spend(length) {
  if (length < COUNTED_LENGTH) return
  spent += length
  if (length > LARGE_LENGTH) spentOnLarge += length
  arm()
}

/**
 * Whether this turn has no room for more.
 * @param {boolean} isDirect whether the answer is promised inside the call
 */
function isSpent(isDirect) {
  return (isDirect ? spentOnLarge : spent) >= TURN_BUDGET_LENGTH
}

/**
 * Calls back in a later turn: rooms by turns, and within a room in the order of the calls.
 * @param {object} room
 * @param {Waiter} waiter
 */
function lineUp(room, waiter) {
  const waiters = line.get(room)
  if (waiters === undefined) line.set(room, [waiter])
  else waiters.push(waiter)
  arm()
}

const arm = onceInLaterTurn(beginTurn)

function beginTurn() {
  spent = 0
  spentOnLarge = 0
  while (spent < TURN_BUDGET_LENGTH) {
    const next = line.entries().next()
    if (next.done === true) return
    const [room, waiters] = next.value
    line.delete(room)
    const waiter = waiters.shift()
    if (waiters.length > 0) line.set(room, waiters)
    waiter?.takeTurn()
  }
  arm()
}

module.exports = { isSpent, lineUp, spend }
