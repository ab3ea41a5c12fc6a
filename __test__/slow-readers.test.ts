import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { FileStorage, Room, type RoomOptions } from '../index.js'
import { create, Member, openRoom, remove, update } from './harness/room.js'
import { eventually } from './harness/server.js'
import { BufferingSocket, SlowSocket } from './harness/slow-sockets.js'
import { temporaryFolder } from './harness/stores.js'

/** A room with ann, and bob on a slow socket; its mark is at 1,000 bytes. */
function openSlowRoom(options?: RoomOptions) {
  vi.useFakeTimers()
  const limits = { queuedBytes: 1_000, stallTimeoutMs: 30_000, ...Object(options?.limits) }
  const room = openRoom({ ...options, limits })
  const ann = room.join('ann')
  const socket = new SlowSocket()
  const bob = room.join('bob', 'readwrite', socket)
  room.forget()
  /** Bob's socket holds so many bytes, and is sent something. */
  const lag = (bytes = 1_001) => {
    socket.bufferedAmount = bytes
    ann.patch(create('marker/Box'))
    room.forget()
  }
  const drain = (bytes = 0) => {
    socket.bufferedAmount = bytes
    vi.advanceTimersByTime(20)
  }
  return { room, ann, bob, socket, lag, drain }
}

afterEach(() => vi.useRealTimers())

const diff = (documentPatches: unknown[], timestamp: number) => ({
  type: 'patch',
  clientId: '',
  documentPatches,
  timestamp,
})

