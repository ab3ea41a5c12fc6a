import { expect, it } from 'vitest'
import { type FrameData, Room } from '../index.js'
import { runProgram } from './harness/processes.js'
import { create, Member, openRoom, update } from './harness/room.js'

/** What a fresh room holds of a text that a frame wrote. */
function echoed(text: string, as: (frame: string) => FrameData = (frame) => frame): unknown {
  const room = openRoom()
  const ann = room.join('ann')
  const bob = room.join('bob')
  room.forget()
  ann.sendsRaw(as(JSON.stringify({ type: 'patch', documentPatches: [create('a/Text', { text })] })))
  expect(bob.received()).toMatchObject([{ documentPatches: [{ 'a/Text': { text } }] }])
  return room.state['a/Text']?.text
}

it('[CV6] [CV8] frames of every length around those of buffers come whole', () => {
  for (const at of [16, 256, 4096, 65_536]) {
    for (let length = at - 96; length <= at + 16; length += 1) {
      const text = 'x'.repeat(Math.max(0, length))
      expect(echoed(text)).toBe(text)
    }
  }
})

it('[CV6] [CV8] so do frames around the length from which on they are read with less space', () => {
  const longestShort = Math.floor(65_536 / 3) - 8
  for (let length = longestShort - 120; length <= longestShort + 8; length += 1) {
    for (const ending of ['x', '中', '\ufffd']) {
      const text = '中'.repeat(length / 2).padEnd(length - 1, 'x') + ending
      expect(echoed(text)).toBe(text)
    }
  }
})

it.each(['é', '中', '😀', '\ufffd', '\u0000', '\u007f', '\u0080'])(
  '[CV6] nothing of a frame is cut off at its end where %j makes it longer than its length says',
  (character) => {
    for (let count = 0; count <= 12; count += 1) {
      const text = 'x'.repeat(20) + character.repeat(count)
      expect(echoed(text)).toBe(text)
      expect(echoed(text, Buffer.from)).toBe(text)
    }
  },
)

it('[CV6] a lone surrogate is kept beside a replacement character, as text and next to both', () => {
  const room = openRoom()
  const ann = room.join('ann')
  for (const text of ['\ud800', 'x\udfff', '\ufffd\ud800', '\ud800\ufffd é 😀']) {
    ann.sendsRaw(`{"type":"patch","documentPatches":[{"a/Text":{"_exists":true,"t":"${text}"}}]}`)
    expect(room.state['a/Text']?.t).toBe(text)
  }
})

it('[CV8] [AB1] bytes may be empty, detached, shared or part of more', () => {
  const room = openRoom()
  const ann = room.join('ann')
  const frame = Buffer.from(JSON.stringify({ type: 'patch', documentPatches: [create('a/Box')] }))
  const shared = new Uint8Array(new SharedArrayBuffer(frame.length))
  shared.set(frame)
  const larger = new Uint8Array(frame.length + 20).fill(0x20)
  larger.set(frame, 7)
  const detached = new Uint8Array(frame)
  structuredClone(detached.buffer, { transfer: [detached.buffer] })

  ann.sendsRaw(shared)
  ann.sendsRaw(larger.subarray(7, 7 + frame.length))
  ann.sendsRaw(larger)

  expect(room.clock).toBe(3)
  for (const nothing of [new Uint8Array(), Buffer.alloc(0), detached]) {
    const bob = room.join('bob')
    bob.sendsRaw(nothing)
    expect(bob.socket.closeCode).toBe(4400)
  }
})

