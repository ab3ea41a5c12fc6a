import { Buffer } from 'node:buffer'
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import {
  acceptConnection,
  type FrameData,
  RoomManager,
  type RoomOptions,
  type StoredChange,
} from '../index.js'
import { type Fingerprint, fingerprint, touchedSince } from './harness/hostile/globals.mjs'
import { VALUES } from './harness/hostile/values.mjs'
import { create, Member, openRoom, type TestRoom } from './harness/room.js'
import { eventually } from './harness/server.js'
import { PlainSocket } from './harness/sockets.js'

let before: Fingerprint
beforeEach(() => {
  before = fingerprint()
})
afterEach(() => {
  expect(touchedSince(before)).toEqual([])
})

const HOSTILE = ['null', '[null]', '{"type":"patch","documentPatches":7}', '['.repeat(10_000)]

/** A room where ann and bob work. */
function busyRoom(options: RoomOptions = {}): { room: TestRoom; ann: Member; bob: Member } {
  const room = openRoom({ onError: () => {}, ...options })
  const [ann, bob] = [room.join('ann'), room.join('bob')]
  room.forget()
  return { room, ann, bob }
}

/** Ann edits, bob hears of it, and ann is acked. */
function worksFor(ann: Member, bob: Member): boolean {
  const key = `pair-${ann.room.getStats().timestamp}/Box`
  ann.socket.texts()
  bob.socket.texts()
  ann.patch(create(key))
  const isKnown = bob.socket.texts().some((text) => text.includes(key))
  return isKnown && ann.socket.texts().some((text) => text.includes('"ack"'))
}

/** Text or bytes, in every form that a runtime or a caller may hand over. */
const FRAME =
  '{"type":"patch","messageId":"m","documentPatches":[{"a/Box":{"_exists":true,"x":"é"}}]}'
const BYTES = Buffer.from(FRAME)

const inBuffers = (size: number): Uint8Array[] =>
  Array.from({ length: Math.ceil(BYTES.length / size) }, (_, index) =>
    BYTES.subarray(index * size, (index + 1) * size),
  )

function shared(): Uint8Array {
  const bytes = new Uint8Array(new SharedArrayBuffer(BYTES.length))
  bytes.set(BYTES)
  return bytes
}

const copied = (): ArrayBuffer => Uint8Array.from(BYTES).buffer

function inTheMiddle(): Uint8Array {
  const bytes = new Uint8Array(BYTES.length + 64).fill(0x7b)
  bytes.set(BYTES, 31)
  return bytes.subarray(31, 31 + BYTES.length)
}

const SOUND: [what: string, data: FrameData][] = [
  ['a string', FRAME],
  ['a Buffer', BYTES],
  ['a Uint8Array', Uint8Array.from(BYTES)],
  ['a part of a larger one', inTheMiddle()],
  ['an ArrayBuffer', copied()],
  ['a Uint8Array on shared memory', shared()],
  ['one Buffer in a list', [BYTES]],
  ['Buffers of a byte each', inBuffers(1)],
  ['Buffers of 7 bytes', inBuffers(7)],
  ['Uint8Arrays of 13 bytes', inBuffers(13).map((part) => Uint8Array.from(part))],
  ['Buffers among empty ones', inBuffers(5).flatMap((part) => [Buffer.alloc(0), part])],
  ['Buffers behind 100,000 empty ones', [...Array(100_000).fill(Buffer.alloc(0)), BYTES]],
]

it.each(SOUND)('[AB1, CV8] %s is the frame that it holds', (_, data) => {
  const { room, ann, bob } = busyRoom()

  ann.sendsRaw(data)

  expect(room.state).toEqual({ 'a/Box': { _exists: true, x: 'é' } })
  expect(worksFor(ann, bob)).toBe(true)
})

function detached(): ArrayBuffer {
  const buffer = copied()
  structuredClone(buffer, { transfer: [buffer] })
  return buffer
}

function viewOfDetached(): Uint8Array {
  const buffer = copied()
  const view = new Uint8Array(buffer)
  structuredClone(buffer, { transfer: [buffer] })
  return view
}

