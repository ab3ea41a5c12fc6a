import { expect, it } from 'vitest'
import { create, type Member, openRoom, remove, update } from './harness/room.js'

it('[PA1] broadcasts one frame with both kinds of patches, then acks', () => {
  const room = openRoom()
  const order: string[] = []
  const ann = room.join('ann')
  const bob = room.join('bob')
  room.forget()
  ann.socket.onSend = (frame) => order.push(`ann ${frame.type}`)
  bob.socket.onSend = (frame) => order.push(`bob ${frame.type}`)

  ann.send({
    documentPatches: [create('a/Box', { x: 1 })],
    ephemeralPatches: [create('ann/Cursor', { at: [3, 4] })],
  })

  expect(bob.received()).toEqual([
    {
      type: 'patch',
      clientId: 'ann',
      documentPatches: [{ 'a/Box': { _exists: true, x: 1 } }],
      timestamp: 1,
      ephemeralPatches: [{ 'ann/Cursor': { _exists: true, at: [3, 4] } }],
    },
  ])
  expect(ann.received()).toEqual([{ type: 'ack', messageId: 'ann-1', timestamp: 1 }])
  expect(order).toEqual(['bob patch', 'ann ack'])
})

it('[PA2] moves the clock once for a frame of several document patches', () => {
  const room = openRoom()
  const ann = room.join('ann')
  room.forget()

  ann.patch(create('a/Box'), create('b/Box'), create('c/Box'))
  ann.patch(create('d/Box'))

  expect(ann.received()).toEqual([
    { type: 'ack', messageId: 'ann-1', timestamp: 1 },
    { type: 'ack', messageId: 'ann-2', timestamp: 2 },
  ])
})

it('[PA2] moves the clock for an empty document patch', () => {
  const room = openRoom()
  const ann = room.join('ann')
  room.forget()

  ann.patch({})

  expect(ann.received()).toEqual([{ type: 'ack', messageId: 'ann-1', timestamp: 1 }])
})

it('[PA2] never moves the clock for presence', () => {
  const room = openRoom()
  const ann = room.join('ann')
  room.forget()

  ann.presence(create('ann/Cursor', { x: 1 }))

  expect(ann.received()).toEqual([{ type: 'ack', messageId: 'ann-1', timestamp: 0 }])
  expect(room.clock).toBe(0)
})

it('[PA3] acks and drops a patch from a readonly session', () => {
  const room = openRoom()
  const ann = room.join('ann')
  const bob = room.join('bob', 'readonly')
  ann.patch(create('a/Box', { x: 1 }))
  room.forget()

  bob.send({
    documentPatches: [update('a/Box', { x: 2 })],
    ephemeralPatches: [create('bob/Cursor')],
  })

  expect(bob.received()).toEqual([{ type: 'ack', messageId: 'bob-1', timestamp: 1 }])
  expect(ann.received()).toEqual([])
  expect(room.snapshot).toEqual({
    timestamp: 1,
    state: { 'a/Box': { _exists: true, x: 1 } },
    timestamps: { 'a/Box': { _exists: 1, x: 1 } },
  })
  expect(room.join('cleo').received()).toEqual([{ type: 'clientCount', count: 3 }])
})

it.each([
  ['absent', {}],
  ['null', { documentPatches: null, ephemeralPatches: null }],
  ['empty', { documentPatches: [], ephemeralPatches: [] }],
])('[PA4] gives no answer to a patch whose lists are %s', (_, lists) => {
  const room = openRoom()
  const ann = room.join('ann')
  const bob = room.join('bob')
  room.forget()

  ann.says({ type: 'patch', messageId: 'm', ...lists })

  expect(ann.received()).toEqual([])
  expect(bob.received()).toEqual([])
  expect(room.clock).toBe(0)
})

