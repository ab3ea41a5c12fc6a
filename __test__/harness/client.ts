import type {
  FrameData,
  Patch,
  PatchRequest,
  ReconnectRequest,
  ServerMessage,
} from '../../index.js'
import type { PlainSocket } from './sockets.js'

/** What a client says, however its frames reach the room. */
export abstract class Client {
  abstract readonly clientId: string
  abstract readonly socket: PlainSocket
  #messages = 0

  /** Sends a frame as it is. */
  abstract sendsRaw(data: FrameData): void

  /** Sends an edit of the document; message ids count up: `bob-1`, `bob-2`. */
  patch(...documentPatches: Patch[]): void {
    this.send({ documentPatches })
  }

  /** Sends presence alone. */
  presence(...ephemeralPatches: Patch[]): void {
    this.send({ ephemeralPatches })
  }

  /** Sends a `patch` of any content. */
  send(content: Partial<PatchRequest>): void {
    this.#messages += 1
    this.says({ type: 'patch', messageId: `${this.clientId}-${this.#messages}`, ...content })
  }

  /** Sends the `reconnect` of a client that knows the document up to `lastTimestamp`. */
  reconnect(lastTimestamp: number, content: Partial<ReconnectRequest> = {}): void {
    this.says({ type: 'reconnect', lastTimestamp, protocolVersion: 2, ...content })
  }

  refresh(token: string): void {
    this.says({ type: 'auth-refresh', token })
  }

  /** Sends any JSON value. */
  says(message: unknown): void {
    this.sendsRaw(JSON.stringify(message))
  }

  /** Gives the frames that came since the last call. */
  received(): ServerMessage[] {
    return this.socket.received()
  }
}
