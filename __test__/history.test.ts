import { cp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it, onTestFinished, vi } from 'vitest'
import {
  FileStorage,
  type HistoryEntry,
  MemoryStorage,
  type Patch,
  Room,
  RoomManager,
  type RoomOptions,
  type RoomSnapshot,
} from '../index.js'
import { agree, documentOf, openCanvas } from './harness/canvas.js'
import { create, remove, TestRoom, update } from './harness/room.js'
import { serve } from './harness/server.js'
import { ScriptedStorage, temporaryFolder } from './harness/stores.js'

const FOR_EVER = { retentionMs: Number.POSITIVE_INFINITY }

/** Opens a room in the file `room` of a folder, whose history is kept unless told otherwise. */
async function open(dir: string, options: RoomOptions = {}): Promise<TestRoom> {
  const storage = new FileStorage({ dir, roomId: 'room' })
  const room = new Room({ storage, history: FOR_EVER, ...options })
  onTestFinished(() => room.close({ flush: false }))
  await room.load()
  return new TestRoom(room)
}

/** Closes a room and waits until its files are left alone. */
async function close(dir: string, { room }: TestRoom): Promise<void> {
  room.close()
  await vi.waitFor(async () => expect(await readdir(dir)).not.toContain('room.lock'), 5_000)
}

const clocks = (entries: HistoryEntry[]) => entries.map(({ timestamp }) => timestamp)
const noHistory = (message: string | RegExp = /./) =>
  expect.objectContaining({ code: 'HEDDLE_NO_HISTORY', message: expect.stringMatching(message) })

it('[HI1] without the option there is no history, and nothing is kept', async () => {
  const dir = await temporaryFolder()
  const room = await open(dir, { history: undefined, saveThrottleMs: 0 })
  room.room.applyPatch(create('a/Box', { text: 'x'.repeat(100_000) }))
  room.room.applyPatch(create('b/Box'))
  await room.room.flush()

  await expect(room.room.listHistory()).rejects.toEqual(noHistory())
  await expect(room.room.getSnapshotAt(1)).rejects.toEqual(noHistory())
  await expect(room.room.restore(1)).rejects.toEqual(noHistory())
  await close(dir, room)
  expect(await readdir(dir)).toEqual(['room.json'])
})

it('[HI1] a history needs files that journal', async () => {
  const files = () => new FileStorage({ dir: 'never-made', roomId: 'room' })
  const replaced = Object.assign(files(), { save: async () => {} })
  const own = Object.assign(new ScriptedStorage(), {
    append: async () => {},
    loadChanges: async () => [],
  })
  const unavailable = expect.objectContaining({ code: 'HEDDLE_DURABILITY_UNAVAILABLE' })

  for (const storage of [undefined, new MemoryStorage(), new ScriptedStorage(), replaced, own]) {
    expect(() => new Room({ storage, history: FOR_EVER })).toThrow(unavailable)
  }
  const none = { storage: files(), durability: 'none', history: FOR_EVER } as const
  expect(() => new Room(none)).toThrow(unavailable)
  expect(() => new Room({ storage: files(), history: { retentionMs: 1 } })).not.toThrow()
  const manager = new RoomManager({ history: FOR_EVER })
  await expect(manager.getRoom('room')).rejects.toEqual(unavailable)
})

it('[HI1] what is no history option, clock or list option is an argument error', async () => {
  const named = (name: string) =>
    expect.objectContaining({
      code: 'HEDDLE_INVALID_ARGUMENT',
      message: expect.stringContaining(name),
    })
  for (const retentionMs of [0, -1, Number.NaN, '1', undefined]) {
    const options = { history: { retentionMs } } as unknown as RoomOptions
    expect(() => new Room(options)).toThrow(named('options.history.retentionMs'))
    expect(() => new RoomManager(options)).toThrow(named('options.history.retentionMs'))
  }
  expect(() => new Room({ history: 5 } as unknown as RoomOptions)).toThrow(named('options.history'))

  const { room } = await open(await temporaryFolder())
  for (const clock of [-1, 1.5, '1', undefined, Number.POSITIVE_INFINITY]) {
    await expect(room.getSnapshotAt(clock as number)).rejects.toEqual(named('timestamp'))
    await expect(room.restore(clock as number)).rejects.toEqual(named('timestamp'))
  }
  await expect(room.listHistory({ after: -1 })).rejects.toEqual(named('options.after'))
  await expect(room.listHistory({ limit: 0 })).rejects.toEqual(named('options.limit'))
})