it('[PA12] a room that is called from inside a send keeps what is left of its answer, whoever else is called', () => {
  const room = openRoom()
  const other = openRoom()
  const third = openRoom()
  const guests = [other.join('o1'), other.join('o2'), third.join('t1'), third.join('t2')] as const
  const ann = room.join('ann')
  const bob = room.join('bob')
  const cleo = room.join('cleo')
  for (const each of [room, other, third]) each.forget()
  let depth = 0
  bob.socket.onSend = (frame) => {
    if (frame.type !== 'patch' || depth > 3) return
    depth += 1
    guests[0].patch(create(`o${depth}/Box`))
    bob.patch(create(`b${depth}/Box`))
  }
  guests[1].socket.onSend = (frame) => {
    if (frame.type !== 'patch') return
    guests[2].patch(update('t/Box', { depth }))
    ann.patch(create(`a${depth}/Box`))
  }

  ann.patch(create('a/Box', { long: 'é'.repeat(100) }))

  const seen = cleo.received().map((frame) => 'timestamp' in frame && frame.timestamp)
  expect(seen).toEqual(seen.map((_, index) => index + 1))
  expect(seen).toHaveLength(room.clock)
  const acks = [...ann.received(), ...bob.received()].filter(({ type }) => type === 'ack')
  expect(acks).toHaveLength(room.clock)
  expect(guests[3].received()).toHaveLength(third.clock)
})

it('[PA12] whatever another room is asked for from inside a send, the rest of the answer stays what it was', () => {
  const room = openRoom()
  const other = openRoom()
  const asks: (() => unknown)[] = [
    () => other.join('late'),
    () => other.join('gone').leave(),
    () => other.room.applyPatch(create('o/Box')),
    () => other.room.getSnapshot(),
    () => other.room.getStats(),
    () => other.room.getSessions(),
    () => new Room({ initialSnapshot: other.room.getSnapshot() }),
    () => other.room.close(),
  ]
  for (const ask of asks) {
    const ann = room.join('ann')
    const bob = room.join('bob')
    room.forget()
    const clock = room.clock
    bob.socket.onSend = (frame) => void (frame.type === 'patch' && ask())

    ann.patch(create('a/Box', { text: 'x'.repeat(100) }))

    expect(bob.received()).toMatchObject([{ type: 'patch', timestamp: clock + 1 }])
    expect(ann.received()).toMatchObject([{ type: 'ack', timestamp: clock + 1 }])
    ann.leave()
    bob.leave()
  }
})

it('[PA12] a throwing send in the middle of an answer costs nobody else what is left of it', () => {
  const room = openRoom({ onError: () => {} })
  const ann = room.join('ann')
  const bob = room.join('bob')
  const cleo = room.join('cleo')
  room.forget()
  bob.socket.onSend = () => {
    throw new Error('gone')
  }

  ann.patch(create('a/Box'))

  expect(ann.received()).toMatchObject([{ type: 'ack', timestamp: 1 }, { type: 'clientCount' }])
  expect(cleo.received()).toMatchObject([
    { type: 'patch', timestamp: 1 },
    { type: 'clientCount', count: 2 },
  ])
})

it('[LC8] [LC11] calls on a room that was closed, or on sessions that left, do nothing', () => {
  const room = new Room()
  const ann = new Member(room, 'ann')
  const bob = new Member(room, 'bob')
  ann.leave()
  ann.patch(create('a/Box'))
  room.close()
  bob.patch(create('b/Box'))

  expect(room.getSnapshot()).toMatchObject({ timestamp: 0, state: {} })
})

it('[FP1] rooms that come and go by the thousand get no call that was meant for another', async () => {
  const ended = await runProgram('passing-rooms.mjs', [], ['--expose-gc'])

  expect(ended).toEqual({ code: 0, signal: null, stdout: 'ok', stderr: '' })
})

it.each([
  ['', 'fast'],
  ['fast-decoder', 'careful'],
  ['raw-functions,fast-decoder', 'careful'],
])('[FP1] without %j the native room decodes in the way that is %s', async (names, way) => {
  const ended = await runProgram('decoding-rooms.mjs', [], [], { HEDDLE_WITHOUT: names })

  expect(ended).toMatchObject({ code: 0, stdout: `${way} 1`, stderr: '' })
})

it('[FP2] a fast path that does not exist is not left out silently', async () => {
  const ended = await runProgram('passing-rooms.mjs', [], [], { HEDDLE_WITHOUT: 'raw-fun' })

  expect(ended.code).not.toBe(0)
  expect(ended.stderr).toContain('HEDDLE_WITHOUT names raw-fun')
})
