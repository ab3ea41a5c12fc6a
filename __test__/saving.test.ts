import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { MemoryStorage, Room, type RoomSnapshot } from '../index.js'
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
  expect(JSON.parse(await readFile(join(dir, 'room.json'), 'utf8'))).toMatchObject({
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
