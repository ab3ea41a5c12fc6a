import { once } from 'node:events'
import { Socket } from 'node:net'
import { onTestFinished } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { Room, type RoomOptions, type WebSocketLike } from '../../index.js'
import { create } from './room.js'
import { eventually } from './server.js'

/** Whether what a turn has for a `ws` socket leaves past `ws`: the `ws` that Bun brings along is of another kind. */
export const isJoining =
  process.versions.bun === undefined && !process.env.HEDDLE_WITHOUT?.includes('joined-writes')

/** The innards of a `ws` socket that are relied on. */
export interface Innards {
  _socket: Socket
  _sender: { sendFrame(...args: unknown[]): unknown }
}

/** Counts the writes to the system that a `ws` socket makes from now on. */
export function countWrites(ws: object): () => number {
  const { _socket } = ws as Innards
  let writes = 0
  const { _write, _writev } = _socket
  _socket._write = function (...args) {
    writes += 1
    return _write.apply(this, args)
  }
  if (_writev !== undefined && _writev !== null) {
    _socket._writev = function (...args) {
      writes += 1
      return _writev.apply(this, args)
    }
  }
  return () => writes
}

/** Counts the frames that `ws` itself makes for a socket from now on. */
export function countFramesOfWs(ws: object): () => number {
  const { _sender } = ws as Innards
  let frames = 0
  const { sendFrame } = _sender
  _sender.sendFrame = function (...args) {
    frames += 1
    return sendFrame.apply(this, args)
  }
  return () => frames
}

/** One `ws` socket of a room, and what its peer reads. */
export class Line {
  /** The messages that the peer has read, those that came while it joined left out. */
  readonly read: string[] = []

  constructor(
    readonly room: Room,
    /** The server's end. */
    readonly socket: WebSocket,
    readonly peer: WebSocket,
  ) {
    peer.on('message', (data) => this.read.push(String(data)))
  }

  /** Has the room say a text of this length in bytes; gives the text. */
  say(bytes: number, letter = 'x'): string {
    const [before, after] = JSON.stringify(patchOf('|', this.#clock + 1)).split('|')
    const room = bytes - `${before}${after}`.length
    const size = Buffer.byteLength(letter)
    const text = letter.repeat(Math.floor(room / size)) + 'x'.repeat(room % size)
    this.room.applyPatch(create('a/T', { t: text }))
    this.#clock += 1
    return `${before}${text}${after}`
  }

  #clock = 0

  /** Waits for as many messages. */
  async reads(count: number): Promise<string[]> {
    await eventually(() => {
      if (this.read.length < count) throw new Error(`${this.read.length} of ${count} came`)
    })
    return this.read
  }
}

function patchOf(t: string, timestamp: number) {
  const documentPatches = [create('a/T', { t })]
  return { type: 'patch', clientId: '', documentPatches, timestamp }
}

/** Opens a room with one session, on a `ws` socket of a server that the test may have made. */
export async function openLine(
  wss = new WebSocketServer({ host: '127.0.0.1', port: 0 }),
  connect = (port: number) => new WebSocket(`ws://127.0.0.1:${port}`),
  options?: RoomOptions,
): Promise<Line> {
  const { server } = wss.options
  if (wss.address() === null) await once(server ?? wss, 'listening')
  const room = new Room(options)
  const { port } = (server ?? wss).address() as { port: number }
  const peer = connect(port)
  onTestFinished(() => {
    room.close({ flush: false })
    peer.terminate()
    wss.close()
    server?.close()
  })
  const [[socket]] = await Promise.all([once(wss, 'connection'), once(peer, 'open')])
  const sessionId = room.handleSocketConnect({ socket, clientId: 'ann', permissions: 'readwrite' })
  socket.on('message', (data: Buffer) => room.handleSocketMessage(sessionId, String(data)))
  socket.on('close', () => room.handleSocketClose(sessionId))
  socket.on('error', () => room.handleSocketError(sessionId))
  const line = new Line(room, socket, peer)
  peer.send('{"type":"reconnect","lastTimestamp":0,"protocolVersion":2}')
  await eventually(() => {
    if (!line.read.at(-1)?.includes('synced')) throw new Error('not live yet')
  })
  line.read.length = 0
  return line
}

/** A socket with the innards of `ws`, over a socket that keeps what is written. */
export class FakeWs implements WebSocketLike {
  readyState = 1
  extensions = ''
  bufferedAmount = 0
  _isServer = true
  /** The texts that went through `send`. */
  readonly sent: string[] = []
  /** What was written past it. */
  readonly written: Buffer[] = []
  _socket: Socket | undefined = Object.assign(new Socket(), {
    _write: (chunk: string | Buffer, encoding: BufferEncoding, done: () => void) => {
      this.written.push(Buffer.from(chunk as string, encoding))
      done()
    },
  })
  _sender: Record<string, unknown> & { send(text: string): void } = {
    _queue: [],
    _state: 0,
    _firstFragment: true,
    _socket: this._socket,
    send: (text) => this.sent.push(text),
  }

  // Looks as that of `ws` does, and stands where that does.
  send(text: string): void {
    this._sender.send(text)
  }

  setSocket(): void {}

  close(): void {}
}
