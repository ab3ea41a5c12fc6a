import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { FileStorage, MemoryStorage, Room, type RoomSnapshot } from '../index.js'
import { runProgram } from './harness/processes.js'
import { create, openRoom, remove, update } from './harness/room.js'
import { deferred, ScriptedStorage, temporaryFolder } from './harness/stores.js'

const SNAPSHOT: RoomSnapshot = {
  timestamp: 7,
  state: { 'a/Box': { _exists: true, x: 1 }, 'gone/Box': { _exists: false } },
  timestamps: { 'a/Box': { _exists: 2, x: 7 }, 'gone/Box': { _exists: 5 } },
}

const fails = () => Promise.reject(new Error('disk full'))

describe('with a clock of the test’s own', () => {
  beforeEach(() => {
    vi.useFakeTimers()
  })

  afterEach(() => {
    vi.useRealTimers()
  })

  it('[DU1] saves at most every saveThrottleMs while it changes', async () => {
    const times: number[] = []
    const storage = new ScriptedStorage({ save: () => times.push(performance.now()) })
    const { room } = openRoom({ storage, saveThrottleMs: 1_000 })

    for (let edit = 0; edit < 100; edit += 1) {
      room.applyPatch(create('a/Box', { edit }))
      await vi.advanceTimersByTimeAsync(100)
    }
    await vi.advanceTimersByTimeAsync(1_000)

    expect(times.length).toBeGreaterThanOrEqual(9)
    expect(times.length).toBeLessThanOrEqual(11)
    const gaps = times.slice(1).map((time, index) => time - (times[index] ?? 0))
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(999)
    expect(storage.saves.at(-1)?.state).toEqual({ 'a/Box': { _exists: true, edit: 99 } })
  })

  it('[DU1] saves every 10 seconds unless told otherwise', async () => {
    const storage = new ScriptedStorage()
    const { room } = openRoom({ storage })

    room.applyPatch(create('a/Box'))
    await vi.advanceTimersByTimeAsync(9_999)
    const before = storage.saves.length
    await vi.advanceTimersByTimeAsync(1)

    expect([before, storage.saves.length]).toEqual([0, 1])
  })

  it('[DU1] saves nothing while nothing changes, nor for presence', async () => {
    const storage = new ScriptedStorage()
    const room = openRoom({ storage, saveThrottleMs: 1_000 })
    const ann = room.join('ann')

    ann.presence(create('ann/Cursor'))
    ann.reconnect(0)
    await vi.advanceTimersByTimeAsync(60_000)
    expect(storage.saves).toEqual([])

    ann.patch(create('a/Box'))
    await vi.advanceTimersByTimeAsync(60_000)
    expect(storage.savedClocks).toEqual([1])
  })

  it('[DU1] one save is in flight at a time, and the latest waiting wins', async () => {
    const first = deferred()
    const storage = new ScriptedStorage({ save: () => first.promise })
    const { room } = openRoom({ storage, saveThrottleMs: 1_000 })

    room.applyPatch(create('a/Box', { x: 1 }))
    await vi.advanceTimersByTimeAsync(1_000)
    for (let x = 2; x <= 5; x += 1) {
      room.applyPatch(update('a/Box', { x }))
      await vi.advanceTimersByTimeAsync(1_000)
    }
    expect(storage.savedClocks).toEqual([1])
    first.resolve()
    await vi.advanceTimersByTimeAsync(0)

    expect(storage.savedClocks).toEqual([1, 5])
    expect(storage.mostSavesInFlight).toBe(1)
  })

  it.each([
    [10_000, 100],
    [40, 40],
  ])(
    '[DU2] with a throttle of %d ms a failed save is retried after %d ms, then ever later',
    async (saveThrottleMs, firstDelay) => {
      const errors: unknown[] = []
      const storage = new ScriptedStorage({ save: fails })
      const { room } = openRoom({ storage, saveThrottleMs, onError: (error) => errors.push(error) })
      room.applyPatch(create('a/Box'))

      const attempts: number[] = []
      for (const wait of [saveThrottleMs, firstDelay, 2 * firstDelay, 4 * firstDelay]) {
        await vi.advanceTimersByTimeAsync(wait - 1)
        attempts.push(storage.saves.length)
        await vi.advanceTimersByTimeAsync(1)
        attempts.push(storage.saves.length)
      }

      expect(attempts).toEqual([0, 1, 1, 2, 2, 3, 3, 4])
      expect(errors).toHaveLength(4)
      expect(errors[0]).toMatchObject({
        code: 'HEDDLE_SAVE_FAILED',
        cause: expect.objectContaining({ message: 'disk full' }),
      })
    },
  )

  it('[DU2] the delay of retries doubles up to 30 seconds', async () => {
    const times: number[] = []
    const storage = new ScriptedStorage({
      save: () => {
        times.push(Date.now())
        return fails()
      },
    })
    const { room } = openRoom({ storage, saveThrottleMs: 1_000, onError: () => {} })
    room.applyPatch(create('a/Box'))

    await vi.advanceTimersByTimeAsync(120_000)

    expect(times.slice(1).map((time, index) => time - (times[index] ?? 0))).toEqual([
      100, 200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000, 30_000,
    ])
  })

  it('[DU2] retries come at least every 30 seconds, and a success ends the back-off', async () => {
    const storage = new ScriptedStorage({ save: fails })
    const { room } = openRoom({ storage, saveThrottleMs: 1_000, onError: () => {} })
    room.applyPatch(create('a/Box'))
    await vi.advanceTimersByTimeAsync(300_000)
    const before = storage.saves.length

    await vi.advanceTimersByTimeAsync(30_000)
    expect(storage.saves.length).toBe(before + 1)

    storage.onSave = () => undefined
    await vi.advanceTimersByTimeAsync(30_000)
    expect(storage.saves.length).toBe(before + 2)

    room.applyPatch(update('a/Box', { x: 1 }))
    await vi.advanceTimersByTimeAsync(1_000)
    expect(storage.saves.length).toBe(before + 3)
  })

  it('[DU2] an edit does not hurry a retry, and the retry saves it', async () => {
    const storage = new ScriptedStorage({ save: fails })
    const { room } = openRoom({ storage, saveThrottleMs: 1_000, onError: () => {} })
    room.applyPatch(create('a/Box'))
    await vi.advanceTimersByTimeAsync(1_000)

    room.applyPatch(update('a/Box', { x: 1 }))
    await vi.advanceTimersByTimeAsync(99)
    expect(storage.savedClocks).toEqual([1])
    await vi.advanceTimersByTimeAsync(1)

    expect(storage.savedClocks).toEqual([1, 2])
  })

  it.each([
    [
      'throws',
      () => {
        throw new Error('no connection')
      },
    ],
    ['returns no promise', () => 42],
  ])('[DU2] a save that %s harms nobody', async (_, save) => {
    const storage = { load: async () => null, save: save as unknown as () => Promise<void> }
    const room = openRoom({ storage, saveThrottleMs: 1_000, onError: () => {} })
    const ann = room.join('ann')
    ann.received()

    ann.patch(create('a/Box'))
    await vi.advanceTimersByTimeAsync(5_000)
    ann.patch(update('a/Box', { x: 1 }))

    expect(ann.received()).toMatchObject([
      { type: 'ack', timestamp: 1 },
      { type: 'ack', timestamp: 2 },
    ])
  })

  it('[DU3] flush saves at once, whatever back-off runs', async () => {
    const storage = new ScriptedStorage({ save: fails })
    const { room } = openRoom({ storage, saveThrottleMs: 1_000, onError: () => {} })
    room.applyPatch(create('a/Box'))
    await vi.advanceTimersByTimeAsync(20_000)
    const before = storage.saves.length
    storage.onSave = () => undefined

    await room.flush()

    expect(storage.saves.length).toBe(before + 1)
    await vi.advanceTimersByTimeAsync(60_000)
    expect(storage.saves.length).toBe(before + 1)
  })

  it('[DU11] the last save of a closed room is tried 5 times, then given up and reported', async () => {
    const errors: unknown[] = []
    const storage = new ScriptedStorage({ save: fails })
    const room = new Room({ storage, onError: (error) => errors.push(error) })
    room.applyPatch(create('a/Box'))

    room.close()
    await vi.advanceTimersByTimeAsync(3_600_000)

    expect(storage.saves).toHaveLength(5)
    expect(errors).toHaveLength(5)
    expect(errors.at(-1)).toMatchObject({ code: 'HEDDLE_SAVE_FAILED' })
    expect(vi.getTimerCount()).toBe(0)
  })

  it('[DU11] a last save that succeeds at the third try ends it', async () => {
    let attempts = 0
    const storage = new ScriptedStorage({
      save: () => {
        attempts += 1
        return attempts < 3 ? fails() : undefined
      },
    })
    const room = new Room({ storage, onError: () => {} })
    room.applyPatch(create('a/Box', { x: 1 }))

    room.close()
    await vi.advanceTimersByTimeAsync(3_600_000)

    expect(storage.savedClocks).toEqual([1, 1, 1])
    expect(vi.getTimerCount()).toBe(0)
  })

  it('[DU4] close({ flush: false }) saves nothing, now or later', async () => {
    const storage = new ScriptedStorage()
    const room = new Room({ storage })
    room.applyPatch(create('a/Box'))

    room.close({ flush: false })
    await vi.advanceTimersByTimeAsync(60_000)

    expect(storage.saves).toEqual([])
    expect(vi.getTimerCount()).toBe(0)
  })

  it('[DU4] close saves once, and not what is saved already', async () => {
    const storage = new ScriptedStorage()
    const room = new Room({ storage })
    room.applyPatch(create('a/Box'))

    room.close()
    room.close()
    await vi.advanceTimersByTimeAsync(60_000)
    expect(storage.savedClocks).toEqual([1])

    const unchanged = new Room({ storage })
    unchanged.close()
    await vi.advanceTimersByTimeAsync(60_000)
    expect(storage.savedClocks).toEqual([1])
  })
})

