import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import {
  type AcceptConnectionOptions,
  acceptConnection,
  ConnectRequestError,
  RoomManager,
  type RoomManagerOptions,
} from '../index.js'
import { eventually } from './harness/server.js'
import { PlainSocket } from './harness/sockets.js'

const LETS_IN = () => ({ permissions: 'readwrite' as const })
const OVER = { code: 'too-many-connections' }

/** A request of Node's, as far as it is looked at. */
const nodeRequest = (headers: Record<string, string> = {}, remoteAddress?: string) => ({
  headers,
  socket: { remoteAddress },
})

/** A door, and those who knock. */
function openDoor(options: RoomManagerOptions = {}) {
  const manager = new RoomManager(options)
  onTestFinished(() => manager.closeAll())
  const authorize = vi.fn(LETS_IN)
  const knock = (knocker: Partial<AcceptConnectionOptions> = {}) => {
    const socket = new PlainSocket()
    const url = '/?roomId=r&clientId=ann&token=t'
    const conn = acceptConnection({ socket, url, manager, authorize, ...knocker })
    return { ...conn, socket }
  }
  const from = (ip: string | undefined, knocker: Partial<AcceptConnectionOptions> = {}) =>
    knock({ maxConnectionsPerIp: 2, ip, ...knocker })
  return { manager, authorize, knock, from }
}

describe('allowedOrigins', () => {
  const allowedOrigins = ['https://app.example', 'http://localhost:5173']

  it.each([
    ['a request of Node', nodeRequest({ origin: 'https://app.example' })],
    ['the other origin', nodeRequest({ origin: 'http://localhost:5173' })],
    ['a Fetch request', { headers: new Headers({ Origin: 'https://app.example', get: 'x' }) }],
    ['a header named get', nodeRequest({ get: 'x', origin: 'https://app.example' })],
  ])('[CC10] lets %s in', async (_, request) => {
    const { knock } = openDoor()

    await expect(knock({ allowedOrigins, request }).ready).resolves.toBeDefined()
  })

  it.each([
    ['another origin', nodeRequest({ origin: 'https://evil.example' })],
    ['another scheme', nodeRequest({ origin: 'http://app.example' })],
    ['another port', nodeRequest({ origin: 'https://app.example:8443' })],
    ['a subdomain', nodeRequest({ origin: 'https://x.app.example' })],
    ['a longer name', nodeRequest({ origin: 'https://app.example.evil.example' })],
    ['another case', nodeRequest({ origin: 'https://App.example' })],
    ['a path', nodeRequest({ origin: 'https://app.example/' })],
    ['null', nodeRequest({ origin: 'null' })],
    ['two headers', nodeRequest({ origin: 'https://app.example, https://app.example' })],
    ['no header', nodeRequest()],
    ['no header of a Fetch request', { headers: new Headers() }],
    ['a list', { headers: { origin: ['https://app.example'] } }],
    ['no headers', {}],
    ['no request', undefined],
    ['a text', 'https://app.example'],
  ])('[CC10] [CC13] refuses %s', async (_, request) => {
    const { knock, manager, authorize } = openDoor()

    const { ready, socket } = knock({ allowedOrigins, request })

    await expect(ready).rejects.toBeInstanceOf(ConnectRequestError)
    await expect(ready).rejects.toMatchObject({ code: 'origin-not-allowed' })
    expect(authorize).not.toHaveBeenCalled()
    expect(manager.getRoomIds()).toEqual([])
    expect(socket.closes).toEqual([])
  })

  it('[CC10] without the option any page may connect; with an empty list none', async () => {
    const { knock } = openDoor()
    const request = nodeRequest({ origin: 'https://app.example' })

    await expect(knock({ request }).ready).resolves.toBeDefined()
    await expect(knock({ request, allowedOrigins: [] }).ready).rejects.toMatchObject({
      code: 'origin-not-allowed',
    })
  })
})

