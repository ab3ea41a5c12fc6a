import { existsSync, readFileSync } from 'node:fs'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, rmdir } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import {
  type Durability,
  FileStorage,
  MemoryStorage,
  Room,
  RoomManager,
  type RoomOptions,
  type RoomSnapshot,
} from '../index.js'
import { hotCalls } from './harness/native.js'
import { create, keepEditing, remove, TestRoom, update } from './harness/room.js'
import { PlainSocket } from './harness/sockets.js'
import { ScriptedStorage, temporaryFolder } from './harness/stores.js'

const LEVELS: Durability[] = ['process', 'disk']

/** Opens a room in the file `room` of a folder; it is closed when the test ends. */
async function openFiles(dir: string, options: RoomOptions = {}): Promise<TestRoom> {
  const room = new Room({ storage: new FileStorage({ dir, roomId: 'room' }), ...options })
  onTestFinished(() => room.close({ flush: false }))
  await room.load()
  return new TestRoom(room)
}

/** What a process would find that opens the room after this one was killed now. */
async function afterKill(dir: string): Promise<RoomSnapshot> {
  const copy = await mkdtemp(join(tmpdir(), 'heddle-'))
  await cp(dir, copy, { recursive: true })
  const room = new Room({ storage: new FileStorage({ dir: copy, roomId: 'room' }) })
  await room.load()
  const snapshot = room.getSnapshot()
  room.close({ flush: false })
  await rm(copy, { recursive: true, force: true, maxRetries: 5 })
  return snapshot
}

/** Waits until a client has had an ack of this clock. */
async function acked(member: { received(): unknown[] }, timestamp: number): Promise<void> {
  const frames: unknown[] = []
  await vi.waitFor(() => {
    frames.push(...member.received())
    expect(frames).toContainEqual(expect.objectContaining({ type: 'ack', timestamp }))
  })
}

