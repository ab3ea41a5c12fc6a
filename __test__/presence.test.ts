import { expect, it } from 'vitest'
import { create, openRoom, remove, update } from './harness/room.js'

const delta = (len: number, ...runs: unknown[]) => ({ __buf: 1, len, runs })

it('[PR1] merges presence per client by the rules of the document', () => {
  const room = openRoom()
  const ann = room.join('ann')
  ann.presence(create('ann/Cursor', { x: 1, y: 1, trail: [1] }))
  ann.presence(update('ann/Cursor', { x: 2, trail: delta(3, [1, [2, 3]]) }))
  ann.presence(create('ann/Cursor', { color: 'red' }))

  const bob = room.join('bob')

  expect(bob.received()[0]).toEqual({
    type: 'patch',
    clientId: '',
    ephemeralPatches: [
      { 'ann/Cursor': { _exists: true, x: 2, y: 1, trail: [1, 2, 3], color: 'red' } },
    ],
  })
})

it('[PR1] presence never reaches the document, the clock or a snapshot', () => {
  const room = openRoom()
  const ann = room.join('ann')

  ann.presence(create('ann/Cursor', { x: 1 }))

  expect(room.snapshot).toEqual({ timestamp: 0, state: {}, timestamps: {} })
})

it('[PR1] presence and document of one key are two things', () => {
  const room = openRoom()
  const ann = room.join('ann')
  ann.patch(create('a/Box', { x: 1 }))

  ann.presence(remove('a/Box'))

  expect(room.state).toEqual({ 'a/Box': { _exists: true, x: 1 } })
})

it('[PR2] broadcasts presence as it came', () => {
  const room = openRoom()
  const ann = room.join('ann')
  const bob = room.join('bob')
  ann.presence(create('ann/Pen', { trail: [1, 2] }))
  room.forget()

  ann.presence(update('ann/Pen', { trail: delta(3, [2, [3]]) }), remove('ann/Pen'))

  expect(bob.received()).toEqual([
    {
      type: 'patch',
      clientId: 'ann',
      ephemeralPatches: [
        { 'ann/Pen': { trail: { __buf: 1, len: 3, runs: [[2, [3]]] } } },
        { 'ann/Pen': { _exists: false } },
      ],
    },
  ])
})

it('[PR3] a client that leaves takes its presence along, before clientCount', () => {
  const room = openRoom()
  const ann = room.join('ann')
  const bob = room.join('bob')
  ann.presence(create('ann/Cursor'), create('ann/Selection'))
  room.forget()

  ann.leave()

  expect(bob.received()).toEqual([
    {
      type: 'patch',
      clientId: 'ann',
      ephemeralPatches: [{ 'ann/Cursor': { _exists: false }, 'ann/Selection': { _exists: false } }],
    },
    { type: 'clientCount', count: 1 },
  ])
  expect(room.join('cleo').received()).toEqual([{ type: 'clientCount', count: 2 }])
})

it('[PR3] a client without presence leaves with clientCount alone', () => {
  const room = openRoom()
  const ann = room.join('ann')
  const bob = room.join('bob')
  ann.presence(create('ann/Cursor'))
  ann.presence(remove('ann/Cursor'))
  room.forget()

  ann.leave()

  expect(bob.received()).toEqual([{ type: 'clientCount', count: 1 }])
})

it('[PR3] a client’s presence stays until its last session leaves', () => {
  const room = openRoom()
  const desk = room.join('ann')
  const phone = room.join('ann')
  const bob = room.join('bob')
  desk.presence(create('ann/Cursor'))
  room.forget()

  desk.leave()
  phone.leave()

  expect(bob.received()).toEqual([
    { type: 'clientCount', count: 2 },
    { type: 'patch', clientId: 'ann', ephemeralPatches: [{ 'ann/Cursor': { _exists: false } }] },
    { type: 'clientCount', count: 1 },
  ])
})

it('[PR4] a client that is back before its old session left keeps its presence', () => {
  const room = openRoom()
  const old = room.join('ann')
  const bob = room.join('bob')
  old.presence(create('ann/Cursor', { x: 1 }))
  room.join('ann')
  room.forget()

  old.leave()

  expect(bob.received()).toEqual([{ type: 'clientCount', count: 2 }])
  expect(room.join('cleo').received()[0]).toEqual({
    type: 'patch',
    clientId: '',
    ephemeralPatches: [{ 'ann/Cursor': { _exists: true, x: 1 } }],
  })
})

it('[PR5] nobody is told its own client’s presence when it joins or reconnects', () => {
  const room = openRoom()
  const desk = room.join('ann')
  desk.presence(create('ann/Cursor'))

  const phone = room.join('ann')
  phone.reconnect(0)

  expect(phone.received()).toEqual([
    { type: 'clientCount', count: 2 },
    { type: 'synced', timestamp: 0 },
  ])
})

it('[PR6] an update of presence that is not there is broadcast and not stored', () => {
  const room = openRoom()
  const ann = room.join('ann')
  const bob = room.join('bob')
  room.forget()

  ann.presence(update('ann/Cursor', { x: 1 }))

  expect(bob.received()).toEqual([
    { type: 'patch', clientId: 'ann', ephemeralPatches: [{ 'ann/Cursor': { x: 1 } }] },
  ])
  expect(room.join('cleo').received()).toEqual([{ type: 'clientCount', count: 3 }])
})

it('[PR6] an update of deleted presence is broadcast and not stored', () => {
  const room = openRoom()
  const ann = room.join('ann')
  const bob = room.join('bob')
  ann.presence(create('ann/Cursor'))
  ann.presence(remove('ann/Cursor'))
  room.forget()

  ann.presence(update('ann/Cursor', { x: 1 }))

  expect(bob.received()).toEqual([
    { type: 'patch', clientId: 'ann', ephemeralPatches: [{ 'ann/Cursor': { x: 1 } }] },
  ])
  expect(room.join('cleo').received()).toEqual([{ type: 'clientCount', count: 3 }])
})

it('[PR1] refuses a bad delta in presence, and the presence stays as it was', () => {
  const room = openRoom()
  const ann = room.join('ann')
  const desk = room.join('ann')
  ann.presence(create('ann/Pen', { trail: 'text' }))
  room.forget()

  ann.presence(update('ann/Pen', { trail: delta(1, [0, [1]]) }))

  expect(ann.received()).toMatchObject([{ type: 'error', code: 'bad-delta', messageId: 'ann-2' }])
  expect(desk.clientId).toBe('ann')
  expect(room.join('bob').received()[0]).toMatchObject({
    ephemeralPatches: [{ 'ann/Pen': { _exists: true, trail: 'text' } }],
  })
})
