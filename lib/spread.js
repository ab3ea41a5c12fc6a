'use strict'

/**
 * Work on very many rooms, a share of it in each turn of the event loop: a hundred thousand rooms may be opened, grow idle or
 * be closed at once, and no other room should wait until that is done.
 */

const { onceInLaterTurn } = require('./turn.js')

/** How many rooms one turn opens, closes and hears of, in all managers of the process. */
const ROOMS_PER_TURN = 32

/**
 * Something to do with each of many rooms.
 * @typedef {object} Job
 * @property {Iterator<any>} rooms
 * @property {(room: any) => void} work
 * @property {(() => void) | undefined} onEnd
 */

/**
 * Those that are not done, the one that is next first.
 * @type {Set<Job>}
 */
const jobs = new Set()
let worked = 0
let isWorking = false

/**
 * Does something with each of these, now as far as this turn has space, and then in later turns. Jobs take turns, and each
 * keeps its order.
 * @template T
 * @param {Iterable<T>} rooms
 * @param {(room: T) => void} work must not throw
 * @param {() => void} [onEnd] called behind the last of them; must not throw
 */
function spreadOut(rooms, work, onEnd) {
  jobs.add({ rooms: rooms[Symbol.iterator](), work, onEnd })
  arm()
  workOff()
}

const arm = onceInLaterTurn(beginTurn)

function beginTurn() {
  worked = 0
  if (jobs.size > 0) arm()
  workOff()
}

function workOff() {
  // What is worked on may bring more.
  if (isWorking) return
  isWorking = true
  // Grows while it is walked over: who is not done comes again.
  for (const job of jobs) {
    if (worked >= ROOMS_PER_TURN) break
    jobs.delete(job)
    const next = job.rooms.next()
    if (next.done === true) {
      job.onEnd?.()
    } else {
      worked += 1
      jobs.add(job)
      job.work(next.value)
    }
  }
  isWorking = false
}

module.exports = { ROOMS_PER_TURN, spreadOut }
