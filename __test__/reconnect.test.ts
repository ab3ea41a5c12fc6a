import { expect, it } from 'vitest'
import { create, openRoom, remove, type TestRoom, update } from './harness/room.js'

/** A room at clock 4: `a/Box` written at 1 and 3, `b/Box` at 2, `gone/Box` deleted at 4. */
function roomAtFour(): TestRoom {
  const room = openRoom()
  const ann = room.join('ann')
  ann.patch(create('a/Box', { x: 1, y: 1 }), create('gone/Box'))
  ann.patch(create('b/Box', { x: 2 }))
  ann.patch(update('a/Box', { x: 3 }))
  ann.patch(remove('gone/Box'))
  room.forget()
  return room
}

it('[RC1] a reconnect gets each field that is newer than its clock, then synced', () => {
  const room = roomAtFour()
  const bob = room.join('bob')
  bob.received()

  bob.reconnect(1)

  expect(bob.received()).toEqual([
    {
      type: 'patch',
      clientId: '',
      documentPatches: [
        {
          'a/Box': { x: 3 },
          'b/Box': { _exists: true, x: 2 },
          'gone/Box': { _exists: false },
        },
      ],
      timestamp: 4,
    },
    { type: 'synced', timestamp: 4 },
  ])
})

it('[RC1] a reconnect that lacks nothing gets synced alone', () => {
  const room = roomAtFour()
  const bob = room.join('bob')
  bob.received()

  bob.reconnect(4)

  expect(bob.received()).toEqual([{ type: 'synced', timestamp: 4 }])
})

it('[RC1] a reconnect that lacks only presence gets a frame without document and timestamp', () => {
  const room = roomAtFour()
  const [ann] = room.members
  ann?.presence(create('ann/Cursor', { x: 1 }))
  const bob = room.join('bob')
  bob.received()

  bob.reconnect(4)

  expect(bob.received()).toEqual([
    { type: 'patch', clientId: '', ephemeralPatches: [{ 'ann/Cursor': { _exists: true, x: 1 } }] },
    { type: 'synced', timestamp: 4 },
  ])
})

it('[RC1] a second reconnect on one session is answered as the first', () => {
  const room = roomAtFour()
  const bob = room.join('bob')
  bob.received()

  bob.reconnect(3)
  bob.reconnect(3)

  const answer = [
    {
      type: 'patch',
      clientId: '',
      documentPatches: [{ 'gone/Box': { _exists: false } }],
      timestamp: 4,
    },
    { type: 'synced', timestamp: 4 },
  ]
  expect(bob.received()).toEqual([...answer, ...answer])
})

it('[RC2] a client’s own patches are applied and broadcast before its catch-up', () => {
  const room = roomAtFour()
  const [ann] = room.members
  const bob = room.join('bob')
  room.forget()

  bob.reconnect(4, {
    documentPatches: [update('b/Box', { x: 9 })],
    ephemeralPatches: [create('bob/Cursor')],
  })

  expect(ann?.received()).toEqual([
    {
      type: 'patch',
      clientId: 'bob',
      documentPatches: [{ 'b/Box': { x: 9 } }],
      timestamp: 5,
      ephemeralPatches: [{ 'bob/Cursor': { _exists: true } }],
    },
  ])
  expect(bob.received()).toEqual([
    { type: 'patch', clientId: '', documentPatches: [{ 'b/Box': { x: 9 } }], timestamp: 5 },
    { type: 'synced', timestamp: 5 },
  ])
})

it('[RC3] a client that is ahead is asked for what it knows, before the catch-up', () => {
  const room = roomAtFour()
  const [ann] = room.members
  ann?.presence(create('ann/Cursor'))
  const bob = room.join('bob')
  bob.received()

  bob.reconnect(9)

  expect(bob.received()).toEqual([
    { type: 'resync', since: 4 },
    { type: 'patch', clientId: '', ephemeralPatches: [{ 'ann/Cursor': { _exists: true } }] },
    { type: 'synced', timestamp: 4 },
  ])
})

