'use strict'

/** The cases of `heddle/testing` for `append` and `loadChanges`: storages that have them are journals. */

const { changes, scramble, snapshotAt, strangeChanges, unreadableFields } = require('./samples.js')

/** @typedef {import('./testing.js').ContractCase} ContractCase */

/** More rows than one statement of a database has parameters for. */
const MANY = 20_000

/** @type {ContractCase[]} */
const appendCases = [
  {
    name: 'loadChanges gives nothing before the first append',
    invariant: 4,
    async check(room) {
      await room.holdsChanges(0, [])
      await room.save(snapshotAt(3))
      await room.holdsChanges(3, [])
      await room.reopen()
      await room.holdsChanges(3, [])
    },
  },
  {
    name: 'loadChanges gives back every change exactly',
    invariant: 4,
    async check(room) {
      await room.append(strangeChanges())
      await room.holdsChanges(0, strangeChanges())
      await room.reopen()
      await room.holdsChanges(0, strangeChanges())
    },
  },
  {
    // Over the places where numbers that are compared as texts change their order.
    name: 'loadChanges gives the changes of many appends in order',
    invariant: 4,
    async check(room) {
      await room.append(changes(1, 1))
      for (let first = 2; first <= 1_000; first += 37) {
        await room.append(changes(first, first + 36))
      }
      await room.holdsChanges(0, changes(1, 1_000))
    },
  },
  {
    name: 'loadChanges gives only what is after, also from the middle of an append',
    invariant: 4,
    async check(room) {
      await room.append(changes(1, 4))
      await room.append(changes(5, 12))
      for (const after of [3, 4, 7, 9, 11, 12])
        await room.holdsChanges(after, changes(after + 1, 12))
    },
  },
  {
    name: 'appends go on after a snapshot that is newer than every change',
    invariant: 4,
    async check(room) {
      await room.append(changes(1, 3))
      await room.reopen()
      await room.save(snapshotAt(20))
      await room.reopen()
      await room.append(changes(21, 22))
      await room.append(changes(23, 23))
      await room.holdsChanges(20, changes(21, 23))
      await room.reopen()
      await room.holdsChanges(20, changes(21, 23))
    },
  },
  {
    name: 'a large append is stored whole',
    invariant: 3,
    async check(room) {
      await room.append(changes(1, MANY))
      await room.reopen()
      await room.holdsChanges(0, changes(1, MANY))
    },
  },
  {
    name: 'an append that resolved is there for the next process, before the first save too',
    invariant: 2,
    async check(room) {
      for (const last of [3, 6, 9]) {
        await room.append(changes(last - 2, last))
        await room.reopen()
        await room.holds(null)
        await room.holdsChanges(0, changes(1, last))
      }
    },
  },
  {
    name: 'an append after a save that resolved is there for the next process',
    invariant: 2,
    async check(room) {
      await room.save(snapshotAt(7))
      await room.append(changes(8, 9))
      await room.reopen()
      await room.holds(snapshotAt(7))
      await room.holdsChanges(7, changes(8, 9))
    },
  },
  {
    name: 'an append that fails changes nothing, and the next one is stored',
    invariant: 3,
    async check(room) {
      await room.append(changes(1, 3))
      const unreadable = changes(4, 6)
      unreadable[2]?.patches.push({ 'b/Box': unreadableFields() })

      await room.failsTo('append', unreadable)

      await room.holdsChanges(0, changes(1, 3))
      await room.append(changes(4, 5, 'bob'))
      await room.reopen()
      await room.holdsChanges(0, [...changes(1, 3), ...changes(4, 5, 'bob')])
    },
  },
  ...[
    { how: 'fewer changes', last: 4 },
    { how: 'as many changes', last: 6 },
    { how: 'more changes', last: 9 },
  ].map(({ how, last }) => ({
    name: `an append of ${how} replaces the one that began at the same number`,
    invariant: 5,
    check: (/** @type {import('./subject.js').Subject} */ room) => replace(room, last),
  })),
  {
    name: 'an append replaces the first one of a room',
    invariant: 5,
    async check(room) {
      await room.append(changes(1, 3))
      await room.append(changes(1, 2, 'bob'))
      await room.append(changes(1, 1, 'carol'))
      await room.holdsChanges(0, changes(1, 1, 'carol'))
    },
  },
  {
    name: 'a save keeps the changes above it',
    invariant: 6,
    async check(room) {
      await room.append(changes(1, 9))
      await room.append(changes(10, 12))
      await room.save(snapshotAt(4))
      await room.holdsChanges(4, changes(5, 12))
      await room.append(changes(13, 14))
      await room.save(snapshotAt(11))
      await room.reopen()
      await room.holds(snapshotAt(11))
      await room.holdsChanges(11, changes(12, 14))
      await room.save(snapshotAt(14))
      await room.holdsChanges(14, [])
    },
  },
  {
    name: 'a save and an append at the same time both count',
    invariant: 6,
    async check(room) {
      await room.append(changes(1, 3))
      await together(room.append(changes(4, 6)), room.save(snapshotAt(3)))
      await room.holdsChanges(3, changes(4, 6))
      await together(room.save(snapshotAt(5)), room.append(changes(7, 9)))
      await room.holds(snapshotAt(5))
      await room.holdsChanges(5, changes(6, 9))
      await together(room.save(snapshotAt(9)), room.append(changes(10, 11)))
      await room.reopen()
      await room.holds(snapshotAt(9))
      await room.holdsChanges(9, changes(10, 11))
    },
  },
  {
    name: 'what append got may be changed afterwards',
    invariant: 7,
    async check(room) {
      const given = changes(1, 3)
      await room.append(given)
      scramble(given)
      await room.holdsChanges(0, changes(1, 3))
    },
  },
  {
    name: 'what loadChanges gave may be changed',
    invariant: 7,
    async check(room) {
      await room.append(changes(1, 3))
      scramble(await room.loadChanges(0))
      await room.holdsChanges(0, changes(1, 3))
    },
  },
]

