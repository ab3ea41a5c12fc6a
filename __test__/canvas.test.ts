import { Buffer } from 'node:buffer'
import { expect, it } from 'vitest'
import type { FrameData } from '../index.js'
import { create, openRoom, remove, type TestRoom, update } from './harness/room.js'

const delta = (len: number, ...runs: unknown[]) => ({ __buf: 1, len, runs })

/** A room with a session of each version, caught up. */
function twoVersions(room: TestRoom) {
  const ann = room.join('ann')
  const old = room.join('old')
  const bob = room.join('bob')
  old.reconnect(0, { protocolVersion: 1 })
  bob.reconnect(0)
  room.forget()
  return { ann, old, bob }
}

it('[CV1] a version 1 session gets whole arrays where others get deltas', () => {
  const room = openRoom()
  const { ann, old, bob } = twoVersions(room)
  ann.patch(create('s/Stroke', { points: [1, 2], color: 'red' }))
  room.forget()

  ann.patch(update('s/Stroke', { points: delta(3, [2, [3]]), color: 'blue' }))

  expect(old.received()).toEqual([
    {
      type: 'patch',
      clientId: 'ann',
      documentPatches: [{ 's/Stroke': { points: [1, 2, 3], color: 'blue' } }],
      timestamp: 2,
    },
  ])
  expect(bob.received()).toEqual([
    {
      type: 'patch',
      clientId: 'ann',
      documentPatches: [
        { 's/Stroke': { points: { __buf: 1, len: 3, runs: [[2, [3]]] }, color: 'blue' } },
      ],
      timestamp: 2,
    },
  ])
})

it('[CV1] a version 1 session gets the array of each patch of a frame', () => {
  const room = openRoom()
  const { ann, old } = twoVersions(room)
  ann.patch(create('s/Stroke', { points: [1] }))
  room.forget()

  ann.patch(
    update('s/Stroke', { points: delta(2, [1, [2]]) }),
    update('s/Stroke', { points: delta(3, [2, [3]]) }),
  )

  const [frame] = old.received()
  const patches = frame?.type === 'patch' ? (frame.documentPatches ?? []) : []
  expect(JSON.stringify(patches)).not.toContain('__buf')
  expect(patches.at(-1)).toEqual({ 's/Stroke': { points: [1, 2, 3] } })
})

it('[CV1] a version 1 session gets presence in whole arrays too', () => {
  const room = openRoom()
  const { ann, old } = twoVersions(room)
  ann.presence(create('ann/Pen', { trail: [1] }))
  room.forget()

  ann.presence(update('ann/Pen', { trail: delta(2, [1, [2]]) }))

  expect(old.received()).toEqual([
    { type: 'patch', clientId: 'ann', ephemeralPatches: [{ 'ann/Pen': { trail: [1, 2] } }] },
  ])
})

it('[CV1] a version 1 session may write, and is caught up like others', () => {
  const room = openRoom()
  const { old, bob } = twoVersions(room)

  old.patch(create('s/Stroke', { points: [1, 2] }))

  expect(old.received()).toEqual([{ type: 'ack', messageId: 'old-1', timestamp: 1 }])
  expect(bob.received()).toMatchObject([{ type: 'patch', clientId: 'old', timestamp: 1 }])
})

const OTHER_VERSIONS = ['3', '0', 'null', '"2"', '2.5', '[2]', 'true']

it.each(OTHER_VERSIONS)('[CV2] protocolVersion %s gets version-mismatch and no more', (version) => {
  const room = openRoom()
  const ann = room.join('ann')
  ann.patch(create('a/Box'))
  const odd = room.join('odd')
  room.forget()

  odd.sendsRaw(
    `{"type":"reconnect","lastTimestamp":0,"protocolVersion":${version},"documentPatches":[{"b/Box":{"_exists":true}}]}`,
  )

  expect(odd.received()).toEqual([{ type: 'version-mismatch', serverProtocolVersion: 2 }])
  expect(odd.socket.closes).toEqual([])
  expect(ann.received()).toEqual([])
  expect(room.state).toEqual({ 'a/Box': { _exists: true } })
})