const EMPTY: [what: string, data: FrameData][] = [
  ['an ArrayBuffer that was handed away', detached()],
  ['a view of one that was handed away', viewOfDetached()],
  ['a list of nothing', []],
  ['an ArrayBuffer of nothing', new ArrayBuffer(0)],
  ['100,000 Buffers of nothing', Array(100_000).fill(Buffer.alloc(0))],
]

it.each(EMPTY)('[AB1, AB3] %s is no JSON', (_, data) => {
  const { room, ann, bob } = busyRoom()
  const mallory = room.join('mallory')
  room.forget()

  mallory.sendsRaw(data)

  expect(mallory.received()).toMatchObject([{ type: 'error', code: 'bad-json' }])
  expect(worksFor(ann, bob)).toBe(true)
})

const WRONG: [what: string, data: unknown][] = [
  ['undefined', undefined],
  ['null', null],
  ['a number', 7],
  ['a bigint', 7n],
  ['a symbol', Symbol('frame')],
  ['true', true],
  ['a function', () => FRAME],
  ['an object', { type: 'patch' }],
  ['a String object', Object('{}')],
  ['a DataView', new DataView(copied())],
  ['a Uint16Array', new Uint16Array(8)],
  ['a Float64Array', new Float64Array(8)],
  ['a SharedArrayBuffer', new SharedArrayBuffer(8)],
  ['a Blob', new Blob([FRAME])],
  ['a list of strings', [FRAME]],
  ['a list with a hole', [BYTES, undefined, BYTES]],
  ['a list of lists', [[BYTES]]],
  ['a list of ArrayBuffers', [copied()]],
  ['what looks like a Uint8Array', { length: 2, 0: 123, 1: 125, constructor: Uint8Array }],
  ['what inherits from one', Object.create(Uint8Array.prototype)],
  ['a promise', Promise.resolve(FRAME)],
  ['an iterator', BYTES.values()],
]

it.each(WRONG)('[AB1, LC15] %s is a TypeError, and changes nothing', (_, data) => {
  const { room, ann, bob } = busyRoom()

  expect(() => ann.sendsRaw(data as FrameData)).toThrow(
    expect.objectContaining({ name: 'TypeError', code: 'HEDDLE_INVALID_ARGUMENT' }),
  )

  expect(room.clock).toBe(0)
  expect(worksFor(ann, bob)).toBe(true)
})

describe('[AB1, AB3] from sessions that are none', () => {
  it.each(['', 'nobody', '__proto__', 'constructor', '\ud800', 'x'.repeat(1_000_000)])(
    'frames of a session without a name do nothing, case %#',
    (sessionId) => {
      const { room, ann, bob } = busyRoom()

      for (const data of [FRAME, ...HOSTILE]) room.room.handleSocketMessage(sessionId, data)
      room.room.handleSocketClose(sessionId)
      room.room.handleSocketError(sessionId)

      expect(room.clock).toBe(0)
      expect(room.room.getSessionMetadata(sessionId)).toBeUndefined()
      expect(worksFor(ann, bob)).toBe(true)
    },
  )

  it('frames of a session that has left, or was closed, do nothing', () => {
    const { room, ann, bob } = busyRoom()
    const mallory = room.join('mallory')
    const trudy = room.join('trudy')
    mallory.leave()
    trudy.sendsRaw('null')
    room.forget()

    for (const data of [FRAME, ...HOSTILE]) {
      mallory.sendsRaw(data)
      trudy.sendsRaw(data)
    }
    mallory.leave()

    expect([mallory.received(), trudy.received()]).toEqual([[], []])
    expect(trudy.socket.closes).toHaveLength(1)
    expect(room.clock).toBe(0)
    expect(worksFor(ann, bob)).toBe(true)
  })

  it('frames of a mute session do nothing, whatever they hold', () => {
    const { room, ann, bob } = busyRoom()
    const mallory = room.join('mallory')
    mallory.says({ type: 'reconnect', lastTimestamp: 0, protocolVersion: 7 })
    room.forget()

    for (const data of [FRAME, ...HOSTILE]) mallory.sendsRaw(data)

    expect([mallory.received(), mallory.socket.closes]).toEqual([[], []])
    expect(worksFor(ann, bob)).toBe(true)
  })

  it('frames of a closed room do nothing', () => {
    const { room, ann } = busyRoom()
    room.room.close()

    for (const data of [FRAME, ...HOSTILE]) ann.sendsRaw(data)

    expect(ann.received()).toEqual([])
    expect(room.clock).toBe(0)
  })
})