it('[RC3] whether a client is ahead is judged by the clock before its frame', () => {
  const room = roomAtFour()
  const bob = room.join('bob')
  bob.received()

  bob.reconnect(5, { documentPatches: [update('b/Box', { x: 9 })] })

  expect(bob.received()).toEqual([
    { type: 'resync', since: 4 },
    { type: 'synced', timestamp: 5 },
  ])
})

it('[RC3] a client at the clock is not ahead', () => {
  const room = openRoom()
  const bob = room.join('bob')
  bob.received()

  bob.reconnect(0)

  expect(bob.received()).toEqual([{ type: 'synced', timestamp: 0 }])
})

it('[RC4] a readonly client gets no resync, and its patches are dropped', () => {
  const room = roomAtFour()
  const [ann] = room.members
  const bob = room.join('bob', 'readonly')
  room.forget()

  bob.reconnect(9, {
    documentPatches: [update('b/Box', { x: 9 })],
    ephemeralPatches: [create('bob/Cursor')],
  })

  expect(bob.received()).toEqual([{ type: 'synced', timestamp: 4 }])
  expect(ann?.received()).toEqual([])
  expect(room.state['b/Box']).toEqual({ _exists: true, x: 2 })
})

it('[RC5] a client that has seen nothing is sent no tombstones', () => {
  const room = roomAtFour()
  const bob = room.join('bob')
  bob.received()

  bob.reconnect(0)

  expect(bob.received()).toEqual([
    {
      type: 'patch',
      clientId: '',
      documentPatches: [
        { 'a/Box': { _exists: true, x: 3, y: 1 }, 'b/Box': { _exists: true, x: 2 } },
      ],
      timestamp: 4,
    },
    { type: 'synced', timestamp: 4 },
  ])
})

it('[RC5] a client that has seen nothing gets no frame of tombstones alone', () => {
  const room = openRoom()
  const ann = room.join('ann')
  ann.patch(remove('a/Box'))
  const bob = room.join('bob')
  bob.received()

  bob.reconnect(0)

  expect(bob.received()).toEqual([{ type: 'synced', timestamp: 1 }])
})

it('[RC6] [RC7] a reconnect whose patches are refused is served all the same', () => {
  const room = roomAtFour()
  const [ann] = room.members
  const bob = room.join('bob')
  room.forget()

  bob.reconnect(4, {
    documentPatches: [
      update('b/Box', { x: 9 }),
      create('new/Box'),
      update('gone/Box', { x: 9 }),
      update('a/Box', { points: { __buf: 1, len: -1, runs: [] } }),
    ],
    ephemeralPatches: [create('bob/Cursor')],
  })

  expect(bob.received()).toEqual([
    expect.objectContaining({ type: 'error', code: 'bad-delta' }),
    {
      type: 'patch',
      clientId: '',
      documentPatches: [
        {
          'a/Box': { _exists: true, x: 3, y: 1 },
          'b/Box': { _exists: true, x: 2 },
          'gone/Box': { _exists: false },
          'new/Box': { _exists: false },
        },
      ],
      timestamp: 4,
    },
    { type: 'synced', timestamp: 4 },
  ])
  expect(bob.socket.closes).toEqual([])
  expect(ann?.received()).toEqual([])
  expect(room.clock).toBe(4)
})

it('[RC6] a client that is ahead and refused gets no resync', () => {
  const room = roomAtFour()
  const bob = room.join('bob')
  bob.received()

  bob.reconnect(9, { documentPatches: [{ 'b/Box': { _exists: 'yes' as unknown as boolean } }] })

  expect(bob.received().map((frame) => frame.type)).toEqual(['error', 'patch', 'synced'])
})

it('[RC6] a session goes on after a refused reconnect', () => {
  const room = roomAtFour()
  const bob = room.join('bob')
  bob.reconnect(4, { ephemeralPatches: [create('bob/Cursor', {}), 5 as never] })
  bob.received()

  bob.patch(update('b/Box', { x: 3 }))

  expect(bob.received()).toEqual([{ type: 'ack', messageId: 'bob-1', timestamp: 5 }])
})

