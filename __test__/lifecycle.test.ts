import { Worker } from 'node:worker_threads'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import {
  FileStorage,
  HeddleError,
  Room,
  RoomManager,
  type RoomOptions,
  type SessionPermission,
  type WebSocketLike,
} from '../index.js'
import { connect } from './harness/connecting.js'
import { runProgram } from './harness/processes.js'
import { create, Member, openRoom, update } from './harness/room.js'
import { PlainSocket } from './harness/sockets.js'
import { deferred, ScriptedStorage, temporaryFolder } from './harness/stores.js'

const fails = () => Promise.reject(new Error('disk full'))

describe('opening', () => {
  it('[LC1] concurrent first opens share one load and get the same room', async () => {
    const made: ScriptedStorage[] = []
    const manager = new RoomManager({
      createStorage: () => {
        const storage = new ScriptedStorage()
        made.push(storage)
        return storage
      },
    })

    const rooms = await Promise.all([
      manager.getRoom('a'),
      manager.getOrCreateRoom('a', { saveThrottleMs: 1 }),
      manager.getRoom('b'),
      manager.getRoom('a'),
    ])

    expect(rooms[0]).toBeInstanceOf(Room)
    expect(rooms[1]).toBe(rooms[0])
    expect(rooms[3]).toBe(rooms[0])
    expect(rooms[2]).not.toBe(rooms[0])
    expect(made.map((storage) => storage.loads)).toEqual([1, 1])
    expect(manager.getExistingRoom('a')).toBe(rooms[0])
    expect(manager.getRoomIds().sort()).toEqual(['a', 'b'])
    await manager.closeAll()
  })

  it('[LC1] a room that is opening is not there yet', async () => {
    const loaded = deferred()
    const storage = new ScriptedStorage({ load: () => loaded.promise.then(() => null) })
    const manager = new RoomManager()
    const opening = manager.getOrCreateRoom('a', { storage })

    expect(manager.getExistingRoom('a')).toBeUndefined()
    expect(manager.getRoomIds()).toEqual([])

    loaded.resolve()
    expect(manager.getExistingRoom('a')).toBeUndefined()
    const room = await opening
    expect(manager.getExistingRoom('a')).toBe(room)
    await manager.closeAll()
  })

  it('[LC1] a room’s own options win over its manager’s', async () => {
    const own = new ScriptedStorage()
    const shared: string[] = []
    const heard: string[] = []
    const manager = new RoomManager({
      createStorage: (roomId) => {
        shared.push(roomId)
        return new ScriptedStorage()
      },
      onDataChange: () => heard.push('manager’s'),
      onSessionRemoved: () => heard.push('manager’s'),
    })

    const special = await manager.getOrCreateRoom('special', {
      createStorage: () => own,
      onDataChange: () => heard.push('its own'),
    })
    const plain = await manager.getRoom('plain')
    special.applyPatch(create('a/Box'))
    plain.applyPatch(create('a/Box'))
    new Member(special, 'ann').leave()

    expect(own.loads).toBe(1)
    expect(shared).toEqual(['plain'])
    expect(heard).toEqual(['its own', 'manager’s', 'manager’s'])
    await manager.closeAll()
  })

  it('[LC1] options are ignored for a room that is open', async () => {
    const manager = new RoomManager()
    const first = await manager.getOrCreateRoom('a')
    const storage = new ScriptedStorage()

    const second = await manager.getOrCreateRoom('a', { storage })

    expect(second).toBe(first)
    expect(storage.loads).toBe(0)
    await manager.closeAll()
  })

  it('[LC2] an id that is closing waits for its last save, then loads anew', async () => {
    const saved = deferred()
    const calls: string[] = []
    const manager = new RoomManager({
      createStorage: () =>
        new ScriptedStorage({
          load: () => {
            calls.push('load')
            return null
          },
          save: async () => {
            calls.push('save')
            await saved.promise
            calls.push('saved')
          },
        }),
    })
    const old = await manager.getRoom('a')
    old.applyPatch(create('a/Box'))

    manager.closeRoom('a')
    const opening = manager.getRoom('a')
    const alsoOpening = manager.getRoom('a')
    await Promise.resolve()
    expect(calls).toEqual(['load', 'save'])
    saved.resolve()
    const room = await opening

    expect(calls).toEqual(['load', 'save', 'saved', 'load'])
    expect(room).not.toBe(old)
    expect(await alsoOpening).toBe(room)
    expect(manager.getExistingRoom('a')).toBe(room)
    await manager.closeAll()
  })

  it('[LC2] what was unsaved at the close is there at the next open', async () => {
    const dir = await temporaryFolder()
    const manager = new RoomManager({
      createStorage: (roomId) => new FileStorage({ dir, roomId }),
    })
    for (let round = 1; round <= 5; round += 1) {
      const room = await manager.getRoom('a')
      expect(room.getSnapshot().timestamp).toBe(round - 1)
      room.applyPatch(create('a/Box', { round }))
      manager.closeRoom('a')
    }
    await manager.closeAll()
  })

  it('[LC2] a room that its user closes is opened anew', async () => {
    const manager = new RoomManager()
    const old = await manager.getRoom('a')

    old.close()

    expect(manager.getExistingRoom('a')).toBeUndefined()
    const room = await manager.getRoom('a')
    expect(room).not.toBe(old)
    expect(() => new Member(room, 'ann')).not.toThrow()
    await manager.closeAll()
  })

  it.each<[string, () => unknown]>([
    ['a load that rejects', () => Promise.reject(new Error('no connection'))],
    [
      'a load that throws',
      () => {
        throw new Error('no connection')
      },
    ],
    ['a load that gives garbage', () => 'garbage'],
  ])('[LC3] %s leaves nothing behind: the next open tries again', async (_, load) => {
    let failing = true
    const manager = new RoomManager({
      createStorage: () => new ScriptedStorage({ load: () => (failing ? load() : null) }),
    })

    const both = await Promise.allSettled([manager.getRoom('a'), manager.getRoom('a')])
    expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect(manager.getRoomIds()).toEqual([])
    expect(manager.getExistingRoom('a')).toBeUndefined()

    failing = false
    await expect(manager.getRoom('a')).resolves.toBeInstanceOf(Room)
    await manager.closeAll()
  })

  it('[LC3] a factory that throws fails the open with what it threw', async () => {
    const failure = new Error('no bucket')
    const manager = new RoomManager({
      createStorage: () => {
        throw failure
      },
    })

    await expect(manager.getRoom('a')).rejects.toBe(failure)
    await expect(manager.getOrCreateRoom('a', { storage: new ScriptedStorage() }))
      .resolves //
      .toBeInstanceOf(Room)
    await manager.closeAll()
  })

  it('[LC4] a closing room is out of sight at once', async () => {
    const saved = deferred()
    const manager = new RoomManager({
      createStorage: () => new ScriptedStorage({ save: () => saved.promise }),
    })
    const room = await manager.getRoom('a')
    room.applyPatch(create('a/Box'))

    manager.closeRoom('a')

    expect(manager.getRoomIds()).toEqual([])
    expect(manager.getExistingRoom('a')).toBeUndefined()
    saved.resolve()
    await manager.closeAll()
  })

  it('[LC4] closing an id that is not open does nothing', async () => {
    const manager = new RoomManager()

    expect(() => manager.closeRoom('nobody')).not.toThrow()

    await manager.closeAll()
  })

  it('[LC4] a room that is closed while it opens does not open', async () => {
    const loaded = deferred()
    const manager = new RoomManager({
      createStorage: () => new ScriptedStorage({ load: () => loaded.promise.then(() => null) }),
    })
    const opening = manager.getRoom('a')
    const outcome = expect(opening).rejects.toMatchObject({ code: 'HEDDLE_ROOM_CLOSED' })

    manager.closeRoom('a')
    loaded.resolve()

    await outcome
    expect(manager.getRoomIds()).toEqual([])
    await manager.closeAll()
  })
})

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

  it('[LC7] closes a room’s sessions, then saves it once', async () => {
    const sessionsAtSave: (number | undefined)[] = []
    const rooms = new Map<string, Room>()
    const storages: ScriptedStorage[] = []
    const manager = new RoomManager({
      createStorage: (roomId) => {
        const storage = new ScriptedStorage({
          save: () => sessionsAtSave.push(rooms.get(roomId)?.getSessionCount()),
        })
        storages.push(storage)
        return storage
      },
    })
    const members: Member[] = []
    for (const id of ['a', 'b', 'c']) {
      const room = await manager.getRoom(id)
      rooms.set(id, room)
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

    expect(manager.getStats()).toEqual({ rooms: 2, sessions: 2 })

    await manager.closeAll()
    expect(manager.getStats()).toEqual({ rooms: 0, sessions: 0 })
  })
})