it('[DU3] flush calls save also when nothing changed', async () => {
  const storage = new ScriptedStorage()
  const { room } = openRoom({ storage })

  await room.flush()
  await room.flush()

  expect(storage.savedClocks).toEqual([0, 0])
})

it('[DU3] flush rejects when the save fails, and the room goes on', async () => {
  const cause = new Error('disk full')
  const storage = new ScriptedStorage({ save: () => Promise.reject(cause) })
  const { room } = openRoom({ storage, onError: () => {} })
  room.applyPatch(create('a/Box'))

  await expect(room.flush()).rejects.toMatchObject({ code: 'HEDDLE_SAVE_FAILED', cause })

  storage.onSave = () => undefined
  await room.flush()
  expect(storage.saves.at(-1)?.timestamp).toBe(1)
})

it('[DU3] flush during a save resolves after one that began later', async () => {
  const first = deferred()
  const storage = new ScriptedStorage({ save: () => first.promise })
  const { room } = openRoom({ storage })
  room.applyPatch(create('a/Box'))
  const early = room.flush()
  room.applyPatch(update('a/Box', { x: 1 }))

  const late = room.flush()
  const alsoLate = room.flush()
  first.resolve()
  await Promise.all([early, late, alsoLate])

  expect(storage.savedClocks).toEqual([1, 2])
  expect(storage.mostSavesInFlight).toBe(1)
})