describe('[AB1, AB3, AB4] in a room that waits', () => {
  it('frames of all kinds while it loads are handled in order', async () => {
    let loaded = () => {}
    const load = () =>
      new Promise<null>((resolve) => {
        loaded = () => resolve(null)
      })
    const { room, ann, bob } = busyRoom({ storage: { load, save: async () => {} } })
    const loading = room.room.load()
    const malloryRoom = HOSTILE.map((data, index) => {
      const mallory = room.join(`mallory-${index}`)
      mallory.patch(create(`before-${index}/Box`))
      mallory.sendsRaw(data)
      mallory.patch(create(`after-${index}/Box`))
      return mallory
    })
    loaded()
    await loading

    expect(Object.keys(room.state)).toEqual(HOSTILE.map((_, index) => `before-${index}/Box`))
    expect(malloryRoom.map(({ socket }) => socket.closeCode)).toEqual(HOSTILE.map(() => 4400))
    expect(worksFor(ann, bob)).toBe(true)
  })

  it('frames of all kinds while its store hangs are refused at once or wait', async () => {
    const changes: StoredChange[] = []
    let works = false
    const { room, ann, bob } = busyRoom({
      durability: 'disk',
      storage: {
        load: async () => null,
        save: async () => {},
        append: async (batch) => {
          if (!works) throw new Error('the store fails')
          changes.push(...batch)
        },
        loadChanges: async () => changes,
      },
    })
    await room.room.load()
    ann.patch(create('a/Box'))
    const mallory = HOSTILE.map((data, index) => {
      const member = room.join(`mallory-${index}`)
      member.patch(create(`mallory-${index}/Box`))
      member.sendsRaw(data)
      return member
    })
    await eventually(() => {
      expect(mallory.map(({ socket }) => socket.closeCode)).toEqual(HOSTILE.map(() => 4400))
    })
    works = true

    await eventually(() => {
      expect(ann.received().map((frame) => frame.type)).toContain('ack')
    })
    bob.patch(create('b/Box'))
    await eventually(() => {
      expect(bob.socket.texts().join()).toContain('"ack"')
    })
    expect(Object.keys(room.state).slice(0, 1)).toEqual(['a/Box'])
  })

  it('frames, closes and errors in any order while authorize hangs', async () => {
    const manager = new RoomManager({ onError: () => {} })
    onTestFinished(() => manager.closeAll())
    const arrivals = Array.from({ length: 50 }, (_, index) => {
      const socket = new PlainSocket()
      const conn = acceptConnection({
        socket,
        url: '/?roomId=r&clientId=mallory&token=t',
        manager,
        authorize: () => new Promise<never>(() => {}),
      })
      for (const data of HOSTILE) conn.onMessage(data)
      if (index % 2 === 0) conn.onClose()
      else conn.onError()
      for (const data of HOSTILE) conn.onMessage(data)
      conn.onClose()
      return conn.ready.catch((error: Error) => error.constructor.name)
    })

    expect(new Set(await Promise.all(arrivals))).toEqual(new Set(['ConnectionClosedError']))
    expect(manager.getStats()).toMatchObject({ rooms: 0, sessions: 0 })
  })
})

