import { describe, expect, it } from 'vitest'
import { acceptConnection, Room, RoomManager } from '../index.js'
import { countWrites } from './harness/joined-writes.js'
import { create, openRoom, update } from './harness/room.js'
import { eventually, serve } from './harness/server.js'
import { PlainSocket } from './harness/sockets.js'
import { ScriptedStorage } from './harness/stores.js'

const onBun = process.versions.bun !== undefined

describe('plain sockets', () => {
  it('[CC4] get their frames inside the call that caused them', () => {
    const room = openRoom()
    const ann = room.join('ann')
    const bob = room.join('bob')
    expect(ann.received()).toHaveLength(2)
    expect(bob.received()).toHaveLength(1)

    ann.patch(create('a/Box'))
    expect([ann.received().length, bob.socket.texts()]).toEqual([
      1,
      [
        '{"type":"patch","clientId":"ann","documentPatches":[{"a/Box":{"_exists":true}}],"timestamp":1}',
      ],
    ])

    room.room.applyPatch(update('a/Box', { x: 1 }))
    expect([ann.received().length, bob.received().length]).toEqual([1, 1])

    bob.leave()
    expect(ann.received()).toEqual([{ type: 'clientCount', count: 1 }])
  })

  it('[CC4] [PA8] get what follows a catch-up of many megabytes behind it', async () => {
    const room = openRoom()
    for (let index = 0; index < 40; index += 1) {
      room.room.applyPatch(create(`${index}/Text`, { text: 'x'.repeat(100_000) }))
    }
    const ann = room.join('ann')
    const bob = room.join('bob')
    room.forget()

    bob.reconnect(0)
    ann.patch(create('after/Box'))
    bob.patch(create('last/Box'))

    const frames: { type: string; timestamp?: number; documentPatches?: object[] }[] = []
    await eventually(() => {
      frames.push(...(bob.received() as never[]))
      if (frames.at(-1)?.type !== 'ack') throw new Error('not all frames came')
    })
    const known = Object.assign({}, ...frames.flatMap((frame) => frame.documentPatches ?? []))
    expect(Object.keys(known)).toHaveLength(41)
    expect(frames.slice(-2)).toEqual([
      { type: 'synced', timestamp: 41 },
      { type: 'ack', messageId: 'bob-1', timestamp: 42 },
    ])
    const catchUps = frames.slice(0, -2)
    expect(catchUps.at(-1)).toMatchObject({ timestamp: 41 })
    for (const frame of catchUps.slice(0, -1)) expect(frame.timestamp).toBe(0)
  })

  it('[CC2] are closed without arguments by a room that closes', () => {
    const room = openRoom()
    const ann = room.join('ann')
    const bob = room.join('bob', 'readonly')

    room.room.close()

    expect(ann.socket.closes).toEqual([[]])
    expect(bob.socket.closes).toEqual([[]])
  })

  it('[CC1] are closed with 4450 by a room that does not load', async () => {
    const manager = new RoomManager({ onError: () => {} })
    const storage = new ScriptedStorage({ load: () => Promise.reject(new Error('gone')) })
    const room = new Room({ storage, onError: () => {} })
    const socket = new PlainSocket()
    const loading = room.load()
    room.handleSocketConnect({ socket, clientId: 'ann', permissions: 'readwrite' })

    await expect(loading).rejects.toThrow('gone')

    expect(socket.closeCode).toBe(4450)
    await manager.closeAll()
  })

  it('[CC3] whose send throws are closed and removed, and the others are served', () => {
    const errors: unknown[] = []
    const left: unknown[] = []
    const room = openRoom({
      onError: (error, { sessionId }) => errors.push([error, sessionId]),
      onSessionRemoved: (_room, info) => left.push(info),
    })
    const ann = room.join('ann')
    const broken = room.join('broken')
    const bob = room.join('bob')
    broken.presence(create('broken/Cursor'))
    room.forget()
    const failure = new Error('not connected')
    broken.socket.onSend = () => {
      throw failure
    }

    ann.patch(create('a/Box'))
    ann.patch(update('a/Box', { x: 1 }))

    expect(broken.socket.closes).toHaveLength(1)
    expect(errors).toEqual([[failure, broken.sessionId]])
    expect(left).toEqual([{ sessionId: broken.sessionId, remaining: 2 }])
    expect(bob.received()).toMatchObject([
      { type: 'patch', clientId: 'ann', timestamp: 1 },
      { type: 'patch', clientId: 'broken', ephemeralPatches: [{ 'broken/Cursor': {} }] },
      { type: 'clientCount', count: 2 },
      { type: 'patch', clientId: 'ann', timestamp: 2 },
    ])
    expect(ann.received()).toMatchObject([
      { type: 'ack', timestamp: 1 },
      { type: 'patch', clientId: 'broken' },
      { type: 'clientCount', count: 2 },
      { type: 'ack', timestamp: 2 },
    ])
  })

  it('[CC3] that all throw leave an empty room', () => {
    const room = openRoom({ onError: () => {} })
    const members = ['ann', 'bob', 'cleo'].map((clientId) => room.join(clientId))
    for (const { socket } of members) {
      socket.onSend = () => {
        throw new Error('not connected')
      }
    }

    room.room.applyPatch(create('a/Box'))

    expect(room.room.getSessionCount()).toBe(0)
    expect(members.map(({ socket }) => socket.closes.length)).toEqual([1, 1, 1])
  })

  it('[CC3] that throw when they join are gone again', () => {
    const room = openRoom({ onError: () => {} })
    const socket = new PlainSocket()
    socket.onSend = () => {
      throw new Error('not connected')
    }

    room.join('ann', 'readwrite', socket)

    expect(room.room.getSessionCount()).toBe(0)
    expect(socket.closes).toHaveLength(1)
  })

  it('[CC3] that throw when they are answered are closed and removed', () => {
    const errors: unknown[] = []
    const room = openRoom({ onError: (error, { sessionId }) => errors.push([error, sessionId]) })
    const ann = room.join('ann')
    const bob = room.join('bob')
    room.forget()
    const failure = new Error('not connected')
    ann.socket.onSend = () => {
      throw failure
    }

    ann.patch(create('a/Box'))

    expect(errors).toEqual([[failure, ann.sessionId]])
    expect(ann.socket.closes).toHaveLength(1)
    expect(bob.received()).toMatchObject([{ type: 'patch' }, { type: 'clientCount', count: 1 }])
  })

  it('[CC3] whose close throws harm nobody', () => {
    const errors: unknown[] = []
    const room = openRoom({ onError: (error) => errors.push(error) })
    const ann = room.join('ann')
    const bob = room.join('bob')
    ann.socket.close = () => {
      throw new Error('closed already')
    }

    ann.sendsRaw('hello')
    expect(() => room.room.close()).not.toThrow()

    expect(room.room.getSessionCount()).toBe(0)
    expect(bob.socket.closes).toEqual([[]])
  })

  it('[CC3] whose send or close gives a promise that rejects are told of', async () => {
    const errors: unknown[] = []
    const room = openRoom({ onError: (error) => errors.push(error) })
    const ann = room.join('ann')
    const bob = room.join('bob')
    const [unsent, unclosed] = [new Error('not sent'), new Error('not closed')]
    ann.socket.send = () => Promise.reject(unsent)
    bob.socket.close = () => Promise.reject(unclosed)

    room.room.applyPatch(create('a/Box'))
    await eventually(() => expect(errors).toEqual([unsent]))
    room.room.close()
    await eventually(() => expect(errors).toEqual([unsent, unclosed]))

    expect(ann.socket.closes).toHaveLength(1)
  })

  it('[CC3] that close themselves inside close are removed once', () => {
    const left: unknown[] = []
    const room = openRoom({ onSessionRemoved: (_room, info) => left.push(info) })
    const ann = room.join('ann')
    ann.socket.close = () => ann.leave()

    ann.sendsRaw('hello')

    expect(left).toEqual([{ sessionId: ann.sessionId, remaining: 0 }])
  })
})

