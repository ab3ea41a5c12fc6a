// A room with sessions in it, whose frames can be kept and counted.
import { FakeSocket } from './sockets.mjs'

/** @typedef {import('./sides.mjs').Side} Side */
/** @typedef {{ socket: FakeSocket, sessionId: string, clientId: string }} Member */

export class Company {
  members = /** @type {Member[]} */ ([])

  /**
   * @param {Side} side
   * @param {import('./sides.mjs').Room} room
   */
  constructor(side, room) {
    this.side = side
    this.room = room
  }

  /**
   * @param {string} clientId
   * @param {FakeSocket} socket
   */
  join(clientId, socket = new FakeSocket()) {
    const sessionId = this.room.handleSocketConnect({ socket, clientId, permissions: 'readwrite' })
    const member = { socket, sessionId, clientId }
    this.members.push(member)
    return member
  }

  /**
   * @param {Member} member
   * @param {string | Buffer} frame
   */
  hand(member, frame) {
    this.side.hand(this.room, member.sessionId, frame)
  }

  /** @param {Member} member */
  leave(member) {
    this.room.handleSocketClose(member.sessionId)
    this.members.splice(this.members.indexOf(member), 1)
  }

  received() {
    return this.members.reduce((sum, { socket }) => sum + socket.count, 0)
  }

  /**
   * Keeps what everybody is sent while this runs.
   * @param {() => unknown} talk
   */
  async witness(talk) {
    for (const { socket } of this.members) socket.kept = []
    await talk()
    await new Promise((resolve) => setImmediate(resolve))
    const frames = Object.fromEntries(
      this.members.map(({ socket, clientId }) => [clientId, socket.kept ?? []]),
    )
    for (const { socket } of this.members) socket.kept = null
    return { frames, state: this.room.getSnapshot() }
  }
}