it('[DU3] flush resolves without a storage', async () => {
  const { room } = openRoom()

  await expect(room.flush()).resolves.toBeUndefined()
})

it('[DU4] close saves what is unsaved', async () => {
  const storage = new MemoryStorage()
  const room = new Room({ storage })
  room.applyPatch(create('a/Box', { x: 1 }))

  room.close()

  await vi.waitFor(async () => {
    expect(await storage.load()).toEqual({
      timestamp: 1,
      state: { 'a/Box': { _exists: true, x: 1 } },
      timestamps: { 'a/Box': { _exists: 1, x: 1 } },
    })
  })
})

it('[DU5] a saved snapshot is a copy that no later edit changes', async () => {
  const storage = new ScriptedStorage()
  const { room } = openRoom({ storage })
  room.applyPatch(create('a/Box', { x: 1, points: [1, 2] }))
  await room.flush()

  room.applyPatch(update('a/Box', { x: 2, points: { __buf: 1, len: 3, runs: [[0, [9]]] } }))
  room.applyPatch(create('b/Box'))

  expect(storage.saves[0]).toEqual({
    timestamp: 1,
    state: { 'a/Box': { _exists: true, x: 1, points: [1, 2] } },
    timestamps: { 'a/Box': { _exists: 1, x: 1, points: 1 } },
  })
})

