import { Buffer } from 'node:buffer'
import { expect, it } from 'vitest'
import { acceptConnection, type FrameData, RoomManager } from '../index.js'
import { create, openRoom, update } from './harness/room.js'
import { PlainSocket } from './harness/sockets.js'

const MIB = 1024 * 1024

/** The smallest frame of exactly so many bytes that creates a component. */
function frameOfBytes(bytes: number): string {
  const frame = (filling: string) =>
    `{"type":"patch","messageId":"m","documentPatches":[{"k":{"_exists":true,"v":"${filling}"}}]}`
  return frame('x'.repeat(bytes - frame('').length))
}

const patchOf = (patches: string) => `{"type":"patch","messageId":"m","documentPatches":${patches}}`

/** A value nested so deep that the frame around it, four levels itself, is `depth` levels deep. */
const frameOfDepth = (depth: number) =>
  patchOf(`[{"k":{"_exists":true,"v":${'['.repeat(depth - 4)}${']'.repeat(depth - 4)}}}]`)

const frameOfKeys = (count: number) =>
  patchOf(
    `[{${Array.from({ length: count }, (_, index) => `"${index}":{"_exists":true}`).join(',')}}]`,
  )

const frameOfKeyName = (bytes: number) => patchOf(`[{"${'k'.repeat(bytes)}":{"_exists":true}}]`)
const frameOfFieldName = (bytes: number) =>
  patchOf(`[{"k":{"_exists":true,"${'f'.repeat(bytes)}":1}}]`)
const frameOfLen = (len: number) =>
  patchOf(`[{"k":{"_exists":true,"v":{"__buf":1,"len":${len},"runs":[]}}}]`)

const REFUSED: [code: string, what: string, data: FrameData][] = [
  ['bad-json', 'no JSON', 'hello'],
  ['bad-json', 'nothing', ''],
  ['bad-json', 'no bytes', new Uint8Array()],
  ['bad-json', 'JSON that breaks off', '{"type":"patch","messageId":"m","documentPatches":[{'],
  ['bad-json', 'something after the JSON', `${patchOf('[]')} {}`],
  ['bad-json', 'a comma too much', patchOf('[{"k":{"_exists":true},}]')],
  ['bad-json', 'a number JSON does not know', patchOf('[{"k":{"_exists":true,"v":NaN}}]')],
  ['bad-json', 'a number with a leading zero', patchOf('[{"k":{"_exists":true,"v":01}}]')],
  ['bad-json', 'a control character in a string', patchOf('[{"k":{"_exists":true,"v":"\u0001"}}]')],
  ['bad-json', 'a bad escape', patchOf('[{"k":{"_exists":true,"v":"\\x41"}}]')],
  ['bad-json', 'a byte order mark', `\ufeff${patchOf('[{"k":{"_exists":true}}]')}`],
  ['bad-json', 'bytes that are no UTF-8', Buffer.from([0x22, 0xff, 0xfe, 0x22])],
  ['bad-json', 'surrogates in UTF-8', Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22])],
  ['bad-json', 'an unknown type that is no JSON', '{"type":"hello",}'],
  ['bad-frame', 'null', 'null'],
  ['bad-frame', 'a list', '[null]'],
  ['bad-frame', 'a text', '"patch"'],
  ['bad-frame', 'a number', '7'],
  ['bad-frame', 'a token that is no text', '{"type":"auth-refresh","token":7}'],
  ['bad-frame', 'no token', '{"type":"auth-refresh"}'],
  ['bad-patch', 'patches that are an object', patchOf('{"k":{"_exists":true}}')],
  ['bad-patch', 'patches that are a text', patchOf('"k"')],
  ['bad-patch', 'patches that are 0', patchOf('0')],
  ['bad-patch', 'a patch that is null', patchOf('[null]')],
  ['bad-patch', 'a patch that is a list', patchOf('[[{"k":{"_exists":true}}]]')],
  ['bad-patch', 'a component that is null', patchOf('[{"k":null}]')],
  ['bad-patch', 'a component that is a list', patchOf('[{"k":[]}]')],
  ['bad-patch', 'a component that is true', patchOf('[{"k":true}]')],
  ['bad-patch', '_exists of 1', patchOf('[{"k":{"_exists":1}}]')],
  ['bad-patch', '_exists of null', patchOf('[{"k":{"_exists":null}}]')],
  ['bad-patch', '_exists of text', patchOf('[{"k":{"_exists":"true"}}]')],
  [
    'bad-patch',
    'presence that is no object',
    '{"type":"patch","messageId":"m","ephemeralPatches":[7]}',
  ],
  ['bad-delta', 'a delta of half a number', frameOfLen(0.5)],
  ['frame-too-large', 'a byte over 16 MiB', frameOfBytes(16 * MIB + 1)],
  ['frame-too-large', 'a byte over 16 MiB, as bytes', Buffer.from(frameOfBytes(16 * MIB + 1))],
  ['too-deep', 'a level over 64', frameOfDepth(65)],
  ['too-deep', '10,000 levels', '['.repeat(10_000)],
  ['too-deep', 'a million levels of objects', '{"a":'.repeat(1_000_000)],
  ['too-many-keys', 'a key over 100,000', frameOfKeys(100_001)],
  ['name-too-long', 'a key name of a byte over 16 KiB', frameOfKeyName(16 * 1024 + 1)],
  ['name-too-long', 'a field name of a byte over 16 KiB', frameOfFieldName(16 * 1024 + 1)],
  ['buffer-too-large', 'a delta of 4e9 numbers', frameOfLen(4e9)],
  ['buffer-too-large', 'a delta of 1e300 numbers', frameOfLen(1e300)],
  ['buffer-too-large', 'a small frame that grows an array by 100,000', frameOfLen(100_000)],
]

