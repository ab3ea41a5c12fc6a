// The same conversation with heddle and with the peer.
import * as peer from '@woven-ecs/canvas-store-server'
import type { Patch, ServerMessage } from '../../index.js'
import * as heddle from '../../index.js'
import { PlainSocket } from './sockets.js'

/** What both servers offer and a conversation needs. */
export interface Server {
  handleSocketConnect(options: {
    socket: PlainSocket
    clientId: string
    permissions: 'readonly' | 'readwrite'
  }): string
  handleSocketMessage(sessionId: string, data: string): void
  handleSocketClose(sessionId: string): void
  getSnapshot(): heddle.RoomSnapshot
}

/** A room of one of the servers, and the sockets that ever joined it, by session name. */
export class Side {
  readonly #sockets = new Map<string, PlainSocket>()
  readonly #sessionIds = new Map<string, string>()

  constructor(readonly room: Server) {}

  join(session: string, clientId = session, permissions: 'readonly' | 'readwrite' = 'readwrite') {
    const socket = new PlainSocket()
    this.#sockets.set(session, socket)
    this.#sessionIds.set(session, this.room.handleSocketConnect({ socket, clientId, permissions }))
  }

  says(session: string, message: unknown) {
    this.saysText(session, JSON.stringify(message))
  }

  saysText(session: string, text: string) {
    this.room.handleSocketMessage(this.#sessionIds.get(session) ?? '', text)
  }

  patch(session: string, ...documentPatches: Patch[]) {
    this.says(session, { type: 'patch', messageId: `${session}-m`, documentPatches })
  }

  presence(session: string, ...ephemeralPatches: Patch[]) {
    this.says(session, { type: 'patch', messageId: `${session}-p`, ephemeralPatches })
  }

  reconnect(session: string, lastTimestamp: number, content: object = {}) {
    this.says(session, { type: 'reconnect', lastTimestamp, protocolVersion: 2, ...content })
  }

  leave(session: string) {
    this.room.handleSocketClose(this.#sessionIds.get(session) ?? '')
  }

  /** The frames that a session got since the last look. */
  received(session: string): ServerMessage[] {
    return this.#sockets.get(session)?.received() ?? []
  }

  closed(session: string): boolean {
    return (this.#sockets.get(session)?.closes.length ?? 0) > 0
  }

  forget() {
    for (const socket of this.#sockets.values()) socket.texts()
  }

  /** The frames of everybody since the last look. */
  everything(): Record<string, ServerMessage[]> {
    return Object.fromEntries([...this.#sockets].map(([name, socket]) => [name, socket.received()]))
  }
}

type Grant = { permissions: 'readonly' | 'readwrite' }
export type Refresh = (room: unknown, info: { token: string }) => Promise<Grant>

export function bothSides(onTokenRefresh?: Refresh): { ours: Side; theirs: Side } {
  const options = onTokenRefresh ? { onTokenRefresh } : {}
  return { ours: new Side(new heddle.Room(options)), theirs: new Side(new peer.Room(options)) }
}

/** Runs the same conversation on both sides and gives what `session` got in the end. */
export function frames(session: string, talk: (side: Side) => void) {
  const { ours, theirs } = bothSides()
  talk(ours)
  talk(theirs)
  return { ours: ours.received(session), theirs: theirs.received(session) }
}

export const create = (key: string, fields: object = {}): Patch => ({
  [key]: { _exists: true, ...fields },
})