it('[DU5] whoever changes a snapshot changes only that', async () => {
  const storage = new ScriptedStorage({
    save: (snapshot) => {
      snapshot.timestamp = 99
      snapshot.state['a/Box'] = { hacked: true }
    },
  })
  const room = openRoom({ storage })
  room.room.applyPatch(create('a/Box', { x: 1 }))
  const looked = room.snapshot
  looked.state['a/Box'] = { hacked: true }

  await room.room.flush()

  expect(room.snapshot).toEqual({
    timestamp: 1,
    state: { 'a/Box': { _exists: true, x: 1 } },
    timestamps: { 'a/Box': { _exists: 1, x: 1 } },
  })
})

it('[DU5] initialSnapshot and what load gave are copied', async () => {
  const initialSnapshot = structuredClone(SNAPSHOT)
  const loaded = structuredClone(SNAPSHOT)
  const first = openRoom({ initialSnapshot })
  const second = openRoom({ storage: new ScriptedStorage({ load: () => loaded }) })
  await second.room.load()

  first.room.applyPatch(update('a/Box', { x: 2 }))
  second.room.applyPatch(update('a/Box', { x: 2 }))

  expect(initialSnapshot).toEqual(SNAPSHOT)
  expect(loaded).toEqual(SNAPSHOT)
})

it('[DU6] a process with unsaved changes lives until they are saved', async () => {
  const dir = await temporaryFolder()

  const ended = await runProgram('unsaved-room.mjs', [dir])

  expect(ended).toMatchObject({ code: 0, signal: null, stderr: '' })
  expect(JSON.parse(await readFile(join(dir, 'room.json'), 'utf8'))).toEqual({
    timestamp: 1,
    state: { 'a/Box': { _exists: true, x: 1 } },
    timestamps: { 'a/Box': { _exists: 1, x: 1 } },
  })
})

it('[DU6] [DU11] a process ends once a last save was given up', async () => {
  const ended = await runProgram('failing-save.mjs')

  expect(ended).toMatchObject({ code: 0, signal: null })
  expect(JSON.parse(ended.stdout)).toEqual({ saves: 5, lastError: 'HEDDLE_SAVE_FAILED' })
})

const BAD_SNAPSHOTS: [what: string, value: unknown][] = [
  ['text', 'hello'],
  ['a number', 42],
  ['true', true],
  ['a list', []],
  ['nothing in it', {}],
  ['a clock of text', { ...SNAPSHOT, timestamp: '7' }],
  ['a negative clock', { ...SNAPSHOT, timestamp: -1 }],
  ['a clock that is no number', { ...SNAPSHOT, timestamp: Number.NaN }],
  ['half a clock', { ...SNAPSHOT, timestamp: 1.5 }],
  ['no state', { timestamp: 7, timestamps: {} }],
  ['a state that is a list', { ...SNAPSHOT, state: [] }],
  ['a component that is null', { ...SNAPSHOT, state: { 'a/Box': null } }],
  ['a component that is a text', { ...SNAPSHOT, state: { 'a/Box': 'x' } }],
  ['clocks that are a list', { ...SNAPSHOT, timestamps: [] }],
  ['a field clock of text', { ...SNAPSHOT, timestamps: { 'a/Box': { x: '7' } } }],
]

it.each(BAD_SNAPSHOTS)('[DU7] a storage that holds %s is an error', async (_, value) => {
  const storage = new ScriptedStorage({ load: () => value })
  const room = openRoom({ storage })
  const ann = room.join('ann')

  await expect(room.room.load()).rejects.toMatchObject({
    name: 'HeddleError',
    code: 'HEDDLE_BAD_SNAPSHOT',
  })

  expect(room.snapshot).toEqual({ timestamp: 0, state: {}, timestamps: {} })
  expect(ann.socket.closeCode).toBe(4450)
  expect(storage.saves).toEqual([])
})

