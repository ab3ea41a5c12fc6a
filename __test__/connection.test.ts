import { EventEmitter } from 'node:events'
import { describe, expect, it, vi } from 'vitest'
import { WebSocket } from 'ws'
import {
  type AcceptConnectionOptions,
  type AuthorizeResult,
  acceptConnection,
  type Connection,
  ConnectionClosedError,
  ConnectRequestError,
  type OpenConnection,
  Room,
  RoomManager,
} from '../index.js'
import { connect } from './harness/connecting.js'
import { runProgram } from './harness/processes.js'
import { create } from './harness/room.js'
import { serve, WsClient } from './harness/server.js'
import { PlainSocket } from './harness/sockets.js'
import { deferred, ScriptedStorage } from './harness/stores.js'

const URL_OF_ANN = '/?roomId=r&clientId=ann&token=t'
const LETS_IN = () => ({ permissions: 'readwrite' as const })
const patchFrame = (messageId: string, key = 'a/Box') =>
  JSON.stringify({ type: 'patch', messageId, documentPatches: [create(key)] })

/** A plain socket that is an event emitter too, as those of `ws` are. */
class EmitterSocket extends EventEmitter {
  readonly plain = new PlainSocket()

  send(data: string): void {
    this.plain.send(data)
  }

  close(...details: unknown[]): void {
    this.plain.closes.push(details)
  }

  received() {
    return this.plain.received()
  }
}

/**
 * Awaits a connection as a caller does who goes on later. Resolves when the await has begun, which a
 * socket's next event never precedes.
 */
async function beginAwait<TMeta>(conn: Connection<TMeta>): Promise<{
  outcome: Promise<OpenConnection<TMeta>>
}> {
  const outcome = (async () => await conn)()
  outcome.catch(() => {})
  await new Promise((resolve) => setImmediate(resolve))
  return { outcome }
}

function accept(options: Partial<AcceptConnectionOptions> = {}) {
  const manager = options.manager ?? new RoomManager()
  const socket = new PlainSocket()
  const conn = acceptConnection({
    socket,
    url: URL_OF_ANN,
    authorize: LETS_IN,
    ...options,
    manager,
  })
  return { manager, socket, conn }
}