describe('[AB1, AB3] sockets', () => {
  it('that throw at every send and close harm nobody', () => {
    const { room, ann, bob } = busyRoom()
    const broken = {
      send: () => {
        throw new Error('broken')
      },
      close: () => {
        throw new Error('broken too')
      },
    }
    for (let count = 0; count < 50; count += 1) {
      const permissions = 'readwrite'
      const id = room.room.handleSocketConnect({ socket: broken, clientId: 'mallory', permissions })
      room.room.handleSocketMessage(id, FRAME)
      room.room.handleSocketMessage(id, 'null')
    }

    expect(room.room.getSessionCount()).toBe(2)
    expect(worksFor(ann, bob)).toBe(true)
  })

  it('that say everything again from inside send are served in order', () => {
    const { room, ann, bob } = busyRoom()
    const mallory = room.join('mallory')
    let left = 200
    mallory.socket.onSend = () => {
      left -= 1
      if (left > 0) mallory.patch(create(`again-${left}/Box`))
    }

    ann.patch(create('a/Box'))

    const clocks = bob
      .received()
      .flatMap((frame) => ('timestamp' in frame ? [frame.timestamp] : []))
    expect(clocks).toEqual(clocks.toSorted((a, b) => Number(a) - Number(b)))
    expect(room.clock).toBe(200)
    expect(worksFor(ann, bob)).toBe(true)
  })

  it('that come and go a thousand times leave nothing', () => {
    const { room, ann, bob } = busyRoom()

    for (let count = 0; count < 1_000; count += 1) {
      const mallory = new Member(room.room, 'mallory')
      mallory.presence(create('mallory/Cursor', { count }))
      if (count % 3 === 0) mallory.sendsRaw('null')
      mallory.leave()
      if (count % 100 === 0) room.forget()
    }

    expect(room.room.getSessionCount()).toBe(2)
    room.forget()
    ann.reconnect(0)
    expect(ann.received()).toEqual([{ type: 'synced', timestamp: 0 }])
    expect(worksFor(ann, bob)).toBe(true)
  })

  it('two of one client do not spoil each other', () => {
    const { room, ann, bob } = busyRoom()
    const [one, two] = [room.join('mallory'), room.join('mallory')]
    one.presence(create('mallory/Cursor'))
    room.forget()

    two.sendsRaw('null')

    expect(ann.received()).toEqual([{ type: 'clientCount', count: 3 }])
    one.patch(create('one/Box'))
    expect(one.received().at(-1)).toMatchObject({ type: 'ack', timestamp: 1 })
    expect(worksFor(ann, bob)).toBe(true)
  })
})

describe('[AB1, AB2, AB4] values in what callers hand over', () => {
  it('every value as clientId is a client or a TypeError', () => {
    const { room, ann, bob } = busyRoom()

    const outcomes = VALUES.map((text) => codeOf(() => new Member(room.room, JSON.parse(text))))

    const expected = VALUES.map((text) =>
      text.startsWith('"') ? undefined : 'HEDDLE_INVALID_ARGUMENT',
    )
    expect(outcomes).toEqual(expected)
    expect(worksFor(ann, bob)).toBe(true)
  })

  it('every value as a patch, a component or a field of `applyPatch` is applied or refused', () => {
    const codes = ['HEDDLE_INVALID_ARGUMENT', 'HEDDLE_BAD_PATCH']
    const templates = ['%', '[%]', '{"a/Box":%}', '[{"b/Box":{"_exists":true}},{"a/Box":%}]']
    for (const template of [...templates, '{"a/Box":{"_exists":%}}', '{"a/Box":{"x":%}}']) {
      for (const value of VALUES) {
        const { room, ann, bob } = busyRoom()

        const code = codeOf(() => room.room.applyPatch(JSON.parse(template.replace('%', value))))

        expect([undefined, ...codes]).toContain(code)
        const isUntouched = code === undefined || room.clock === 0
        expect([template, value, isUntouched, worksFor(ann, bob)]).toEqual([
          template,
          value,
          true,
          true,
        ])
      }
    }
  })
})

/** The code of what a call throws. */
function codeOf(call: () => unknown): unknown {
  try {
    call()
    return undefined
  } catch (error) {
    return (error as { code?: unknown }).code ?? error
  }
}
