'use strict'

/** The cases of `heddle/testing` for `load` and `save`: every storage has them. */

const {
  largeSnapshot,
  scramble,
  snapshotAt,
  strangeSnapshot,
  unreadableFields,
} = require('./samples.js')

/** @typedef {import('./testing.js').ContractCase} ContractCase */

/** @type {ContractCase[]} */
const saveCases = [
  {
    name: 'load gives null before the first save',
    invariant: 1,
    async check(room) {
      await room.holds(null)
      await room.reopen()
      await room.holds(null)
    },
  },
  {
    name: 'load gives what the last save got',
    invariant: 1,
    async check(room) {
      for (const clock of [0, 1, 9, 10, 11, 11]) {
        await room.save(snapshotAt(clock))
        await room.holds(snapshotAt(clock))
      }
    },
  },
  {
    name: 'load gives back every name and value exactly',
    invariant: 1,
    async check(room) {
      await room.save(strangeSnapshot())
      await room.holds(strangeSnapshot())
      await room.reopen()
      await room.holds(strangeSnapshot())
    },
  },
  {
    name: 'load gives back a large snapshot',
    invariant: 1,
    async check(room) {
      await room.save(largeSnapshot())
      await room.reopen()
      await room.holds(largeSnapshot())
    },
  },
  {
    name: 'a save that resolved is there for the next process',
    invariant: 2,
    async check(room) {
      for (const clock of [1, 2, 3]) {
        await room.save(snapshotAt(clock))
        await room.reopen()
        await room.holds(snapshotAt(clock))
      }
    },
  },
  {
    name: 'a save that fails changes nothing, and the next one is stored',
    invariant: 3,
    async check(room) {
      await room.save(snapshotAt(1))
      const unreadable = snapshotAt(2)
      unreadable.state['c/Box'] = unreadableFields()

      await room.failsTo('save', unreadable)

      await room.holds(snapshotAt(1))
      await room.save(snapshotAt(2))
      await room.reopen()
      await room.holds(snapshotAt(2))
    },
  },
  {
    name: 'what save got may be changed afterwards',
    invariant: 7,
    async check(room) {
      const snapshot = snapshotAt(1)
      await room.save(snapshot)
      scramble(snapshot)
      await room.holds(snapshotAt(1))
    },
  },
  {
    name: 'what load gave may be changed',
    invariant: 7,
    async check(room) {
      await room.save(snapshotAt(1))
      scramble(await room.load())
      await room.holds(snapshotAt(1))
    },
  },
]

/** @type {ContractCase} */
const twoRoomsOfSaves = {
  name: 'a save is of its own room only',
  invariant: 9,
  async check(room) {
    const other = await room.another()
    await room.save(snapshotAt(1))
    await other.holds(null)
    await other.save(snapshotAt(2))
    await room.holds(snapshotAt(1))
    await other.holds(snapshotAt(2))
  },
}

module.exports = { saveCases, twoRoomsOfSaves }