describe('real sockets', () => {
  it('[CC5] [PA8] get everything in order', async () => {
    const server = await serve()
    const ann = await server.connect('ann')
    const bob = await server.connect('bob')
    ann.reconnect(0)
    bob.reconnect(0)
    await eventually(() => expect(bob.frames.at(-1)?.type).toBe('synced'))
    ann.forget()
    bob.forget()

    for (let edit = 1; edit <= 300; edit += 1) {
      ann.patch(create('a/Box', { edit }))
      bob.patch(create('b/Box', { edit }))
    }

    for (const client of [ann, bob]) {
      const frames = await client.receives(600)
      const clocks = frames.map((frame) => 'timestamp' in frame && frame.timestamp)
      expect(clocks).toEqual(Array.from({ length: 600 }, (_unused, index) => index + 1))
      expect(frames.filter(({ type }) => type === 'ack')).toHaveLength(300)
    }
  })

  it('[CC5] get what waits before their close', async () => {
    const server = await serve()
    const ann = await server.connect('ann')
    const bob = await server.connect('bob')
    ann.reconnect(0)
    bob.reconnect(0)
    await eventually(() => expect(bob.frames.at(-1)?.type).toBe('synced'))
    bob.forget()
    const [{ room } = { room: new Room() }] = server.connections

    for (let edit = 1; edit <= 5; edit += 1) room.applyPatch(create('a/Box', { edit }))
    room.close()

    await eventually(() => expect(bob.closed).toBeDefined())
    expect(await bob.receives(5)).toMatchObject([1, 2, 3, 4, 5].map((timestamp) => ({ timestamp })))
  })

  it('[CC1] [LM1] [CC5] get the error of a refused frame, then the code', async () => {
    const server = await serve()
    const ann = await server.connect('ann')
    const bob = await server.connect('bob')
    ann.forget()
    bob.forget()

    ann.ws.send('hello')

    await eventually(() => expect(ann.closed?.code).toBe(4400))
    expect(await ann.receives(1)).toMatchObject([{ type: 'error', code: 'bad-json' }])
    expect(await bob.receives(1)).toEqual([{ type: 'clientCount', count: 1 }])
  })

  it('[CC1] get 4401 for a refused token', async () => {
    const server = await serve({
      authorize: ({ token }) => {
        if (token === 'expired') throw new Error('expired')
        return { permissions: 'readwrite' }
      },
    })
    const ann = await server.connect('ann')

    ann.says({ type: 'auth-refresh', token: 'expired' })

    await eventually(() => expect(ann.closed?.code).toBe(4401))
  })

  it('[CC3] that are cut leave the room', async () => {
    const server = await serve()
    const ann = await server.connect('ann')
    const bob = await server.connect('bob')
    bob.forget()

    ann.ws.terminate()

    expect(await bob.receives(1)).toEqual([{ type: 'clientCount', count: 1 }])
  })

  it('[CV8] may send binary frames of JSON', async () => {
    const server = await serve()
    const ann = await server.connect('ann')
    ann.forget()

    ann.ws.send(
      new TextEncoder().encode(
        JSON.stringify({ type: 'patch', messageId: 'm', documentPatches: [create('a/Box')] }),
      ),
    )

    expect(await ann.receives(1)).toEqual([{ type: 'ack', messageId: 'm', timestamp: 1 }])
  })

  it('[LM2] may send 16 MiB', async () => {
    const server = await serve()
    const ann = await server.connect('ann')
    const bob = await server.connect('bob')
    bob.reconnect(0)
    await eventually(() => expect(bob.frames.at(-1)?.type).toBe('synced'))
    ann.forget()
    bob.forget()

    ann.patch(create('a/Text', { text: 'x'.repeat(16_000_000) }))

    expect(await ann.receives(1)).toEqual([{ type: 'ack', messageId: 'ann-1', timestamp: 1 }])
    const [frame] = await bob.receives(1)
    expect(JSON.stringify(frame).length).toBeGreaterThan(16_000_000)
  })

  it('[LC6] [CC2] are closed by closeAll', async () => {
    const server = await serve()
    const ann = await server.connect('ann')
    const bob = await server.connect('bob', { roomId: 'other' })

    await server.manager.closeAll()

    await eventually(() => expect([ann.closed?.code, bob.closed?.code]).toEqual([1005, 1005]))
    expect(server.manager.getRoomIds()).toEqual([])
  })
})