describe('maxConnectionsPerIp', () => {
  it('[CC13] [CC11] refuses the one over it before authorize runs', async () => {
    const { from, authorize, manager } = openDoor()
    await Promise.all([from('192.0.2.1').ready, from('192.0.2.1').ready])
    authorize.mockClear()

    const { ready, socket } = from('192.0.2.1')

    await expect(ready).rejects.toBeInstanceOf(ConnectRequestError)
    await expect(ready).rejects.toMatchObject(OVER)
    expect(authorize).not.toHaveBeenCalled()
    expect(manager.getExistingRoom('r')?.getSessionCount()).toBe(2)
    expect(socket.closes).toEqual([])
    await expect(from('192.0.2.2').ready).resolves.toBeDefined()
  })

  it('[CC11] counts connections that are still being authorized', async () => {
    const { from } = openDoor()
    const authorize = () => new Promise<never>(() => {})
    const hanging = [from('192.0.2.1', { authorize }), from('192.0.2.1', { authorize })]

    await expect(from('192.0.2.1').ready).rejects.toMatchObject(OVER)

    hanging[0]?.onClose()
    await expect(from('192.0.2.1').ready).resolves.toBeDefined()
  })

  it('[CC11] each manager counts its own', async () => {
    const doors = [openDoor(), openDoor()]

    for (const { from } of doors) {
      await Promise.all([from('192.0.2.1').ready, from('192.0.2.1').ready])
      await expect(from('192.0.2.1').ready).rejects.toMatchObject(OVER)
    }
  })

  it('[CC11] does not count connections that were accepted without it', async () => {
    const { knock, from } = openDoor()
    const request = nodeRequest({}, '192.0.2.1')
    await Promise.all([knock({ request }).ready, knock({ request }).ready])

    const counted = Promise.all([from('192.0.2.1').ready, from('192.0.2.1').ready])

    await expect(counted).resolves.toHaveLength(2)
  })

  type Door = ReturnType<typeof openDoor>
  const ends: [string, (door: Door) => Promise<void>][] = [
    [
      'its socket closed',
      async ({ from }) => {
        const conn = from('192.0.2.1')
        await conn.ready
        conn.onClose()
        conn.onClose()
        conn.onError()
      },
    ],
    [
      'its socket failed',
      async ({ from }) => {
        const conn = from('192.0.2.1')
        await conn.ready
        conn.onError()
        conn.onClose()
      },
    ],
    [
      'its session was removed',
      async ({ from }) => {
        const conn = from('192.0.2.1')
        const { room, sessionId } = await conn.ready
        room.handleSocketClose(sessionId)
        conn.onClose()
      },
    ],
    [
      'its frame was refused',
      async ({ from }) => {
        const conn = from('192.0.2.1')
        await conn.ready
        conn.onMessage('null')
        expect(conn.socket.closeCode).toBe(4400)
        conn.onClose()
      },
    ],
    [
      'its send threw',
      async ({ from }) => {
        const conn = from('192.0.2.1')
        await conn.ready
        conn.socket.onSend = () => {
          throw new Error('gone')
        }
        conn.onMessage('{"type":"reconnect","lastTimestamp":0,"protocolVersion":2}')
        conn.onClose()
      },
    ],
    [
      'its room closed',
      async ({ from, manager }) => {
        const conn = from('192.0.2.1')
        await conn.ready
        manager.closeRoom('r')
        conn.onClose()
      },
    ],
    [
      'its URL was none',
      async ({ from }) => {
        const conn = from('192.0.2.1', { url: '/' })
        await expect(conn.ready).rejects.toMatchObject({ code: 'missing-room-id' })
        conn.onClose()
      },
    ],
    [
      'authorize refused',
      async ({ from }) => {
        const authorize = () => Promise.reject(new Error('who are you?'))
        const conn = from('192.0.2.1', { authorize })
        await expect(conn.ready).rejects.toThrow('who are you?')
        conn.onClose()
      },
    ],
    [
      'its room did not open',
      async ({ from }) => {
        const roomOptions = () => {
          throw new Error('no room')
        }
        await expect(from('192.0.2.1', { roomOptions }).ready).rejects.toThrow('no room')
      },
    ],
    [
      'it said too much before it was live',
      async ({ from }) => {
        const conn = from('192.0.2.1', { authorize: () => new Promise<never>(() => {}) })
        conn.onMessage(Buffer.alloc(17 * 1024 * 1024))
        await expect(conn.ready).rejects.toThrow()
        conn.onClose()
      },
    ],
  ]

  it.each(ends)('[CC11] [CC15] a connection counts until %s, and once', async (_, end) => {
    const door = openDoor({ onError: () => {} })
    await door.from('192.0.2.1', { url: '/?roomId=other&clientId=ann&token=t' }).ready

    await end(door)
    await end(door)
    await end(door)

    await door.from('192.0.2.1').ready
    await expect(door.from('192.0.2.1').ready).rejects.toMatchObject(OVER)
  })

  it('[CC11] a refused one takes no place away', async () => {
    const { from } = openDoor()
    const live = [from('192.0.2.1'), from('192.0.2.1')]
    await Promise.all(live.map(({ ready }) => ready))
    const refused = from('192.0.2.1')
    await expect(refused.ready).rejects.toMatchObject(OVER)

    refused.onClose()

    await expect(from('192.0.2.1').ready).rejects.toMatchObject(OVER)
    live[0]?.onClose()
    await expect(from('192.0.2.1').ready).resolves.toBeDefined()
  })
})