it.each(REFUSED)(
  '[LM1] [LM2] [LM3] [LM4] [LM5] [LM6] [CC1] refuses with %s %s, and serves the others',
  (code, _, data) => {
    const room = openRoom()
    const mallory = room.join('mallory')
    const ann = room.join('ann')
    const bob = room.join('bob')
    ann.patch(create('a/Box', { x: 1 }))
    room.forget()

    mallory.sendsRaw(data)
    ann.patch(update('a/Box', { x: 2 }))

    const [refusal, ...more] = mallory.received()
    expect(refusal).toMatchObject({ type: 'error', code, message: expect.any(String) })
    expect(more).toEqual([])
    expect(mallory.socket.closes).toHaveLength(1)
    expect(mallory.socket.closeCode).toBe(4400)
    expect(bob.received()).toEqual([
      { type: 'clientCount', count: 2 },
      { type: 'patch', clientId: 'ann', documentPatches: [{ 'a/Box': { x: 2 } }], timestamp: 2 },
    ])
    expect(room.snapshot).toEqual({
      timestamp: 2,
      state: { 'a/Box': { _exists: true, x: 2 } },
      timestamps: { 'a/Box': { _exists: 1, x: 2 } },
    })
  },
)

const ACCEPTED: [rule: string, what: string, data: FrameData][] = [
  ['LM2', 'a frame of 16 MiB', frameOfBytes(16 * MIB)],
  ['LM3', '64 levels', frameOfDepth(64)],
  ['LM4', '100,000 keys', frameOfKeys(100_000)],
  ['LM5', 'a key name of 16 KiB', frameOfKeyName(16 * 1024)],
  ['LM5', 'a field name of 16 KiB', frameOfFieldName(16 * 1024)],
  ['LM6', 'a small frame that grows an array by 65,536', frameOfLen(65_536)],
]

it.each(ACCEPTED)('[%s] accepts %s', (_rule, _what, data) => {
  const room = openRoom()
  const ann = room.join('ann')
  room.forget()

  ann.sendsRaw(data)

  expect(ann.received()).toEqual([{ type: 'ack', messageId: 'm', timestamp: 1 }])
})

