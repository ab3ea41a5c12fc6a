import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { FileStorage, RoomManager, type RoomOptions } from '../index.js'
import { create, openRoom, type TestRoom, update } from './harness/room.js'
import { eventually, serve } from './harness/server.js'
import { CorkedSocket } from './harness/sockets.js'
import { temporaryFolder } from './harness/stores.js'

/** As long as can be: what does not wait for it is told from what does, on a slow machine too. */
const LONGEST_MS = 1_000

/** Remembers its writes: what is sent in one synchronous run is one. */
class WrittenSocket extends CorkedSocket {
  /** When each was, whether others of these sockets were written in the same run before it, and what it held. */
  readonly writes: { at: number; isBehindOthers: boolean; texts: string[] }[] = []
  static #isRunning = false
  #isOpen = false

  override send(text: string): void {
    super.send(text)
    if (!this.#isOpen) {
      const isBehindOthers = WrittenSocket.#isRunning
      this.writes.push({ at: performance.now(), isBehindOthers, texts: [] })
      this.#isOpen = true
      WrittenSocket.#isRunning = true
      queueMicrotask(() => {
        this.#isOpen = false
        WrittenSocket.#isRunning = false
      })
    }
    this.writes.at(-1)?.texts.push(text)
  }

  /** The clocks of what each write held; 0 for what has none. */
  get clocks(): number[][] {
    return this.writes.map(({ texts }) => texts.map((text) => JSON.parse(text).timestamp ?? 0))
  }
}

/**
 * A room with one session that has just been written to, so that the interval is on.
 * @param writeIntervalMs of no other test: rooms with the same one are written together
 */
async function openWritten(
  writeIntervalMs: number,
  options?: RoomOptions,
): Promise<{ room: TestRoom; socket: WrittenSocket }> {
  const room = openRoom({ ...options, writeIntervalMs })
  await room.room.load()
  const socket = new WrittenSocket()
  room.join('ann', 'readwrite', socket).reconnect(0)
  await eventually(() => expect(socket.writes.length).toBeGreaterThan(0))
  socket.writes.length = 0
  return { room, socket }
}

