import { beforeEach, expect, it, vi } from 'vitest'
import type { Limits } from '../index.js'
import { PingableSocket } from './harness/patient-sockets.js'
import { create, openRoom } from './harness/room.js'
import { eventually, serve } from './harness/server.js'
import { PlainSocket } from './harness/sockets.js'

beforeEach(() => {
  vi.useFakeTimers()
  return () => vi.useRealTimers()
})

function open(limits: Partial<Limits> = {}) {
  const errors: unknown[] = []
  const room = openRoom({ limits, onError: (error) => errors.push(error) })
  const socket = new PingableSocket()
  const ann = room.join('ann', 'readwrite', socket)
  return { room, ann, socket, errors }
}

it('[HB1] a socket that answers neither ping is ended, and its session removed at once', () => {
  const { room, socket } = open()
  const bob = room.join('bob')
  room.forget()

  vi.advanceTimersByTime(30_000)
  expect([socket.pings, socket.isTerminated]).toEqual([1, false])
  vi.advanceTimersByTime(30_000)

  expect([socket.pings, socket.isTerminated]).toEqual([1, true])
  expect(room.room.getSessionCount()).toBe(1)
  expect(bob.received()).toEqual([{ type: 'clientCount', count: 1 }])
})

it('[HB1] a pong keeps a socket, and so does any frame', () => {
  const { room, ann, socket } = open({ heartbeatMs: 1_000 })

  for (let beat = 0; beat < 10; beat++) {
    vi.advanceTimersByTime(1_000)
    if (beat % 2 === 0) socket.pong()
    else ann.patch(create('a/Box'))
  }

  expect([socket.pings, socket.isTerminated]).toEqual([10, false])
  expect(room.room.getSessionCount()).toBe(1)
})

it('[HB1] a part of a frame keeps a socket, which could not put a pong into it', () => {
  const { socket } = open({ heartbeatMs: 1_000 })
  const raw = { bytesRead: 100 }
  Object.assign(socket, { _socket: raw })

  for (let beat = 0; beat < 10; beat++) {
    vi.advanceTimersByTime(1_000)
    raw.bytesRead += 1
  }
  expect([socket.pings, socket.isTerminated]).toEqual([10, false])
  vi.advanceTimersByTime(2_000)

  expect([socket.pings, socket.isTerminated]).toEqual([11, true])
})

it('[HB1] one without terminate is closed', () => {
  const { room, socket } = open({ heartbeatMs: 1_000 })
  Object.assign(socket, { terminate: undefined })

  vi.advanceTimersByTime(2_000)

  expect(socket.closes).toEqual([[]])
  expect(room.room.getSessionCount()).toBe(0)
})

it('[HB1] one whose terminate throws is removed all the same', () => {
  const { room, socket } = open({ heartbeatMs: 1_000 })
  socket.terminate = () => {
    throw new Error('no')
  }

  vi.advanceTimersByTime(2_000)

  expect(room.room.getSessionCount()).toBe(0)
})

it('[HB2] the time in which a socket is paused does not count', () => {
  const { room, ann, socket } = open({
    heartbeatMs: 1_000,
    framesPerSecond: 1,
    framesBurst: 1,
  })
  vi.advanceTimersByTime(1_000)
  expect(socket.pings).toBe(1)

  for (let edit = 1; edit <= 6; edit++) ann.patch(create('a/Box', { edit }))
  expect(socket.isPaused).toBe(true)
  vi.advanceTimersByTime(4_900)
  expect([socket.isPaused, socket.pings]).toEqual([true, 1])
  // It is read again, and counts as alive although there was no pong.
  vi.advanceTimersByTime(200)

  expect([socket.isPaused, socket.pings, room.room.getSessionCount()]).toEqual([false, 2, 1])
  vi.advanceTimersByTime(1_000)
  expect(socket.isTerminated).toBe(true)
})

