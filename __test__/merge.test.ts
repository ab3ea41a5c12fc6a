import { expect, it } from 'vitest'
import { create, openRoom, remove, update } from './harness/room.js'

const delta = (len: unknown, ...runs: unknown[]) => ({ __buf: 1, len, runs })

it('[MG1] the last write to arrive wins, field by field', () => {
  const room = openRoom()
  const ann = room.join('ann')
  const bob = room.join('bob')
  ann.patch(create('a/Box', { x: 1, y: 1, label: 'old' }))

  ann.patch(update('a/Box', { x: 2 }))
  bob.patch(update('a/Box', { x: 3, y: 3 }))

  expect(room.state).toEqual({ 'a/Box': { _exists: true, x: 3, y: 3, label: 'old' } })
})

it('[MG1] a value that is an object is replaced whole', () => {
  const room = openRoom()
  const ann = room.join('ann')
  ann.patch(create('a/Box', { style: { fill: 'red', width: 2 } }))

  ann.patch(update('a/Box', { style: { fill: 'blue' } }))

  expect(room.state).toEqual({ 'a/Box': { _exists: true, style: { fill: 'blue' } } })
})

it('[MG2] a creation on an alive component merges', () => {
  const room = openRoom()
  const ann = room.join('ann')
  ann.patch(create('a/Box', { x: 1, y: 1 }))

  ann.patch(create('a/Box', { x: 2 }))

  expect(room.snapshot).toEqual({
    timestamp: 2,
    state: { 'a/Box': { _exists: true, x: 2, y: 1 } },
    timestamps: { 'a/Box': { _exists: 2, x: 2, y: 1 } },
  })
})

it('[MG2] [MG3] an update of a component that never was stores nothing and is acked', () => {
  const room = openRoom()
  const ann = room.join('ann')
  room.forget()

  ann.patch(update('a/Box', { x: 1 }))

  expect(ann.received()).toEqual([{ type: 'ack', messageId: 'ann-1', timestamp: 1 }])
  expect(room.snapshot).toEqual({ timestamp: 1, state: {}, timestamps: {} })
})

it('[MG3] an update of a tombstone stores nothing and is acked', () => {
  const room = openRoom()
  const ann = room.join('ann')
  ann.patch(create('a/Box', { x: 1 }))
  ann.patch(remove('a/Box'))
  room.forget()

  ann.patch(update('a/Box', { x: 2 }))

  expect(ann.received()).toEqual([{ type: 'ack', messageId: 'ann-3', timestamp: 3 }])
  expect(room.snapshot).toEqual({
    timestamp: 3,
    state: { 'a/Box': { _exists: false } },
    timestamps: { 'a/Box': { _exists: 2 } },
  })
})

it('[MG4] an update of a key that was never seen is broadcast as it came', () => {
  const room = openRoom()
  const ann = room.join('ann')
  const bob = room.join('bob')
  room.forget()

  ann.patch(update('a/Box', { x: 1, points: delta(2, [0, [1, 2]]) }))

  expect(bob.received()).toEqual([
    {
      type: 'patch',
      clientId: 'ann',
      documentPatches: [{ 'a/Box': { x: 1, points: { __buf: 1, len: 2, runs: [[0, [1, 2]]] } } }],
      timestamp: 1,
    },
  ])
})

it('[MG5] an update of a tombstone is left out of the broadcast, the rest of its frame is not', () => {
  const room = openRoom()
  const ann = room.join('ann')
  const bob = room.join('bob')
  ann.patch(create('a/Box'), create('b/Box'))
  ann.patch(remove('a/Box'))
  room.forget()

  ann.patch({ 'a/Box': { x: 1 }, 'b/Box': { x: 2 } })

  expect(bob.received()).toEqual([
    { type: 'patch', clientId: 'ann', documentPatches: [{ 'b/Box': { x: 2 } }], timestamp: 3 },
  ])
})

it('[MG5] nothing of a late update reaches a client that merges it with the delete', () => {
  const room = openRoom()
  const ann = room.join('ann')
  const bob = room.join('bob')
  ann.patch(create('a/Box'))
  room.forget()

  ann.patch(remove('a/Box'))
  ann.patch(update('a/Box', { x: 1 }))
  ann.patch(remove('c/Box'), update('c/Box', { x: 1 }))

  expect(JSON.stringify(bob.received())).not.toContain('"x"')
})