describe('addresses', () => {
  it.each([
    ['IPv4 in both forms', ['192.0.2.1', '::ffff:192.0.2.1', '::FFFF:c000:201']],
    [
      'a mapped address written out',
      ['192.0.2.1', '0:0:0:0:0:ffff:c000:0201', '::ffff:192.0.2.1%eth0'],
    ],
    ['a /64', ['2001:db8:0:1::1', '2001:DB8::1:0:0:0:2', '2001:0db8:0000:0001:ffff::']],
    ['a zone', ['fe80::1%eth0', 'fe80::2%eth1', 'fe80::3']],
    ['the loopback', ['::1', '0:0:0:0:0:0:0:1', '::1%lo']],
    ['what is no address', ['unix', 'unix', 'unix']],
  ])('[CC12] %s counts as one', async (_, [first, second, third]) => {
    const { from } = openDoor()
    await Promise.all([from(first).ready, from(second).ready])

    await expect(from(third).ready).rejects.toMatchObject(OVER)
  })

  it.each([
    ['other IPv4 addresses', '192.0.2.1', '192.0.2.2'],
    ['other mapped ones', '::ffff:192.0.2.1', '::ffff:192.0.2.2'],
    ['other networks', '2001:db8:0:1::1', '2001:db8:0:2::1'],
    ['other networks, short', '2001:db8::1', '2001:db8:1::1'],
    ['IPv4 and what looks like it', '192.0.2.1', '::192.0.2.1'],
  ])('[CC12] %s count apart', async (_, one, other) => {
    const { from } = openDoor()
    await Promise.all([from(one).ready, from(one).ready])

    await expect(from(other).ready).resolves.toBeDefined()
  })

  it('[CC12] takes the address of the request, unless told one', async () => {
    const { from } = openDoor()
    const request = nodeRequest({}, '192.0.2.1')
    await Promise.all([from(undefined, { request }).ready, from('192.0.2.1').ready])

    await expect(from(undefined, { request }).ready).rejects.toMatchObject(OVER)
    await expect(from('192.0.2.2', { request }).ready).resolves.toBeDefined()
  })

  it('[CC12] takes the address of the socket where the request has none, as on Bun', async () => {
    const { from } = openDoor()
    const knocker = (remoteAddress: string) => ({
      socket: Object.assign(new PlainSocket(), { remoteAddress }),
      request: { headers: new Headers() },
    })
    const one = () => from(undefined, knocker('192.0.2.1'))
    await Promise.all([one().ready, one().ready])

    await expect(one().ready).rejects.toMatchObject(OVER)
    await expect(from(undefined, knocker('192.0.2.2')).ready).resolves.toBeDefined()
  })

  it.each([
    ['no request', undefined, undefined],
    ['a Fetch request', { headers: new Headers() }, undefined],
    ['a socket that is gone', nodeRequest(), undefined],
    ['an empty address', nodeRequest({}, '192.0.2.1'), ''],
  ])('[CC13] [CC12] %s is refused, and told what is missing', async (_, request, ip) => {
    const { from, authorize } = openDoor()

    const { ready } = from(ip, { request })

    await expect(ready).rejects.toBeInstanceOf(TypeError)
    await expect(ready).rejects.toMatchObject({
      code: 'HEDDLE_INVALID_ARGUMENT',
      message: expect.stringContaining('options.ip'),
    })
    expect(authorize).not.toHaveBeenCalled()
  })

  it('[CC12] a request that throws when it is read refuses, and throws at nobody', async () => {
    const { knock, authorize } = openDoor()
    const request = {
      get headers(): never {
        throw new Error('hostile')
      },
    }

    await expect(knock({ allowedOrigins: ['x'], request }).ready).rejects.toThrow('hostile')
    expect(authorize).not.toHaveBeenCalled()
  })
})