async function writesOfOneTurn(): Promise<void> {
  const server = await serve()
  const ann = await server.connect('ann')
  ann.reconnect(0)
  await eventually(() => expect(ann.frames.at(-1)?.type).toBe('synced'))
  ann.forget()
  const [socket] = server.sockets
  const [{ room } = { room: new Room() }] = server.connections
  const writes = countWrites(socket ?? {})

  for (let edit = 1; edit <= 50; edit += 1) room.applyPatch(create('a/Box', { edit }))
  expect(writes()).toBe(0)

  expect(await ann.receives(50)).toHaveLength(50)
  expect(writes()).toBe(1)
}

async function writesToSocketsThatCompress(): Promise<void> {
  const socket = Object.assign(new PlainSocket(), {
    readyState: 1,
    extensions: 'permessage-deflate',
    _isServer: true,
    _socket: {},
    _sender: {},
  })
  const room = openRoom()

  room.join('ann', 'readwrite', socket)

  expect(socket.received()).toEqual([{ type: 'clientCount', count: 1 }])
}

/** What the tests need of Bun, which has no types here. */
interface BunRuntime {
  serve(options: {
    port: number
    fetch(
      request: Request,
      server: { upgrade(request: Request, options: object): boolean },
    ): unknown
    websocket: Record<string, (ws: BunSocket, data: string | Uint8Array) => unknown>
  }): { port: number; stop(force: boolean): Promise<void> }
}

