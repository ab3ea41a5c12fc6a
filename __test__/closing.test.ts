import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { HeddleError, type Room, RoomManager } from '../index.js'
import { connect } from './harness/connecting.js'
import { create, Member } from './harness/room.js'
import { PlainSocket } from './harness/sockets.js'
import { deferred, ScriptedStorage } from './harness/stores.js'

const fails = () => Promise.reject(new Error('disk full'))

describe('closing when idle', () => {
  beforeEach(() => {
    vi.useFakeTimers()
  })

  afterEach(() => {
    vi.useRealTimers()
  })

  it('[LC5] an empty room is saved and closed after idleTimeout', async () => {
    const storage = new ScriptedStorage()
    const manager = new RoomManager({ createStorage: () => storage, idleTimeout: 5_000 })
    const room = await manager.getRoom('a')
    const ann = new Member(room, 'ann')
    ann.patch(create('a/Box'))

    ann.leave()
    await vi.advanceTimersByTimeAsync(4_999)
    expect(manager.getExistingRoom('a')).toBe(room)
    await vi.advanceTimersByTimeAsync(1)

    expect(manager.getRoomIds()).toEqual([])
    expect(storage.savedClocks).toEqual([1])
    expect(() => new Member(room, 'bob')).toThrow(HeddleError)
    await manager.closeAll()
  })

  it('[LC5] the timeout is 30 seconds unless told otherwise', async () => {
    const manager = new RoomManager()
    const room = await manager.getRoom('a')
    new Member(room, 'ann').leave()

    await vi.advanceTimersByTimeAsync(29_999)
    expect(manager.getRoomIds()).toEqual(['a'])
    await vi.advanceTimersByTimeAsync(1)

    expect(manager.getRoomIds()).toEqual([])
    await manager.closeAll()
  })

  it('[LC5] a room that nobody joins is closed too', async () => {
    const manager = new RoomManager({ idleTimeout: 5_000 })
    await manager.getRoom('a')

    await vi.advanceTimersByTimeAsync(4_000)
    await manager.getRoom('a')
    await vi.advanceTimersByTimeAsync(4_999)
    expect(manager.getRoomIds()).toEqual(['a'])
    await vi.advanceTimersByTimeAsync(1)

    expect(manager.getRoomIds()).toEqual([])
    await manager.closeAll()
  })

  it('[LC5] a session that joins in time keeps the room, and the wait starts anew', async () => {
    const manager = new RoomManager({ idleTimeout: 5_000 })
    const room = await manager.getRoom('a')
    new Member(room, 'ann').leave()
    await vi.advanceTimersByTimeAsync(4_000)

    const bob = new Member(room, 'bob')
    await vi.advanceTimersByTimeAsync(60_000)
    expect(manager.getExistingRoom('a')).toBe(room)

    bob.leave()
    await vi.advanceTimersByTimeAsync(4_999)
    expect(manager.getExistingRoom('a')).toBe(room)
    await vi.advanceTimersByTimeAsync(1)
    expect(manager.getExistingRoom('a')).toBeUndefined()
    await manager.closeAll()
  })

  it('[LC5] a room with another session stays', async () => {
    const manager = new RoomManager({ idleTimeout: 5_000 })
    const room = await manager.getRoom('a')
    const ann = new Member(room, 'ann')
    const bob = new Member(room, 'bob')

    ann.leave()
    await vi.advanceTimersByTimeAsync(60_000)

    expect(manager.getExistingRoom('a')).toBe(room)
    expect(bob.socket.closes).toEqual([])
    await manager.closeAll()
  })

  it('[LC5] to ask for a room that has sessions does not begin the wait', async () => {
    const manager = new RoomManager({ idleTimeout: 5_000 })
    const room = await manager.getRoom('a')
    new Member(room, 'ann')

    await manager.getRoom('a')
    await vi.advanceTimersByTimeAsync(60_000)

    expect(manager.getExistingRoom('a')).toBe(room)
    await manager.closeAll()
  })

  it('[LC5] a room whose last session was refused is idle too', async () => {
    const manager = new RoomManager({ idleTimeout: 5_000 })
    const room = await manager.getRoom('a')

    new Member(room, 'ann').sendsRaw('hello')
    await vi.advanceTimersByTimeAsync(5_000)

    expect(manager.getRoomIds()).toEqual([])
    await manager.closeAll()
  })

  it('[LC5] where the save fails the room stays open and is tried again', async () => {
    const storage = new ScriptedStorage({ save: fails })
    const manager = new RoomManager({
      createStorage: () => storage,
      idleTimeout: 5_000,
      onError: () => {},
    })
    const room = await manager.getRoom('a')
    const ann = new Member(room, 'ann')
    ann.patch(create('a/Box'))
    ann.leave()

    await vi.advanceTimersByTimeAsync(6_000)
    expect(manager.getExistingRoom('a')).toBe(room)
    expect(() => new Member(room, 'bob').leave()).not.toThrow()

    storage.onSave = () => undefined
    await vi.advanceTimersByTimeAsync(60_000)
    expect(manager.getRoomIds()).toEqual([])
    expect(storage.saves.at(-1)?.timestamp).toBe(1)
    await manager.closeAll()
  })

  it('[LC5] a join while the idle room is being saved keeps it', async () => {
    const saved = deferred()
    const storage = new ScriptedStorage({ save: () => saved.promise })
    const manager = new RoomManager({ createStorage: () => storage, idleTimeout: 5_000 })
    const room = await manager.getRoom('a')
    const ann = new Member(room, 'ann')
    ann.patch(create('a/Box'))
    ann.leave()
    await vi.advanceTimersByTimeAsync(5_000)

    const again = await manager.getRoom('a').then(async (found) => {
      const bob = new Member(found, 'bob')
      saved.resolve()
      await vi.advanceTimersByTimeAsync(4_000)
      return { found, bob }
    })

    expect(again.found).toBe(room)
    expect(again.bob.socket.closes).toEqual([])
    expect(manager.getExistingRoom('a')).toBe(room)
    await manager.closeAll()
  })

  it('[LC9] timers are the setTimeout of the moment', async () => {
    vi.useRealTimers()
    const storage = new ScriptedStorage()
    const manager = new RoomManager({ createStorage: () => storage, idleTimeout: 5_000 })
    const room = await manager.getRoom('a')

    vi.useFakeTimers()
    const ann = new Member(room, 'ann')
    ann.patch(create('a/Box'))
    ann.leave()
    await vi.advanceTimersByTimeAsync(5_000)

    expect(manager.getRoomIds()).toEqual([])
    await manager.closeAll()
  })

  it('[LC9] [LC19] rooms that wait by the clock of before wait by the one of now', async () => {
    vi.useRealTimers()
    const manager = new RoomManager({ idleTimeout: 5_000 })
    await manager.getRoom('a')
    const ann = new Member(await manager.getRoom('b'), 'ann')

    vi.useFakeTimers()
    ann.leave()
    await vi.advanceTimersByTimeAsync(4_999)
    expect(manager.getRoomIds()).toEqual(['a', 'b'])
    await vi.advanceTimersByTimeAsync(1)
    expect(manager.getRoomIds()).toEqual([])

    await manager.getRoom('c')
    vi.useRealTimers()
    vi.useFakeTimers()
    await manager.getRoom('d')
    await vi.advanceTimersByTimeAsync(5_000)
    expect(manager.getRoomIds()).toEqual([])
    await manager.closeAll()
  })

  it('[LC5] [LC19] no room is closed too early where the date stands still', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const manager = new RoomManager({ idleTimeout: 5_000 })
    await manager.getRoom('a')
    const before = Date.now()
    while (Date.now() <= before) await new Promise((resolve) => setImmediate(resolve))

    vi.advanceTimersByTime(3_000)
    await manager.getRoom('b')
    vi.advanceTimersByTime(2_000)
    expect(manager.getRoomIds()).toEqual(['b'])
    vi.advanceTimersByTime(5_000)
    expect(manager.getRoomIds()).toEqual([])
    await manager.closeAll()
  })

  it('[LC5] [LC19] no room is closed too early where the date is put back', async () => {
    const manager = new RoomManager({ idleTimeout: 5_000 })
    await manager.getRoom('a')
    await vi.advanceTimersByTimeAsync(4_000)

    vi.setSystemTime(Date.now() - 3_600_000)
    await manager.getRoom('b')
    await vi.advanceTimersByTimeAsync(4_999)
    expect(manager.getRoomIds()).toEqual(['a', 'b'])
    await vi.advanceTimersByTimeAsync(1)

    expect(manager.getRoomIds()).toEqual([])
    await manager.closeAll()
  })

  it('[LC9] a delay beyond what setTimeout takes does not fire at once', async () => {
    vi.useRealTimers()
    const delays: unknown[] = []
    const original = globalThis.setTimeout
    const spy = vi.spyOn(globalThis, 'setTimeout').mockImplementation(((
      callback: () => void,
      delay: number,
    ) => {
      delays.push(delay)
      return original(callback, delay)
    }) as unknown as typeof setTimeout)
    const storage = new ScriptedStorage()
    const manager = new RoomManager({
      createStorage: () => storage,
      idleTimeout: Number.POSITIVE_INFINITY,
      saveThrottleMs: 2 ** 40,
    })
    const room = await manager.getRoom('a')

    const ann = new Member(room, 'ann')
    ann.patch(create('a/Box'))
    ann.leave()
    spy.mockRestore()

    expect(delays.length).toBeGreaterThanOrEqual(2)
    expect(new Set(delays)).toEqual(new Set([2_147_483_647]))
    expect(manager.getExistingRoom('a')).toBe(room)
    await manager.closeAll()
  })
})

