import type { Socket } from 'node:net'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { FakeWs, isJoining, openLine } from './harness/joined-writes.js'
import { create, openRoom } from './harness/room.js'
import { eventually } from './harness/server.js'

/** For what takes the innards of `ws`: the one that Bun brings along has none. */
const itOnNode: typeof it | (() => void) = process.versions.bun === undefined ? it : () => {}

const onLoopback = { host: '127.0.0.1', port: 0 }

describe('ws', () => {
  const put: [where: string, openSpiedLine: () => ReturnType<typeof spiedLine>][] = [
    [
      'on the socket',
      () =>
        spiedLine(WebSocket, (socket, spy) => Object.assign(socket, { send: spy(socket.send) })),
    ],
    [
      'in a class of its own',
      () =>
        spiedLine(class extends WebSocket {}, (socket, spy) => {
          const prototype = Object.getPrototypeOf(socket)
          prototype.send = spy(prototype.send)
        }),
    ],
    [
      'into the class of ws',
      () =>
        spiedLine(WebSocket, (_socket, spy) => {
          const { send } = WebSocket.prototype
          WebSocket.prototype.send = spy(send)
          onTestFinished(() => {
            WebSocket.prototype.send = send
          })
        }),
    ],
  ]

  type Send = WebSocket['send']

  async function spiedLine(
    kind: typeof WebSocket,
    replace: (socket: WebSocket, spy: (send: Send) => Send) => void,
  ) {
    const line = await openLine(new WebSocketServer({ ...onLoopback, WebSocket: kind }))
    const seen: unknown[] = []
    replace(
      line.socket,
      (send) =>
        function (this: WebSocket, ...args: unknown[]) {
          seen.push(args[0])
          return Reflect.apply(send, this, args)
        },
    )
    return { line, seen }
  }

  it.each(put)(
    '[CC16] has a send that a user put before its own see each text: %s',
    async (_where, openSpiedLine) => {
      const { line, seen } = await openSpiedLine()

      const texts = [line.say(200), line.say(201, 'é')]

      expect(await line.reads(2)).toEqual(texts)
      expect(seen).toEqual(texts)
    },
  )

  itOnNode('[CC16] has a send that a proxy makes up see each text', async () => {
    const room = openRoom()
    const seen: string[] = []
    const send = (text: string) => seen.push(text)
    const made = Object.assign(Object.create(null), new FakeWs(), { close: () => {} })
    const socket = new Proxy(made, {
      get: (target, name) => (name === 'send' ? send : target[name]),
    })

    room.join('ann', 'readwrite', socket)
    await new Promise(setImmediate)

    expect(seen).toEqual(['{"type":"clientCount","count":1}'])
    expect(room.room.getSessionCount()).toBe(1)
  })

  it('[CC3] [CC16] has a send that throws end the session', async () => {
    vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    const line = await openLine()
    line.socket.send = () => {
      throw new Error('metered')
    }

    line.say(200)

    await eventually(() => expect(line.room.getSessionCount()).toBe(0))
  })

  const changes: [what: string, change: (ws: FakeWs) => void][] = [
    ['it masks', (ws) => Object.assign(ws, { _isServer: false })],
    ['it has an extension', (ws) => Object.assign(ws, { extensions: 'permessage-deflate' })],
    ['there is no sender', (ws) => Object.assign(ws, { _sender: undefined, send: sender(ws) })],
    ['there is no queue', (ws) => Object.assign(ws._sender, { _queue: undefined })],
    ['the queue is no array', (ws) => Object.assign(ws._sender, { _queue: { length: 0 } })],
    ['something is queued', (ws) => Object.assign(ws._sender, { _queue: [[]] })],
    ['it compresses', (ws) => Object.assign(ws._sender, { _state: 1 })],
    [
      'it compresses, in older versions',
      (ws) => Object.assign(ws._sender, { _state: undefined, _deflating: true }),
    ],
    [
      'it does not tell whether it compresses',
      (ws) => Object.assign(ws._sender, { _state: undefined }),
    ],
    ['a message is under way', (ws) => Object.assign(ws._sender, { _firstFragment: false })],
    [
      'it does not tell whether one is',
      (ws) => Object.assign(ws._sender, { _firstFragment: undefined }),
    ],
    ['the sender has another socket', (ws) => Object.assign(ws._sender, { _socket: {} })],
    [
      'there is no socket',
      (ws) => {
        ws._socket = undefined
        ws._sender._socket = undefined
      },
    ],
    [
      'the socket is none of node:net',
      (ws) => {
        ws._socket = { writable: true, write: () => true } as unknown as Socket
        ws._sender._socket = ws._socket
      },
    ],
    ['the socket has ended', (ws) => ws._socket?.end()],
    ['the socket is destroyed', (ws) => ws._socket?.destroy()],
    [
      'the socket’s write is another',
      (ws) => Object.assign(ws._socket ?? {}, { write: () => true }),
    ],
    ['the send is another', (ws) => Object.assign(ws, { send: sender(ws) })],
    [
      'the send stands elsewhere',
      (ws) => Object.assign(ws, { send: FakeWs.prototype.send.bind(ws) }),
    ],
  ]

  function sender(ws: FakeWs) {
    return (text: string) => ws.sent.push(text)
  }

  itOnNode('[CC16] is written past its send where it is as it was known to be', async () => {
    const { ws, say } = await openFake()

    const texts = [say(1), say(2)]
    await new Promise(setImmediate)

    const bytes = Buffer.concat(ws.written)
    expect(ws.sent).toEqual(isJoining ? [] : texts)
    const framed = texts.flatMap((text) => [Buffer.from([0x81, text.length]), Buffer.from(text)])
    expect(bytes).toEqual(isJoining ? Buffer.concat(framed) : Buffer.alloc(0))
  })

  for (const [what, change] of changes) {
    itOnNode(`[CC16] gets each text through its send where ${what}`, async () => {
      const { ws, say } = await openFake()
      change(ws)

      const texts = [say(1), say(2)]
      await new Promise(setImmediate)

      expect(ws.sent).toEqual(texts)
      expect(ws.written).toEqual([])
    })
  }

  /** A room with one session on a fake socket. */
  async function openFake() {
    const room = openRoom()
    const ws = new FakeWs()
    room.join('ann', 'readwrite', ws as never)
    room.members[0]?.sendsRaw('{"type":"reconnect","lastTimestamp":0,"protocolVersion":2}')
    await new Promise(setImmediate)
    ws.sent.length = 0
    ws.written.length = 0
    let edits = 0
    return {
      ws,
      say(x: number): string {
        edits += 1
        room.room.applyPatch(create('a/B', { x }))
        return `{"type":"patch","clientId":"","documentPatches":[{"a/B":{"_exists":true,"x":${x}}}],"timestamp":${edits}}`
      },
    }
  }
})