describe('on real sockets', () => {
  it('[CC10] [CC11] [CC13] the door is kept, and opens again', async () => {
    const { manager, authorize } = openDoor()
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
    onTestFinished(() => void server.close())
    server.on('connection', (socket, request) => {
      const conn = acceptConnection({
        socket,
        url: request.url ?? '',
        request,
        manager,
        authorize,
        allowedOrigins: ['https://app.example'],
        maxConnectionsPerIp: 1,
      })
      socket.on('message', conn.onMessage)
      socket.on('close', conn.onClose)
      socket.on('error', conn.onError)
      conn.ready.catch((error) => socket.close(4403, error.code))
    })
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const knock = (origin?: string) => {
      const url = `ws://127.0.0.1:${port}/?roomId=r&clientId=ann&token=t`
      return new WebSocket(url, { ...(origin !== undefined && { origin }) })
    }
    const refusalOf = async (socket: WebSocket) => {
      const [code, reason] = await once(socket, 'close')
      return [code, `${reason}`]
    }

    expect(await refusalOf(knock('https://evil.example'))).toEqual([4403, 'origin-not-allowed'])
    expect(await refusalOf(knock())).toEqual([4403, 'origin-not-allowed'])
    expect(authorize).not.toHaveBeenCalled()
    const ann = knock('https://app.example')
    await once(ann, 'message')
    expect(await refusalOf(knock('https://app.example'))).toEqual([4403, 'too-many-connections'])
    expect(authorize).toHaveBeenCalledOnce()

    ann.terminate()
    await eventually(() => expect(manager.getStats().sessions).toBe(0))
    const back = knock('https://app.example')
    await once(back, 'message')
    expect(manager.getStats().sessions).toBe(1)
    back.terminate()
  })
})

it.each([
  ['allowedOrigins', 'https://app.example'],
  ['allowedOrigins', [/app/]],
  ['allowedOrigins', { 0: 'https://app.example' }],
  ['maxConnectionsPerIp', 0],
  ['maxConnectionsPerIp', 1.5],
  ['maxConnectionsPerIp', '2'],
  ['maxConnectionsPerIp', Number.NaN],
  ['ip', 7],
  ['ip', null],
])('[LC15] throws for %s of the wrong type (%#)', (name, value) => {
  const { knock, authorize } = openDoor()

  expect(() => knock({ [name]: value } as Partial<AcceptConnectionOptions>)).toThrow(
    expect.objectContaining({
      code: 'HEDDLE_INVALID_ARGUMENT',
      message: expect.stringContaining(`options.${name}`),
    }),
  )
  expect(authorize).not.toHaveBeenCalled()
})
