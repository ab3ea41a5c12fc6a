import { setImmediate as turn } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { type Durability, FileStorage, Room, type RoomOptions } from '../index.js'
import { create, Member, update } from './harness/room.js'
import { temporaryFolder } from './harness/stores.js'

/** Opens the room `room` of a folder. */
async function open(dir: string, options: RoomOptions = {}): Promise<Room> {
  const room = new Room({ storage: new FileStorage({ dir, roomId: 'room' }), ...options })
  onTestFinished(() => room.close({ flush: false }))
  await room.load()
  return room
}

/** A room in files that somebody has edited and left, and in which nothing happens any more. */
async function openRested(options: RoomOptions = {}) {
  const dir = await temporaryFolder()
  const room = await open(dir, options)
  const ann = new Member(room, 'ann')
  ann.patch(create('a/Box', { x: 1 }))
  await vi.waitFor(() => expect(room.getStats()).toMatchObject({ timestamp: 1, unstored: 0 }))
  ann.leave()
  await turn()
  return { dir, room }
}

describe.each<Durability>(['process', 'disk'])('a room that rests, at %s', (durability) => {
  it('[LC20] [PA11] shows its document and takes edits', async () => {
    const { room } = await openRested({ durability })

    expect(room.getSnapshot().state).toEqual({ 'a/Box': { _exists: true, x: 1 } })
    expect(room.applyPatch(update('a/Box', { x: 2 }))).toBe(2)

    expect(room.getSnapshot()).toMatchObject({ timestamp: 2, state: { 'a/Box': { x: 2 } } })
    await room.flush()
    expect(room.getStats()).toMatchObject({
      timestamp: 2,
      components: 1,
      unstored: 0,
      unsaved: false,
      durability,
      sessionsOpened: 1,
    })
  })

  it('[LC20] knows nobody', async () => {
    const { room } = await openRested({ durability })

    expect(room.getSessionCount()).toBe(0)
    expect(room.getSessions()).toEqual([])
    expect(room.getSessionPermissions('nobody')).toBeUndefined()
    expect(room.getSessionMetadata('nobody')).toBeUndefined()
    room.setSessionPermissions('nobody', 'readonly')
    room.setSessionMetadata('nobody', 1)
    room.handleSocketMessage('nobody', '{}')
    room.handleSocketClose('nobody')
    room.handleSocketError('nobody')

    expect(room.getStats()).toMatchObject({ sessions: 0, errors: 0 })
  })

  it('[LC20] [JN1] lets in who comes, and stores what they write', async () => {
    const { dir, room } = await openRested({ durability })
    const bob = new Member(room, 'bob')

    bob.reconnect(0)
    bob.patch(update('a/Box', { x: 3 }))

    await vi.waitFor(() => expect(room.getStats()).toMatchObject({ timestamp: 2, unstored: 0 }))
    room.close()
    const stored = async () => (await new FileStorage({ dir, roomId: 'room' }).load())?.state
    await vi.waitFor(async () => expect(await stored()).toMatchObject({ 'a/Box': { x: 3 } }))
  })

  it('[LC20] [HI1] reads its history and goes back in it', async () => {
    const { room } = await openRested({
      durability,
      history: { retentionMs: Number.POSITIVE_INFINITY },
    })

    expect(await room.listHistory()).toMatchObject([{ timestamp: 1, clientId: 'ann' }])
    expect(await room.getSnapshotAt(1)).toMatchObject({ timestamp: 1 })
    expect(await room.restore(1)).toMatchObject({ timestamp: 1 })
  })

  it('[LC20] [LK1] is its files’ only owner until it is closed', async () => {
    const { dir, room } = await openRested({ durability })

    const refused = expect.objectContaining({ code: 'HEDDLE_ROOM_LOCKED' })
    await expect(open(dir)).rejects.toEqual(refused)
    room.close()

    const next = await open(dir)
    expect(next.getSnapshot()).toMatchObject({ timestamp: 1, state: { 'a/Box': { x: 1 } } })
  })
})

it('[LK3] a worker thread that ends frees the rooms that it had open', async () => {
  const dir = await temporaryFolder()
  const program = new URL('harness/programs/owning-worker.mjs', import.meta.url)
  const worker = new Worker(program, { workerData: { dir } })
  const opened = new Promise((resolve, reject) => {
    worker.once('message', resolve)
    worker.once('error', reject)
  })
  expect(await opened).toBe('open')
  await expect(open(dir)).rejects.toMatchObject({ code: 'HEDDLE_ROOM_LOCKED' })

  await worker.terminate()

  expect((await open(dir)).applyPatch(create('a/Box'))).toBe(1)
})
