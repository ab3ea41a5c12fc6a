// When a server is killed, and what it was doing then.
import { readdirSync, watch } from 'node:fs'

/** @typedef {import('./random.mjs').Random} Random */

/**
 * `load`: while edits are under way. `file`: the instant a new file appears among the rooms' files, which is in the middle of a
 * compaction, a save or the creation of a journal. `open`: while rooms are opened. `close`: after it was told to close all rooms.
 * `leave`: after everybody left a room, which it then closes.
 * @typedef {'load' | 'file' | 'open' | 'close' | 'leave'} Moment
 */

/** @type {readonly [Moment, number][]} */
const SHARES = [
  ['load', 0.5],
  ['file', 0.22],
  ['open', 0.1],
  ['close', 0.1],
  ['leave', 0.08],
]

/**
 * @param {Random} random
 * @returns {Moment}
 */
export function drawMoment(random) {
  let drawn = random.fraction()
  for (const [moment, share] of SHARES) {
    if (drawn < share) return moment
    drawn -= share
  }
  return 'load'
}

/**
 * Waits a time.
 * @param {number} ms
 */
export function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/**
 * Waits for the n-th new name among the rooms' files, no longer than `deadlineMs`; calls `strike` in that very instant.
 * @param {string} dir
 * @param {number} count
 * @param {number} deadlineMs
 * @param {() => void} strike
 */
export async function onNewFile(dir, count, deadlineMs, strike) {
  let left = count
  await new Promise((resolve) => {
    const timer = setTimeout(resolve, deadlineMs)
    const watcher = watch(dir, (event) => {
      if (event !== 'rename') return
      left -= 1
      if (left > 0) return
      strike()
      clearTimeout(timer)
      watcher.close()
      resolve(undefined)
    })
    setTimeout(() => watcher.close(), deadlineMs)
  })
}

/**
 * The files that kills left half made: beside these a room has others only while it replaces one. For the figures alone, no check
 * depends on it.
 * @param {string} dir
 */
export function halfMadeFiles(dir) {
  return readdirSync(dir).filter(
    (name) => !/^[^.]+\.(json|journal|journal-new|lock|log)$/.test(name),
  )
}