describe('a room with a writeIntervalMs', () => {
  it('[CC18] writes what comes within it together, and no earlier', async () => {
    const { room, socket } = await openWritten(600)
    room.room.applyPatch(create('a/Box'))
    await eventually(() => expect(socket.clocks).toEqual([[1]]))

    for (let edit = 2; edit <= 4; edit += 1) {
      room.room.applyPatch(update('a/Box', { edit }))
      await turn()
    }

    await eventually(() => expect(socket.clocks).toEqual([[1], [2, 3, 4]]))
    const [first, second] = socket.writes.map(({ at }) => at)
    expect(Number(second) - Number(first)).toBeGreaterThanOrEqual(599)
  })

  it('[CC18] writes at the end of the turn what comes after a rest', async () => {
    const { room, socket } = await openWritten(5)

    for (let edit = 1; edit <= 3; edit += 1) {
      await new Promise((resolve) => setTimeout(resolve, 20))
      room.room.applyPatch(create('a/Box', { edit }))
      expect(socket.clocks.flat()).toHaveLength(edit - 1)
      await turn()
      expect(socket.clocks.flat()).toHaveLength(edit)
    }
  })

  it('[CC18] [DU31] stores no later for it, and shows nothing that is not stored', async () => {
    const dir = await temporaryFolder()
    const storage = new FileStorage({ dir, roomId: 'a' })
    const { room, socket } = await openWritten(LONGEST_MS - 1, { storage })
    const [ann] = room.members
    if (ann === undefined) throw new Error('nobody joined')

    // The first of a room is stored by another thread.
    ann.patch(create('first/Box'))
    const journal = () => readFile(join(dir, 'a.journal'), 'latin1')
    await eventually(async () => expect(await journal()).toContain('first/Box'))
    ann.patch(create('second/Box'))
    await turn()

    expect(await journal()).toContain('second/Box')
    expect(socket.writes).toEqual([])
    await eventually(() => expect(socket.clocks).toEqual([[1, 2]]))
  })

  it('[CC5] [CC18] writes what waits before a close', async () => {
    const { room, socket } = await openWritten(LONGEST_MS - 2)
    room.room.applyPatch(create('a/Box'))

    room.room.close()

    expect(socket.clocks).toEqual([[1]])
    expect(socket.closes).toHaveLength(1)
  })

  it('[SR10] [CC18] writes what is more than queuedBytes at once', async () => {
    const limits = { queuedBytes: 1_000 }
    const { room, socket } = await openWritten(LONGEST_MS - 3, { limits })

    room.room.applyPatch(create('a/Box', { text: 'x'.repeat(400) }))
    room.room.applyPatch(update('a/Box', { text: 'x'.repeat(400) }))
    expect(socket.writes).toEqual([])
    room.room.applyPatch(update('a/Box', { text: 'x'.repeat(400) }))

    expect(socket.clocks).toEqual([[1, 2, 3]])
  })

  it('[RC10] [CC18] does not hold back the steps of a catch-up', async () => {
    const { room } = await openWritten(LONGEST_MS - 4)
    for (let index = 0; index < 200; index += 1) {
      room.room.applyPatch(create(`${index}/Text`, { text: 'x'.repeat(10_000) }))
    }
    const socket = new WrittenSocket()

    room.join('bob', 'readwrite', socket).reconnect(0)

    const arrived = () => socket.writes.flatMap(({ texts }) => texts).join('').length
    for (let turns = 0; turns < 200 && arrived() < 1_900_000; turns += 1) await turn()
    expect(arrived()).toBeGreaterThan(1_900_000)
  })

  it('[CC18] is written together with others that have the same', async () => {
    const rooms = [await openWritten(601), await openWritten(601)]
    const other = await openWritten(602)
    for (const { room } of [...rooms, other]) {
      room.room.applyPatch(create('a/Box'))
      await turn()
    }

    const [first, second] = rooms.map(({ socket }) => socket)
    await eventually(() => expect([first?.clocks, second?.clocks]).toEqual([[[1]], [[1]]]))
    await eventually(() => expect(other.socket.clocks).toEqual([[1]]))
    expect(first?.writes[0]?.isBehindOthers).toBe(false)
    expect(second?.writes[0]?.isBehindOthers).toBe(true)
    expect(other.socket.writes[0]?.isBehindOthers).toBe(false)
  })

  it('[CC18] goes by the clock of the machine, whatever a test fakes', async () => {
    const { room, socket } = await openWritten(200)
    const realSetTimeout = setTimeout
    vi.useFakeTimers()
    onTestFinished(() => {
      vi.useRealTimers()
    })

    room.room.applyPatch(create('a/Box'))
    for (let pauses = 0; pauses < 500 && socket.writes.length === 0; pauses += 1) {
      await new Promise((resolve) => realSetTimeout(resolve, 10))
    }

    expect(socket.clocks).toEqual([[1]])
  })

  it('[CC18] has it from its manager, or of its own', async () => {
    const manager = new RoomManager({ writeIntervalMs: LONGEST_MS - 5 })
    onTestFinished(() => manager.closeAll())
    const written = async (roomId: string, options?: RoomOptions) => {
      const room = await manager.getOrCreateRoom(roomId, options)
      const socket = new WrittenSocket()
      const permissions = 'readwrite'
      room.handleSocketConnect({ socket, clientId: 'ann', permissions })
      await eventually(() => expect(socket.writes).toHaveLength(1))
      room.applyPatch(create('a/Box'))
      await turn()
      return socket.writes.length === 2
    }

    expect(await written('held back')).toBe(false)
    expect(await written('not held back', { writeIntervalMs: 0 })).toBe(true)
  })

  it('[CC18] [PA8] tells real clients everything in order', async () => {
    const server = await serve({ writeIntervalMs: 8 })
    const clients = [await server.connect('ann'), await server.connect('bob')]
    for (const client of clients) client.reconnect(0)
    for (const client of clients) {
      await eventually(() => expect(client.frames.at(-1)?.type).toBe('synced'))
      client.forget()
    }

    for (let edit = 1; edit <= 100; edit += 1) {
      for (const client of clients) client.patch(create(`${client.clientId}/Box`, { edit }))
      if (edit % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 2))
    }

    for (const client of clients) {
      const frames = await client.receives(200)
      const clocks = frames.map((frame) => 'timestamp' in frame && frame.timestamp)
      expect(clocks).toEqual(Array.from({ length: 200 }, (_unused, index) => index + 1))
    }
  })
})