it('[CV2] a reconnect without protocolVersion gets version-mismatch', () => {
  const room = openRoom()
  const odd = room.join('odd')
  room.forget()

  odd.says({ type: 'reconnect', lastTimestamp: 0 })

  expect(odd.received()).toEqual([{ type: 'version-mismatch', serverProtocolVersion: 2 }])
})

it('[CV3] after a mismatch a session gets nothing, and its patches count for nothing', () => {
  const room = openRoom()
  const ann = room.join('ann')
  const odd = room.join('odd')
  odd.reconnect(0, { protocolVersion: 3 })
  room.forget()

  ann.patch(create('a/Box'))
  ann.presence(create('ann/Cursor'))
  room.join('bob').leave()
  odd.patch(create('b/Box'))
  odd.presence(create('odd/Cursor'))
  odd.sendsRaw('not json')

  expect(odd.received()).toEqual([])
  expect(room.state).toEqual({ 'a/Box': { _exists: true } })
})

it('[CV3] a good reconnect ends the silence', () => {
  const room = openRoom()
  const ann = room.join('ann')
  ann.patch(create('a/Box'))
  const odd = room.join('odd')
  odd.reconnect(0, { protocolVersion: 3 })
  room.forget()

  odd.reconnect(0)
  ann.patch(update('a/Box', { x: 1 }))
  odd.patch(create('b/Box'))

  expect(odd.received()).toMatchObject([
    { type: 'patch', clientId: '', documentPatches: [{ 'a/Box': { _exists: true } }] },
    { type: 'synced', timestamp: 1 },
    { type: 'patch', clientId: 'ann', timestamp: 2 },
    { type: 'ack', messageId: 'odd-1', timestamp: 3 },
  ])
})

it('[CV3] a mute session may refresh its token', async () => {
  const tokens: string[] = []
  const room = openRoom({
    onTokenRefresh: (_room, { token }) => {
      tokens.push(token)
      return { permissions: 'readonly' }
    },
  })
  const odd = room.join('odd')
  odd.reconnect(0, { protocolVersion: 3 })

  odd.refresh('new')
  await Promise.resolve()

  expect(tokens).toEqual(['new'])
})

it.each([
  [
    'the type',
    '{"type":"hello","type":"patch","messageId":"m","documentPatches":[{"k":{"_exists":true,"x":1}}]}',
  ],
  [
    'a list',
    '{"type":"patch","messageId":"m","documentPatches":[7],"documentPatches":[{"k":{"_exists":true,"x":1}}]}',
  ],
  [
    'a key',
    '{"type":"patch","messageId":"m","documentPatches":[{"k":{"_exists":true,"x":9,"y":9},"k":{"_exists":true,"x":1}}]}',
  ],
  [
    'a field',
    '{"type":"patch","messageId":"m","documentPatches":[{"k":{"_exists":true,"x":9,"x":1}}]}',
  ],
  [
    '_exists',
    '{"type":"patch","messageId":"m","documentPatches":[{"k":{"_exists":false,"x":1,"_exists":true}}]}',
  ],
  [
    'an escaped name',
    '{"type":"patch","messageId":"m","documentPatches":[{"k":{"_exists":true,"x":9,"\\u0078":1}}]}',
  ],
])('[CV4] of a duplicate of %s the last wins', (_, text) => {
  const room = openRoom()
  const ann = room.join('ann')
  const bob = room.join('bob')
  room.forget()

  ann.sendsRaw(text)

  expect(ann.received()).toEqual([{ type: 'ack', messageId: 'm', timestamp: 1 }])
  expect(room.state).toEqual({ k: { _exists: true, x: 1 } })
  expect(bob.received()).toEqual([
    {
      type: 'patch',
      clientId: 'ann',
      documentPatches: [{ k: { _exists: true, x: 1 } }],
      timestamp: 1,
    },
  ])
})

it('[CV4] of duplicate names inside a value the last wins, and others get it once', () => {
  const room = openRoom()
  const ann = room.join('ann')
  const bob = room.join('bob')
  room.forget()

  ann.sendsRaw(
    '{"type":"patch","messageId":"m","documentPatches":[{"k":{"_exists":true,"v":{"a":[{"b":1,"b":2}],"c":3,"c":4}}}]}',
  )

  const [text] = bob.socket.texts()
  expect(text).toContain('"v":{"a":[{"b":2}],"c":4}')
  expect(room.state).toEqual({ k: { _exists: true, v: { a: [{ b: 2 }], c: 4 } } })
})

