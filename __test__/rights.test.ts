import { expect, it, vi } from 'vitest'
import { RoomManager, type RoomOptions, type SessionPermission } from '../index.js'
import { connect } from './harness/connecting.js'
import { create, openRoom, update } from './harness/room.js'
import { deferred } from './harness/stores.js'

/** Lets everything run that is queued in microtasks. */
const microtasks = async () => {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve()
}

type TokenRefresh = NonNullable<RoomOptions['onTokenRefresh']>

const refreshing = (onTokenRefresh: TokenRefresh) => openRoom({ onTokenRefresh })

it.each(['admin', '', 'READWRITE', 'readWrite'])(
  '[AU1] permissions %j count as readonly',
  (permissions) => {
    const room = openRoom()
    const ann = room.join('ann', permissions as SessionPermission)
    room.forget()

    ann.patch(create('a/Box'))

    expect(ann.received()).toEqual([{ type: 'ack', messageId: 'ann-1', timestamp: 0 }])
    expect(room.room.getSessionPermissions(ann.sessionId)).toBe('readonly')
  },
)

it('[AU2] setSessionPermissions changes rights from the next frame on', () => {
  const room = openRoom()
  const ann = room.join('ann', 'readonly')
  room.forget()

  ann.patch(create('a/Box'))
  room.room.setSessionPermissions(ann.sessionId, 'readwrite')
  ann.patch(create('b/Box'))
  room.room.setSessionPermissions(ann.sessionId, 'readonly')
  ann.patch(create('c/Box'))

  expect(room.state).toEqual({ 'b/Box': { _exists: true } })
  expect(room.room.getSessionPermissions(ann.sessionId)).toBe('readonly')
})

it('[AU1] [AU2] unknown words given to setSessionPermissions take rights away', () => {
  const room = openRoom()
  const ann = room.join('ann')

  room.room.setSessionPermissions(ann.sessionId, 'owner' as SessionPermission)
  ann.patch(create('a/Box'))

  expect(room.room.getSessionPermissions(ann.sessionId)).toBe('readonly')
  expect(room.state).toEqual({})
})

it('[AU2] [AU3] a refresh gives rights and metadata from its continuation on', async () => {
  const answer = deferred<{ permissions: SessionPermission; metadata: unknown }>()
  const onTokenRefresh = vi.fn(() => answer.promise)
  const room = refreshing(onTokenRefresh)
  const ann = room.join('ann', 'readonly')

  ann.refresh('secret')
  expect(onTokenRefresh).not.toHaveBeenCalled()
  await Promise.resolve()
  expect(onTokenRefresh).toHaveBeenCalledExactlyOnceWith(room.room, {
    sessionId: ann.sessionId,
    clientId: 'ann',
    token: 'secret',
  })
  ann.patch(create('a/Box'))
  answer.resolve({ permissions: 'readwrite', metadata: { name: 'Ann' } })
  await microtasks()
  ann.patch(create('b/Box'))

  expect(room.state).toEqual({ 'b/Box': { _exists: true } })
  expect(room.room.getSessionPermissions(ann.sessionId)).toBe('readwrite')
  expect(room.room.getSessionMetadata(ann.sessionId)).toEqual({ name: 'Ann' })
})

it('[AU3] a refresh without metadata keeps what the session has', async () => {
  const room = refreshing(() => ({ permissions: 'readonly' }))
  const ann = room.join('ann')
  room.room.setSessionMetadata(ann.sessionId, { name: 'Ann' })

  ann.refresh('t')
  await microtasks()

  expect(room.room.getSessionPermissions(ann.sessionId)).toBe('readonly')
  expect(room.room.getSessionMetadata(ann.sessionId)).toEqual({ name: 'Ann' })
})

it('[AU3] a refresh gets no answer on the wire', async () => {
  const room = refreshing(() => ({ permissions: 'readonly' }))
  const ann = room.join('ann')
  room.forget()

  ann.refresh('t')
  await microtasks()

  expect(ann.received()).toEqual([])
})

it.each([
  [
    'throws',
    () => {
      throw new Error('expired')
    },
  ],
  ['rejects', () => Promise.reject(new Error('expired'))],
  ['gives nothing', () => undefined],
  ['gives no object', () => 'readwrite'],
])('[AU4] [CC1] a refresh that %s closes the socket and removes the session', async (_, answer) => {
  const left: unknown[] = []
  const room = openRoom({
    onTokenRefresh: answer as unknown as TokenRefresh,
    onSessionRemoved: (_room, info) => left.push(info),
    onError: () => {},
  })
  const ann = room.join('ann')
  const bob = room.join('bob')
  room.forget()

  ann.refresh('t')
  await microtasks()

  expect(ann.socket.closes).toHaveLength(1)
  expect(ann.socket.closeCode).toBe(4401)
  expect(bob.received()).toEqual([{ type: 'clientCount', count: 1 }])
  expect(left).toEqual([{ sessionId: ann.sessionId, remaining: 1 }])
  expect(room.room.getSessionPermissions(ann.sessionId)).toBeUndefined()
})

it('[AU5] of two refreshes the last one sent decides, though it answers first', async () => {
  const first = deferred<{ permissions: SessionPermission }>()
  const second = deferred<{ permissions: SessionPermission }>()
  const room = refreshing((_room, { token }) => (token === '1' ? first : second).promise)
  const ann = room.join('ann')

  ann.refresh('1')
  ann.refresh('2')
  await microtasks()
  second.resolve({ permissions: 'readonly' })
  await microtasks()
  first.resolve({ permissions: 'readwrite' })
  await microtasks()

  expect(room.room.getSessionPermissions(ann.sessionId)).toBe('readonly')
})