it('[MG6] every written field carries the clock of its last write', () => {
  const room = openRoom()
  const ann = room.join('ann')

  ann.patch(create('a/Box', { x: 1, y: 1 }))
  ann.patch(update('a/Box', { y: 2 }))
  ann.patch(create('b/Box', { z: 0 }))
  ann.patch(update('a/Box', { z: 4 }))

  expect(room.snapshot.timestamps).toEqual({
    'a/Box': { _exists: 1, x: 1, y: 2, z: 4 },
    'b/Box': { _exists: 3, z: 3 },
  })
})

it('[MG6] a value that did not change counts as written', () => {
  const room = openRoom()
  const ann = room.join('ann')
  ann.patch(create('a/Box', { x: 1 }))

  ann.patch(update('a/Box', { x: 1 }))

  expect(room.snapshot.timestamps).toEqual({ 'a/Box': { _exists: 1, x: 2 } })
})

it.each([
  ['overwrites runs', [1, 2, 3, 4], delta(4, [1, [9]], [3, [8]]), [1, 9, 3, 8]],
  ['grows with zeros', [1, 2], delta(5, [4, [7]]), [1, 2, 0, 0, 7]],
  ['cuts', [1, 2, 3, 4], delta(2), [1, 2]],
  ['cuts to nothing', [1, 2], delta(0), []],
  ['cuts, then writes', [1, 2, 3, 4], delta(3, [2, [9]]), [1, 2, 9]],
  ['drops what lies past len', [1, 2], delta(3, [1, [7, 8, 9, 10]]), [1, 7, 8]],
  ['drops a run past len', [1, 2], delta(2, [2, [9]], [900, [9]]), [1, 2]],
  ['takes overlapping runs in order', [0, 0, 0], delta(3, [0, [1, 1]], [1, [2, 2]]), [1, 2, 2]],
  ['takes an empty run', [1], delta(1, [0, []]), [1]],
  ['keeps fractions and signs', [0.5], delta(2, [1, [-2.25]]), [0.5, -2.25]],
])('[MG7] a delta %s', (_, base, change, result) => {
  const room = openRoom()
  const ann = room.join('ann')
  ann.patch(create('s/Stroke', { points: base }))

  ann.patch(update('s/Stroke', { points: change }))

  expect(room.state).toEqual({ 's/Stroke': { _exists: true, points: result } })
  expect(room.snapshot.timestamps).toEqual({ 's/Stroke': { _exists: 1, points: 2 } })
})

it('[MG7] a delta on a missing field starts from nothing', () => {
  const room = openRoom()
  const ann = room.join('ann')
  ann.patch(create('s/Stroke'))

  ann.patch(update('s/Stroke', { points: delta(3, [1, [5]]) }))
  ann.patch(create('t/Stroke', { points: delta(2, [0, [6]]) }))

  expect(room.state).toEqual({
    's/Stroke': { _exists: true, points: [0, 5, 0] },
    't/Stroke': { _exists: true, points: [6, 0] },
  })
})

it('[MG8] broadcasts forward a delta, the document and a catch-up hold the whole array', () => {
  const room = openRoom()
  const ann = room.join('ann')
  const bob = room.join('bob')
  ann.patch(create('s/Stroke', { points: [1, 2, 3] }))
  room.forget()

  ann.patch(update('s/Stroke', { points: delta(4, [3, [4]]) }))

  expect(bob.received()).toEqual([
    {
      type: 'patch',
      clientId: 'ann',
      documentPatches: [{ 's/Stroke': { points: { __buf: 1, len: 4, runs: [[3, [4]]] } } }],
      timestamp: 2,
    },
  ])
  bob.reconnect(1)
  expect(bob.received()).toEqual([
    {
      type: 'patch',
      clientId: '',
      documentPatches: [{ 's/Stroke': { points: [1, 2, 3, 4] } }],
      timestamp: 2,
    },
    { type: 'synced', timestamp: 2 },
  ])
  expect(room.state).toEqual({ 's/Stroke': { _exists: true, points: [1, 2, 3, 4] } })
})

it('[MG8] a field that only looks like a delta is a value like others', () => {
  const room = openRoom()
  const ann = room.join('ann')

  ann.patch(create('a/Box', { a: { __buf: 2, len: 1 }, b: { __buf: '1' }, c: [{ __buf: 1 }] }))

  expect(room.state).toEqual({
    'a/Box': { _exists: true, a: { __buf: 2, len: 1 }, b: { __buf: '1' }, c: [{ __buf: 1 }] },
  })
})

