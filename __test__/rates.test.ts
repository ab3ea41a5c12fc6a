import { beforeEach, expect, it, vi } from 'vitest'
import type { Limits, RoomSnapshot, ServerMessage } from '../index.js'
import { PausableSocket } from './harness/patient-sockets.js'
import { create, openRoom, update } from './harness/room.js'
import { eventually, serve } from './harness/server.js'
import { PlainSocket } from './harness/sockets.js'
import { deferred, ScriptedStorage } from './harness/stores.js'

beforeEach(() => {
  vi.useFakeTimers()
  return () => vi.useRealTimers()
})

function open(limits: Partial<Limits>, socket: PlainSocket = new PausableSocket()) {
  const room = openRoom({ limits })
  const ann = room.join('ann', 'readwrite', socket)
  const pausable = socket as PausableSocket
  room.forget()
  return { room, ann, socket: pausable }
}

/** The message ids of the acks among some frames. */
function acks(frames: ServerMessage[]): unknown[] {
  return frames.flatMap((frame) => (frame.type === 'ack' ? [frame.messageId] : []))
}

it('[RT1] without a rate any number of frames is handled at once', () => {
  const { room, ann, socket } = open({})
  const clock = vi.spyOn(performance, 'now')

  for (let edit = 0; edit < 5_000; edit++) ann.patch(create('a/Box', { edit }))

  expect(room.clock).toBe(5_000)
  expect(socket.isPaused).toBe(false)
  expect(clock).not.toHaveBeenCalled()
})

it('[RT1] a burst is handled at once, then as many frames a second as the rate says', () => {
  const { room, ann, socket } = open({ framesPerSecond: 10, framesBurst: 3 })

  for (let edit = 1; edit <= 8; edit++) ann.patch(create('a/Box', { edit }))
  expect(acks(ann.received())).toEqual(['ann-1', 'ann-2', 'ann-3'])
  expect(socket.isPaused).toBe(true)

  vi.advanceTimersByTime(499)
  expect(room.clock).toBe(3)
  vi.advanceTimersByTime(2)
  expect(acks(ann.received())).toEqual(['ann-4', 'ann-5', 'ann-6', 'ann-7', 'ann-8'])
  expect(socket.isPaused).toBe(false)

  vi.advanceTimersByTime(60_000)
  for (let edit = 1; edit <= 4; edit++) ann.patch(create('a/Box', { edit }))
  expect(acks(ann.received())).toHaveLength(3)
})

it('[RT1] a rate given alone comes with a burst of two seconds', () => {
  const { ann } = open({ framesPerSecond: 5 })

  for (let edit = 1; edit <= 11; edit++) ann.patch(create('a/Box', { edit }))

  expect(acks(ann.received())).toHaveLength(10)
})

it('[RT1] [RT2] bytes have a rate of their own', () => {
  const { ann, socket } = open({ bytesPerSecond: 1_000, bytesBurst: 500 })
  const text = 'é'.repeat(150)

  ann.patch(create('a/Box', { text }))
  expect([acks(ann.received()), socket.isPaused]).toEqual([['ann-1'], false])
  ann.patch(create('a/Box', { text }))
  expect([acks(ann.received()), socket.isPaused]).toEqual([[], true])
  vi.advanceTimersByTime(500)

  expect([acks(ann.received()), socket.isPaused]).toEqual([['ann-2'], false])
})

it('[RT2] what is over the rate waits in order, and nobody else for it', () => {
  const { room, ann } = open({ framesPerSecond: 1, framesBurst: 1 })
  const bob = room.join('bob', 'readwrite', new PausableSocket())
  room.forget()

  ann.patch(create('a/Box', { x: 1 }))
  ann.patch(update('a/Box', { x: 2 }))
  ann.presence(create('a/Cursor'))
  ann.patch(update('a/Box', { x: 3 }))
  bob.patch(create('b/Box'))
  expect(acks(bob.received())).toEqual(['bob-1'])
  vi.advanceTimersByTime(3_001)

  expect(acks(ann.received())).toEqual(['ann-1', 'ann-2', 'ann-3', 'ann-4'])
  expect(room.state['a/Box']).toEqual({ _exists: true, x: 3 })
})

