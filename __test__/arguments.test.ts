import { describe, expect, it } from 'vitest'
import {
  FileStorage,
  Room,
  RoomManager,
  type RoomOptions,
  type SessionPermission,
  type WebSocketLike,
} from '../index.js'
import { Member, openRoom } from './harness/room.js'
import { PlainSocket } from './harness/sockets.js'

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
    ['writeIntervalMs', () => new Room({ writeIntervalMs: bad('8') })],
    ['writeIntervalMs', () => new Room({ writeIntervalMs: -1 })],
    ['writeIntervalMs', () => new Room({ writeIntervalMs: 16.7 })],
    ['writeIntervalMs', () => new Room({ writeIntervalMs: bad(Symbol('8')) })],
    ['writeIntervalMs', () => new RoomManager({ writeIntervalMs: 1_001 })],
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
    expect(() => new Room({ storage: undefined, writeIntervalMs: undefined })).not.toThrow()
    expect(() => new RoomManager({ idleTimeout: undefined })).not.toThrow()
    expect(joins({ metadata: undefined, permissions: bad<SessionPermission>(undefined) }))
      .not //
      .toThrow()
  })
})
