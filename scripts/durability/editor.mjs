// Clients that speak the protocol by hand: editors, who keep the ledger of all that their room reveals to them and a replica of
// the document, and readers, who look at a room that was opened again.
import { WebSocket } from 'ws'
import { apply, differences } from './document.mjs'
import { markOf } from './ledger.mjs'

/** @typedef {import('../../index.js').Patch} Patch */
/** @typedef {import('../../index.js').ComponentData} ComponentData */
/** @typedef {import('../../index.js').ServerMessage} ServerMessage */
/** @typedef {import('./ledger.mjs').Edit} Edit */
/** @typedef {import('./random.mjs').Random} Random */

/** How many components the editors of a room share. */
const SHARED_COMPONENTS = 16

/** How many edits of one editor may wait for their ack. */
const WINDOW = 4

/** The longest pause between an ack and the next edit, in milliseconds. */
const LONGEST_PAUSE_MS = 6

/**
 * The address of a room for a client. The token `reader` gives no right to write.
 * @param {{ port: number, roomId: string, clientId: string, token?: string }} where
 */
function addressOf({ port, roomId, clientId, token = 'editor' }) {
  return `ws://127.0.0.1:${port}/?${new URLSearchParams({ roomId, clientId, token })}`
}

export class Editor {
  #ledger
  #random
  #roomId
  #clientId
  /** @type {WebSocket | undefined} */
  #socket
  /** @type {Map<string, Edit>} */
  #unacked = new Map()
  /** @type {string[]} */
  #notes = []
  /** @type {(() => void) | undefined} */
  #onSynced
  #cursor = 0
  #isEditing = false
  /** Settles when the socket is gone and all that it had received was handled. */
  #gone = Promise.resolve()
  /** @type {Map<string, ComponentData>} */
  replica = new Map()

  /**
   * @param {import('./ledger.mjs').Ledger} ledger
   * @param {string} roomId
   * @param {string} clientId
   * @param {Random} random
   */
  constructor(ledger, roomId, clientId, random) {
    this.#ledger = ledger
    this.#roomId = roomId
    this.#clientId = clientId
    this.#random = random
  }

