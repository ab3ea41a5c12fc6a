// A client that knows what it was acked and shown, by the names of edits.
import { WebSocket } from 'ws'

/** How long joining may take, in milliseconds. */
const JOIN_MS = 5_000

/** More than a page: a smaller record may still fit into the last page of a file on a full disk. */
const EDIT_BYTES = 10_000

export class Person {
  #socket
  #clientId
  /** @type {() => void} */
  #wake = () => {}
  #isSynced = false
  #isClosed = false
  /** @type {Set<string>} */
  acked = new Set()
  /** @type {Set<string>} */
  shown = new Set()
  /** Where others point at. @type {Map<string, number>} */
  pointers = new Map()

  /**
   * @param {number} port
   * @param {string} clientId
   */
  static async join(port, clientId) {
    const person = new Person(port, clientId)
    const isThere = await person.sees(() => person.#isSynced, JOIN_MS)
    if (!isThere) throw new Error(`${clientId} could not join`)
    return person
  }

  /**
   * @param {number} port
   * @param {string} clientId
   */
  constructor(port, clientId) {
    const query = new URLSearchParams({ roomId: 'room', clientId, token: 'editor' })
    this.#clientId = clientId
    this.#socket = new WebSocket(`ws://127.0.0.1:${port}/?${query}`)
    this.#socket.on('open', () =>
      this.#say({ type: 'reconnect', lastTimestamp: 0, protocolVersion: 2 }),
    )
    this.#socket.on('message', (data) => {
      this.#take(JSON.parse(String(data)))
      this.#wake()
    })
    this.#socket.on('error', () => {})
    this.#socket.on('close', () => {
      this.#isClosed = true
      this.#wake()
    })
  }

  /** @param {unknown} message */
  #say(message) {
    this.#socket.send(JSON.stringify(message))
  }

  /**
   * Writes a component of this name.
   * @param {string} name
   */
  edit(name) {
    const documentPatches = [{ [`${name}/Edit`]: { _exists: true, text: name.padEnd(EDIT_BYTES) } }]
    this.#say({ type: 'patch', messageId: name, documentPatches })
  }

  /** @param {number} x */
  pointAt(x) {
    const ephemeralPatches = [{ [`${this.#clientId}/Pointer`]: { _exists: true, x } }]
    this.#say({ type: 'patch', messageId: `pointer-${x}`, ephemeralPatches })
  }

  leave() {
    this.#socket.terminate()
  }

  /** @param {import('../../index.js').ServerMessage} message */
  #take(message) {
    if (message.type === 'synced') this.#isSynced = true
    if (message.type === 'ack') this.acked.add(message.messageId ?? '')
    if (message.type !== 'patch') return
    for (const key of (message.documentPatches ?? []).flatMap(Object.keys)) {
      this.shown.add(key.replace('/Edit', ''))
    }
    for (const [key, { x }] of (message.ephemeralPatches ?? []).flatMap(Object.entries)) {
      this.pointers.set(key.replace('/Pointer', ''), Number(x))
    }
  }

  /**
   * Waits until the fact is there; `false` when the time is over, or the socket closed.
   * @param {() => boolean} fact
   * @param {number} deadlineMs
   */
  async sees(fact, deadlineMs) {
    const deadline = Date.now() + deadlineMs
    while (!fact()) {
      const left = deadline - Date.now()
      if (left <= 0 || this.#isClosed) return false
      await new Promise((resolve) => {
        const timer = setTimeout(resolve, left)
        this.#wake = () => {
          clearTimeout(timer)
          resolve(undefined)
        }
      })
    }
    return true
  }
}
