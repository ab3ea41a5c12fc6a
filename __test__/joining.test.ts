import { expect, it } from 'vitest'
import { acceptConnection, RoomManager } from '../index.js'
import { connect } from './harness/connecting.js'
import { create, openRoom, update } from './harness/room.js'
import { PlainSocket } from './harness/sockets.js'
import { deferred, ScriptedStorage } from './harness/stores.js'

it('[JN1] a session that joins gets the presence of the others, as one frame without document', () => {
  const room = openRoom()
  const ann = room.join('ann')
  const bob = room.join('bob')
  ann.patch(create('a/Box'))
  ann.presence(create('ann/Cursor', { x: 1 }))
  bob.presence(create('bob/Cursor', { x: 2 }))

  const frames = room.join('cleo').received()

  expect(frames).toHaveLength(2)
  const [presence] = frames
  expect(presence).toMatchObject({ type: 'patch', clientId: '' })
  expect(presence).not.toHaveProperty('documentPatches')
  expect(presence).not.toHaveProperty('timestamp')
  const patches = presence?.type === 'patch' ? (presence.ephemeralPatches ?? []) : []
  expect(Object.assign({}, ...patches)).toEqual({
    'ann/Cursor': { _exists: true, x: 1 },
    'bob/Cursor': { _exists: true, x: 2 },
  })
})

it('[JN1] a session that joins a room without presence gets no patch', () => {
  const room = openRoom()
  const ann = room.join('ann')
  ann.patch(create('a/Box'))

  expect(room.join('bob').received()).toEqual([{ type: 'clientCount', count: 2 }])
})

it('[JN2] everybody hears how many are in the room after each join and leave', () => {
  const room = openRoom()

  const ann = room.join('ann')
  expect(ann.received()).toEqual([{ type: 'clientCount', count: 1 }])

  const bob = room.join('bob', 'readonly')
  expect(ann.received()).toEqual([{ type: 'clientCount', count: 2 }])
  expect(bob.received()).toEqual([{ type: 'clientCount', count: 2 }])

  ann.leave()
  expect(ann.received()).toEqual([])
  expect(bob.received()).toEqual([{ type: 'clientCount', count: 1 }])
})

it('[JN2] counts sessions, not clients', () => {
  const room = openRoom()
  room.join('ann')

  expect(room.join('ann').received()).toEqual([{ type: 'clientCount', count: 2 }])
})

it('[JN2] a failed socket leaves as a closed one does', () => {
  const room = openRoom()
  const ann = room.join('ann')
  const bob = room.join('bob')
  room.forget()

  room.room.handleSocketError(ann.sessionId)

  expect(bob.received()).toEqual([{ type: 'clientCount', count: 1 }])
  expect(ann.socket.closes).toEqual([])
})

it('[JN3] an accepted session gets presence and counts at once, documents after its first frame', async () => {
  const manager = new RoomManager()
  const ann = await connect(manager, 'ann')
  ann.reconnect(0)
  ann.presence(create('ann/Cursor'))
  const bob = await connect(manager, 'bob')

  ann.patch(create('a/Box', { x: 1 }))
  ann.presence(update('ann/Cursor', { x: 7 }))

  expect(bob.received()).toEqual([
    { type: 'patch', clientId: '', ephemeralPatches: [{ 'ann/Cursor': { _exists: true } }] },
    { type: 'clientCount', count: 2 },
    { type: 'patch', clientId: 'ann', ephemeralPatches: [{ 'ann/Cursor': { x: 7 } }] },
  ])

  bob.reconnect(0)
  ann.patch(update('a/Box', { x: 2 }))

  expect(bob.received()).toEqual([
    {
      type: 'patch',
      clientId: '',
      documentPatches: [{ 'a/Box': { _exists: true, x: 1 } }],
      timestamp: 1,
      ephemeralPatches: [{ 'ann/Cursor': { _exists: true, x: 7 } }],
    },
    { type: 'synced', timestamp: 1 },
    { type: 'patch', clientId: 'ann', documentPatches: [{ 'a/Box': { x: 2 } }], timestamp: 2 },
  ])
  await manager.closeAll()
})

it('[JN3] a patch as first frame opens the document to an accepted session too', async () => {
  const manager = new RoomManager()
  const ann = await connect(manager, 'ann')
  const bob = await connect(manager, 'bob')
  ann.patch(create('a/Box'))
  bob.received()

  bob.patch(create('b/Box'))
  ann.patch(update('a/Box', { x: 1 }))

  expect(bob.received()).toMatchObject([
    { type: 'ack', timestamp: 2 },
    { type: 'patch', clientId: 'ann', timestamp: 3 },
  ])
  await manager.closeAll()
})