  /**
   * Connects and catches up; settles when it has, or when the socket closed before.
   * @param {number} port
   */
  async connect(port) {
    await this.#gone
    const where = { port, roomId: this.#roomId, clientId: this.#clientId }
    const socket = new WebSocket(addressOf(where), { perMessageDeflate: false })
    this.#socket = socket
    this.#unacked.clear()
    const synced = new Promise((resolve) => {
      this.#onSynced = () => resolve(undefined)
    })
    socket.on('open', () =>
      this.#say({ type: 'reconnect', lastTimestamp: this.#cursor, protocolVersion: 2 }),
    )
    socket.on('message', (data) => this.#take(JSON.parse(String(data))))
    // A killed server resets its sockets; the close that follows is what counts.
    socket.on('error', () => {})
    this.#gone = new Promise((resolve) => socket.on('close', () => resolve(undefined)))
    await Promise.race([synced, this.#gone])
  }

  /** Edits from now on, a few edits at a time, until the socket closes. */
  edit() {
    this.#isEditing = true
    for (let count = 0; count < WINDOW; count += 1) this.#send()
  }

  /** Starts nothing new. */
  rest() {
    this.#isEditing = false
  }

  leave() {
    this.rest()
    this.#socket?.close()
  }

  /** Waits until all that the socket received was handled and it is closed. */
  async gone() {
    this.rest()
    await this.#gone
  }

  /** Cuts the socket. */
  cut() {
    this.rest()
    this.#socket?.terminate()
  }

  get isOpen() {
    return this.#socket?.readyState === WebSocket.OPEN
  }

  /** How many edits wait for their ack. */
  get waiting() {
    return this.#unacked.size
  }

  /** @param {unknown} message */
  #say(message) {
    if (this.isOpen) this.#socket?.send(JSON.stringify(message))
  }

  #send() {
    if (!this.#isEditing || !this.isOpen) return
    const content = this.#draw()
    const edit = this.#ledger.sends(this.#clientId, (n) => {
      const mark = { [markOf(this.#clientId)]: { _exists: true, n } }
      return this.#random.happens(0.5) ? [{ ...content, ...mark }] : [content, mark]
    })
    const messageId = `${this.#clientId}-${edit.number}`
    this.#unacked.set(messageId, edit)
    this.#say({ type: 'patch', messageId, documentPatches: edit.patches })
  }

  /**
   * Draws what to do next.
   * @returns {Patch}
   */
  #draw() {
    const random = this.#random
    const key = `shape-${random.integer(1, SHARED_COMPONENTS)}/Shape`
    const kind = random.fraction()
    // A room's first change creates: `look` sees the tombstones of all later ones.
    if (kind < 0.2 || this.replica.size === 0) return { [key]: this.#shape() }
    if (kind < 0.45) return { [key]: { x: random.fraction(), y: random.fraction() } }
    if (kind < 0.6) return { [key]: { points: this.#delta() } }
    if (kind < 0.75) return { [key]: { text: this.#text(4_000) } }
    if (kind < 0.85) return { [key]: { _exists: false } }
    return this.#note()
  }

  /** All fields, so that a client that was away when the shape was deleted and drawn anew keeps none of the old ones. */
  #shape() {
    const random = this.#random
    const points = Array.from({ length: random.integer(0, 12) }, () => random.integer(0, 99))
    const text = this.#text(300)
    return { _exists: true, x: random.fraction(), y: random.fraction(), text, points }
  }

  #delta() {
    const random = this.#random
    const len = random.integer(1, 12)
    return { __buf: 1, len, runs: [[random.integer(0, len - 1), [random.integer(0, 99), 7]]] }
  }

  /** @param {number} longest */
  #text(longest) {
    return String(this.#random.integer(0, 9)).repeat(this.#random.integer(1, longest))
  }

  /**
   * A note is written once, torn off once, and must never come back.
   * @returns {Patch}
   */
  #note() {
    const [oldest] = this.#notes
    if (oldest !== undefined && (this.#notes.length > 5 || this.#random.happens(0.5))) {
      this.#notes.shift()
      return { [oldest]: { _exists: false } }
    }
    const key = `note-${this.#clientId}-${this.#random.integer(0, 2 ** 32 - 1)}/Note`
    this.#notes.push(key)
    return { [key]: { _exists: true, text: this.#text(40) } }
  }

  /** @param {ServerMessage} message */
  #take(message) {
    switch (message.type) {
      case 'ack':
        return this.#acked(message.messageId ?? '', message.timestamp)
      case 'patch':
        return this.#patched(message)
      case 'synced':
        this.#cursor = Math.max(this.#cursor, message.timestamp)
        return this.#onSynced?.()
      case 'clientCount':
        return undefined
      default:
        this.#ledger.findings.fail(
          `${this.#roomId}: ${this.#clientId} got ${JSON.stringify(message)}`,
        )
        return this.#onSynced?.()
    }
  }

  /**
   * @param {string} messageId
   * @param {number} clock
   */
  #acked(messageId, clock) {
    const edit = this.#unacked.get(messageId)
    if (edit === undefined) {
      this.#ledger.findings.fail(`${this.#roomId}: an ack of ${messageId}, which was not sent`)
      return
    }
    this.#unacked.delete(messageId)
    this.#ledger.acked(edit, clock)
    apply(this.replica, edit.patches)
    this.#cursor = clock
    if (this.#random.happens(0.6)) this.#send()
    else setTimeout(() => this.#send(), this.#random.integer(1, LONGEST_PAUSE_MS))
  }

  /** @param {import('../../index.js').PatchBroadcast} message */
  #patched({ clientId, documentPatches, timestamp }) {
    if (documentPatches === undefined || timestamp === undefined) return
    apply(this.replica, documentPatches)
    this.#cursor = timestamp
    if (clientId === '') return
    const edit = this.#ledger.editOf(clientId, documentPatches)
    if (edit === undefined) {
      this.#ledger.findings.fail(`${this.#roomId}: an edit of ${clientId} that it did not send`)
    } else {
      this.#ledger.shown(edit, timestamp)
    }
  }
}

/**
 * Looks at a room as a client does that knows nothing, and as one that has seen its first change: only that one is sent the
 * tombstones.
 * @param {number} port
 * @param {string} roomId
 * @returns {Promise<import('./ledger.mjs').Found>}
 */
export async function look(port, roomId) {
  const address = addressOf({ port, roomId, clientId: 'reader', token: 'reader' })
  const socket = new WebSocket(address, { perMessageDeflate: false })
  const messages = frames(socket)
  try {
    const fresh = await catchUp(socket, messages, 0)
    const alive = new Map()
    apply(alive, fresh.patches)
    const { clock, patches } = await catchUp(socket, messages, 1)
    const entries = patches.flatMap((patch) => Object.entries(patch))
    const dead = entries.filter(([, data]) => data._exists === false)
    if (clock !== fresh.clock) throw new Error(`${roomId} moved from ${fresh.clock} to ${clock}`)
    return { clock, alive, tombstones: new Set(dead.map(([key]) => key)) }
  } finally {
    socket.terminate()
  }
}

/**
 * @param {WebSocket} socket
 * @param {AsyncGenerator<ServerMessage, never>} messages
 * @param {number} lastTimestamp
 */
async function catchUp(socket, messages, lastTimestamp) {
  if (socket.readyState === WebSocket.CONNECTING) {
    await new Promise((resolve, reject) => socket.on('open', resolve).on('error', reject))
  }
  socket.send(JSON.stringify({ type: 'reconnect', lastTimestamp, protocolVersion: 2 }))
  const patches = []
  for (;;) {
    const { value: message } = await messages.next()
    if (message.type === 'synced') return { clock: message.timestamp, patches }
    if (message.type === 'patch') patches.push(...(message.documentPatches ?? []))
  }
}

/**
 * The frames of a socket from now on; throws when it closes.
 * @param {WebSocket} socket
 * @returns {AsyncGenerator<ServerMessage, never>}
 */
function frames(socket) {
  /** @type {ServerMessage[]} */
  const waiting = []
  let wake = () => {}
  let isClosed = false
  socket.on('message', (data) => {
    waiting.push(JSON.parse(String(data)))
    wake()
  })
  socket.on('error', () => {})
  socket.on('close', () => {
    isClosed = true
    wake()
  })
  const read = async function* () {
    for (;;) {
      const message = waiting.shift()
      if (message !== undefined) yield message
      else if (isClosed) throw new Error('the socket closed')
      else {
        await new Promise((resolve) => {
          wake = () => resolve(undefined)
        })
      }
    }
  }
  return read()
}

/**
 * Says where a replica differs from what a room holds.
 * @param {Editor} editor
 * @param {import('./ledger.mjs').Found} found
 */
export function divergence(editor, found) {
  return differences(editor.replica, found.alive)
}