interface BunSocket {
  data: { url: string; conn?: ReturnType<typeof acceptConnection> }
  send(data: string): void
  close(): void
}

async function servedByBun(): Promise<void> {
  const { Bun } = globalThis as unknown as { Bun: BunRuntime }
  const manager = new RoomManager()
  const server = Bun.serve({
    port: 0,
    fetch: (request, upgrader) =>
      upgrader.upgrade(request, { data: { url: request.url } })
        ? undefined
        : new Response('no', { status: 400 }),
    websocket: {
      open: (ws) => {
        ws.data.conn = acceptConnection({
          socket: ws,
          url: ws.data.url,
          manager,
          authorize: () => ({ permissions: 'readwrite' }),
        })
      },
      message: (ws, data) => ws.data.conn?.onMessage(data),
      close: (ws) => ws.data.conn?.onClose(),
    },
  })
  const open = async (clientId: string) => {
    const frames: unknown[] = []
    const ws = new WebSocket(`ws://127.0.0.1:${server.port}/?roomId=r&clientId=${clientId}&token=t`)
    ws.addEventListener('message', ({ data }) => frames.push(JSON.parse(data)))
    await new Promise((resolve) => ws.addEventListener('open', resolve))
    ws.send(JSON.stringify({ type: 'reconnect', lastTimestamp: 0, protocolVersion: 2 }))
    await eventually(() => expect(frames.at(-1)).toMatchObject({ type: 'synced' }))
    return { ws, frames }
  }
  const ann = await open('ann')
  const bob = await open('bob')
  const seen = bob.frames.length

  for (let edit = 1; edit <= 100; edit += 1) {
    const documentPatches = [create('a/Box', { edit })]
    ann.ws.send(JSON.stringify({ type: 'patch', messageId: `${edit}`, documentPatches }))
  }

  await eventually(() => expect(bob.frames.length).toBe(seen + 100))
  expect(bob.frames.at(-1)).toEqual({
    type: 'patch',
    clientId: 'ann',
    documentPatches: [{ 'a/Box': { _exists: true, edit: 100 } }],
    timestamp: 100,
  })
  bob.ws.close()
  await eventually(() => expect(ann.frames.at(-1)).toEqual({ type: 'clientCount', count: 1 }))
  ann.ws.close()
  await manager.closeAll()
  await server.stop(true)
}

/** `ws` has its own innards on Node, and is made of Bun's sockets on Bun. */
const OF_THIS_RUNTIME: [title: string, run: () => Promise<void>][] = onBun
  ? [['[CC5] Bun’s own server is served', servedByBun]]
  : [
      ['[CC5] a ws socket is written once per turn of the event loop', writesOfOneTurn],
      ['[CC5] a ws socket that compresses is sent to at once', writesToSocketsThatCompress],
    ]

describe('the runtime’s sockets', () => {
  it.each(OF_THIS_RUNTIME)('%s', async (_title, run) => {
    await run()
    expect.hasAssertions()
  })
})