describe('acceptConnection', () => {
  it('[CC6] returns at once, and ready says where the session is', async () => {
    const authorized = deferred<AuthorizeResult<{ name: string }>>()
    const { conn, manager, socket } = accept({ authorize: () => authorized.promise })
    expect(conn.getMetadata()).toBeUndefined()
    expect(socket.received()).toEqual([])

    authorized.resolve({ permissions: 'readonly', metadata: { name: 'Ann' } })
    const { room, sessionId } = await conn.ready

    expect(room).toBe(manager.getExistingRoom('r'))
    expect(room).toBeInstanceOf(Room)
    expect(room.getSessions()).toEqual([
      { sessionId, clientId: 'ann', permissions: 'readonly', metadata: { name: 'Ann' } },
    ])
    expect(conn.getMetadata()).toEqual({ name: 'Ann' })
    room.setSessionMetadata(sessionId, { name: 'Anne' })
    expect(conn.getMetadata()).toEqual({ name: 'Anne' })
    conn.onClose()
    expect(conn.getMetadata()).toBeUndefined()
    await manager.closeAll()
  })

  it('[CC6] asks authorize once, with what the URL and the caller gave', async () => {
    const authorize = vi.fn(LETS_IN)
    const request = { headers: { cookie: 'x' } }
    const { conn, manager } = accept({ authorize, request })

    await conn.ready

    expect(authorize).toHaveBeenCalledExactlyOnceWith({
      roomId: 'r',
      clientId: 'ann',
      token: 't',
      request,
    })
    expect((authorize.mock.calls as unknown[][])[0]?.[0]).toHaveProperty('request', request)
    await manager.closeAll()
  })

  it('[CC6] opens the room with roomOptions, the first time', async () => {
    const manager = new RoomManager()
    const storage = new ScriptedStorage()
    const roomOptions = vi.fn((_roomId: string) => ({ createStorage: () => storage }))

    const ann = await connect(manager, 'ann', { roomId: 'first', roomOptions })
    await connect(manager, 'bob', { roomId: 'first', roomOptions })

    expect(roomOptions).toHaveBeenCalledWith('first')
    expect(storage.loads).toBe(1)
    await ann.room.flush()
    expect(storage.saves).toHaveLength(1)
    await manager.closeAll()
  })

  it('[CC6] concurrent first connections get one room', async () => {
    const manager = new RoomManager()

    const members = await Promise.all(['ann', 'bob', 'cleo'].map((id) => connect(manager, id)))

    expect(new Set(members.map(({ room }) => room)).size).toBe(1)
    expect(members[0]?.room.getSessionCount()).toBe(3)
    await manager.closeAll()
  })

  it.each([
    ['missing-room-id', '/?clientId=ann&token=t'],
    ['missing-client-id', '/?roomId=r&token=t'],
    ['missing-token', '/?roomId=r&clientId=ann'],
    ['invalid-url', 'ws://'],
    ['name-too-long', `/?roomId=r&token=t&clientId=${'a'.repeat(16 * 1024 + 1)}`],
    ['name-too-long', `/?clientId=ann&token=t&roomId=${'r'.repeat(16 * 1024 + 1)}`],
  ])('[CC6] [LM22] ready rejects with %s, and the socket stays open', async (code, url) => {
    const authorize = vi.fn(LETS_IN)
    const { conn, socket, manager } = accept({ url, authorize })

    await expect(conn.ready).rejects.toBeInstanceOf(ConnectRequestError)
    await expect(conn.ready).rejects.toMatchObject({ code })

    expect(authorize).not.toHaveBeenCalled()
    expect(socket.closes).toEqual([])
    expect(manager.getRoomIds()).toEqual([])
    await manager.closeAll()
  })

  it.each([
    ['throws', false],
    ['rejects', true],
  ])(
    '[CC6] ready rejects with what authorize %s, and the socket stays open',
    async (_, isAsync) => {
      const refusal = new Error('who are you?')
      const { conn, socket, manager } = accept({
        authorize: () => {
          if (isAsync) return Promise.reject(refusal)
          throw refusal
        },
      })
      conn.onMessage(patchFrame('1'))

      await expect(conn.ready).rejects.toBe(refusal)

      conn.onMessage(patchFrame('2'))
      conn.onClose()
      expect(socket.closes).toEqual([])
      expect(socket.received()).toEqual([])
      expect(manager.getRoomIds()).toEqual([])
      await manager.closeAll()
    },
  )

  it.each([undefined, null, true, 'readwrite'])(
    '[CC6] ready rejects when authorize gives %j',
    async (result) => {
      const { conn, manager } = accept({ authorize: () => result as unknown as AuthorizeResult })

      await expect(conn.ready).rejects.toMatchObject({ code: 'HEDDLE_BAD_AUTHORIZATION' })
      await manager.closeAll()
    },
  )

  it('[CC6] ready rejects with why the room did not open, and the next connection tries again', async () => {
    let failing = true
    const failure = new Error('no connection')
    const manager = new RoomManager({
      createStorage: () =>
        new ScriptedStorage({ load: () => (failing ? Promise.reject(failure) : null) }),
    })
    const { conn, socket } = accept({ manager })
    await expect(conn.ready).rejects.toBe(failure)
    expect(socket.closes).toEqual([])

    failing = false

    await expect(connect(manager, 'ann')).resolves.toBeDefined()
    await manager.closeAll()
  })

  it.each(['onClose', 'onError'] as const)(
    '[CC6] ready rejects as soon as the socket says %s, though authorize never answers',
    async (event) => {
      const { conn, manager } = accept({ authorize: () => new Promise<never>(() => {}) })

      conn[event]()

      await expect(conn.ready).rejects.toBeInstanceOf(ConnectionClosedError)
      await expect(conn.ready).rejects.toMatchObject({ name: 'ConnectionClosedError' })
      expect(manager.getRoomIds()).toEqual([])
      await manager.closeAll()
    },
  )

  it('[CC6] a socket that closes while the room loads never joins', async () => {
    const loaded = deferred()
    const left = vi.fn()
    const manager = new RoomManager({
      createStorage: () => new ScriptedStorage({ load: () => loaded.promise.then(() => null) }),
      onSessionRemoved: left,
    })
    const { conn, socket } = accept({ manager })
    conn.onMessage(patchFrame('1'))
    await Promise.resolve()

    conn.onClose()
    await expect(conn.ready).rejects.toBeInstanceOf(ConnectionClosedError)
    loaded.resolve()
    const room = await manager.getRoom('r')

    expect(room.getSessionCount()).toBe(0)
    expect(room.getSnapshot().timestamp).toBe(0)
    expect(socket.received()).toEqual([])
    expect(left).not.toHaveBeenCalled()
    await manager.closeAll()
  })

  it('[CC6] the handlers are bound', async () => {
    const { conn, manager, socket } = accept()
    const { room } = await conn.ready
    const { onMessage, onClose, getMetadata } = conn

    onMessage(patchFrame('1'))
    expect(getMetadata()).toBeUndefined()
    onClose()

    expect(socket.received()).toMatchObject([{ type: 'clientCount' }, { type: 'ack' }])
    expect(room.getSessionCount()).toBe(0)
    await manager.closeAll()
  })

  it('[CC6] onError removes the session, once', async () => {
    const left = vi.fn()
    const manager = new RoomManager({ onSessionRemoved: left })
    const { conn } = accept({ manager })
    await conn.ready

    conn.onError()
    conn.onClose()
    conn.onMessage(patchFrame('1'))

    expect(left).toHaveBeenCalledOnce()
    await manager.closeAll()
  })

  it('[CC6] [LC15] throws for arguments of the wrong type', () => {
    const manager = new RoomManager()
    const good = { socket: new PlainSocket(), url: URL_OF_ANN, manager, authorize: LETS_IN }

    for (const wrong of [
      { socket: {} },
      { url: 7 },
      { manager: {} },
      { authorize: 'x' },
      { roomOptions: {} },
    ]) {
      const [name = ''] = Object.keys(wrong)
      expect(() =>
        acceptConnection({ ...good, ...wrong } as unknown as AcceptConnectionOptions),
      ).toThrow(expect.objectContaining({ message: expect.stringContaining(name) }))
    }
  })
})