describe.each(LEVELS)("a room of durability '%s' in files", (durability) => {
  it('[DU22] has stored whatever it acks', async () => {
    const dir = await temporaryFolder()
    const room = await openFiles(dir, { durability })
    const ann = room.join('ann')

    ann.patch(create('a/Box', { x: 1 }), create('b/Box'))
    ann.patch(remove('b/Box'))
    ann.patch(update('a/Box', { p: { __buf: 1, len: 3, runs: [[1, [5]]] } }))
    await acked(ann, 3)

    expect(await afterKill(dir)).toEqual({
      timestamp: 3,
      state: { 'a/Box': { _exists: true, x: 1, p: [0, 5, 0] }, 'b/Box': { _exists: false } },
      timestamps: { 'a/Box': { _exists: 1, x: 1, p: 3 }, 'b/Box': { _exists: 2 } },
    })
  })

  it('[DU22] has stored whatever it shows to others and to callbacks', async () => {
    const dir = await temporaryFolder()
    const found: Promise<RoomSnapshot>[] = []
    const look = () => found.push(afterKill(dir))
    const room = await openFiles(dir, { durability, onDataChange: look })
    const ann = room.join('ann')
    const bob = room.join('bob')
    bob.socket.onSend = (frame) => {
      if (frame.type === 'patch') look()
    }

    ann.patch(create('a/Box'))
    await vi.waitFor(() => expect(found).toHaveLength(2))

    expect((await Promise.all(found)).map(({ timestamp }) => timestamp)).toEqual([1, 1])
  })

  it('[DU24] leaves everything in one file when it is closed, and goes on from there', async () => {
    const dir = await temporaryFolder()
    const manager = new RoomManager({
      durability,
      createStorage: (roomId) => new FileStorage({ dir, roomId }),
    })
    const room = new TestRoom(await manager.getRoom('room'))
    const ann = room.join('ann')
    ann.patch(create('a/Box', { x: 1 }))
    ann.patch(remove('a/Box'))
    await acked(ann, 2)
    const before = room.snapshot

    await manager.closeAll()

    expect(await readdir(dir)).toEqual(['room.json'])
    expect(JSON.parse(await readFile(join(dir, 'room.json'), 'utf8'))).toMatchObject(before)
    const reopened = await openFiles(dir, { durability })
    expect(reopened.snapshot).toEqual(before)
    expect(reopened.room.applyPatch(create('b/Box'))).toBe(3)
    await reopened.room.flush()
  })

  it('[DU24] flush() brings the file up to date while the room is open', async () => {
    const dir = await temporaryFolder()
    const room = await openFiles(dir, { durability })
    room.room.applyPatch(create('a/Box', { x: 1 }))

    await room.room.flush()

    const file = JSON.parse(await readFile(join(dir, 'room.json'), 'utf8'))
    expect(file).toMatchObject(room.snapshot)
  })

  it('[DU25] has stored its initial snapshot before the first ack', async () => {
    const dir = await temporaryFolder()
    const initialSnapshot: RoomSnapshot = {
      timestamp: 7,
      state: { 'a/Box': { _exists: true, x: 1 } },
      timestamps: { 'a/Box': { _exists: 2, x: 7 } },
    }
    const onError = vi.fn()
    const room = await openFiles(dir, { durability, initialSnapshot, onError })
    const ann = room.join('ann')

    ann.patch(update('a/Box', { y: 2 }))
    await acked(ann, 8)

    const { timestamp, state } = await afterKill(dir)
    expect([timestamp, state]).toEqual([8, { 'a/Box': { _exists: true, x: 1, y: 2 } }])
    expect(onError).not.toHaveBeenCalled()
  })

  it('[DU26] is loaded by the first session that joins, if nobody has loaded it', async () => {
    const dir = await temporaryFolder()
    const first = await openFiles(dir, { durability })
    first.room.applyPatch(create('a/Box'))
    await first.room.flush()
    first.room.close()

    const room = new Room({ durability, storage: new FileStorage({ dir, roomId: 'room' }) })
    onTestFinished(() => room.close({ flush: false }))
    expect(() => room.applyPatch(create('b/Box'))).toThrow(
      expect.objectContaining({ code: 'HEDDLE_ROOM_LOADING' }),
    )
    const ann = new TestRoom(room).join('ann')
    ann.patch(create('b/Box'))
    await acked(ann, 2)

    expect(Object.keys(room.getSnapshot().state)).toEqual(['a/Box', 'b/Box'])
  })

  it('[DU27] goes on in new files when its own are gone, and loses nothing', async () => {
    const dir = await temporaryFolder()
    const errors: unknown[] = []
    const room = await openFiles(dir, { durability, onError: (error) => errors.push(error) })
    const ann = room.join('ann')
    ann.patch(create('a/Box'))
    await acked(ann, 1)

    await rm(dir, { recursive: true })
    ann.patch(create('b/Box'))
    await acked(ann, 2)
    await vi.waitFor(() => expect(errors).toHaveLength(1), { timeout: 5_000 })
    ann.patch(create('c/Box'))
    await acked(ann, 3)

    expect(errors).toEqual([expect.objectContaining({ code: 'HEDDLE_SAVE_FAILED' })])
    await vi.waitFor(
      async () =>
        expect(Object.keys((await afterKill(dir)).state)).toEqual(['a/Box', 'b/Box', 'c/Box']),
      { timeout: 5_000 },
    )
  })

  it.each(['folder', 'journal', 'snapshot'])(
    '[DU27] stores all when it is closed after its %s is gone',
    async (what) => {
      const dir = await temporaryFolder()
      const errors: unknown[] = []
      const manager = new RoomManager({
        durability,
        createStorage: (roomId) => new FileStorage({ dir, roomId }),
        onError: (error) => errors.push(error),
      })
      const room = await manager.getRoom('room')
      room.applyPatch(create('a/Box'))
      await room.flush()
      const ann = new TestRoom(room).join('ann')
      ann.patch(create('b/Box'))
      await acked(ann, 2)

      if (what === 'folder') await rm(dir, { recursive: true })
      else if (what === 'snapshot') await rm(join(dir, 'room.json'))
      else await rm(join(dir, 'room.journal'))
      await manager.closeAll()

      expect(errors).toEqual([expect.objectContaining({ code: 'HEDDLE_SAVE_FAILED' })])
      expect(await readdir(dir)).toEqual(['room.json'])
      expect(Object.keys((await afterKill(dir)).state)).toEqual(['a/Box', 'b/Box'])
    },
  )

  it('[DU25] has stored an initial snapshot that holds nothing but tombstones', async () => {
    const dir = await temporaryFolder()
    const errors: unknown[] = []
    const initialSnapshot: RoomSnapshot = {
      timestamp: 7,
      state: { 'a/Box': { _exists: false } },
      timestamps: { 'a/Box': { _exists: 3 } },
    }
    const room = await openFiles(dir, {
      durability,
      initialSnapshot,
      onError: (error) => errors.push(error),
    })

    expect(await afterKill(dir)).toEqual(initialSnapshot)
    expect(room.room.applyPatch(create('b/Box'))).toBe(8)
    await room.room.flush()
    expect(errors).toEqual([])
  })

  it('[DU25] flush() stores the initial snapshot of a room that nobody has loaded', async () => {
    const dir = await temporaryFolder()
    const initialSnapshot: RoomSnapshot = {
      timestamp: 1,
      state: { 'a/Box': { _exists: true } },
      timestamps: { 'a/Box': { _exists: 1 } },
    }
    const storage = new FileStorage({ dir, roomId: 'room' })
    const room = new Room({ durability, storage, initialSnapshot })
    onTestFinished(() => room.close({ flush: false }))

    await room.flush()

    expect(await afterKill(dir)).toEqual(initialSnapshot)
  })

  it('[DU3] flush() settles also where the room is closed before', async () => {
    const dir = await temporaryFolder()
    for (let round = 1; round <= 20; round += 1) {
      const room = await openFiles(dir, { durability })
      room.room.applyPatch(create(`${round}/Box`))

      const before = room.room.flush()
      room.room.close()
      await Promise.all([before, room.room.flush()])

      expect((await afterKill(dir)).timestamp).toBe(round)
    }
  })

  it('[DU3] flush() settles while edits go on', async () => {
    const room = await openFiles(await temporaryFolder(), { durability })
    const ann = room.join('ann')
    keepEditing(ann)

    await expect(room.room.flush()).resolves.toBeUndefined()
  })

  it('[DU12] a call from a callback takes nothing of a long answer away', async () => {
    const room = await openFiles(await temporaryFolder(), {
      durability,
      onDataChange: (room) => room.setSessionPermissions(ann.sessionId, 'readwrite'),
    })
    const ann = room.join('ann', 'readwrite', new QueuedSocket())

    for (let x = 0; x < 300; x += 1) ann.patch(create('a/Box', { x }))

    await acked(ann, 300)
    expect(room.state).toEqual({ 'a/Box': { _exists: true, x: 299 } })
  })
})

