import { describe, expect, it } from 'vitest'
import {
  DEFAULT_LIMITS,
  FileStorage,
  type ManagerLimits,
  MemoryStorage,
  PUBLIC_LIMITS,
  Room,
  RoomManager,
  type RoomSnapshot,
} from '../index.js'
import { connect } from './harness/connecting.js'
import { create, openRoom } from './harness/room.js'
import { PlainSocket } from './harness/sockets.js'
import { temporaryFolder } from './harness/stores.js'

const MIB = 1024 * 1024
const bad = <T>(value: unknown) => value as T
const refusal = (code: string, refusal: string) => expect.objectContaining({ code, refusal })
const failure = (code: string) => expect.objectContaining({ code })

describe('the sets of limits', () => {
  const sizes: Partial<ManagerLimits> = {
    frameBytes: 16 * MIB,
    nesting: 64,
    keysPerFrame: 100_000,
    nameBytes: 16 * 1024,
    fieldsPerComponent: 10_000,
    componentBytes: 16 * MIB,
    documentBytes: 1024 * MIB,
    components: 1_000_000,
    bufferNumbers: 1_048_576,
    bufferGrowthPerByte: 64,
    bufferGrowthBase: 65_536,
    presenceBytes: MIB,
    sessions: 10_000,
    rooms: 1_000_000,
    totalSessions: 100_000,
  }

  it('[LM18] the defaults are complete, and the public ones nowhere looser', () => {
    expect(DEFAULT_LIMITS).toMatchObject(sizes)
    for (const [name, limit] of Object.entries(PUBLIC_LIMITS)) {
      expect(limit).toBeLessThanOrEqual(DEFAULT_LIMITS[name as keyof ManagerLimits])
    }
    expect(Object.keys(PUBLIC_LIMITS)).toEqual(Object.keys(DEFAULT_LIMITS))
    expect(Object.isFrozen(DEFAULT_LIMITS) && Object.isFrozen(PUBLIC_LIMITS)).toBe(true)
  })

  it.each([
    ['limits', 'private'],
    ['limits', 7],
    ['limits', null],
    ['limits.frameSize', { frameSize: 1 }],
    ['limits.__proto__', JSON.parse('{"__proto__":1}')],
    ['limits.frameBytes', { frameBytes: 0 }],
    ['limits.frameBytes', { frameBytes: 1.5 }],
    ['limits.frameBytes', { frameBytes: '1' }],
    ['limits.frameBytes', { frameBytes: Number.POSITIVE_INFINITY }],
    ['limits.nesting', { nesting: 257 }],
    ['limits.framesPerSecond', { framesPerSecond: 0 }],
    ['limits.authorizeTimeoutMs', { authorizeTimeoutMs: Number.NaN }],
    ['limits.heartbeatMs', { heartbeatMs: -1 }],
  ])('[LM18] %s that is wrong is a TypeError that names it', (name, limits) => {
    for (const make of [
      () => new Room({ limits: bad(limits) }),
      () => new RoomManager({ limits: bad(limits) }),
    ]) {
      expect(make).toThrow(TypeError)
      expect(make).toThrow(`options.${name} must be`)
    }
  })

  it('[LM18] times may be endless, and a heartbeat nothing', () => {
    const limits = {
      heartbeatMs: 0,
      stallTimeoutMs: Number.POSITIVE_INFINITY,
      framesPerSecond: 0.5,
    }

    expect(() => new Room({ limits })).not.toThrow()
  })

  it("[LM18] a room's members win over its manager's one by one", async () => {
    const manager = new RoomManager({ limits: { nesting: 10, nameBytes: 7 } })
    const own = await manager.getOrCreateRoom('own', { limits: { nameBytes: 8 } })
    const preset = await manager.getOrCreateRoom('preset', { limits: 'public' })

    own.applyPatch(create('12345678'))
    expect(() => own.applyPatch(create('123456789'))).toThrow(
      refusal('HEDDLE_BAD_PATCH', 'name-too-long'),
    )
    expect(() => own.applyPatch(create('a', { x: [[[[[[[[1]]]]]]]] }))).toThrow(
      refusal('HEDDLE_BAD_PATCH', 'too-deep'),
    )
    preset.applyPatch(create('n'.repeat(1024)))
    expect(() => preset.applyPatch(create('n'.repeat(1025)))).toThrow(
      refusal('HEDDLE_BAD_PATCH', 'name-too-long'),
    )
    await manager.closeAll()
  })
})