describe('a closed room', () => {
  it('[LC8] throws at a connect, and does nothing for the rest', () => {
    const left: unknown[] = []
    const room = openRoom({ onSessionRemoved: (_room, info) => left.push(info) })
    const ann = room.join('ann')
    ann.patch(create('a/Box'))
    room.room.close()
    ann.received()

    expect(() => room.join('bob')).toThrow(
      expect.objectContaining({ name: 'HeddleError', code: 'HEDDLE_ROOM_CLOSED' }),
    )
    ann.patch(create('b/Box'))
    ann.refresh('t')
    ann.leave()
    room.room.handleSocketError(ann.sessionId)
    room.room.setSessionPermissions(ann.sessionId, 'readonly')
    room.room.setSessionMetadata(ann.sessionId, 1)
    room.room.close()

    expect(ann.received()).toEqual([])
    expect(room.room.getSessionCount()).toBe(0)
    expect(room.room.getSessions()).toEqual([])
    expect(room.room.getSessionPermissions(ann.sessionId)).toBeUndefined()
    expect(room.state).toEqual({ 'a/Box': { _exists: true } })
    expect(left).toEqual([])
  })

  it('[LC8] throws at an edit by the server', () => {
    const { room } = openRoom()
    room.close()

    expect(() => room.applyPatch(create('a/Box'))).toThrow(
      expect.objectContaining({ code: 'HEDDLE_ROOM_CLOSED' }),
    )
  })

  it('[LC8] does not load', async () => {
    const storage = new ScriptedStorage()
    const { room } = openRoom({ storage })
    room.close()

    await expect(room.load()).rejects.toMatchObject({ code: 'HEDDLE_ROOM_CLOSED' })
    expect(storage.loads).toBe(0)
  })
})

