// Clients of a server in another process who edit as fast as they are acked. Every edit carries a token of its own.
import { WebSocket } from 'ws'

/** How many edits of one client may wait for their ack. */
const WINDOW = 3

/** How long an edit may wait for its ack, in milliseconds. */
const DEADLINE_MS = 20_000

/** An edit's message id, which is its token too. */
function tokenOf(/** @type {number} */ number) {
  return `token-${number}-`
}

export class Conversation {
  #port
  #rooms
  /** @type {WebSocket[]} */
  #sockets = []
  #sent = 0
  acked = 0
  /** @type {Set<string>} */
  tokens = new Set()
  #goal = 0
  #done = () => {}

  /**
   * @param {number} port
   * @param {number} rooms how many; two clients are in each
   */
  constructor(port, rooms) {
    this.#port = port
    this.#rooms = rooms
  }

  async join() {
    for (let room = 0; room < this.#rooms; room += 1) {
      for (const name of ['ann', 'bob']) await this.#connect(`room-${room}`, `${name}-${room}`)
    }
  }

  /**
   * @param {string} roomId
   * @param {string} clientId
   */
  async #connect(roomId, clientId) {
    const query = new URLSearchParams({ roomId, clientId, token: 'editor' })
    const socket = new WebSocket(`ws://127.0.0.1:${this.#port}/?${query}`)
    this.#sockets.push(socket)
    await new Promise((resolve, reject) => {
      socket.on('error', reject)
      socket.on('close', (code) => reject(new Error(`the server closed a socket (${code})`)))
      socket.on('open', () => {
        const message = { type: 'reconnect', lastTimestamp: 0, protocolVersion: 2 }
        socket.send(JSON.stringify(message))
      })
      socket.on('message', (data) => {
        const { type } = JSON.parse(String(data))
        if (type === 'synced') resolve(undefined)
        if (type === 'ack') this.#acked(socket)
      })
    })
  }

  /**
   * Sends so many edits from all clients; settles when all are acked, or when the time for an ack is over.
   * @param {number} count
   */
  async edit(count) {
    this.#goal = this.#sent + count
    await new Promise((resolve) => {
      const deadline = setTimeout(resolve, DEADLINE_MS)
      this.#done = () => {
        clearTimeout(deadline)
        resolve(undefined)
      }
      for (const socket of this.#sockets) {
        for (let waiting = 0; waiting < WINDOW; waiting += 1) this.#send(socket)
      }
    })
  }

  /** @param {WebSocket} socket */
  #send(socket) {
    if (this.#sent >= this.#goal) return
    this.#sent += 1
    const token = tokenOf(this.#sent)
    this.tokens.add(token)
    const documentPatches = [
      { [`shape-${this.#sent % 50}/Shape`]: { _exists: true, text: token, x: this.#sent } },
    ]
    socket.send(JSON.stringify({ type: 'patch', messageId: token, documentPatches }))
  }

  /** @param {WebSocket} socket */
  #acked(socket) {
    this.acked += 1
    if (this.acked >= this.#goal) this.#done()
    else this.#send(socket)
  }

  leave() {
    for (const socket of this.#sockets) socket.terminate()
  }
}

/**
 * Has clients join a server's rooms, edit and leave, and the server close.
 * @param {import('./server-process.mjs').ServerProcess} server
 * @param {{ rooms: number, edits: number }} options
 * @returns {Promise<Conversation>}
 */
export async function converse(server, { rooms, edits }) {
  const conversation = new Conversation(await server.serve(), rooms)
  await conversation.join()
  await conversation.edit(edits)
  conversation.leave()
  server.tell('close')
  await server.exited
  return conversation
}
