import {
  type AuthorizeResult,
  acceptConnection,
  type ConnectionHandlers,
  type FrameData,
  type Patch,
  type PatchRequest,
  type ReconnectRequest,
  type Room,
  type RoomManager,
  type RoomOptions,
  type ServerMessage,
} from '../../index.js'
import { PlainSocket } from './sockets.js'

interface ConnectOptions {
  roomId?: string
  token?: string
  request?: unknown
  authorize?: (info: { token: string }) => AuthorizeResult | Promise<AuthorizeResult>
  roomOptions?: (roomId: string) => RoomOptions
}

/** A client on a plain socket that came in through `acceptConnection`. */
export class Connected {
  #messages = 0

  constructor(
    readonly clientId: string,
    readonly socket: PlainSocket,
    readonly handlers: ConnectionHandlers,
    readonly room: Room,
    readonly sessionId: string,
  ) {}

  patch(...documentPatches: Patch[]): void {
    this.send({ documentPatches })
  }

  presence(...ephemeralPatches: Patch[]): void {
    this.send({ ephemeralPatches })
  }

  /** Sends a `patch` of any content; message ids count up: `bob-1`, `bob-2`. */
  send(content: Partial<PatchRequest>): void {
    this.#messages += 1
    this.says({ type: 'patch', messageId: `${this.clientId}-${this.#messages}`, ...content })
  }

  reconnect(lastTimestamp: number, content: Partial<ReconnectRequest> = {}): void {
    this.says({ type: 'reconnect', lastTimestamp, protocolVersion: 2, ...content })
  }

  refresh(token: string): void {
    this.says({ type: 'auth-refresh', token })
  }

  says(message: unknown): void {
    this.sendsRaw(JSON.stringify(message))
  }

  sendsRaw(data: FrameData): void {
    this.handlers.onMessage(data)
  }

  leave(): void {
    this.handlers.onClose()
  }

  received(): ServerMessage[] {
    return this.socket.received()
  }
}

/** Connects a client with all rights to a room of the manager, unless told otherwise. */
export async function connect(
  manager: RoomManager,
  clientId: string,
  { roomId = 'room', token = 'token', request, authorize, roomOptions }: ConnectOptions = {},
): Promise<Connected> {
  const socket = new PlainSocket()
  const query = new URLSearchParams({ roomId, clientId, token })
  const conn = acceptConnection({
    socket,
    url: `/?${query}`,
    request,
    manager,
    authorize: authorize ?? (() => ({ permissions: 'readwrite' })),
    ...(roomOptions && { roomOptions }),
  })
  const { room, sessionId } = await conn.ready
  return new Connected(clientId, socket, conn, room, sessionId)
}