it.each([
  ['a negative len', '{"__buf":1,"len":-1,"runs":[]}'],
  ['a fractional len', '{"__buf":1,"len":1.5,"runs":[]}'],
  ['a len of text', '{"__buf":1,"len":"3","runs":[]}'],
  ['a len of null', '{"__buf":1,"len":null,"runs":[]}'],
  ['no len', '{"__buf":1,"runs":[]}'],
  ['an infinite len', '{"__buf":1,"len":1e400,"runs":[]}'],
  ['no runs', '{"__buf":1,"len":1}'],
  ['runs that are no list', '{"__buf":1,"len":1,"runs":{"0":[0,[1]]}}'],
  ['a run that is no pair', '{"__buf":1,"len":1,"runs":[[0]]}'],
  ['a run without a list', '{"__buf":1,"len":1,"runs":[[0,5]]}'],
  ['a negative offset', '{"__buf":1,"len":3,"runs":[[-1,[1,2]]]}'],
  ['a fractional offset', '{"__buf":1,"len":3,"runs":[[0.5,[1]]]}'],
  ['an offset of text', '{"__buf":1,"len":3,"runs":[["0",[1]]]}'],
  ['a value of text', '{"__buf":1,"len":3,"runs":[[0,["1"]]]}'],
  ['a value of null', '{"__buf":1,"len":3,"runs":[[0,[null]]]}'],
  ['an infinite value', '{"__buf":1,"len":3,"runs":[[0,[1e400]]]}'],
  ['a bad value past len', '{"__buf":1,"len":0,"runs":[[5,["1"]]]}'],
])('[MG9] refuses a delta with %s', (_, change) => {
  const room = openRoom()
  const ann = room.join('ann')
  ann.patch(create('s/Stroke', { points: [1, 2] }))
  room.forget()

  ann.sendsRaw(
    `{"type":"patch","messageId":"m","documentPatches":[{"s/Stroke":{"points":${change}}}]}`,
  )

  expect(ann.received()).toMatchObject([{ type: 'error', code: 'bad-delta', messageId: 'm' }])
  expect(room.state).toEqual({ 's/Stroke': { _exists: true, points: [1, 2] } })
  expect(room.clock).toBe(1)
})

it.each([
  ['text', 'abc'],
  ['a number', 7],
  ['null', null],
  ['an object', { 0: 1 }],
  ['a list with text in it', [1, '2']],
  ['a list with null in it', [1, null]],
])('[MG9] refuses a delta onto %s', (_, base) => {
  const room = openRoom()
  const ann = room.join('ann')
  ann.patch(create('s/Stroke', { points: base }))
  room.forget()

  ann.patch(update('s/Stroke', { points: delta(3, [0, [1]]) }))

  expect(ann.received()).toMatchObject([{ type: 'error', code: 'bad-delta', messageId: 'ann-2' }])
  expect(room.state).toEqual({ 's/Stroke': { _exists: true, points: base } })
})

it('[MG9] refuses a delta of a component that never was for its shape alone', () => {
  const room = openRoom()
  const ann = room.join('ann')
  room.forget()

  ann.patch(update('s/Stroke', { points: delta(-1) }))

  expect(ann.received()).toMatchObject([{ type: 'error', code: 'bad-delta' }])
})

it('[MG10] a delta builds on what earlier patches of its frame wrote', () => {
  const room = openRoom()
  const ann = room.join('ann')

  ann.patch(
    create('s/Stroke', { points: [1, 2] }),
    update('s/Stroke', { points: delta(3, [2, [3]]) }),
    update('s/Stroke', { points: delta(4, [3, [4]]) }),
  )

  expect(room.state).toEqual({ 's/Stroke': { _exists: true, points: [1, 2, 3, 4] } })
  expect(room.clock).toBe(1)
})

it('[MG10] a frame that deletes and creates again leaves the new component', () => {
  const room = openRoom()
  const ann = room.join('ann')
  ann.patch(create('s/Stroke', { points: [1, 2], old: true }))

  ann.patch(remove('s/Stroke'), create('s/Stroke', { points: delta(1, [0, [9]]) }))

  expect(room.snapshot).toEqual({
    timestamp: 2,
    state: { 's/Stroke': { _exists: true, points: [9] } },
    timestamps: { 's/Stroke': { _exists: 2, points: 2 } },
  })
})