it('[DU29] edits that go on do not put off that a store counts as failed', async () => {
  const room = await openFiles(await temporaryFolder(), { durability: 'disk' })
  const ann = room.join('ann')
  const { NativeRooms } = createRequire(import.meta.url)('../native.js')
  const busy = vi.spyOn(NativeRooms.prototype, 'isBusy', 'get').mockReturnValue(true)
  const givenUp = vi.spyOn(NativeRooms.prototype, 'giveUp')
  const work = setInterval(() => ann.patch(create('a/Box')), 100)
  onTestFinished(() => {
    clearInterval(work)
    busy.mockRestore()
    givenUp.mockRestore()
  })
  // As if the commit thread hung.
  const hung = vi.spyOn(hotCalls(), 'commit').mockReturnValue(null)
  onTestFinished(() => hung.mockRestore())

  await vi.waitFor(() => expect(givenUp).toHaveBeenCalled(), { timeout: 4_000 })
})

it('[DU23] a room promises the most that its storage can keep', async () => {
  const files = new FileStorage({ dir: await temporaryFolder(), roomId: 'room' })
  const replaced = new FileStorage({ dir: await temporaryFolder(), roomId: 'room' })
  replaced.save = async () => {}
  const own = Object.assign(new ScriptedStorage(), {
    append: async () => {},
    loadChanges: async () => [],
  })
  const durability = (options: RoomOptions) => new Room(options).getStats().durability

  expect(durability({})).toBe('none')
  expect(durability({ storage: new MemoryStorage() })).toBe('none')
  expect(durability({ storage: replaced })).toBe('none')
  expect(durability({ storage: own })).toBe('process')
  expect(durability({ storage: files })).toBe('process')
  expect(durability({ storage: files, durability: 'disk' })).toBe('disk')
  expect(durability({ storage: files, durability: 'none' })).toBe('none')
})

