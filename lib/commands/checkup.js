'use strict'

/** The commands `check` and `salvage`. */

const { codedError, HeddleError } = require('../errors.js')
const text = require('./checkup-text.js')

/** @typedef {import('../../native').NativeInspection} Inspection */
/** @typedef {import('../../native').NativeRoomName} RoomName */
/** @typedef {import('./command-line.js').Terminal} Terminal */

/** @typedef {'good' | 'open' | 'damaged' | 'unreadable'} Status */

/**
 * Says in what state the rooms of a directory are, one at a time.
 * @param {string} dir
 * @param {boolean} json
 * @param {Terminal} terminal
 * @returns {number}
 */
function check(dir, json, terminal) {
  const { inspectRoom, surveyRooms } = native()
  const { rooms, leftovers } = surveyRooms(dir)
  /** @type {Map<Status, number>} */
  const counts = new Map()
  for (const room of rooms) {
    const inspection = inspectRoom(dir, room)
    const status = statusOf(inspection)
    counts.set(status, (counts.get(status) ?? 0) + 1)
    const say = json ? text.roomAsJson : text.room
    terminal.out(say(room, status, inspection))
  }
  for (const leftover of leftovers) {
    terminal.out(json ? JSON.stringify({ type: 'leftover', ...leftover }) : text.leftover(leftover))
  }
  if (!json) text.summary(dir, counts).forEach(terminal.out)
  return counts.has('damaged') || counts.has('unreadable') ? 1 : 0
}

/**
 * Writes what can be read of a damaged room beside it.
 * @param {string} dir
 * @param {string | undefined} roomId
 * @param {string | undefined} file the room's file, when its id is not known
 * @param {Terminal} terminal
 * @returns {number}
 */
function salvage(dir, roomId, file, terminal) {
  const { roomName, surveyRooms } = native()
  // Whether the directory can be read at all.
  const { rooms } = surveyRooms(dir)
  if (roomId !== undefined) return salvageRoom(dir, roomName(roomId), text.shown(roomId), terminal)
  const room = rooms.find((room) => room.file === file || room.legacyFile === file)
  return room === undefined
    ? absent(dir, `${file}`, terminal)
    : salvageRoom(dir, room, `${file}`, terminal)
}

/**
 * @param {string} dir
 * @param {RoomName} room
 * @param {string} name
 * @param {Terminal} terminal
 * @returns {number}
 */
function salvageRoom(dir, room, name, terminal) {
  const { out, err } = terminal
  const salvage = attempt(dir, room)
  if (salvage instanceof HeddleError) {
    err(text.line(`heddle: ${salvage.message}`))
    return 1
  }
  switch (salvage.outcome) {
    case 'absent':
      return absent(dir, name, terminal)
    case 'healthy':
      out(text.healthy(name, salvage))
      return 0
    case 'hopeless':
      text.hopeless(name, salvage).forEach(err)
      return 1
    default:
      text.rescued(dir, room, salvage).forEach(out)
      return 0
  }
}

/**
 * @param {string} dir
 * @param {RoomName} room
 */
function attempt(dir, room) {
  try {
    return native().salvageRoom(dir, room)
  } catch (error) {
    const coded = codedError(error)
    if (coded === undefined) throw error
    return coded
  }
}

/**
 * @param {string} dir
 * @param {string} name
 * @param {Terminal} terminal
 */
function absent(dir, name, { err }) {
  err(text.line(`heddle: there is no room ${name} in ${dir}`))
  return 2
}

/**
 * @param {Inspection} inspection
 * @returns {Status}
 */
function statusOf({ problems, isPassing, isOpen }) {
  if (problems.length === 0 || isPassing) return isOpen ? 'open' : 'good'
  return problems.some(({ code }) => code === 'HEDDLE_DAMAGED_FILE') ? 'damaged' : 'unreadable'
}

/** Not before it is needed: a program that only says its version works without. */
function native() {
  return require('../native.js')
}

module.exports = { check, salvage }