it.each([
  ['1.0', '1'],
  ['-0', '0'],
  ['-0.0', '0'],
  ['1e400', 'null'],
  ['-1e400', 'null'],
  ['1E2', '100'],
  ['0.1e1', '1'],
  ['1e21', '1e+21'],
  ['100000000000000000000', '100000000000000000000'],
  ['123456789012345678901234567890', '1.2345678901234568e+29'],
  ['9007199254740993', '9007199254740992'],
  ['1e-7', '1e-7'],
  ['0.0000001', '1e-7'],
  ['0.000001', '0.000001'],
  ['5e-324', '5e-324'],
  ['1e-400', '0'],
  ['0.1', '0.1'],
  ['0.10', '0.1'],
  ['1.7976931348623157e308', '1.7976931348623157e+308'],
])('[CV5] the number %s behaves as %s', (sent, behaves) => {
  const room = openRoom()
  const ann = room.join('ann')
  const bob = room.join('bob')
  room.forget()

  ann.sendsRaw(
    `{"type":"patch","messageId":"m","documentPatches":[{"k":{"_exists":true,"x":${sent},"v":[${sent}]}}]}`,
  )

  expect(bob.socket.texts()[0]).toContain(`"x":${behaves},"v":[${behaves}]`)
  expect(JSON.stringify(room.state)).toBe(`{"k":{"_exists":true,"x":${behaves},"v":[${behaves}]}}`)
})

it('[CV5] numbers of a buffer are emitted as JSON.stringify would', () => {
  const room = openRoom()
  const ann = room.join('ann')
  ann.patch(create('s/Stroke', { points: [] }))

  ann.sendsRaw(
    '{"type":"patch","messageId":"m","documentPatches":[{"s/Stroke":{"points":{"__buf":1.0,"len":5.0,"runs":[[0,[-0,1e21,1e-7,0.30000000000000004,123456789.25]]]}}}]}',
  )
  const bob = room.join('bob')
  bob.reconnect(0)

  expect(bob.socket.texts().join()).toContain(
    '"points":[0,1e+21,1e-7,0.30000000000000004,123456789.25]',
  )
})

it.each([
  ['__proto__', '__proto__'],
  ['constructor', 'constructor'],
  ['toString', 'toString'],
  ['the empty string', ''],
  ['NUL', '\u0000'],
  ['a quote and a backslash', '"\\'],
  ['a line separator', '\u2028'],
  ['a lone high surrogate', '\ud800'],
  ['a lone low surrogate', 'x\udc00y'],
  ['an emoji', '🎨'],
  ['U+FFFD', '\ufffd'],
])('[CV6] %s is a name and a text like others', (_, name) => {
  const room = openRoom()
  const ann = room.join('ann')
  const bob = room.join('bob')
  room.forget()
  const quoted = JSON.stringify(name)
  const component = `{"_exists":true,${quoted}:${quoted}}`

  ann.sendsRaw(`{"type":"patch","messageId":"m","documentPatches":[{${quoted}:${component}}]}`)
  bob.reconnect(0)

  const texts = bob.socket.texts()
  expect(texts[0]).toContain(`{${quoted}:${component}}`)
  expect(texts[1]).toContain(`{${quoted}:${component}}`)
  expect(JSON.stringify(room.state)).toBe(`{${quoted}:${component}}`)
  expect(JSON.stringify(room.snapshot.timestamps)).toBe(`{${quoted}:{"_exists":1,${quoted}:1}}`)
  expect(Object.keys(room.state)).toEqual([name])
  expect(Object.prototype).not.toHaveProperty('_exists')
})

it('[CV6] a lone surrogate that stands unescaped in a string is kept', () => {
  const room = openRoom()
  const ann = room.join('ann')

  ann.sendsRaw(
    '{"type":"patch","messageId":"m","documentPatches":[{"\ud800":{"_exists":true,"v":"a\udfffb"}}]}',
  )

  expect(room.state).toEqual({ '\ud800': { _exists: true, v: 'a\udfffb' } })
})