/** Edits of all kinds, the same for the same seed. */
function* edits(seed: number): Generator<Patch> {
  let state = seed
  const below = (limit: number) => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31
    return Math.floor(state / 65_536) % limit
  }
  for (;;) {
    const key = `${below(6)}/Box`
    const kind = below(10)
    if (kind < 3) yield create(key, { x: below(100), p: [below(9), below(9)] })
    else if (kind < 4) yield remove(key)
    else if (kind < 6) yield create(key, { text: 'x'.repeat(below(40_000)) })
    else if (kind < 8) yield update(key, { [`f${below(3)}`]: below(1000) })
    else if (kind < 9) yield { ...update(key, { x: below(100) }), ...remove(`${below(6)}/Box`) }
    else yield create(key, { p: { __buf: 1, len: 1 + below(5), runs: [[0, [below(9) + 0.5]]] } })
  }
}

it.each(['process', 'disk'] as const)(
  "[HI2] [HI5] [HI6] a room of durability '%s' remembers all it ever was",
  async (durability) => {
    let dir = await temporaryFolder()
    const options: RoomOptions = { durability, saveThrottleMs: 0 }
    const then: RoomSnapshot[] = []
    const patches = edits(7)
    const start = Date.now()
    let room = await open(dir, { ...options, initialSnapshot: SEVEN })
    then[7] = room.snapshot

    for (let round = 0; round < 6; round += 1) {
      const ann = room.join('ann')
      for (let turn = 0; turn < 30; turn += 1) {
        const patch = patches.next().value
        if (turn % 3 === 0) room.room.applyPatch(patch)
        else ann.patch(patch)
        then[room.clock] = room.snapshot
        if (turn % 7 === 0) await new Promise((resolve) => setTimeout(resolve, 2))
      }
      if (durability === 'disk') await room.room.flush()
      if (round === 2) await close(dir, room)
      if (round === 4) {
        // A copy is the moment of a kill only while nothing is being compacted.
        await room.room.flush()
        for (const x of [1, 2]) {
          room.room.applyPatch(create('small/Box', { x }))
          then[room.clock] = room.snapshot
        }
        if (durability === 'disk')
          await vi.waitFor(() => expect(room.room.getStats().unsaved).toBe(false))
        const copy = await temporaryFolder()
        await cp(dir, copy, { recursive: true })
        dir = copy
      }
      if (round === 2 || round === 4) room = await open(dir, options)
    }

    const last = room.clock
    const list = await room.room.listHistory()
    expect(clocks(list)).toEqual(Array.from({ length: last - 7 }, (_, index) => index + 8))
    expect(list.map(({ clientId }) => clientId)).toContain('ann')
    expect(new Set(list.map(({ clientId }) => clientId))).toEqual(new Set(['', 'ann']))
    expect(list.every(({ time }) => time >= start && time <= Date.now())).toBe(true)
    const archived = await readdir(join(dir, 'room.history'))
    expect(archived.filter((name) => name.endsWith('.journal')).length).toBeGreaterThan(3)
    for (let clock = 7; clock <= last; clock += 1) {
      expect(await room.room.getSnapshotAt(clock), `${clock}`).toEqual(then[clock])
    }
    await expect(room.room.getSnapshotAt(6)).rejects.toEqual(noHistory(`clock 6; .* 7 to ${last}$`))
  },
)

const SEVEN: RoomSnapshot = {
  timestamp: 7,
  state: { '0/Box': { _exists: true, x: 1 }, '9/Box': { _exists: false } },
  timestamps: { '0/Box': { _exists: 2, x: 7 }, '9/Box': { _exists: 5 } },
}