describe('a socket that is past the mark', () => {
  it('[SR1] [SR2] is sent nothing more', () => {
    const { ann, bob, socket } = openSlowRoom()

    socket.bufferedAmount = 1_000
    ann.patch(create('a/Box'))
    ann.patch(create('b/Box'))
    expect(bob.received()).toHaveLength(2)

    socket.bufferedAmount = 1_001
    ann.patch(create('c/Box'))
    expect(bob.received()).toHaveLength(1)
    ann.patch(create('d/Box'))
    ann.presence(create('ann/Cursor'))

    expect(bob.received()).toEqual([])
  })

  it('[SR1] [SR2] is sent nothing more once it is full of its own answers', () => {
    const { ann, bob, socket } = openSlowRoom()

    socket.bufferedAmount = 1_000
    bob.patch(create('a/Box'))
    ann.patch(create('b/Box'))
    expect(bob.received().map(({ type }) => type)).toEqual(['ack', 'patch'])

    socket.bufferedAmount = 1_001
    bob.patch(create('c/Box'))
    ann.patch(create('d/Box'))
    expect(bob.received().map(({ type }) => type)).toEqual(['ack'])
  })

  it('[SR1] is not known of a socket that tells nothing of its queue', () => {
    const { room, ann } = openSlowRoom()
    const cleo = room.join('cleo')
    room.forget()

    for (let index = 0; index < 100; index += 1) ann.patch(create(`${index}/Box`, { x: 'x' }))

    expect(cleo.received()).toHaveLength(100)
  })

  it('[SR1] may throw when it is asked', () => {
    const { room, ann } = openSlowRoom()
    const socket = new SlowSocket()
    Object.defineProperty(socket, 'bufferedAmount', {
      get: () => {
        throw new Error('no')
      },
    })
    const cleo = new Member(room.room, 'cleo', 'readwrite', socket)
    cleo.received()

    ann.patch(create('a/Box'))

    expect(cleo.received()).toHaveLength(1)
  })

  it('[SR2] is not read from', () => {
    const { room, bob, socket, lag, drain } = openSlowRoom()

    lag()
    expect(socket.isPaused).toBe(true)
    bob.patch(create('late/Box'))
    expect(room.state).not.toHaveProperty(['late/Box'])

    drain()
    expect(room.state).toHaveProperty(['late/Box'])
    expect(socket.isPaused).toBe(false)
  })

  it('[SR2] [LM7] is closed when too much comes from it all the same', () => {
    const { room, bob, socket, lag } = openSlowRoom({ limits: { frameBytes: 1_000 } })
    lag()

    for (let index = 0; index < 80; index += 1) bob.sendsRaw('x'.repeat(1_000))

    expect(socket.closes).toEqual([[4413, 'too many frames wait']])
    expect(room.room.getSessionCount()).toBe(1)
  })

  it('[SR3] gets one diff when a quarter of the mark is left', () => {
    const { ann, bob, lag, drain } = openSlowRoom()
    ann.presence({ ...create('one/Cursor'), ...create('two/Cursor') })
    ann.patch(create('old/Box'))

    lag()
    ann.patch(create('a/Box', { x: 1 }))
    ann.patch(update('a/Box', { x: 2 }), remove('old/Box'))
    ann.presence({ ...remove('one/Cursor'), ...update('two/Cursor', { at: 5 }) })
    drain(251)
    expect(bob.received()).toEqual([])
    drain(250)

    expect(bob.received()).toEqual([
      { type: 'patch', clientId: '', ephemeralPatches: [remove('one/Cursor')] },
      {
        ...diff([{ ...create('a/Box', { x: 2 }), ...remove('old/Box') }], 4),
        ephemeralPatches: [create('two/Cursor', { at: 5 })],
      },
      { type: 'clientCount', count: 2 },
    ])
    ann.patch(update('a/Box', { x: 3 }))
    expect(bob.received()).toHaveLength(1)
  })

  it('[SR4] is answered after the diff', () => {
    const { ann, bob, lag, drain } = openSlowRoom()
    lag()
    ann.patch(create('a/Box', { x: 1 }))
    bob.patch(update('a/Box', { x: 2 }))
    bob.patch(update('a/Box', { x: 3 }))
    ann.received()

    drain()

    expect(bob.received()).toEqual([
      diff([create('a/Box', { x: 1 })], 2),
      { type: 'clientCount', count: 2 },
      { type: 'ack', messageId: 'bob-1', timestamp: 3 },
      { type: 'ack', messageId: 'bob-2', timestamp: 4 },
    ])
    expect(ann.received()).toHaveLength(2)
  })

  it('[SR11] is heard now and then, however much there is to tell it each time', () => {
    const { room, ann, bob, socket, lag, drain } = openSlowRoom()
    lag()
    const text = 'x'.repeat(2_000)
    ann.patch(create('a/Box', { text }))
    bob.patch(create('b/Box'))

    socket.isStuck = true
    drain()
    expect(bob.received()).toMatchObject([
      { type: 'patch', timestamp: 2 },
      { type: 'clientCount' },
      { type: 'clientCount' },
      { type: 'ack', messageId: 'bob-1', timestamp: 3 },
    ])
    expect(room.room.getStats().lagging).toBe(1)

    expect(socket.isPaused).toBe(false)
    ann.patch(update('a/Box', { text }))
    bob.patch(create('c/Box', { text: 'x'.repeat(16 * 1024) }))
    bob.patch(create('d/Box'))
    expect([bob.received(), room.clock, socket.isPaused]).toEqual([[], 4, true])

    drain()
    expect(bob.received()).toMatchObject([
      { type: 'patch', timestamp: 4 },
      { type: 'clientCount' },
      { type: 'clientCount' },
      { type: 'ack', messageId: 'bob-2', timestamp: 5 },
      { type: 'clientCount' },
      { type: 'ack', messageId: 'bob-3', timestamp: 6 },
    ])
    expect([room.room.getStats().lagging, socket.isPaused]).toEqual([1, false])
  })

  it('[SR11] is told one catch-up at a time', () => {
    const { ann, bob, socket, lag, drain } = openSlowRoom()
    lag()
    ann.patch(create('a/Box', { text: 'x'.repeat(2_000) }))
    bob.reconnect(0)
    bob.reconnect(0)
    const synced = () => bob.received().filter(({ type }) => type === 'synced')

    socket.isStuck = true
    drain()
    expect([synced().length, socket.isPaused]).toEqual([1, true])
    drain()
    expect(synced()).toHaveLength(1)
  })

  it('[SR11] counts as one that is not read', () => {
    const { room, bob, socket, lag, drain } = openSlowRoom({
      limits: { framesPerSecond: 1, framesBurst: 1 },
    })
    const ann = room.members[0]
    lag()
    socket.isStuck = true
    ann?.patch(create('a/Box', { text: 'x'.repeat(2_000) }))
    vi.advanceTimersByTime(5_000)
    drain()
    expect(socket.isPaused).toBe(false)

    bob.patch(create('b/Box'))
    expect(socket.isPaused).toBe(false)
    // Whatever else there is to wait for, it waits for that.
    bob.patch(create('c/Box'))
    expect(socket.isPaused).toBe(true)
    drain()

    expect([room.clock, socket.isPaused]).toEqual([2, true])
  })

  it('[SR8] [CC1] is given up when more presence went than is remembered for it', () => {
    const { room, ann, socket, lag } = openSlowRoom()
    lag(10_000)

    for (let round = 0; round < 20; round += 1) {
      const keys = Array.from({ length: 1_000 }, (_, index) => `${round}-${index}/Cursor`)
      ann.presence(...keys.map((key) => create(key)))
      ann.presence(...keys.map((key) => remove(key)))
    }

    expect([socket.closes, socket.terminations]).toEqual([[[4408, 'too slow']], 1])
    expect(room.room.getSessionCount()).toBe(1)
  })

  it('[SR2] may leave', () => {
    const { room, ann, bob, lag, drain } = openSlowRoom()
    lag()
    bob.patch(create('lost/Box'))

    bob.leave()
    drain()

    expect(ann.received()).toEqual([{ type: 'clientCount', count: 1 }])
    expect(room.state).not.toHaveProperty(['lost/Box'])
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('a socket that does not move', () => {
  it('[SR7] [CC1] is closed, and ended for good', () => {
    const { room, ann, socket, lag } = openSlowRoom()
    lag()

    vi.advanceTimersByTime(29_900)
    expect(socket.closes).toEqual([])
    vi.advanceTimersByTime(200)

    expect([socket.closes, socket.terminations]).toEqual([[[4408, 'too slow']], 1])
    expect(ann.received()).toEqual([{ type: 'clientCount', count: 1 }])
    expect(room.room.getSessionCount()).toBe(1)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('[SR7] is left alone while a KiB leaves it for each second', () => {
    const { socket, lag, drain } = openSlowRoom()
    let left = 1_000_000
    lag(left)

    for (let look = 0; look < 20; look++) {
      vi.advanceTimersByTime(29_000)
      left -= 30 * 1024
      drain(left)
    }

    expect(socket.closes).toEqual([])
  })

  it.each([
    ['a byte now and then', 1, 29_000],
    ['half a KiB a second', 512, 60_000 - 980],
  ])('[SR7] is closed where %s leaves it', (_what, bytes, lastsMs) => {
    const { socket, lag, drain } = openSlowRoom()
    let left = 1_000_000
    lag(left)
    const trickle = () => {
      vi.advanceTimersByTime(980)
      left -= bytes
      drain(left)
    }

    for (let ms = 0; ms < lastsMs - 1_000; ms += 1_000) trickle()
    expect(socket.closes).toEqual([])
    for (let more = 0; more < 4; more++) trickle()

    expect(socket.closes).toEqual([[4408, 'too slow']])
  })

  it.each([
    ['some of it', (_handle: object) => ({ _handle })],
    [
      'some of what it encrypted',
      (_handle: object) => ({ _handle: { writeQueueSize: 1 }, _parent: { _handle } }),
    ],
  ])('[SR7] is left alone while the system takes %s', (_what, raw) => {
    const { socket, lag } = openSlowRoom()
    const _handle = { writeQueueSize: 1_000_000 }
    Object.assign(socket, { _socket: raw(_handle) })
    lag(1_000_000)

    for (; _handle.writeQueueSize > 400_000; _handle.writeQueueSize -= 30_000) {
      vi.advanceTimersByTime(29_000)
    }
    expect(socket.closes).toEqual([])
    vi.advanceTimersByTime(31_000)

    expect(socket.closes).toHaveLength(1)
  })

  it('[SR7] is left alone where that is wanted', () => {
    const { socket, lag } = openSlowRoom({ limits: { stallTimeoutMs: Number.POSITIVE_INFINITY } })
    lag()

    vi.advanceTimersByTime(600_000)

    expect(socket.closes).toEqual([])
  })
})

describe('a socket that is written once per turn', () => {
  /** A room with ann, and bob on a socket that works as Bun's. */
  function openQueuedRoom() {
    const { room, ann } = openSlowRoom()
    const socket = new BufferingSocket()
    room.room.handleSocketConnect({ socket, clientId: 'cleo', permissions: 'readwrite' })
    return { room, ann, socket }
  }

  it('[SR10] is written within the turn when the turn has more to say than may wait', () => {
    const { ann, socket } = openQueuedRoom()

    ann.patch(create('a/Box', { text: 'x'.repeat(600) }))
    expect(socket.texts).toEqual([])
    ann.patch(create('b/Box', { text: 'x'.repeat(600) }))

    expect(socket.texts.map((text) => JSON.parse(text).type)).toEqual([
      'clientCount',
      'patch',
      'patch',
    ])
  })

  it('[SR10] is given no more than it takes, and the rest in order', async () => {
    const { room, ann, socket } = openQueuedRoom()
    socket.isStuck = true

    for (let index = 0; index < 50; index += 1) {
      ann.patch(create(`${index}/Box`, { text: 'x'.repeat(400) }))
    }
    expect(socket.held).toBeLessThan(2_000)
    socket.isStuck = false
    socket.held = 0
    vi.advanceTimersByTime(40)
    vi.useRealTimers()
    await new Promise((resolve) => setImmediate(resolve))

    const frames = socket.texts.map((text) => JSON.parse(text))
    const known = Object.assign({}, ...frames.flatMap((frame) => frame.documentPatches ?? []))
    expect(Object.keys(known)).toHaveLength(50)
    expect(known).toEqual(room.state)
    const clocks = frames.flatMap((frame) => frame.timestamp ?? [])
    expect(clocks).toEqual(clocks.toSorted((a: number, b: number) => a - b))
    expect(clocks.length).toBeLessThan(10)
  })

  it('[SR10] is given nothing while it is full', () => {
    const { room, ann, socket } = openQueuedRoom()
    ann.patch(create('a/Box', { text: 'x'.repeat(2_000) }))
    const [, cleo] = room.room.getSessions().slice(-2)
    socket.isStuck = true

    const reconnect = { type: 'reconnect', lastTimestamp: 0, protocolVersion: 2 }
    room.room.handleSocketMessage(`${cleo?.sessionId}`, JSON.stringify(reconnect))
    vi.advanceTimersByTime(100)
    expect(socket.texts.at(-1)).toContain('a/Box')
    socket.isStuck = false
    socket.held = 0
    vi.advanceTimersByTime(20)

    expect(socket.texts.at(-1)).toBe('{"type":"synced","timestamp":1}')
  })

  it('[SR10] [PA8] gets what a store let go at once bit by bit, in order', async () => {
    const dir = await temporaryFolder()
    const room = new Room({
      storage: new FileStorage({ dir, roomId: 'room' }),
      limits: { queuedBytes: 1_000 },
    })
    onTestFinished(() => room.close({ flush: false }))
    await room.load()
    const [ann, bob] = [new BufferingSocket(), new BufferingSocket()]
    const sender = room.handleSocketConnect({
      socket: ann,
      clientId: 'ann',
      permissions: 'readwrite',
    })
    room.handleSocketConnect({ socket: bob, clientId: 'bob', permissions: 'readwrite' })
    bob.isStuck = true

    for (let index = 1; index <= 10; index += 1) {
      const documentPatches = [create(`${index}/Box`, { text: 'x'.repeat(400) })]
      room.handleSocketMessage(sender, JSON.stringify({ type: 'patch', documentPatches }))
    }
    await eventually(() => expect(ann.texts.at(-1)).toContain('"timestamp":10'))
    expect(bob.texts.at(-1)).not.toContain('"timestamp":10')
    await eventually(() => {
      bob.held = 0
      expect(bob.texts.at(-1)).toContain('clientCount')
    })

    const clocks = bob.texts.flatMap((text) => JSON.parse(text).timestamp ?? [])
    expect(clocks).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
  })
})
