'use strict'

/**
 * The native rooms. Each is a number and no object, which would take as much memory as an idle room: one object stands for
 * whichever room it was turned to, and the garbage collector says of which rooms nothing is left on this side.
 */

const { isOff } = require('./fast-paths.js')
const { mailbox } = require('./mailbox.js')
const { forgetRoom, NativeRooms } = require('./native.js')

/** @typedef {import('../index').Limits} Limits */

/** Whom the next call is about: its place and its generation. Its buffer is made first, as that of the mailbox. */
const address = new Uint32Array(new ArrayBuffer(2 * Uint32Array.BYTES_PER_ELEMENT))

const rooms = new NativeRooms(mailbox, address)

/** @type {FinalizationRegistry<number>} */
const unreachable = new FinalizationRegistry(forgetRoom)

/**
 * Makes a native room, which stays as long as its owner.
 * @param {object} owner
 * @param {boolean} wantsPatches
 * @param {Readonly<Limits>} limits
 * @returns {[place: number, generation: number]}
 */
function openRoom(owner, wantsPatches, limits) {
  const [place = 0, generation = 0] = rooms.open(wantsPatches, limits, isOff('fast-decoder'))
  unreachable.register(owner, place)
  return [place, generation]
}

/**
 * Gives the native room of a number, until this is called again.
 * @param {number} place
 * @param {number} generation
 */
function roomAt(place, generation) {
  address[0] = place
  address[1] = generation
  return rooms
}

module.exports = { openRoom, roomAt }