it.each(BAD_SNAPSHOTS)('[DU7] an initialSnapshot that is %s is an error', (_, value) => {
  expect(() => new Room({ initialSnapshot: value as RoomSnapshot })).toThrow(
    expect.objectContaining({
      code: expect.stringMatching(/^HEDDLE_(BAD_SNAPSHOT|INVALID_ARGUMENT)$/),
    }),
  )
})

it('[DU7] a storage that cannot tell is an error: its own', async () => {
  const failure = new Error('no connection')
  const storage = new ScriptedStorage({ load: () => Promise.reject(failure) })
  const { room } = openRoom({ storage })

  await expect(room.load()).rejects.toBe(failure)
})

it('[DU7] a room that did not load never saves', async () => {
  const storage = new ScriptedStorage({ load: () => 'garbage' })
  const { room } = openRoom({ storage, onError: () => {} })
  await expect(room.load()).rejects.toThrow()

  await room.flush().catch(() => {})
  room.close()

  expect(storage.saves).toEqual([])
})

it('[DU8] what storage holds wins over initialSnapshot', async () => {
  const initialSnapshot = { timestamp: 99, state: { 'b/Box': { _exists: true } }, timestamps: {} }
  const room = openRoom({
    initialSnapshot,
    storage: new ScriptedStorage({ load: () => SNAPSHOT }),
  })
  expect(room.clock).toBe(99)

  await room.room.load()

  expect(room.snapshot).toEqual(SNAPSHOT)
})

it('[DU8] an empty storage leaves initialSnapshot', async () => {
  const room = openRoom({ initialSnapshot: SNAPSHOT, storage: new MemoryStorage() })

  await room.room.load()

  expect(room.snapshot).toEqual(SNAPSHOT)
})

it('[DU8] createStorage is called once and decides over storage', async () => {
  const ignored = new ScriptedStorage()
  const made: ScriptedStorage[] = []
  const room = openRoom({
    storage: ignored,
    createStorage: () => {
      const storage = new ScriptedStorage({ load: () => SNAPSHOT })
      made.push(storage)
      return storage
    },
  })
  expect(made).toHaveLength(1)

  await room.room.load()
  await room.room.flush()

  expect(made).toHaveLength(1)
  expect(made[0]?.loads).toBe(1)
  expect(made[0]?.savedClocks).toEqual([7])
  expect(ignored.loads).toBe(0)
})

it('[DU8] load and save are looked up on the storage, also on heddle’s own', async () => {
  const storage = new MemoryStorage()
  const calls: string[] = []
  storage.load = async () => {
    calls.push('load')
    return SNAPSHOT
  }
  storage.save = async () => {
    calls.push('save')
  }
  const room = openRoom({ storage })

  await room.room.load()
  await room.room.flush()

  expect(calls).toEqual(['load', 'save'])
  expect(room.snapshot).toEqual(SNAPSHOT)
})

it('[DU9] load twice loads once', async () => {
  const storage = new ScriptedStorage({ load: () => SNAPSHOT })
  const room = openRoom({ storage })

  await Promise.all([room.room.load(), room.room.load()])
  room.room.applyPatch(update('a/Box', { x: 2 }))
  await room.room.load()

  expect(storage.loads).toBe(1)
  expect(room.clock).toBe(8)
})

it('[DU9] [JN5] frames wait while a room loads, over all its sessions in order', async () => {
  const loaded = deferred<RoomSnapshot>()
  const room = openRoom({ storage: new ScriptedStorage({ load: () => loaded.promise }) })
  const loading = room.room.load()
  const ann = room.join('ann')
  const bob = room.join('bob')
  room.forget()

  ann.reconnect(0)
  bob.patch(update('a/Box', { x: 2 }))
  ann.patch(update('a/Box', { x: 3 }))
  expect([...ann.received(), ...bob.received()]).toEqual([])
  loaded.resolve(SNAPSHOT)
  await loading

  expect(room.snapshot.state['a/Box']).toEqual({ _exists: true, x: 3 })
  expect(ann.received()).toEqual([
    {
      type: 'patch',
      clientId: '',
      documentPatches: [{ 'a/Box': { _exists: true, x: 1 } }],
      timestamp: 7,
    },
    { type: 'synced', timestamp: 7 },
    { type: 'patch', clientId: 'bob', documentPatches: [{ 'a/Box': { x: 2 } }], timestamp: 8 },
    { type: 'ack', messageId: 'ann-1', timestamp: 9 },
  ])
})

