import { expect, it } from 'vitest'
import { MemoryStorage, Room, type RoomSnapshot } from '../index.js'
import { create, openRoom, update } from './harness/room.js'
import { deferred, ScriptedStorage } from './harness/stores.js'

const SNAPSHOT: RoomSnapshot = {
  timestamp: 7,
  state: { 'a/Box': { _exists: true, x: 1 }, 'gone/Box': { _exists: false } },
  timestamps: { 'a/Box': { _exists: 2, x: 7 }, 'gone/Box': { _exists: 5 } },
}

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

it('[DU9] a room that was edited before does not load, and overwrites nothing', async () => {
  const storage = new ScriptedStorage({ load: () => SNAPSHOT })
  const room = openRoom({ storage, onError: () => {} })
  const ann = room.join('ann')
  ann.patch(create('b/Box'))

  await expect(room.room.load()).rejects.toMatchObject({ code: 'HEDDLE_ROOM_IN_USE' })
  await room.room.flush().catch(() => {})
  room.room.close()

  expect(ann.socket.closeCode).toBe(4450)
  expect(storage.saves).toEqual([])
})

it('[DU3] [DU9] a flush waits for the load', async () => {
  const loaded = deferred<RoomSnapshot>()
  const storage = new ScriptedStorage({ load: () => loaded.promise })
  const { room } = openRoom({ storage })
  const loading = room.load()

  const flushing = room.flush()
  expect(storage.saves).toEqual([])
  loaded.resolve(SNAPSHOT)
  await Promise.all([loading, flushing])

  expect(storage.savedClocks).toEqual([7])
})