describe('callbacks that fail', () => {
  const thrower = () => {
    throw new Error('boom')
  }
  const rejecter = async () => {
    throw new Error('boom')
  }

  it.each([
    ['throws', thrower],
    ['rejects', rejecter],
  ])(
    '[LC10] one that %s reaches onError and costs no ack, no broadcast, no other callback',
    async (_, hook) => {
      const errors: unknown[] = []
      const heard: string[] = []
      const room = openRoom({
        onDocumentPatch: hook,
        onDataChange: () => {
          heard.push('change')
          return hook() as unknown as undefined
        },
        onSessionRemoved: hook,
        onError: (error, context) => errors.push([error, context.room]),
      })
      const ann = room.join('ann')
      const bob = room.join('bob')
      room.forget()

      ann.patch(create('a/Box'))
      bob.leave()
      await Promise.resolve()

      expect(ann.received()).toEqual([
        { type: 'ack', messageId: 'ann-1', timestamp: 1 },
        { type: 'clientCount', count: 1 },
      ])
      expect(bob.received()).toMatchObject([{ type: 'patch', timestamp: 1 }])
      expect(heard).toEqual(['change'])
      expect(errors).toEqual([
        [new Error('boom'), room.room],
        [new Error('boom'), room.room],
        [new Error('boom'), room.room],
      ])
    },
  )

  it('[LC10] without onError it is a process warning', async () => {
    const warnings: string[] = []
    const spy = vi.spyOn(process, 'emitWarning').mockImplementation((warning) => {
      warnings.push(String(warning))
    })
    const room = openRoom({ onDataChange: thrower })

    room.room.applyPatch(create('a/Box'))
    spy.mockRestore()

    expect(warnings).toHaveLength(1)
    expect(warnings[0]).toContain('boom')
  })

  it('[LC10] an onError that fails itself harms nobody', async () => {
    const spy = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    const room = openRoom({ onDataChange: thrower, onError: thrower })
    const ann = room.join('ann')
    room.forget()

    ann.patch(create('a/Box'))
    ann.patch(update('a/Box', { x: 1 }))
    const warnings = spy.mock.calls.length
    spy.mockRestore()

    expect(ann.received()).toMatchObject([
      { type: 'ack', timestamp: 1 },
      { type: 'ack', timestamp: 2 },
    ])
    expect(warnings).toBeGreaterThanOrEqual(2)
  })

  it('[LC10] hooks tell what happened: once per frame, patches as objects', () => {
    const heard: unknown[] = []
    const room = openRoom({
      onDataChange: (inner) => heard.push(['change', inner.getSnapshot().timestamp]),
      onDocumentPatch: (_room, patches) => heard.push(['patches', patches]),
      onSessionRemoved: (_room, info) => heard.push(['removed', info]),
    })
    const ann = room.join('ann')

    ann.patch(create('a/Box', { points: [1] }), update('a/Box', { x: 1 }))
    ann.presence(create('ann/Cursor'))
    ann.leave()

    expect(heard.sort()).toEqual([
      ['change', 1],
      ['patches', [{ 'a/Box': { _exists: true, points: [1] } }, { 'a/Box': { x: 1 } }]],
      ['removed', { sessionId: ann.sessionId, remaining: 0 }],
    ])
  })

  it('[LC10] a hook may leave, join and close', () => {
    let hasJoined = false
    const room = openRoom({
      onSessionRemoved: (inner, { remaining }) => {
        if (!hasJoined) {
          hasJoined = true
          new Member(inner, 'late').leave()
        }
        if (remaining === 0) inner.close()
      },
    })
    const ann = room.join('ann')
    const bob = room.join('bob')

    ann.leave()
    bob.leave()

    expect(() => room.join('cleo')).toThrow(expect.objectContaining({ code: 'HEDDLE_ROOM_CLOSED' }))
  })
})

