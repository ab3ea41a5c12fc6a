import {
  type AuthorizeResult,
  acceptConnection,
  type ConnectionHandlers,
  type FrameData,
  type Room,
  type RoomManager,
  type RoomOptions,
} from '../../index.js'
import { Client } from './client.js'
import { PlainSocket } from './sockets.js'

interface ConnectOptions {
  roomId?: string
  token?: string
  request?: unknown
  socket?: PlainSocket
  authorize?: (info: { token: string }) => AuthorizeResult | Promise<AuthorizeResult>
  roomOptions?: (roomId: string) => RoomOptions
}

/** A client on a plain socket that came in through `acceptConnection`. */
export class Connected extends Client {
  constructor(
    readonly clientId: string,
    readonly socket: PlainSocket,
    readonly handlers: ConnectionHandlers,
    readonly room: Room,
    readonly sessionId: string,
  ) {
    super()
  }

  sendsRaw(data: FrameData): void {
    this.handlers.onMessage(data)
  }

  leave(): void {
    this.handlers.onClose()
  }
}

/** Connects a client with all rights to a room of the manager, unless told otherwise. */
export async function connect(
  manager: RoomManager,
  clientId: string,
  options: ConnectOptions = {},
): Promise<Connected> {
  const { roomId = 'room', token = 'token', request, authorize, roomOptions } = options
  const { socket = new PlainSocket() } = options
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