it('[CV6] __proto__ as a client, in presence, in messages', () => {
  const room = openRoom()
  const ann = room.join('__proto__')
  const bob = room.join('bob')
  room.forget()

  ann.sendsRaw(
    '{"type":"patch","messageId":"__proto__","ephemeralPatches":[{"__proto__":{"_exists":true,"__proto__":1}}]}',
  )
  expect(ann.received()).toEqual([{ type: 'ack', messageId: '__proto__', timestamp: 0 }])
  expect(bob.socket.texts()).toEqual([
    '{"type":"patch","clientId":"__proto__","ephemeralPatches":[{"__proto__":{"_exists":true,"__proto__":1}}]}',
  ])

  ann.leave()
  expect(bob.socket.texts()[0]).toContain('[{"__proto__":{"_exists":false}}]')
})

it('[CV7] keeps canonical text as it came, whatever the order of names', () => {
  const room = openRoom()
  const ann = room.join('ann')
  const bob = room.join('bob')
  room.forget()
  const component = '{"z":1,"_exists":true,"a":{"y":[1,2.5,"x\\n\\u0001é"],"b":null}}'

  ann.sendsRaw(`{"messageId":"m","documentPatches":[{"k":${component}}],"type":"patch"}`)
  bob.reconnect(0)

  const texts = bob.socket.texts()
  expect(texts[0]).toContain(`[{"k":${component}}]`)
  expect(texts).toHaveLength(3)
})

it('[CV7] re-emits canonically what was not canonical', () => {
  const room = openRoom()
  const ann = room.join('ann')
  const bob = room.join('bob')
  room.forget()

  ann.sendsRaw(
    ' { "type" : "patch" , "messageId":"m","documentPatches": [ { "\\u006b" : { "_exists" : true ,\t"v": [ 1 , "\\u0041\\/\\u00e9\\u000a" ] } } ] }\n',
  )

  expect(bob.socket.texts()[0]).toContain('[{"k":{"_exists":true,"v":[1,"A/é\\n"]}}]')
  expect(JSON.stringify(room.state)).toBe('{"k":{"_exists":true,"v":[1,"A/é\\n"]}}')
})

const TEXT = '{"type":"patch","messageId":"m","documentPatches":[{"k":{"_exists":true,"v":"é🎨"}}]}'
const BYTES = Buffer.from(TEXT)
const IN_THE_MIDDLE_OF_A_CHARACTER = BYTES.indexOf('🎨') + 2

/** The bytes in memory that holds more than them. */
function withOffset(): Uint8Array {
  const memory = new Uint8Array(BYTES.length + 10).fill(0x7b)
  memory.set(BYTES, 5)
  return memory.subarray(5, 5 + BYTES.length)
}

it.each<[string, FrameData]>([
  ['a string', TEXT],
  ['a Buffer', BYTES],
  ['a Uint8Array', new Uint8Array(BYTES)],
  ['a Uint8Array with an offset', withOffset()],
  ['an ArrayBuffer', new Uint8Array(BYTES).buffer],
  ['one Buffer in an array', [BYTES]],
  [
    'pieces of a character',
    [
      BYTES.subarray(0, IN_THE_MIDDLE_OF_A_CHARACTER),
      Buffer.alloc(0),
      BYTES.subarray(IN_THE_MIDDLE_OF_A_CHARACTER),
    ],
  ],
])('[CV8] a frame as %s', (_, data) => {
  const room = openRoom()
  const ann = room.join('ann')
  room.forget()

  ann.sendsRaw(data)

  expect(ann.received()).toEqual([{ type: 'ack', messageId: 'm', timestamp: 1 }])
  expect(room.state).toEqual({ k: { _exists: true, v: 'é🎨' } })
})

it('[CV8] bytes may be overwritten after the call', () => {
  const room = openRoom()
  const ann = room.join('ann')
  const bytes = Buffer.from(TEXT)

  ann.sendsRaw(bytes)
  bytes.fill(0)

  expect(room.state).toEqual({ k: { _exists: true, v: 'é🎨' } })
})

it('[CV1] a version 1 session hears of deletes like others', () => {
  const room = openRoom()
  const { ann, old } = twoVersions(room)
  ann.patch(create('s/Stroke', { points: [1] }))
  room.forget()

  ann.patch(remove('s/Stroke'))

  expect(old.received()).toMatchObject([
    { type: 'patch', documentPatches: [{ 's/Stroke': { _exists: false } }] },
  ])
})