describe('arguments', () => {
  it('[LC11] unknown session ids: getters give undefined, the rest do nothing', () => {
    const room = openRoom()
    const ann = room.join('ann')
    room.forget()

    for (const id of ['nobody', '', ann.sessionId.toUpperCase()]) {
      room.room.handleSocketMessage(id, '{"type":"patch"')
      room.room.handleSocketClose(id)
      room.room.handleSocketError(id)
      room.room.setSessionPermissions(id, 'readonly')
      room.room.setSessionMetadata(id, {})
      expect(room.room.getSessionPermissions(id)).toBeUndefined()
      expect(room.room.getSessionMetadata(id)).toBeUndefined()
    }

    expect(ann.received()).toEqual([])
    expect(room.room.getSessionCount()).toBe(1)
  })

  const bad = <T>(value: unknown) => value as T
  const socket: WebSocketLike = new PlainSocket()
  const joins = (options: object) => () =>
    new Room().handleSocketConnect(
      bad({ socket, clientId: 'a', permissions: 'readonly', ...options }),
    )

  it.each<[argument: string, call: () => unknown]>([
    ['options', () => new Room(bad(7))],
    ['options', () => new Room(bad(null))],
    ['storage', () => new Room({ storage: bad({ load: () => null }) })],
    ['storage', () => new Room({ storage: bad('disk') })],
    ['createStorage', () => new Room({ createStorage: bad({}) })],
    ['createStorage', () => new Room({ createStorage: bad(() => 7) })],
    ['onDataChange', () => new Room({ onDataChange: bad('x') })],
    ['onDocumentPatch', () => new Room({ onDocumentPatch: bad({}) })],
    ['onSessionRemoved', () => new Room({ onSessionRemoved: bad(1) })],
    ['onTokenRefresh', () => new Room({ onTokenRefresh: bad(true) })],
    ['onError', () => new Room({ onError: bad([]) })],
    ['saveThrottleMs', () => new Room({ saveThrottleMs: bad('10') })],
    ['saveThrottleMs', () => new Room({ saveThrottleMs: -1 })],
    ['saveThrottleMs', () => new Room({ saveThrottleMs: Number.NaN })],
    ['durability', () => new Room({ durability: bad('forever') })],
    ['options', () => new RoomManager(bad('x'))],
    ['idleTimeout', () => new RoomManager({ idleTimeout: bad('30s') })],
    ['createStorage', () => new RoomManager({ createStorage: bad({}) })],
    ['socket', joins({ socket: undefined })],
    ['socket', joins({ socket: { send: () => {} } })],
    ['clientId', joins({ clientId: undefined })],
    ['clientId', joins({ clientId: 7 })],
    ['options', () => new Room().handleSocketConnect(bad(undefined))],
    ['patch', () => new Room().applyPatch(bad(7))],
    ['patch', () => new Room().applyPatch(bad(undefined))],
    [
      'data',
      () => {
        const room = new Room()
        room.handleSocketMessage(new Member(room, 'ann').sessionId, bad(7))
      },
    ],
    ['sessionId', () => new Room().handleSocketMessage(bad(7), '{}')],
    ['sessionId', () => new Room().handleSocketClose(bad(undefined))],
    ['dir', () => new FileStorage({ dir: bad(undefined), roomId: 'a' })],
    ['roomId', () => new FileStorage({ dir: 'a', roomId: bad(7) })],
    ['options', () => new FileStorage(bad(undefined))],
    ['roomId', () => new RoomManager().closeRoom(bad(7))],
    ['roomId', () => new RoomManager().getExistingRoom(bad({}))],
  ])('[LC15] a wrong %s is a TypeError that names it', (argument, call) => {
    let thrown: unknown
    try {
      call()
    } catch (error) {
      thrown = error
    }

    expect(thrown).toBeInstanceOf(TypeError)
    expect(thrown).toMatchObject({ code: 'HEDDLE_INVALID_ARGUMENT' })
    expect((thrown as Error).message).toContain(argument)
  })

  it('[LC15] a method that returns a promise rejects', async () => {
    const manager = new RoomManager()

    await expect(manager.getRoom(bad(7))).rejects.toMatchObject({
      name: 'TypeError',
      code: 'HEDDLE_INVALID_ARGUMENT',
    })
    await expect(manager.getOrCreateRoom('a', bad<RoomOptions>(7))).rejects.toMatchObject({
      code: 'HEDDLE_INVALID_ARGUMENT',
    })
  })

  it('[LC15] options may be undefined one by one', () => {
    expect(() => new Room({ storage: undefined, saveThrottleMs: undefined })).not.toThrow()
    expect(() => new RoomManager({ idleTimeout: undefined })).not.toThrow()
    expect(joins({ metadata: undefined, permissions: bad<SessionPermission>(undefined) }))
      .not //
      .toThrow()
  })
})

