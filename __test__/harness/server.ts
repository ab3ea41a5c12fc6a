import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { onTestFinished, vi } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import {
  type AuthorizeResult,
  acceptConnection,
  type ConnectionHandlers,
  type OpenConnection,
  type PatchRequest,
  type ReconnectRequest,
  RoomManager,
  type RoomManagerOptions,
  type ServerMessage,
} from '../../index.js'

/** How long a test waits for a fact, in milliseconds. */
const DEADLINE_MS = 5_000

/** Waits until the callback throws no more; fails with what it threw last. */
export function eventually<T>(check: () => T | Promise<T>): Promise<T> {
  return vi.waitFor(check, { timeout: DEADLINE_MS, interval: 2 })
}

export interface ServeOptions extends RoomManagerOptions {
  authorize?: (info: {
    clientId: string
    token: string
  }) => AuthorizeResult | Promise<AuthorizeResult>
  port?: number
  /** When a socket's events are forwarded: at once, or when `await acceptConnection` is through. */
  wires?: 'at once' | 'after await'
}

/** A `ws` server on loopback that lets everybody in, unless told otherwise. */
export class TestServer {
  readonly manager: RoomManager
  readonly #wss: WebSocketServer
  readonly #clients: { roomId: string; client: WsClient }[] = []
  /** The sockets that came, in order; closed ones stay. */
  readonly sockets: WebSocket[] = []
  readonly #clientIds = new Map<WebSocket, string | null>()
  /** The connections that are or were live, in order. */
  readonly connections: OpenConnection[] = []

  constructor(
    wss: WebSocketServer,
    { authorize, port: _port, wires = 'at once', ...options }: ServeOptions,
  ) {
    this.manager = new RoomManager(options)
    this.#wss = wss
    wss.on('connection', (socket, request) => {
      this.sockets.push(socket)
      const { searchParams } = new URL(request.url ?? '', this.url)
      this.#clientIds.set(socket, searchParams.get('clientId'))
      const conn = acceptConnection({
        socket,
        url: request.url ?? '',
        manager: this.manager,
        authorize: authorize ?? (() => ({ permissions: 'readwrite' })),
      })
      if (wires === 'at once') forward(socket, conn)
      conn.then(
        (open) => {
          if (wires === 'after await') forward(socket, open)
          this.connections.push(open)
        },
        () => socket.close(4403, 'refused'),
      )
    })
  }

  get port(): number {
    return (this.#wss.address() as AddressInfo).port
  }

  get url(): string {
    return `ws://127.0.0.1:${this.port}`
  }

  /**
   * Connects a client that says what it is told to, and no more. When it is there, everybody in its
   * room who was connected this way has heard of it.
   */
  async connect(clientId: string, { roomId = 'room', token = 'token' } = {}): Promise<WsClient> {
    const query = new URLSearchParams({ roomId, clientId, token })
    const client = new WsClient(clientId, new WebSocket(`${this.url}/?${query}`))
    const neighbours = this.#clients.filter((other) => other.roomId === roomId)
    this.#clients.push({ roomId, client })
    await client.opened
    await eventually(() => {
      const count = this.manager.getExistingRoom(roomId)?.getSessionCount()
      for (const { client: member } of [...neighbours, { client }]) {
        if (member.closed === undefined && member.count !== count) throw new Error('not live yet')
      }
    })
    return client
  }

  /** Drops the sockets of some clients, or all, without a goodbye, as a network that fails does. */
  cut(...clientIds: string[]): void {
    for (const [socket, clientId] of this.#clientIds) {
      if (clientIds.length === 0 || clientIds.includes(`${clientId}`)) socket.terminate()
    }
  }

  /** Saves all rooms and frees the port. */
  async stop(): Promise<void> {
    await this.manager.closeAll()
    this.cut()
    await new Promise((resolve) => this.#wss.close(resolve))
  }
}

function forward(socket: WebSocket, conn: ConnectionHandlers): void {
  socket.on('message', conn.onMessage)
  socket.on('close', conn.onClose)
  socket.on('error', conn.onError)
}

/** Serves until the test ends. */
export async function serve(options: ServeOptions = {}): Promise<TestServer> {
  const wss = new WebSocketServer({ host: '127.0.0.1', port: options.port ?? 0 })
  await once(wss, 'listening')
  const server = new TestServer(wss, options)
  let stopped: Promise<void> | undefined
  const stop = server.stop.bind(server)
  server.stop = () => {
    stopped ??= stop()
    return stopped
  }
  onTestFinished(() => server.stop())
  return server
}

/** The client's end of a real socket. */
export class WsClient {
  readonly opened: Promise<unknown>
  /** Every frame so far. */
  readonly frames: ServerMessage[] = []
  /** How the socket closed; `undefined` while it is open. */
  closed: { code: number; reason: string } | undefined
  #taken = 0
  #messages = 0

  constructor(
    readonly clientId: string,
    readonly ws: WebSocket,
  ) {
    this.opened = once(ws, 'open')
    ws.on('message', (data) => this.frames.push(JSON.parse(String(data))))
    ws.on('close', (code, reason) => {
      this.closed = { code, reason: String(reason) }
    })
  }

  /** How many are in the room, as far as this client has heard. */
  get count(): number | undefined {
    return this.frames.findLast((frame) => frame.type === 'clientCount')?.count
  }

  send(content: Partial<PatchRequest>): void {
    this.#messages += 1
    this.says({ type: 'patch', messageId: `${this.clientId}-${this.#messages}`, ...content })
  }

  patch(...documentPatches: NonNullable<PatchRequest['documentPatches']>): void {
    this.send({ documentPatches })
  }

  presence(...ephemeralPatches: NonNullable<PatchRequest['ephemeralPatches']>): void {
    this.send({ ephemeralPatches })
  }

  reconnect(lastTimestamp: number, content: Partial<ReconnectRequest> = {}): void {
    this.says({ type: 'reconnect', lastTimestamp, protocolVersion: 2, ...content })
  }

  says(message: unknown): void {
    this.ws.send(JSON.stringify(message))
  }

  /** Waits for so many frames beyond those taken before, and takes them. */
  async receives(count: number): Promise<ServerMessage[]> {
    await eventually(() => {
      const there = this.frames.length - this.#taken
      if (there < count) throw new Error(`${there} of ${count} frames came`)
    })
    const frames = this.frames.slice(this.#taken, this.#taken + count)
    this.#taken += count
    return frames
  }

  /** Forgets what came so far. */
  forget(): void {
    this.#taken = this.frames.length
  }
}