describe('closing all', () => {
  it('[LC6] opens reject after closeAll', async () => {
    const manager = new RoomManager()
    await manager.closeAll()

    await expect(manager.getRoom('a')).rejects.toMatchObject({ code: 'HEDDLE_MANAGER_CLOSED' })
    await expect(manager.getOrCreateRoom('a')).rejects.toMatchObject({
      code: 'HEDDLE_MANAGER_CLOSED',
    })
    await expect(connect(manager, 'ann')).rejects.toMatchObject({ code: 'HEDDLE_MANAGER_CLOSED' })
  })

  it('[LC6] opens that are under way reject too', async () => {
    const loaded = deferred()
    const manager = new RoomManager({
      createStorage: () => new ScriptedStorage({ load: () => loaded.promise.then(() => null) }),
    })
    const opening = manager.getRoom('a')
    const outcome = expect(opening).rejects.toMatchObject({ code: 'HEDDLE_MANAGER_CLOSED' })

    const closing = manager.closeAll()
    loaded.resolve()

    await outcome
    await closing
    expect(manager.getRoomIds()).toEqual([])
  })

  it('[LC6] closeAll does not wait for a load that hangs', async () => {
    const manager = new RoomManager({
      createStorage: () => new ScriptedStorage({ load: () => new Promise(() => {}) }),
    })
    const opening = manager.getRoom('a')
    const outcome = expect(opening).rejects.toMatchObject({ code: 'HEDDLE_MANAGER_CLOSED' })

    await manager.closeAll()

    await outcome
  })

  it('[LC7] closes the sessions of all rooms, then saves each room once', async () => {
    const sessionsAtSave: number[] = []
    const rooms: Room[] = []
    const storages: ScriptedStorage[] = []
    const manager = new RoomManager({
      createStorage: () => {
        const storage = new ScriptedStorage({
          save: () =>
            sessionsAtSave.push(rooms.reduce((sum, room) => sum + room.getSessionCount(), 0)),
        })
        storages.push(storage)
        return storage
      },
    })
    const members: Member[] = []
    for (const id of ['a', 'b', 'c']) {
      const room = await manager.getRoom(id)
      rooms.push(room)
      const member = new Member(room, 'ann')
      member.patch(create('a/Box'))
      members.push(member)
    }

    await manager.closeAll()

    expect(storages.map((storage) => storage.savedClocks)).toEqual([[1], [1], [1]])
    expect(sessionsAtSave).toEqual([0, 0, 0])
    for (const member of members) expect(member.socket.closes).toEqual([[]])
    expect(manager.getRoomIds()).toEqual([])
  })

  it('[LC7] a session that writes as it is closed writes no more', async () => {
    const storage = new ScriptedStorage()
    const manager = new RoomManager({ createStorage: () => storage })
    const room = await manager.getRoom('a')
    const socket = new PlainSocket()
    const ann = new Member(room, 'ann', 'readwrite', socket)
    ann.patch(create('a/Box'))
    socket.close = () => ann.patch(create('late/Box'))

    await manager.closeAll()

    expect(storage.savedClocks).toEqual([1])
    expect(storage.saves[0]?.state).toEqual({ 'a/Box': { _exists: true } })
  })

  it('[LC7] rejects after all rooms were saved when one failed', async () => {
    const slow = deferred()
    const good = new ScriptedStorage({ save: () => slow.promise })
    const bad = new ScriptedStorage({ save: fails })
    const manager = new RoomManager({ onError: () => {} })
    for (const [id, storage] of Object.entries({ bad, good })) {
      const room = await manager.getOrCreateRoom(id, { storage })
      room.applyPatch(create('a/Box'))
    }

    let settled = false
    const closing = manager.closeAll().finally(() => {
      settled = true
    })
    const outcome = expect(closing).rejects.toMatchObject({ code: 'HEDDLE_SAVE_FAILED' })
    for (let turn = 0; turn < 10; turn += 1) await new Promise((resolve) => setImmediate(resolve))
    expect(settled).toBe(false)
    slow.resolve()

    await outcome
    expect(good.savedClocks).toEqual([1])
    expect(bad.saves.length).toBeGreaterThanOrEqual(1)
  })

  it('[LC7] closeAll twice saves once', async () => {
    const storage = new ScriptedStorage()
    const manager = new RoomManager({ createStorage: () => storage })
    const room = await manager.getRoom('a')
    room.applyPatch(create('a/Box'))

    await Promise.all([manager.closeAll(), manager.closeAll()])
    await manager.closeAll()

    expect(storage.savedClocks).toEqual([1])
  })

  it('[LC7] a room that was closing already is waited for', async () => {
    const saved = deferred()
    let stored = false
    const manager = new RoomManager({
      createStorage: () =>
        new ScriptedStorage({
          save: async () => {
            await saved.promise
            stored = true
          },
        }),
    })
    const room = await manager.getRoom('a')
    room.applyPatch(create('a/Box'))
    manager.closeRoom('a')

    const closing = manager.closeAll()
    saved.resolve()
    await closing

    expect(stored).toBe(true)
  })

  it('[LC7] a manager counts its rooms and sessions', async () => {
    const manager = new RoomManager()
    const room = await manager.getRoom('a')
    await manager.getRoom('b')
    new Member(room, 'ann')
    new Member(room, 'bob')

    expect(manager.getStats()).toMatchObject({ rooms: 2, sessions: 2 })

    await manager.closeAll()
    expect(manager.getStats()).toMatchObject({ rooms: 0, sessions: 0 })
  })
})
