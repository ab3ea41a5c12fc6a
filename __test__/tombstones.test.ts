import { expect, it } from 'vitest'
import { MemoryStorage, Room } from '../index.js'
import { create, openRoom, remove, update } from './harness/room.js'

it('[TB1] a delete replaces the component and forgets its fields and clocks', () => {
  const room = openRoom()
  const ann = room.join('ann')
  ann.patch(create('a/Box', { x: 1, y: 2 }))
  ann.patch(update('a/Box', { x: 3 }))

  ann.patch(remove('a/Box'))

  expect(room.snapshot).toEqual({
    timestamp: 3,
    state: { 'a/Box': { _exists: false } },
    timestamps: { 'a/Box': { _exists: 3 } },
  })
})

it('[TB1] fields that come with a delete are forgotten too', () => {
  const room = openRoom()
  const ann = room.join('ann')
  ann.patch(create('a/Box', { x: 1 }))

  ann.patch({ 'a/Box': { _exists: false, x: 9 } })

  expect(room.snapshot).toEqual({
    timestamp: 2,
    state: { 'a/Box': { _exists: false } },
    timestamps: { 'a/Box': { _exists: 2 } },
  })
})

it('[TB1] a delete of a key that was never seen leaves a tombstone', () => {
  const room = openRoom()
  const ann = room.join('ann')
  const bob = room.join('bob')
  room.forget()

  ann.patch(remove('a/Box'))

  expect(room.snapshot).toEqual({
    timestamp: 1,
    state: { 'a/Box': { _exists: false } },
    timestamps: { 'a/Box': { _exists: 1 } },
  })
  expect(bob.received()).toEqual([
    {
      type: 'patch',
      clientId: 'ann',
      documentPatches: [{ 'a/Box': { _exists: false } }],
      timestamp: 1,
    },
  ])
})

it('[TB1] a second delete moves the tombstone’s clock', () => {
  const room = openRoom()
  const ann = room.join('ann')
  ann.patch(remove('a/Box'))

  ann.patch(remove('a/Box'))

  expect(room.snapshot.timestamps).toEqual({ 'a/Box': { _exists: 2 } })
})

it('[TB2] a creation on a tombstone has none of the old fields', () => {
  const room = openRoom()
  const ann = room.join('ann')
  ann.patch(create('a/Box', { x: 1, y: 2 }))
  ann.patch(remove('a/Box'))

  ann.patch(create('a/Box', { y: 5 }))

  expect(room.snapshot).toEqual({
    timestamp: 3,
    state: { 'a/Box': { _exists: true, y: 5 } },
    timestamps: { 'a/Box': { _exists: 3, y: 3 } },
  })
})

it('[TB3] a tombstone outlives the room, with its clock', async () => {
  const storage = new MemoryStorage()
  const before = new Room({ storage })
  before.applyPatch(create('a/Box', { x: 1 }))
  before.applyPatch(remove('a/Box'))
  before.applyPatch(create('b/Box'))
  await before.flush()
  before.close()

  const after = openRoom({ storage })
  await after.room.load()
  const away = after.join('away')
  after.forget()
  away.reconnect(1)

  expect(after.snapshot).toEqual({
    timestamp: 3,
    state: { 'a/Box': { _exists: false }, 'b/Box': { _exists: true } },
    timestamps: { 'a/Box': { _exists: 2 }, 'b/Box': { _exists: 3 } },
  })
  expect(away.received()).toEqual([
    {
      type: 'patch',
      clientId: '',
      documentPatches: [{ 'a/Box': { _exists: false }, 'b/Box': { _exists: true } }],
      timestamp: 3,
    },
    { type: 'synced', timestamp: 3 },
  ])
})