it('[HI5] a list can be had in parts, while the room goes on', async () => {
  const dir = await temporaryFolder()
  const { room } = await open(dir, { saveThrottleMs: 0 })
  const lists: Promise<HistoryEntry[]>[] = []
  for (let clock = 1; clock <= 60; clock += 1) {
    room.applyPatch(create('a/Box', { text: 'x'.repeat(20_000) }))
    lists.push(room.listHistory({ after: Math.max(clock - 2, 0), limit: 2 }))
    if (clock % 10 === 0) void room.flush()
    await new Promise((resolve) => setImmediate(resolve))
  }

  const parts = (await Promise.all(lists)).map(clocks)
  expect(parts.slice(1)).toEqual(Array.from({ length: 59 }, (_, index) => [index + 1, index + 2]))
  expect(clocks(await room.listHistory({ after: 20, limit: 3 }))).toEqual([21, 22, 23])
  expect(clocks(await room.listHistory({ after: 60 }))).toEqual([])
})

it('[HI5] clients have their names in it, whatever these are', async () => {
  const room = await open(await temporaryFolder())
  const names = ['été 🎨', '"\\', 'lone \ud800 surrogate', '\0']
  for (const name of names) room.join(name).patch(create(`${name}/Box`))

  expect((await room.room.listHistory()).map(({ clientId }) => clientId)).toEqual(names)
})

it('[HI3] what is older than the retention goes, and is said to be gone', async () => {
  const dir = await temporaryFolder()
  const { room } = await open(dir, { history: { retentionMs: 1500 } })
  room.applyPatch(create('a/Box'))
  room.applyPatch(create('b/Box'))
  await room.flush()
  expect(clocks(await room.listHistory())).toEqual([1, 2])
  expect((await room.getSnapshotAt(1)).timestamp).toBe(1)

  await new Promise((resolve) => setTimeout(resolve, 1550))
  expect(clocks(await room.listHistory())).toEqual([])
  room.applyPatch(create('c/Box'))
  await room.flush()

  expect(clocks(await room.listHistory())).toEqual([3])
  await expect(room.getSnapshotAt(1)).rejects.toEqual(noHistory('clock 1; there is of 2 to 3'))
  expect((await room.getSnapshotAt(2)).timestamp).toBe(2)
})

it('[HI7] what never was, or is in no open room, is no history', async () => {
  const dir = await temporaryFolder()
  const room = await open(dir)
  room.room.applyPatch(create('a/Box'))

  expect(await room.room.getSnapshotAt(0)).toEqual({ timestamp: 0, state: {}, timestamps: {} })
  await expect(room.room.getSnapshotAt(2)).rejects.toEqual(noHistory('clock 2; there is of 0 to 1'))
  await expect(room.room.restore(2)).rejects.toEqual(noHistory())
  expect(room.clock).toBe(1)
  await close(dir, room)
  const closed = expect.objectContaining({ code: 'HEDDLE_ROOM_CLOSED' })
  await expect(room.room.listHistory()).rejects.toEqual(closed)
  await expect(room.room.restore(1)).rejects.toEqual(closed)
  const storage = new FileStorage({ dir, roomId: 'room' })
  const unloaded = new Room({ storage, history: FOR_EVER })
  const loading = expect.objectContaining({ code: 'HEDDLE_ROOM_LOADING' })
  await expect(unloaded.listHistory()).rejects.toEqual(loading)
})

it('[HI4] an archive that cannot be written costs history and nothing else', async () => {
  const dir = await temporaryFolder()
  const errors: unknown[] = []
  const room = await open(dir, { onError: (error) => errors.push(error) })
  await writeFile(join(dir, 'room.history'), 'in the way')
  const ann = room.join('ann')

  ann.patch(create('a/Box'))
  await room.room.flush()
  ann.patch(create('b/Box'))
  await room.room.flush()
  ann.patch(create('c/Box'))
  await close(dir, room)

  expect(ann.received().filter(({ type }) => type === 'ack')).toHaveLength(3)
  expect(errors).toEqual([expect.objectContaining({ code: 'HEDDLE_HISTORY_FAILED' })])
  expect(Object.keys((await open(dir)).state)).toEqual(['a/Box', 'b/Box', 'c/Box'])
})