describe('who may come in', () => {
  const join = (room: Room) =>
    room.handleSocketConnect({ socket: new PlainSocket(), clientId: 'c', permissions: 'readwrite' })

  it('[LM19] a room has so many sessions and not one more', () => {
    const { room } = openRoom({ limits: { sessions: 2 } })
    const first = join(room)
    join(room)

    expect(() => join(room)).toThrow(failure('HEDDLE_TOO_MANY_SESSIONS'))
    expect(room.getSessionCount()).toBe(2)
    room.handleSocketClose(first)
    join(room)
    expect(room.getSessionCount()).toBe(2)
  })

  it('[LM22] a client has a name of so many bytes', () => {
    const { room } = openRoom({ limits: { nameBytes: 5 } })
    const enter = (clientId: string) =>
      room.handleSocketConnect({ socket: new PlainSocket(), clientId, permissions: 'readwrite' })

    enter('annab')
    enter('ännn')
    expect(() => enter('annabe')).toThrow(failure('HEDDLE_INVALID_ARGUMENT'))
    expect(() => enter('ännä')).toThrow(failure('HEDDLE_INVALID_ARGUMENT'))
    expect(room.getSessionCount()).toBe(2)
  })

  it('[LM19] a manager has so many sessions, whatever became of their rooms', async () => {
    const manager = new RoomManager({ limits: { totalSessions: 2 } })
    const a = await manager.getRoom('a')
    const b = await manager.getRoom('b')
    join(a)
    const last = join(b)

    expect(() => join(b)).toThrow(failure('HEDDLE_TOO_MANY_SESSIONS'))
    await expect(connect(manager, 'late', { roomId: 'b' })).rejects.toEqual(
      failure('HEDDLE_TOO_MANY_SESSIONS'),
    )
    a.close()
    join(b)
    b.handleSocketClose(last)
    join(b)
    expect(() => join(b)).toThrow(failure('HEDDLE_TOO_MANY_SESSIONS'))
    await manager.closeAll()
  })

  it('[LM20] a manager has so many rooms and not one more', async () => {
    const manager = new RoomManager({ limits: { rooms: 1 } })
    const opening = manager.getRoom('a')

    await expect(manager.getRoom('b')).rejects.toEqual(failure('HEDDLE_TOO_MANY_ROOMS'))
    await opening
    await expect(manager.getRoom('a')).resolves.toBe(await opening)
    manager.closeRoom('a')
    await manager.getRoom('b')
    await manager.closeAll()
  })
})

describe('what is over a limit', () => {
  const limits = { fieldsPerComponent: 2 }
  const snapshot = (fields: object): RoomSnapshot => ({
    timestamp: 1,
    state: { a: { _exists: true, ...fields } },
    timestamps: {},
  })
  const over = refusal('HEDDLE_BAD_SNAPSHOT', 'too-many-fields')

  it('[LM17] applyPatch throws with the code, and nothing has changed', () => {
    const { room } = openRoom({ limits })
    room.applyPatch(create('a', { x: 1 }))

    expect(() => room.applyPatch({ a: { y: 1 } })).toThrow(
      refusal('HEDDLE_BAD_PATCH', 'too-many-fields'),
    )
    expect(() => room.applyPatch([])).not.toThrow()
    expect(room.getSnapshot().state).toEqual({ a: { _exists: true, x: 1 } })
  })

  it('[LM15] an initial snapshot is refused', () => {
    const make = (fields: object) => new Room({ limits, initialSnapshot: snapshot(fields) })

    expect(() => make({ x: 1, y: 1 })).toThrow(over)
    expect(() => make({ x: 1 })).not.toThrow()
  })

  it.each(['none', 'process'] as const)(
    '[LM15] a storage of the user is refused (%s)',
    async (durability) => {
      const storage = Object.assign(new MemoryStorage(), {
        append: async () => {},
        loadChanges: async () => [],
      })
      await storage.save(snapshot({ x: 1, y: 1 }))
      const room = new Room({ limits, storage, durability })

      await expect(room.load()).rejects.toEqual(over)
      expect(await storage.load()).toEqual(snapshot({ x: 1, y: 1 }))
    },
  )

  it.each(['none', 'process'] as const)(
    '[LM15] files are refused and stay as they are (%s)',
    async (durability) => {
      const dir = await temporaryFolder()
      const open = (options: object) =>
        new Room({ storage: new FileStorage({ dir, roomId: 'room' }), durability, ...options })
      const first = open({})
      await first.load()
      first.applyPatch(create('a', { x: 1, y: 1 }))
      await first.flush()
      first.close()

      await expect(open({ limits }).load()).rejects.toEqual(over)
      const again = open({})
      await again.load()
      expect(again.getSnapshot().state).toEqual({ a: { _exists: true, x: 1, y: 1 } })
      again.close()
    },
  )
})