it('[PA5] stamps a broadcast exactly when it has document patches', () => {
  const room = openRoom()
  const ann = room.join('ann')
  const bob = room.join('bob')
  room.forget()

  ann.presence(create('ann/Cursor'))
  ann.patch(create('a/Box'))
  ann.send({ documentPatches: [], ephemeralPatches: [update('ann/Cursor', { x: 1 })] })

  expect(bob.received()).toEqual([
    { type: 'patch', clientId: 'ann', ephemeralPatches: [{ 'ann/Cursor': { _exists: true } }] },
    {
      type: 'patch',
      clientId: 'ann',
      documentPatches: [{ 'a/Box': { _exists: true } }],
      timestamp: 1,
    },
    { type: 'patch', clientId: 'ann', ephemeralPatches: [{ 'ann/Cursor': { x: 1 } }] },
  ])
})

it('[PA6] broadcasts to other sessions of the sender’s client, not to its own', () => {
  const room = openRoom()
  const desk = room.join('ann')
  const phone = room.join('ann')
  room.forget()

  desk.patch(create('a/Box'))

  expect(desk.received()).toEqual([{ type: 'ack', messageId: 'ann-1', timestamp: 1 }])
  expect(phone.received()).toEqual([
    {
      type: 'patch',
      clientId: 'ann',
      documentPatches: [{ 'a/Box': { _exists: true } }],
      timestamp: 1,
    },
  ])
})

it('[PA6] broadcasts to everybody else, whoever has left and whatever version they speak', () => {
  const room = openRoom()
  const [ann, bob, cleo, dan] = ['ann', 'bob', 'cleo', 'dan'].map((name) => room.join(name))
  const old = [room.join('old'), room.join('older'), room.join('oldest')]
  for (const member of old) member.reconnect(0, { protocolVersion: 1 })
  ann?.leave()
  old[0]?.leave()
  const everybody = [bob, cleo, dan, old[1], old[2]].flatMap((member) => member ?? [])

  for (const sender of everybody) {
    room.forget()
    sender.patch(create('a/Box'))
    const heard = everybody.filter((member) =>
      member.received().some(({ type }) => type === 'patch'),
    )
    expect(heard).toEqual(everybody.filter((member) => member !== sender))
  }
})

it.each(['', 'm 1', 'quote " and \\ and \n', 'ユニコード 🎨', '\u0000'])(
  '[PA7] acks with the message id %j as it came',
  (messageId) => {
    const room = openRoom()
    const ann = room.join('ann')
    room.forget()

    ann.send({ messageId, documentPatches: [create('a/Box')] })

    expect(ann.received()).toEqual([{ type: 'ack', messageId, timestamp: 1 }])
  },
)

it('[PA7] acks a patch without a message id without one', () => {
  const room = openRoom()
  const ann = room.join('ann')
  room.forget()

  ann.says({ type: 'patch', documentPatches: [create('a/Box')] })

  const [ack] = ann.received()
  expect(ack).toEqual({ type: 'ack', timestamp: 1 })
  expect(ack).not.toHaveProperty('messageId')
})

it('[PA8] sends every session its frames in the order of handling', () => {
  const room = openRoom()
  const ann = room.join('ann')
  const bob = room.join('bob')
  room.forget()

  ann.patch(create('a/Box'))
  bob.patch(create('b/Box'))
  ann.patch(create('c/Box'))

  const clocks = (member: Member) =>
    member.received().map((frame) => [frame.type, 'timestamp' in frame && frame.timestamp])
  expect(clocks(ann)).toEqual([
    ['ack', 1],
    ['patch', 2],
    ['ack', 3],
  ])
  expect(clocks(bob)).toEqual([
    ['patch', 1],
    ['ack', 2],
    ['patch', 3],
  ])
})