/** @type {ContractCase} */
const twoRoomsOfAppends = {
  name: 'an append is of its own room only, and so is what a save removes',
  invariant: 9,
  async check(room) {
    const other = await room.another()
    await room.append(changes(1, 4))
    await other.holdsChanges(0, [])
    await other.append(changes(1, 2, 'bob'))
    await other.append(changes(3, 6, 'bob'))
    await other.save(snapshotAt(5))
    await room.holdsChanges(0, changes(1, 4))
    await other.holdsChanges(5, changes(6, 6, 'bob'))
  },
}

/** @type {ContractCase} */
const pairCase = {
  name: 'append and loadChanges are both there',
  invariant: 4,
  async check(room) {
    await room.append(changes(1, 1))
    await room.holdsChanges(0, changes(1, 1))
  },
}

/**
 * Appends over 4 to 6 as a room does that took them back.
 * @param {import('./subject.js').Subject} room
 * @param {number} last
 */
async function replace(room, last) {
  const wanted = [...changes(1, 3), ...changes(4, last, 'bob')]
  await room.append(changes(1, 3))
  await room.append(changes(4, 6))
  await room.append(changes(4, last, 'bob'))
  await room.holdsChanges(0, wanted)
  await room.append(changes(last + 1, last + 1))
  await room.reopen()
  await room.holdsChanges(0, [...wanted, ...changes(last + 1, last + 1)])
}

/**
 * Waits for all to settle: a case that ended with a call in flight would be cleaned up under it.
 * @param {...Promise<void>} calls
 */
async function together(...calls) {
  for (const settled of await Promise.allSettled(calls)) {
    if (settled.status === 'rejected') throw settled.reason
  }
}

module.exports = { appendCases, pairCase, twoRoomsOfAppends }