it.each(LEVELS)("[DU23] durability '%s' needs a storage that can keep it", (durability) => {
  const unavailable = expect.objectContaining({ code: 'HEDDLE_DURABILITY_UNAVAILABLE' })

  expect(() => new Room({ durability })).toThrow(unavailable)
  expect(() => new Room({ durability, storage: new MemoryStorage() })).toThrow(unavailable)
})

/** A socket of a known kind, which is written at the end of the turn. */
class QueuedSocket extends PlainSocket {
  cork(write: () => void): void {
    write()
  }

  getBufferedAmount(): number {
    return 0
  }
}

it("[DU28] applyPatch at 'process' throws when the change cannot be stored, and it is gone", async () => {
  const dir = await temporaryFolder()
  const room = await openFiles(dir, { onError: () => {} })
  const journal = join(dir, 'room.journal-new')
  await mkdir(journal)

  expect(() => room.room.applyPatch(create('lost/Box'))).toThrow(
    expect.objectContaining({ code: 'HEDDLE_STORE_FAILED' }),
  )
  expect(room.clock).toBe(0)
  await rmdir(journal)
  await room.room.flush()

  expect(room.room.applyPatch(create('kept/Box'))).toBe(1)
  expect(Object.keys((await afterKill(dir)).state)).toEqual(['kept/Box'])
})

it('[LC2] a room that is closed while it opens lets go of its files', async () => {
  const dir = await temporaryFolder()
  const manager = new RoomManager({
    createStorage: (roomId) => new FileStorage({ dir, roomId }),
  })

  for (let round = 0; round < 5; round += 1) {
    const opening = manager.getRoom('room')
    if (round > 2) await new Promise(setImmediate)
    // The files are read on another thread, which may be done by then.
    const isOpen = manager.getExistingRoom('room') !== undefined
    manager.closeRoom('room')
    const outcome = await opening.then(
      () => 'opened',
      (error) => error.code,
    )
    expect(outcome).toBe(isOpen ? 'opened' : 'HEDDLE_ROOM_CLOSED')
  }

  expect((await manager.getRoom('room')).getSnapshot().timestamp).toBe(0)
  await manager.closeAll()
  expect(await readdir(dir)).toEqual([])
})

it('[LK1] a room that is open is refused to others, who are told by whom', async () => {
  const dir = await temporaryFolder()
  await openFiles(dir)
  const second = new Room({ storage: new FileStorage({ dir, roomId: 'room' }) })

  await expect(second.load()).rejects.toMatchObject({
    code: 'HEDDLE_ROOM_LOCKED',
    message: expect.stringContaining('this process'),
  })
  await expect(
    new FileStorage({ dir, roomId: 'room' }).save({ timestamp: 0, state: {}, timestamps: {} }),
  ).rejects.toMatchObject({ code: 'HEDDLE_ROOM_LOCKED' })
})

it('[DU31] what a turn brings is appended at its end, and acked then', async () => {
  const dir = await temporaryFolder()
  const room = await openFiles(dir)
  const journal = join(dir, 'room.journal-new')
  const ann = room.join('ann', 'readwrite', new QueuedSocket())

  ann.patch(create('a/Box'))
  ann.patch(create('b/Box'))
  expect(existsSync(journal)).toBe(false)
  await new Promise(setImmediate)

  expect(readFileSync(journal, 'latin1')).toMatch(/a\/Box.*b\/Box/s)
  expect(ann.received().filter(({ type }) => type === 'ack')).toHaveLength(2)
})

it("[DU28] applyPatch at 'process' has stored the change when it returns", async () => {
  const dir = await temporaryFolder()
  const room = await openFiles(dir)

  expect(room.room.applyPatch(create('a/Box'))).toBe(1)

  expect(readFileSync(join(dir, 'room.journal-new'), 'latin1')).toContain('a/Box')
  expect((await afterKill(dir)).timestamp).toBe(1)
})
