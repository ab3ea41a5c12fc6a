import { describe, expect, it } from 'vitest'
import { FileStorage, Room, RoomManager } from '../index.js'
import { create, Member, openRoom } from './harness/room.js'
import { deferred, ScriptedStorage, temporaryFolder } from './harness/stores.js'

const _fails = () => Promise.reject(new Error('disk full'))

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