describe('processes', () => {
  it('[LC13] a process with open rooms and nothing unsaved ends by itself', async () => {
    const ended = await runProgram('quiet-rooms.mjs')

    expect(ended).toEqual({ code: 0, signal: null, stdout: '2 rooms open', stderr: '' })
  })

  it('[LC14] several worker threads use the addon at once', async () => {
    const run = (edits: number) =>
      new Promise((resolve, reject) => {
        const worker = new Worker(new URL('harness/programs/worker.mjs', import.meta.url), {
          workerData: { edits },
        })
        worker.once('message', resolve)
        worker.once('error', reject)
      })

    expect(await Promise.all([run(2_000), run(1_000), run(3_000)])).toEqual([2_000, 1_000, 3_000])
    expect(await run(10)).toBe(10)
    expect(new Room().applyPatch(create('a/Box'))).toBe(1)
  })

  it('[LC13] rooms by the thousand leave no memory and no timers behind', async () => {
    const ended = await runProgram('many-rooms.mjs', [], ['--expose-gc'])

    expect(ended).toMatchObject({ code: 0, stderr: '' })
    const { grownMib, timers } = JSON.parse(ended.stdout)
    // Two thousand rooms that leaked would be 200 MiB.
    expect(grownMib).toBeLessThan(60)
    expect(timers).toBe(0)
  }, 70_000)
})
