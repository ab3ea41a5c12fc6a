import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { create, type Member, openRoom } from './harness/room.js'
import { SlowSocket } from './harness/slow-sockets.js'

const MIB = 1024 ** 2

let sockets: SlowSocket[] = []

beforeEach(() => {
  vi.useFakeTimers()
})

// The bound is one of the process: no test leaves anything behind.
afterEach(() => {
  for (const socket of sockets) socket.bufferedAmount = 0
  vi.advanceTimersByTime(20)
  sockets = []
  vi.useRealTimers()
})

/** A session of a room of its own, whose socket holds so many bytes. */
function lags(bytes: number): { ann: Member; socket: SlowSocket } {
  const room = openRoom()
  const ann = room.join('ann')
  const socket = new SlowSocket()
  sockets.push(socket)
  room.join('bob', 'readwrite', socket)
  socket.bufferedAmount = bytes
  ann.patch(create('a/Box'))
  return { ann, socket }
}

it('[SR12] one session that lags may hold any amount', () => {
  const { socket } = lags(2_000 * MIB)

  vi.advanceTimersByTime(10_000)

  expect(socket.closes).toEqual([])
})

it('[SR12] of sessions that hold over a GiB together the slowest is closed, whichever room it is in', () => {
  const slow = lags(600 * MIB)
  const slower = lags(600 * MIB)

  vi.advanceTimersByTime(500)
  slow.socket.bufferedAmount -= 10_000
  vi.advanceTimersByTime(400)
  expect([slow.socket.closes, slower.socket.closes]).toEqual([[], []])
  vi.advanceTimersByTime(600)

  expect([slow.socket.closes, slower.socket.closes]).toEqual([[], [[4408, 'too slow']]])
})

it('[SR12] who has only begun to lag is not judged', () => {
  const old = lags(600 * MIB)
  vi.advanceTimersByTime(1_500)
  old.socket.bufferedAmount -= 10_000
  const young = lags(600 * MIB)

  vi.advanceTimersByTime(40)

  expect([old.socket.closes, young.socket.closes]).toEqual([[[4408, 'too slow']], []])
})