describe('await acceptConnection', () => {
  it('[CC7] gives the connection with room and sessionId, and no thenable', async () => {
    const { conn, manager, socket } = accept()

    const open = await conn

    expect(open).not.toHaveProperty('then')
    expect(open.room).toBe(manager.getExistingRoom('r'))
    expect(open.room.getSessions()[0]?.sessionId).toBe(open.sessionId)
    expect(await open.ready).toEqual({ room: open.room, sessionId: open.sessionId })
    open.onMessage(patchFrame('1'))
    expect(socket.received()).toMatchObject([{ type: 'clientCount' }, { type: 'ack' }])
    open.onClose()
    expect(open.room.getSessionCount()).toBe(0)
    await manager.closeAll()
  })

  it('[CC7] rejects as ready does', async () => {
    const refusal = new Error('who are you?')
    const { conn, manager } = accept({ authorize: () => Promise.reject(refusal) })

    await expect((async () => await conn)()).rejects.toBe(refusal)
    await manager.closeAll()
  })

  it('[CC7] frames that come before the caller listens are kept, in order', async () => {
    const authorized = deferred<AuthorizeResult>()
    const socket = new EmitterSocket()
    const { conn, manager } = accept({ socket, authorize: () => authorized.promise })
    const opening = await beginAwait(conn)

    socket.emit('message', Buffer.from(patchFrame('1', 'a/Box')), false)
    authorized.resolve({ permissions: 'readwrite' })
    const open = await opening.outcome
    socket.emit('message', Buffer.from(patchFrame('2', 'b/Box')), false)
    socket.on('message', open.onMessage)
    socket.emit('message', Buffer.from(patchFrame('3', 'c/Box')), false)

    expect(socket.received()).toEqual([
      { type: 'clientCount', count: 1 },
      { type: 'ack', messageId: '1', timestamp: 1 },
      { type: 'ack', messageId: '2', timestamp: 2 },
      { type: 'ack', messageId: '3', timestamp: 3 },
    ])
    await manager.closeAll()
  })

  it('[CC7] a frame that is seen twice is handled once', async () => {
    const socket = new EmitterSocket()
    const { conn, manager } = accept({ socket })
    socket.on('message', (data) => conn.onMessage(data))
    const opening = await beginAwait(conn)

    for (const id of ['1', '2']) socket.emit('message', Buffer.from(patchFrame(id)), false)
    await opening.outcome
    for (const id of ['3', '4']) socket.emit('message', Buffer.from(patchFrame(id)), false)

    expect(
      socket.received().flatMap((frame) => (frame.type === 'ack' ? frame.messageId : [])),
    ).toEqual(['1', '2', '3', '4'])
    await manager.closeAll()
  })

  it('[CC7] a caller who buffers and forwards afterwards counts each frame once', async () => {
    const socket = new EmitterSocket()
    const early: unknown[] = []
    const buffer = (data: unknown) => early.push(data)
    socket.on('message', buffer)
    const { conn, manager } = accept({ socket })
    const opening = await beginAwait(conn)
    for (const id of ['1', '2']) socket.emit('message', Buffer.from(patchFrame(id)), false)

    const open = await opening.outcome
    socket.off('message', buffer)
    for (const data of early) open.onMessage(String(data))
    socket.on('message', open.onMessage)
    socket.emit('message', Buffer.from(patchFrame('3')), false)

    expect(
      socket.received().flatMap((frame) => (frame.type === 'ack' ? frame.messageId : [])),
    ).toEqual(['1', '2', '3'])
    await manager.closeAll()
  })

  it.each([
    ['before it is in its room', true],
    ['when it is in its room', false],
  ])(
    '[CC7] [LM7] what is kept to be told from what comes again is bounded %s',
    async (_, waits) => {
      const limits = { frameBytes: 1_000 }
      const manager = new RoomManager({ limits })
      const authorized = deferred<AuthorizeResult>()
      const sockets = [new EmitterSocket(), new EmitterSocket()]
      const openings = []
      for (const socket of sockets) {
        socket.on('message', () => {})
        const { conn } = accept({ socket, manager, authorize: () => authorized.promise })
        openings.push(await beginAwait(conn))
      }
      if (!waits) authorized.resolve({ permissions: 'readwrite' })
      if (!waits) await openings[1]?.outcome

      const frame = Buffer.from('{"type":"unknown"}'.padEnd(1_000))
      for (const [more, socket] of sockets.entries()) {
        for (let bytes = 0; bytes < 66_000; bytes += 1_000) socket.emit('message', frame)
        socket.emit('message', frame.subarray(0, 536 + more))
      }

      expect(sockets.map((socket) => socket.plain.closes)).toEqual([
        [],
        [[4413, 'too many frames wait']],
      ])
      authorized.resolve({ permissions: 'readwrite' })
      const { room } = (await openings[0]?.outcome) ?? {}
      expect(room?.getSessionCount()).toBe(1)
      await manager.closeAll()
    },
  )

  it('[CC7] listens only when awaited, and leaves no listener behind', async () => {
    const count = (socket: EventEmitter) =>
      socket.eventNames().reduce((sum, name) => sum + socket.listenerCount(name), 0)
    const unawaited = new EmitterSocket()
    const awaited = new EmitterSocket()
    const manager = new RoomManager()
    await accept({ socket: unawaited, manager }).conn.ready
    expect(count(unawaited)).toBe(0)

    const { conn } = accept({ socket: awaited, manager })
    const open = await conn
    expect(count(awaited)).toBeGreaterThan(0)
    awaited.on('message', open.onMessage)

    expect(awaited.eventNames()).toEqual(['message'])
    expect(awaited.listenerCount('message')).toBe(1)
    await manager.closeAll()
  })

  it('[CC7] the first forwarded frame takes our listeners away', async () => {
    const socket = new EmitterSocket()
    const { conn, manager } = accept({ socket })
    const open = await conn

    open.onMessage(patchFrame('1'))

    expect(socket.eventNames()).toEqual([])
    await manager.closeAll()
  })

  it('[CC7] a socket that closes before the caller listens is seen', async () => {
    const socket = new EmitterSocket()
    const { conn, manager } = accept({ socket, authorize: () => new Promise<never>(() => {}) })
    const opening = await beginAwait(conn)

    socket.emit('close', 1006, Buffer.alloc(0))

    await expect(opening.outcome).rejects.toBeInstanceOf(ConnectionClosedError)
    await manager.closeAll()
  })

  it('[CC7] a real socket loses nothing to a caller who awaits first', async () => {
    const server = await serve({
      wires: 'after await',
      authorize: async () => {
        await new Promise((resolve) => setImmediate(resolve))
        return { permissions: 'readwrite' }
      },
    })
    const query = 'roomId=room&clientId=ann&token=t'
    const ann = new WsClient('ann', new WebSocket(`${server.url}/?${query}`))
    await ann.opened

    ann.reconnect(0)
    for (let edit = 1; edit <= 50; edit += 1) {
      ann.patch(create('a/Box', { edit }))
      if (edit % 10 === 0) await new Promise((resolve) => setImmediate(resolve))
    }

    const frames = await ann.receives(52)
    expect(frames.slice(0, 2)).toEqual([
      { type: 'clientCount', count: 1 },
      { type: 'synced', timestamp: 0 },
    ])
    expect(frames.slice(2)).toEqual(
      Array.from({ length: 50 }, (_, index) => ({
        type: 'ack',
        messageId: `ann-${index + 1}`,
        timestamp: index + 1,
      })),
    )
  })
})

it('[CC8] a rejection that nobody looks at does not end the process', async () => {
  const ended = await runProgram('refused-connections.mjs')

  expect(ended).toEqual({ code: 0, signal: null, stdout: '4 refused, still here', stderr: '' })
})