it('[HI4] a damaged archive is told of, and keeps no room from anything', async () => {
  const dir = await temporaryFolder()
  const first = await open(dir)
  first.room.applyPatch(create('a/Box'))
  await first.room.flush()
  first.room.applyPatch(create('b/Box'))
  await close(dir, first)
  const folder = join(dir, 'room.history')
  const [name = ''] = (await readdir(folder)).filter((file) => file.startsWith('1-1-'))
  const bytes = await readFile(join(folder, name))
  await rm(join(folder, name))
  await writeFile(join(folder, name), bytes.fill(0, 1600))

  const errors: unknown[] = []
  const { room } = await open(dir, { onError: (error) => errors.push(error) })
  room.applyPatch(create('c/Box'))
  await room.flush()
  expect(errors).toEqual([])

  const damaged = expect.objectContaining({ code: 'HEDDLE_DAMAGED_FILE' })
  expect(clocks(await room.listHistory())).toEqual([2, 3])
  expect(errors).toEqual([damaged])
  await expect(room.getSnapshotAt(0)).rejects.toEqual(damaged)
  expect(Object.keys((await room.getSnapshotAt(2)).state)).toEqual(['a/Box', 'b/Box'])
})

it('[HI8] a room that was put back to an older state forgets what it went back behind', async () => {
  const dir = await temporaryFolder()
  const first = await open(dir)
  first.room.applyPatch(create('a/Box'))
  first.room.applyPatch(create('b/Box'))
  await close(dir, first)
  const older = await readFile(join(dir, 'room.json'))
  const second = await open(dir)
  for (const key of ['c/Box', 'd/Box', 'e/Box']) second.room.applyPatch(create(key))
  await close(dir, second)

  await writeFile(join(dir, 'room.json'), older)
  const { room } = await open(dir)
  room.applyPatch(create('other/Box'))
  for (const _ of ['in the journal', 'archived']) {
    expect(clocks(await room.listHistory())).toEqual([1, 2, 3])
    const { state } = await room.getSnapshotAt(3)
    expect(Object.keys(state)).toEqual(['a/Box', 'b/Box', 'other/Box'])
    await room.flush()
  }
})

it('[HI11] saving alone leaves the history alone', async () => {
  const dir = await temporaryFolder()
  const first = await open(dir)
  first.room.applyPatch(create('a/Box'))
  await close(dir, first)
  const before = await readdir(join(dir, 'room.history'))

  await new FileStorage({ dir, roomId: 'room' }).save(SEVEN)

  expect(await readdir(join(dir, 'room.history'))).toEqual(before)
  const { room } = await open(dir)
  expect(clocks(await room.listHistory())).toEqual([1])
  expect((await room.getSnapshotAt(7)).state).toEqual(SEVEN.state)
  await expect(room.getSnapshotAt(3)).rejects.toEqual(noHistory('there is of 0 to 1, 7 to 7'))
})

it('[HI9] [HI10] restoring is one edit that everybody receives', async () => {
  const room = await open(await temporaryFolder())
  const ann = room.join('ann')
  ann.patch(create('same/Box', { x: 1 }), create('moved/Box', { x: 1, p: [1, 2, 3] }))
  ann.patch(create('gone/Box', { x: 1, p: { __buf: 1, len: 2, runs: [[0, [5]]] } }))
  const then = room.state
  ann.patch(update('moved/Box', { x: 2, y: 9, z: null }), create('new/Box', { x: 1 }))
  ann.patch(update('moved/Box', { p: { __buf: 1, len: 3, runs: [[0, [7]]] } }), remove('gone/Box'))
  await room.room.flush()
  room.forget()

  const restored = await room.room.restore(2)

  expect(restored).toEqual({
    timestamp: 5,
    kept: [{ key: 'moved/Box', fields: ['y', 'z'] }],
  })
  expect(ann.received()).toEqual([
    {
      type: 'patch',
      clientId: '',
      timestamp: 5,
      documentPatches: [
        {
          'moved/Box': { x: 1, p: [1, 2, 3] },
          'gone/Box': { _exists: true, x: 1, p: [5, 0] },
          'new/Box': { _exists: false },
        },
      ],
    },
  ])
  expect(room.state).toEqual({
    ...then,
    'moved/Box': { ...then['moved/Box'], y: 9, z: null },
    'new/Box': { _exists: false },
  })
  const [last] = (await room.room.listHistory({ after: 4 })).slice(-1)
  expect(last).toMatchObject({ timestamp: 5, clientId: '' })
})