it('[LM6] a delta may have 1,048,576 numbers and not one more', () => {
  const room = openRoom()
  const ann = room.join('ann')
  const bob = room.join('bob')
  const zeros = Array.from({ length: MIB + 1 }, () => 0)
  ann.patch(create('s/Stroke', { points: zeros }))
  room.forget()

  ann.patch(update('s/Stroke', { points: { __buf: 1, len: MIB, runs: [] } }))
  expect(ann.received()).toEqual([{ type: 'ack', messageId: 'ann-2', timestamp: 2 }])

  bob.patch(update('s/Stroke', { points: zeros }))
  bob.received()
  bob.patch(update('s/Stroke', { points: { __buf: 1, len: MIB + 1, runs: [] } }))
  expect(bob.received()).toMatchObject([{ type: 'error', code: 'buffer-too-large' }])
})

it('[LM6] what deltas of one frame grow is counted together', () => {
  const room = openRoom()
  const ann = room.join('ann')
  room.forget()

  ann.patch(
    create('a/Stroke', { points: { __buf: 1, len: 60_000, runs: [] } }),
    create('b/Stroke', { points: { __buf: 1, len: 60_000, runs: [] } }),
  )

  expect(ann.received()).toMatchObject([{ type: 'error', code: 'buffer-too-large' }])
})

it('[LM1] names the message it refuses, where it has a name', () => {
  const room = openRoom()
  const ann = room.join('ann')
  const bob = room.join('bob')
  room.forget()

  ann.sendsRaw('{"documentPatches":[7],"type":"patch","messageId":"é \\"1\\""}')
  bob.sendsRaw('{"documentPatches":[7],"type":"patch"}')

  expect(ann.received()[0]).toMatchObject({ type: 'error', messageId: 'é "1"' })
  const [refusal] = bob.received().filter((frame) => frame.type === 'error')
  expect(refusal).toMatchObject({ code: 'bad-patch' })
  expect(refusal).not.toHaveProperty('messageId')
})

it('[LM1] a refused session is gone: its presence too, and what it still sends', () => {
  const left: unknown[] = []
  const room = openRoom({ onSessionRemoved: (_room, info) => left.push(info) })
  const ann = room.join('ann')
  const bob = room.join('bob')
  ann.presence(create('ann/Cursor'))
  room.forget()

  ann.sendsRaw('hello')
  ann.patch(create('a/Box'))
  ann.leave()

  expect(bob.received()).toEqual([
    { type: 'patch', clientId: 'ann', ephemeralPatches: [{ 'ann/Cursor': { _exists: false } }] },
    { type: 'clientCount', count: 1 },
  ])
  expect(left).toEqual([{ sessionId: ann.sessionId, remaining: 1 }])
  expect(room.clock).toBe(0)
})

it('[LM1] no refusal quotes what was sent', () => {
  const room = openRoom()
  const ann = room.join('ann')
  room.forget()

  ann.sendsRaw('{"type":"auth-refresh","token":["sesame"]}')

  expect(ann.socket.texts().join()).not.toContain('sesame')
})

/** Connects while `authorize` never answers. */
function waiting() {
  const manager = new RoomManager()
  const socket = new PlainSocket()
  const conn = acceptConnection({
    socket,
    url: '/?roomId=r&clientId=ann&token=t',
    manager,
    authorize: () => new Promise<never>(() => {}),
  })
  return { conn, socket }
}

it('[LM7] [CC1] frames that wait are bounded; over it the socket is closed', async () => {
  const { conn, socket } = waiting()

  conn.onMessage(frameOfBytes(16 * MIB))
  conn.onMessage(frameOfBytes(60 * 1024))
  expect(socket.closes).toEqual([])

  conn.onMessage(frameOfBytes(5 * 1024))
  expect(socket.closeCode).toBe(4413)
  conn.onMessage(frameOfBytes(5 * 1024))
  expect(socket.closes).toHaveLength(1)
  conn.onClose()
  await expect(conn.ready).rejects.toThrow()
})

it('[LM7] many small frames are bounded too', async () => {
  const { conn, socket } = waiting()

  for (let sent = 0; sent < 1_000_000 && socket.closes.length === 0; sent += 1) {
    conn.onMessage('{}')
  }

  expect(socket.closeCode).toBe(4413)
  conn.onClose()
  await expect(conn.ready).rejects.toThrow()
})
