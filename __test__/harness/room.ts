import { onTestFinished } from 'vitest'
import {
  type FrameData,
  type Patch,
  Room,
  type RoomOptions,
  type RoomSnapshot,
  type SessionPermission,
} from '../../index.js'
import { Client } from './client.js'
import { PlainSocket } from './sockets.js'

/** One session on a plain socket, with the messages that its client would send. */
export class Member extends Client {
  readonly sessionId: string

  constructor(
    readonly room: Room,
    readonly clientId: string,
    permissions: SessionPermission = 'readwrite',
    readonly socket = new PlainSocket(),
    metadata?: unknown,
  ) {
    super()
    this.sessionId = room.handleSocketConnect({ socket, clientId, permissions, metadata })
  }

  sendsRaw(data: FrameData): void {
    this.room.handleSocketMessage(this.sessionId, data)
  }

  leave(): void {
    this.room.handleSocketClose(this.sessionId)
  }
}

/** A room and those who joined it. */
export class TestRoom {
  readonly members: Member[] = []

  constructor(readonly room: Room) {}

  join(clientId: string, permissions?: SessionPermission, socket?: PlainSocket): Member {
    const member = new Member(this.room, clientId, permissions, socket)
    this.members.push(member)
    return member
  }

  /** Everybody forgets the frames that came so far. */
  forget(): void {
    for (const member of this.members) member.received()
  }

  get snapshot(): RoomSnapshot {
    return this.room.getSnapshot()
  }

  get state(): RoomSnapshot['state'] {
    return this.snapshot.state
  }

  get clock(): number {
    return this.snapshot.timestamp
  }
}

/** Opens a room that is closed when the test ends. */
export function openRoom(options?: RoomOptions): TestRoom {
  const room = new Room(options)
  onTestFinished(() => room.close({ flush: false }))
  return new TestRoom(room)
}

/** Creates a component: a patch of one key. */
export function create(key: string, fields: Record<string, unknown> = {}): Patch {
  return { [key]: { _exists: true, ...fields } }
}

/** Writes fields of a component: a patch of one key. */
export function update(key: string, fields: Record<string, unknown>): Patch {
  return { [key]: fields }
}

/** Deletes a component: a patch of one key. */
export function remove(key: string): Patch {
  return { [key]: { _exists: false } }
}

/** Has a member edit in every turn of the event loop until the test has finished. */
export function keepEditing(member: Member): void {
  let isWorking = true
  onTestFinished(() => {
    isWorking = false
  })
  const work = () => {
    member.patch(create('a/Box'))
    if (isWorking) setImmediate(work)
  }
  work()
}