it('[JN3] a frame with both kinds reaches a session that waits with its presence alone', async () => {
  const manager = new RoomManager()
  const ann = await connect(manager, 'ann')
  const bob = await connect(manager, 'bob')
  bob.received()

  ann.send({ documentPatches: [create('a/Box')], ephemeralPatches: [create('ann/Cursor')] })

  expect(bob.received()).toEqual([
    { type: 'patch', clientId: 'ann', ephemeralPatches: [{ 'ann/Cursor': { _exists: true } }] },
  ])
  await manager.closeAll()
})

it('[JN4] a session that joined by itself gets document broadcasts from the start', () => {
  const room = openRoom()
  const ann = room.join('ann')
  const bob = room.join('bob')
  room.forget()

  ann.patch(create('a/Box'))

  expect(bob.received()).toEqual([
    {
      type: 'patch',
      clientId: 'ann',
      documentPatches: [{ 'a/Box': { _exists: true } }],
      timestamp: 1,
    },
  ])
})

it('[JN5] frames that come while authorize and load run are kept, in order', async () => {
  const authorized = deferred()
  const loaded = deferred()
  const manager = new RoomManager({
    createStorage: () => new ScriptedStorage({ load: () => loaded.promise.then(() => null) }),
  })
  const socket = new PlainSocket()
  const conn = acceptConnection({
    socket,
    url: '/?roomId=r&clientId=ann&token=t',
    manager,
    authorize: async () => {
      await authorized.promise
      return { permissions: 'readwrite' }
    },
  })
  const says = (message: unknown) => conn.onMessage(JSON.stringify(message))

  says({ type: 'reconnect', lastTimestamp: 0, protocolVersion: 2 })
  says({ type: 'patch', messageId: '1', documentPatches: [create('a/Box', { x: 1 })] })
  authorized.resolve()
  await Promise.resolve()
  says({ type: 'patch', messageId: '2', documentPatches: [update('a/Box', { x: 2 })] })
  loaded.resolve()
  const { room } = await conn.ready
  says({ type: 'patch', messageId: '3', documentPatches: [update('a/Box', { x: 3 })] })

  expect(socket.received()).toEqual([
    { type: 'clientCount', count: 1 },
    { type: 'synced', timestamp: 0 },
    { type: 'ack', messageId: '1', timestamp: 1 },
    { type: 'ack', messageId: '2', timestamp: 2 },
    { type: 'ack', messageId: '3', timestamp: 3 },
  ])
  expect(room.getSnapshot().state).toEqual({ 'a/Box': { _exists: true, x: 3 } })
  await manager.closeAll()
})

it('[JN5] bytes that wait are copied: the caller may use its buffer again', async () => {
  const authorized = deferred()
  const manager = new RoomManager()
  const socket = new PlainSocket()
  const conn = acceptConnection({
    socket,
    url: '/?roomId=r&clientId=ann&token=t',
    manager,
    authorize: async () => {
      await authorized.promise
      return { permissions: 'readwrite' }
    },
  })
  const bytes = new TextEncoder().encode(
    JSON.stringify({ type: 'patch', messageId: 'm', documentPatches: [create('a/Box')] }),
  )

  conn.onMessage(bytes)
  bytes.fill(0)
  authorized.resolve()
  await conn.ready

  expect(socket.received()).toEqual([
    { type: 'clientCount', count: 1 },
    { type: 'ack', messageId: 'm', timestamp: 1 },
  ])
  await manager.closeAll()
})

it('[JN6] a session id is a random lower-case UUID', () => {
  const room = openRoom()

  const ids = Array.from({ length: 100 }, () => room.join('ann').sessionId)

  expect(new Set(ids).size).toBe(100)
  for (const id of ids) {
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  }
})

it('[JN2] lists its sessions in the order in which they joined', () => {
  const room = openRoom()
  const ann = room.join('ann')
  const bob = room.join('bob', 'readonly')
  const cleo = room.join('cleo')
  room.room.setSessionMetadata(bob.sessionId, { color: 'red' })

  ann.leave()

  expect(room.room.getSessionCount()).toBe(2)
  expect(room.room.getSessions()).toEqual([
    {
      sessionId: bob.sessionId,
      clientId: 'bob',
      permissions: 'readonly',
      metadata: { color: 'red' },
    },
    { sessionId: cleo.sessionId, clientId: 'cleo', permissions: 'readwrite' },
  ])
})