it('[RC6] [RC7] [LM3] a reconnect that is nested too deep is served', () => {
  const room = roomAtFour()
  const bob = room.join('bob')
  bob.received()
  const deep = `${'['.repeat(10_000)}${']'.repeat(10_000)}`

  bob.sendsRaw(
    `{"type":"reconnect","protocolVersion":2,"lastTimestamp":4,"documentPatches":[{"b/Box":{"x":${deep}}}]}`,
  )

  expect(bob.received()).toMatchObject([
    { type: 'error', code: 'too-deep' },
    { type: 'patch', documentPatches: [{ 'b/Box': { _exists: true, x: 2 } }] },
    { type: 'synced', timestamp: 4 },
  ])
  expect(bob.socket.closes).toEqual([])
})

it('[RC6] [LM1] a reconnect that is no JSON is refused', () => {
  const room = roomAtFour()
  const bob = room.join('bob')
  bob.received()

  bob.sendsRaw('{"type":"reconnect","protocolVersion":2,"lastTimestamp":4,}')

  expect(bob.received()).toMatchObject([{ type: 'error', code: 'bad-json' }])
  expect(bob.socket.closeCode).toBe(4400)
})

it('[RC8] a negative clock counts as 0', () => {
  const room = roomAtFour()
  const bob = room.join('bob')
  bob.received()

  bob.reconnect(-3)

  expect(bob.received()).toMatchObject([
    {
      type: 'patch',
      documentPatches: [
        { 'a/Box': { _exists: true, x: 3, y: 1 }, 'b/Box': { _exists: true, x: 2 } },
      ],
    },
    { type: 'synced' },
  ])
})

it.each(['null', '1e400'])('[RC8] the clock %s counts as 0', (lastTimestamp) => {
  const room = roomAtFour()
  const bob = room.join('bob')
  bob.received()

  bob.sendsRaw(`{"type":"reconnect","protocolVersion":2,"lastTimestamp":${lastTimestamp}}`)

  expect(bob.received()).toMatchObject([
    {
      type: 'patch',
      documentPatches: [
        { 'a/Box': { _exists: true, x: 3, y: 1 }, 'b/Box': { _exists: true, x: 2 } },
      ],
    },
    { type: 'synced' },
  ])
})

it.each(['"4"', 'true', '[4]', '{}'])(
  '[RC8] a reconnect with the clock %s is malformed',
  (lastTimestamp) => {
    const room = roomAtFour()
    const bob = room.join('bob')
    bob.received()

    bob.sendsRaw(`{"type":"reconnect","protocolVersion":2,"lastTimestamp":${lastTimestamp}}`)

    expect(bob.socket.received()).toMatchObject([{ type: 'error', code: 'bad-frame' }])
    expect(bob.socket.closeCode).toBe(4400)
  },
)

it('[RC8] a reconnect without a clock is malformed', () => {
  const room = roomAtFour()
  const bob = room.join('bob')
  bob.received()

  bob.sendsRaw('{"type":"reconnect","protocolVersion":2}')

  expect(bob.received()).toMatchObject([{ type: 'error', code: 'bad-frame' }])
})

it('[RC9] a catch-up costs what changed, not what exists', () => {
  const big = openRoom()
  const patch = Object.fromEntries(
    Array.from({ length: 50_000 }, (_, index) => [`${index}/Box`, { _exists: true, x: index }]),
  )
  big.room.applyPatch(patch)
  big.room.applyPatch(update('7/Box', { x: -1 }))
  const small = openRoom()
  small.room.applyPatch(create('7/Box', { x: 7 }))
  small.room.applyPatch(update('7/Box', { x: -1 }))

  /** The quickest of many catch-ups, in milliseconds: load of the machine only adds to it. */
  const cost = (room: TestRoom) => {
    const bob = room.join('bob')
    let quickest = Number.POSITIVE_INFINITY
    for (let round = 0; round < 50; round += 1) {
      bob.received()
      const start = performance.now()
      bob.reconnect(1)
      quickest = Math.min(quickest, performance.now() - start)
    }
    expect(bob.received()).toMatchObject([
      { documentPatches: [{ '7/Box': { x: -1 } }] },
      { type: 'synced' },
    ])
    return quickest
  }

  const smallCost = cost(small)
  expect(cost(big)).toBeLessThan(20 * smallCost + 0.05)
})