it('[DU9] a load that fails closes the sessions and the room with them', async () => {
  const loaded = deferred<RoomSnapshot>()
  const room = openRoom({ storage: new ScriptedStorage({ load: () => loaded.promise }) })
  const loading = room.room.load()
  const ann = room.join('ann')
  const bob = room.join('bob')
  ann.patch(create('a/Box'))

  loaded.reject(new Error('no connection'))
  await expect(loading).rejects.toThrow('no connection')

  expect([ann.socket.closeCode, bob.socket.closeCode]).toEqual([4450, 4450])
  expect(room.room.getSessionCount()).toBe(0)
  expect(() => room.join('cleo')).toThrow(expect.objectContaining({ code: 'HEDDLE_ROOM_CLOSED' }))
})

it('[DU9] a server edit before the load is done is refused', async () => {
  const loaded = deferred<RoomSnapshot>()
  const { room } = openRoom({ storage: new ScriptedStorage({ load: () => loaded.promise }) })
  const loading = room.load()

  expect(() => room.applyPatch(create('a/Box'))).toThrow(
    expect.objectContaining({ code: 'HEDDLE_ROOM_LOADING' }),
  )

  loaded.resolve(SNAPSHOT)
  await loading
  expect(room.applyPatch(update('a/Box', { x: 2 }))).toBe(8)
})

it('[DU10] a field without a clock of its own counts as written at the snapshot’s', () => {
  const room = openRoom({
    initialSnapshot: {
      timestamp: 7,
      state: { 'a/Box': { _exists: true, x: 1, y: 2 }, 'b/Box': { _exists: true } },
      timestamps: { 'a/Box': { _exists: 2, x: 3 } },
    },
  })
  const ann = room.join('ann')
  ann.received()

  ann.reconnect(6)

  expect(ann.received()).toEqual([
    {
      type: 'patch',
      clientId: '',
      documentPatches: [{ 'a/Box': { y: 2 }, 'b/Box': { _exists: true } }],
      timestamp: 7,
    },
    { type: 'synced', timestamp: 7 },
  ])
})

it('[DU10] a snapshot in JSON text and one through the room are the same', async () => {
  const room = openRoom({ initialSnapshot: SNAPSHOT })

  expect(JSON.parse(JSON.stringify(room.snapshot))).toEqual(SNAPSHOT)
  expect(structuredClone(room.snapshot)).toEqual(SNAPSHOT)
  expect(Object.keys(room.snapshot).sort()).toEqual(['state', 'timestamp', 'timestamps'])
})

it.each(['process', 'disk'] as const)(
  '[DU3] durability %s is refused while no storage can journal',
  async (durability) => {
    const dir = await temporaryFolder()
    const storage = new FileStorage({ dir, roomId: 'room' })

    expect(() => new Room({ storage, durability })).toThrow(
      expect.objectContaining({ code: 'HEDDLE_DURABILITY_UNAVAILABLE' }),
    )
    expect(() => openRoom({ storage, durability: 'none' })).not.toThrow()
  },
)

it('[DU4] a room that closes while it loads leaves its storage as it was', async () => {
  const loaded = deferred<RoomSnapshot>()
  const storage = new ScriptedStorage({ load: () => loaded.promise })
  const { room } = openRoom({ storage })
  const loading = room.load()

  room.close()
  loaded.resolve(SNAPSHOT)

  await expect(loading).rejects.toMatchObject({ code: 'HEDDLE_ROOM_CLOSED' })
  expect(storage.saves).toEqual([])
})

it('[DU1] stats tell what is unsaved', async () => {
  const { room } = openRoom({ storage: new MemoryStorage() })
  room.applyPatch(create('a/Box'))
  room.applyPatch(remove('b/Box'))

  expect(room.getStats()).toMatchObject({
    timestamp: 2,
    sessions: 0,
    components: 1,
    tombstones: 1,
    unsaved: true,
  })
  await room.flush()
  expect(room.getStats().unsaved).toBe(false)
})