it('[PA9] applies nothing of a frame of which one patch is refused', () => {
  const room = openRoom()
  const ann = room.join('ann')
  const bob = room.join('bob')
  ann.patch(create('a/Box', { x: 1, points: [1] }))
  room.forget()

  ann.says({
    type: 'patch',
    messageId: 'm',
    ephemeralPatches: [create('ann/Cursor')],
    documentPatches: [
      update('a/Box', { x: 2 }),
      remove('a/Box'),
      create('b/Box', { points: { __buf: 1, len: -1, runs: [] } }),
    ],
  })

  expect(room.snapshot).toEqual({
    timestamp: 1,
    state: { 'a/Box': { _exists: true, x: 1, points: [1] } },
    timestamps: { 'a/Box': { _exists: 1, x: 1, points: 1 } },
  })
  expect(bob.received().filter((frame) => frame.type === 'patch')).toEqual([])
})

it('[PA9] applies no document when the presence of the frame is refused', () => {
  const room = openRoom()
  const ann = room.join('ann')
  const bob = room.join('bob')
  room.forget()

  ann.says({
    type: 'patch',
    messageId: 'm',
    documentPatches: [create('a/Box')],
    ephemeralPatches: [create('ann/Cursor'), 7],
  })

  expect(room.snapshot).toEqual({ timestamp: 0, state: {}, timestamps: {} })
  expect(bob.received().filter((frame) => frame.type === 'patch')).toEqual([])
})

it.each([
  { type: 'hello', documentPatches: [{ a: { _exists: true } }] },
  { type: 'ack', messageId: 'm', timestamp: 7 },
  { documentPatches: [{ a: { _exists: true } }] },
  { type: 'PATCH', messageId: 'm', documentPatches: [{ a: { _exists: true } }] },
  {},
])('[PA10] ignores %j', (message) => {
  const room = openRoom()
  const ann = room.join('ann')
  const bob = room.join('bob')
  room.forget()

  ann.says(message)

  expect(ann.received()).toEqual([])
  expect(bob.received()).toEqual([])
  expect(ann.socket.closes).toEqual([])
  expect(room.clock).toBe(0)
})

it('[PA11] merges an edit by the server and broadcasts it to everybody', () => {
  const room = openRoom()
  const ann = room.join('ann')
  const bob = room.join('bob', 'readonly')
  ann.patch(create('a/Box', { x: 1, y: 1 }))
  room.forget()

  const clock = room.room.applyPatch({ 'a/Box': { x: 5 }, 'b/Box': { _exists: true } })

  expect(clock).toBe(2)
  const broadcast = {
    type: 'patch',
    clientId: '',
    documentPatches: [{ 'a/Box': { x: 5 }, 'b/Box': { _exists: true } }],
    timestamp: 2,
  }
  expect(ann.received()).toEqual([broadcast])
  expect(bob.received()).toEqual([broadcast])
  expect(room.snapshot).toEqual({
    timestamp: 2,
    state: { 'a/Box': { _exists: true, x: 5, y: 1 }, 'b/Box': { _exists: true } },
    timestamps: { 'a/Box': { _exists: 1, x: 2, y: 1 }, 'b/Box': { _exists: 2 } },
  })
})

it('[PA11] counts several patches of the server as one change, and none as none', () => {
  const { room } = openRoom()

  expect(room.applyPatch([create('a/Box'), update('a/Box', { x: 1 })])).toBe(1)
  expect(room.applyPatch([])).toBe(1)

  expect(room.getSnapshot().state).toEqual({ 'a/Box': { _exists: true, x: 1 } })
})

it('[PA11] [PA9] throws for a bad patch by the server and applies nothing of it', () => {
  const room = openRoom()
  const ann = room.join('ann')
  room.forget()

  expect(() =>
    room.room.applyPatch([
      create('a/Box'),
      update('a/Box', { points: { __buf: 1, len: -1, runs: [] } }),
    ]),
  ).toThrow(expect.objectContaining({ code: 'HEDDLE_BAD_PATCH' }))

  expect(room.snapshot).toEqual({ timestamp: 0, state: {}, timestamps: {} })
  expect(ann.received()).toEqual([])
})
