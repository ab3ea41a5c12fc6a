// A client that edits its room at a rate, or as fast as it is acked, and takes the time of every ack.
import { WebSocket } from 'ws'

/** How many edits may wait for their ack where no rate is asked for. */
const WINDOW = 8

/** How many components it edits. */
const COMPONENTS = 1_000

export class LoadClient {
  #url
  /** @type {WebSocket | undefined} */
  #socket
  #sent = 0
  #isSaturating = false
  /** @type {Map<string, number>} */
  #sentAt = new Map()
  /** @type {NodeJS.Timeout | undefined} */
  #timer
  /** From edit to ack, in milliseconds. */
  latencies = /** @type {number[]} */ ([])

  /**
   * @param {number} port
   * @param {string} roomId
   */
  constructor(port, roomId) {
    const query = new URLSearchParams({ roomId, clientId: `load-${roomId}`, token: 'editor' })
    this.#url = `ws://127.0.0.1:${port}/?${query}`
  }

  /** @param {number} lastTimestamp what it says it knows */
  async join(lastTimestamp = 0) {
    const socket = new WebSocket(this.#url, { maxPayload: 2 ** 30 })
    this.#socket = socket
    await new Promise((resolve, reject) => {
      socket.on('error', reject)
      socket.on('close', () => reject(new Error('the server closed the socket')))
      socket.on('open', () =>
        socket.send(JSON.stringify({ type: 'reconnect', lastTimestamp, protocolVersion: 2 })),
      )
      socket.on('message', (data) => {
        const message = JSON.parse(String(data))
        if (message.type === 'synced') resolve(undefined)
        if (message.type === 'ack') this.#acked(message.messageId)
      })
    })
  }

  /**
   * Edits from now on.
   * @param {number | undefined} editsPerSecond as fast as it is acked without one
   */
  start(editsPerSecond) {
    if (editsPerSecond === undefined) {
      this.#isSaturating = true
      for (let waiting = 0; waiting < WINDOW; waiting += 1) this.#send()
      return
    }
    // Clients of the same rate do not send in the same instant.
    const started = performance.now() - (Math.random() * 1_000) / editsPerSecond
    const before = this.#sent
    this.#timer = setInterval(
      () => {
        const due = ((performance.now() - started) / 1_000) * editsPerSecond
        while (this.#sent - before < due) this.#send()
      },
      Math.random() * 3 + 2,
    )
  }

  rest() {
    this.#isSaturating = false
    clearInterval(this.#timer)
  }

  leave() {
    this.rest()
    this.#socket?.terminate()
  }

  /** Forgets what it measured. */
  forget() {
    this.latencies = []
  }

  #send() {
    this.#sent += 1
    const messageId = String(this.#sent)
    const key = `shape-${this.#sent % COMPONENTS}/Shape`
    const documentPatches = [{ [key]: { _exists: true, x: this.#sent } }]
    this.#sentAt.set(messageId, performance.now())
    this.#socket?.send(JSON.stringify({ type: 'patch', messageId, documentPatches }))
  }

  /** @param {string} messageId */
  #acked(messageId) {
    const sentAt = this.#sentAt.get(messageId)
    if (sentAt !== undefined) this.latencies.push(performance.now() - sentAt)
    this.#sentAt.delete(messageId)
    if (this.#isSaturating) this.#send()
  }
}