it('[HI9] restoring what is there changes nothing, and restoring can be undone', async () => {
  const room = await open(await temporaryFolder())
  room.room.applyPatch(create('a/Box', { x: 1 }))
  room.room.applyPatch([remove('a/Box'), create('b/Box', { x: 2 })])

  expect(await room.room.restore(2)).toEqual({ timestamp: 2, kept: [] })
  expect(room.clock).toBe(2)
  expect(await room.room.restore(0)).toEqual({ timestamp: 3, kept: [] })
  expect(room.state).toEqual({ 'a/Box': { _exists: false }, 'b/Box': { _exists: false } })
  expect(await room.room.restore(1)).toEqual({ timestamp: 4, kept: [] })
  expect(room.state).toMatchObject({ 'a/Box': { _exists: true, x: 1 } })
  expect(await room.room.restore(2)).toEqual({ timestamp: 5, kept: [] })
  expect(room.state).toEqual({ 'a/Box': { _exists: false }, 'b/Box': { _exists: true, x: 2 } })
})

it('[HI9] what is restored is compared with the document at the moment of the edit', async () => {
  const room = await open(await temporaryFolder())
  const ann = room.join('ann')
  ann.patch(create('a/Box', { x: 1 }))
  ann.patch(update('a/Box', { x: 2 }))

  const restoring = room.room.restore(1)
  ann.patch(update('a/Box', { x: 3 }), create('b/Box'))
  const { timestamp } = await restoring

  expect(timestamp).toBe(4)
  expect(room.state).toEqual({ 'a/Box': { _exists: true, x: 1 }, 'b/Box': { _exists: false } })
})

it('[HI9] what no frame may bring can be restored', async () => {
  const deep = JSON.parse(`${'['.repeat(100)}1${']'.repeat(100)}`)
  const state = { 'a/Box': { _exists: true, deep, ['n'.repeat(20_000)]: 1 } }
  const initialSnapshot: RoomSnapshot = { timestamp: 1, state, timestamps: {} }
  const dir = await temporaryFolder()
  const loose = await open(dir, { initialSnapshot, limits: { nesting: 200, nameBytes: 20_000 } })
  loose.room.applyPatch(remove('a/Box'))
  await close(dir, loose)
  const room = await open(dir)
  expect(() => room.room.applyPatch(state)).toThrow(
    expect.objectContaining({ code: 'HEDDLE_BAD_PATCH' }),
  )

  expect(await room.room.restore(1)).toEqual({ timestamp: 3, kept: [] })

  expect(room.state).toEqual(state)
  expect((await room.room.getSnapshotAt(3)).state).toEqual(state)
})

it('[HI9] real clients follow a restoration, those that were away included', async () => {
  const dir = await temporaryFolder()

  const server = await serve({
    history: FOR_EVER,
    createStorage: (roomId) => new FileStorage({ dir, roomId }),
  })
  const roomOf = () => server.manager.getExistingRoom('room')
  const ann = await openCanvas(server, 'ann')
  const bob = await openCanvas(server, 'bob')
  await ann.drawBox('one', 1, 1, 'hello')
  await bob.drawBox('two', 2, 2)
  await ann.startStroke('line')
  await ann.addPoint('line', 3, 7)
  await agree(roomOf, [ann, bob], (held) =>
    expect(held).toHaveProperty(['line/Stroke', 'points', 3], 7),
  )
  const room = roomOf()
  if (room === undefined) throw new Error('the room is not open')
  const then = documentOf(room)
  const { timestamp } = room.getStats()

  await bob.disconnect()
  await ann.erase('one')
  await ann.erase('line')
  await ann.moveBox('two', 20)
  await ann.drawBox('three', 3, 3)
  await agree(roomOf, [ann], (held) => expect(Object.keys(held)).toHaveLength(2))
  await room.flush()
  expect((await room.restore(timestamp)).kept).toEqual([])
  await bob.connect()

  await agree(roomOf, [ann, bob], then)
})