it('[HB2] the time in which a socket lags does not count', () => {
  const { room, socket } = open({ heartbeatMs: 1_000, queuedBytes: 1_000 })
  const slow = Object.assign(socket, { bufferedAmount: 0 })
  const bob = room.join('bob')
  vi.advanceTimersByTime(1_000)
  expect(socket.pings).toBe(1)

  slow.bufferedAmount = 1_001
  bob.patch(create('a/Box'))
  expect(socket.isPaused).toBe(true)
  vi.advanceTimersByTime(5_900)
  expect([socket.isTerminated, socket.pings]).toEqual([false, 1])
  // It is read again, and counts as alive although there was no pong.
  slow.bufferedAmount = 0
  vi.advanceTimersByTime(200)

  expect([socket.isPaused, socket.pings, room.room.getSessionCount()]).toEqual([false, 2, 2])
  vi.advanceTimersByTime(1_000)
  expect(socket.isTerminated).toBe(true)
})

it.each([0, Number.POSITIVE_INFINITY])('[HB3] %s turns it off', (heartbeatMs) => {
  const { socket } = open({ heartbeatMs })

  vi.advanceTimersByTime(1_000_000)

  expect([socket.pings, socket.isTerminated, vi.getTimerCount()]).toEqual([0, false, 0])
})

it('[HB3] sockets that cannot be asked are left alone', () => {
  const room = openRoom({ limits: { heartbeatMs: 1_000 } })
  const plain = room.join('ann')
  const mute = Object.assign(new PlainSocket(), { ping: () => {} })
  room.join('bob', 'readwrite', mute)

  vi.advanceTimersByTime(100_000)

  expect([plain.socket.closes, mute.closes, vi.getTimerCount()]).toEqual([[], [], 0])
})

it('[HB4] [CC3] a ping that throws costs its session, and the others are asked', () => {
  const { room, socket, errors } = open({ heartbeatMs: 1_000 })
  const other = new PingableSocket()
  room.join('bob', 'readwrite', other)
  const failure = new Error('broken pipe')
  socket.onPing = () => {
    throw failure
  }

  vi.advanceTimersByTime(1_000)

  expect(errors).toEqual([failure])
  expect(socket.closes).toHaveLength(1)
  expect([room.room.getSessionCount(), other.pings]).toEqual([1, 1])
})

it('[HB4] a ping that rejects costs its session, and nobody else anything', async () => {
  vi.useRealTimers()
  const { room, socket, errors } = open({ heartbeatMs: 20 })
  const other = new PingableSocket()
  other.onPing = () => other.pong()
  room.join('bob', 'readwrite', other)
  const failure = new Error('broken pipe')
  Object.assign(socket, { ping: () => Promise.reject(failure) })

  await eventually(() => expect(errors).toEqual([failure]))
  await eventually(() => expect(other.pings).toBeGreaterThan(3))

  expect(socket.closes).toHaveLength(1)
  expect([room.room.getSessionCount(), other.isTerminated]).toEqual([1, false])
  room.room.close()
})

it('[HB5] a session that leaves leaves no listener, and the last one no timer', () => {
  const { room, ann, socket } = open()
  const other = new PingableSocket()
  room.join('bob', 'readwrite', other)
  expect([socket.events.listenerCount('pong'), vi.getTimerCount()]).toEqual([1, 1])

  ann.leave()
  expect([socket.events.listenerCount('pong'), vi.getTimerCount()]).toEqual([0, 1])
  room.room.close()

  expect([other.events.listenerCount('pong'), vi.getTimerCount()]).toEqual([0, 0])
})

it('[HB1] over real sockets the living stay, and one whose peer is silent goes', async () => {
  vi.useRealTimers()
  const server = await serve({ limits: { heartbeatMs: 50 } })
  const ann = await server.connect('ann')
  const bob = await server.connect('bob')
  const room = server.manager.getExistingRoom('room')

  // The socket stays open, and its peer hears and says nothing more, as when a cable is pulled.
  bob.ws.pause()
  await eventually(() => expect(room?.getSessionCount()).toBe(1))

  await eventually(() => expect(ann.count).toBe(1))
  expect(ann.closed).toBeUndefined()
})
