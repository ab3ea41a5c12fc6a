'use strict'

/**
 * The end of a turn of the event loop: first what the turn changed is stored, then what it has to
 * say is sent. One append and one write per socket, however many frames came in.
 */

// The real one, as it was at load: tests that fake it expect no frame to wait for their clock.
const atEndOfTurn = setImmediate

/** @typedef {() => void} Step */

/** @typedef {{ flush: () => void }} Flushable */

/** @type {Step[]} */
let commits = []
/** @type {Step[]} */
let tellings = []
/** @type {Flushable[]} */
let flushes = []
let isArmed = false

/**
 * Stores a room's changes at the end of this turn. The step must not throw.
 * @param {Step} commit
 */
function commitAtEndOfTurn(commit) {
  commits.push(commit)
  arm()
}

/**
 * Tells a room's sessions something at the end of this turn, after all commits. The step must not throw.
 * @param {Step} tell
 */
function tellAtEndOfTurn(tell) {
  tellings.push(tell)
  arm()
}

/**
 * Writes a socket at the end of this turn, after all commits. Its `flush` must not throw.
 * @param {Flushable} outlet
 */
function flushAtEndOfTurn(outlet) {
  flushes.push(outlet)
  arm()
}

function arm() {
  if (isArmed) return
  isArmed = true
  atEndOfTurn(endTurn)
}

function endTurn() {
  try {
    takeSteps()
  } finally {
    // Only what came too late is for another turn, which by itself would cost one more wait for events.
    isArmed = false
    if (commits.length + tellings.length + flushes.length > 0) arm()
  }
}

function takeSteps() {
  const steps = commits
  commits = []
  for (const commit of steps) commit()
  const news = tellings
  tellings = []
  for (const tell of news) tell()
  // What the commits let go is among them.
  const writes = flushes
  flushes = []
  for (const outlet of writes) outlet.flush()
}

/**
 * Gives a function that has `begin` called in a later turn: once, however often it is called until then.
 * @param {() => void} begin must not throw
 * @returns {() => void}
 */
function onceInLaterTurn(begin) {
  let isAsked = false
  const run = () => {
    isAsked = false
    begin()
  }
  return () => {
    if (isAsked) return
    isAsked = true
    atEndOfTurn(run)
  }
}

module.exports = { commitAtEndOfTurn, flushAtEndOfTurn, onceInLaterTurn, tellAtEndOfTurn }