it('[AU5] the rejection of an earlier refresh is ignored', async () => {
  const first = deferred<{ permissions: SessionPermission }>()
  const room = refreshing((_room, { token }) =>
    token === '1' ? first.promise : { permissions: 'readonly' },
  )
  const ann = room.join('ann')

  ann.refresh('1')
  ann.refresh('2')
  await microtasks()
  first.reject(new Error('expired'))
  await microtasks()

  expect(ann.socket.closes).toEqual([])
  expect(room.room.getSessionPermissions(ann.sessionId)).toBe('readonly')
})

it('[AU5] the answer to an earlier refresh is ignored while a later one runs', async () => {
  const later = deferred<{ permissions: SessionPermission }>()
  const room = refreshing((_room, { token }) =>
    token === '1' ? { permissions: 'readwrite' } : later.promise,
  )
  const ann = room.join('ann', 'readonly')

  ann.refresh('1')
  ann.refresh('2')
  await microtasks()

  expect(room.room.getSessionPermissions(ann.sessionId)).toBe('readonly')
})

it('[AU5] a refresh that answers after its session left changes nothing', async () => {
  const answer = deferred<{ permissions: SessionPermission }>()
  const left: string[] = []
  const room = openRoom({
    onTokenRefresh: () => answer.promise,
    onSessionRemoved: (_room, { sessionId }) => left.push(sessionId),
  })
  const ann = room.join('ann')
  ann.refresh('t')
  await microtasks()
  ann.leave()

  answer.reject(new Error('expired'))
  await microtasks()

  expect(left).toEqual([ann.sessionId])
  expect(ann.socket.closes).toEqual([])
})

it('[AU6] without a handler a refresh is ignored', async () => {
  const room = openRoom()
  const ann = room.join('ann')
  room.forget()

  ann.refresh('t')
  await microtasks()

  expect(ann.received()).toEqual([])
  expect(ann.socket.closes).toEqual([])
  expect(room.room.getSessionPermissions(ann.sessionId)).toBe('readwrite')
})

it('[AU7] a malformed frame of a readonly session is refused, not acked', () => {
  const room = openRoom()
  const ann = room.join('ann', 'readonly')
  room.forget()

  ann.says({ type: 'patch', messageId: 'm', documentPatches: [5] })

  expect(ann.received()).toMatchObject([{ type: 'error', code: 'bad-patch', messageId: 'm' }])
  expect(ann.socket.closeCode).toBe(4400)
})

it('[AU8] acceptConnection asks authorize again, without the request', async () => {
  const authorize = vi.fn(({ token }: { token: string }) => ({
    permissions: token === 'good' ? ('readwrite' as const) : ('readonly' as const),
    metadata: { token },
  }))
  const manager = new RoomManager()
  const ann = await connect(manager, 'ann', {
    roomId: 'r',
    token: 'weak',
    request: 'upgrade',
    authorize,
  })

  ann.refresh('good')
  await microtasks()
  ann.patch(create('a/Box'))

  expect(authorize.mock.calls).toEqual([
    [{ roomId: 'r', clientId: 'ann', token: 'weak', request: 'upgrade' }],
    [{ roomId: 'r', clientId: 'ann', token: 'good', request: undefined }],
  ])
  expect(ann.room.getSnapshot().state).toEqual({ 'a/Box': { _exists: true } })
  expect(ann.handlers.getMetadata()).toEqual({ token: 'good' })
  await manager.closeAll()
})

it('[AU8] each connection is refreshed by its own authorize', async () => {
  const manager = new RoomManager()
  const asked: string[] = []
  const authorizeAs = (name: string) => () => {
    asked.push(name)
    return { permissions: 'readwrite' as const }
  }
  const ann = await connect(manager, 'ann', { authorize: authorizeAs('for ann') })
  const bob = await connect(manager, 'bob', { authorize: authorizeAs('for bob') })
  asked.length = 0

  bob.refresh('t')
  ann.refresh('t')
  await microtasks()

  expect(asked).toEqual(['for bob', 'for ann'])
  await manager.closeAll()
})

it('[AU8] a refresh reaches authorize in a room that was opened without a connection', async () => {
  const manager = new RoomManager()
  const room = await manager.getOrCreateRoom('room')
  let calls = 0
  const ann = await connect(manager, 'ann', {
    authorize: () => {
      calls += 1
      return { permissions: 'readonly' }
    },
  })

  ann.refresh('t')
  await microtasks()

  expect(ann.room).toBe(room)
  expect(calls).toBe(2)
  await manager.closeAll()
})

it('[AU8] [AU4] an authorize that refuses the new token ends the session', async () => {
  const manager = new RoomManager()
  const ann = await connect(manager, 'ann', {
    authorize: ({ token }) => {
      if (token === 'expired') throw new Error('expired')
      return { permissions: 'readwrite' }
    },
  })

  ann.refresh('expired')
  await microtasks()

  expect(ann.socket.closeCode).toBe(4401)
  expect(ann.room.getSessionCount()).toBe(0)
  await manager.closeAll()
})

it('[AU2] a session that lost its rights keeps receiving', () => {
  const room = openRoom()
  const ann = room.join('ann')
  const bob = room.join('bob')
  ann.patch(create('a/Box'))
  room.room.setSessionPermissions(bob.sessionId, 'readonly')
  room.forget()

  ann.patch(update('a/Box', { x: 1 }))

  expect(bob.received()).toMatchObject([{ type: 'patch', timestamp: 2 }])
})