it.each([
  ['that has no pause', new PlainSocket()],
  [
    'whose pause throws',
    Object.assign(new PausableSocket(), {
      onPause: () => {
        throw new Error('no')
      },
    }),
  ],
])('[RT3] a socket %s is closed when its session is over the rate', (_, socket) => {
  const { room, ann } = open({ framesPerSecond: 1, framesBurst: 2 }, socket)
  const bob = room.join('bob')

  for (let edit = 1; edit <= 3; edit++) ann.patch(create('a/Box', { edit }))

  expect(socket.closes).toEqual([[4429, 'too many frames']])
  expect(room.room.getSessionCount()).toBe(1)
  expect(room.clock).toBe(2)
  bob.patch(update('a/Box', { x: 1 }))
  expect(acks(bob.received())).toEqual(['bob-1'])
})

it('[RT4] a frame larger than the burst passes when there is all that there can be', () => {
  const { room, ann, socket } = open({ bytesPerSecond: 1_000, bytesBurst: 200 }, new PlainSocket())
  const text = 'x'.repeat(1_000)

  ann.patch(create('a/Box', { text }))
  expect([room.clock, socket.closes]).toEqual([1, []])
  vi.advanceTimersByTime(2_000)
  ann.patch(create('b/Box', { text }))
  expect([room.clock, socket.closes]).toEqual([2, []])
  vi.advanceTimersByTime(500)
  ann.patch(create('c/Box'))

  expect([room.clock, socket.closeCode]).toEqual([2, 4429])
})

it('[RT5] frames count when they come, whatever they wait for', async () => {
  const loaded = deferred<RoomSnapshot | null>()
  const room = openRoom({
    limits: { framesPerSecond: 10, framesBurst: 2 },
    storage: new ScriptedStorage({ load: () => loaded.promise }),
  })
  const loading = room.room.load()
  const socket = new PlainSocket()
  const ann = room.join('ann', 'readwrite', socket)

  for (let edit = 1; edit <= 10; edit++) {
    ann.patch(create('a/Box', { edit }))
    vi.advanceTimersByTime(100)
  }
  loaded.resolve(null)
  await loading

  expect(socket.closes).toEqual([])
  expect(acks(ann.received())).toHaveLength(10)
})

it('[RT6] what waits goes with its session, and its socket reads again', () => {
  const { room, ann, socket } = open({ framesPerSecond: 1, framesBurst: 1 })
  ann.patch(create('a/Box'))
  ann.patch(create('b/Box'))
  expect(vi.getTimerCount()).toBeGreaterThan(0)

  ann.leave()

  expect([socket.isPaused, vi.getTimerCount()]).toEqual([false, 0])
  vi.advanceTimersByTime(10_000)
  expect(room.clock).toBe(1)
})

it('[RT6] what waits is bounded like what comes before a session is live', () => {
  const { room, ann, socket } = open({ framesPerSecond: 1, framesBurst: 1, frameBytes: 1_000 })

  for (let edit = 0; edit < 1_200; edit++) ann.patch(create('a/Box', { edit }))

  expect(socket.closes).toEqual([[4413, 'too many frames wait']])
  expect(socket.isPaused).toBe(false)
  expect([room.clock, room.room.getSessionCount()]).toEqual([1, 0])
})

it('[RT2] over real sockets a burst is slowed down, and all of it is handled', async () => {
  vi.useRealTimers()
  const server = await serve({ limits: { framesPerSecond: 500, framesBurst: 20 } })
  const ann = await server.connect('ann')
  const bob = await server.connect('bob')

  ann.reconnect(0)
  for (let edit = 1; edit <= 100; edit++) ann.patch(create('a/Box', { edit }))
  await eventually(() => expect(server.sockets[0]?.isPaused).toBe(true))
  bob.reconnect(0)
  await eventually(() => expect(bob.frames.at(-1)?.type).toBe('synced'))

  await eventually(() => expect(acks(ann.frames)).toHaveLength(100))
  expect(acks(ann.frames)).toEqual(Array.from({ length: 100 }, (_, index) => `ann-${index + 1}`))
  expect(ann.closed).toBeUndefined()
})
