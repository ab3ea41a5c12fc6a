// One client of the canvas protocol that edits its shape. It looks at every frame without parsing it: a room gives its changes
// consecutive clocks, and every client learns each of them, from the broadcast or from its ack, so clocks that come
// without a gap say that each patch came, once, and in order; the sum of the times that the senders wrote into them says that they
// are the same patches.
import { frameOf, LeanSocket } from './socket.mjs'

/** `{"type":"` is what all frames begin with; the letter after it tells the kinds apart. */
const KIND_AT = 9
const PATCH = 'p'.charCodeAt(0)
const ACK = 'a'.charCodeAt(0)
const SYNCED = 's'.charCodeAt(0)
const ERROR = 'e'.charCodeAt(0)
const ZERO = '0'.charCodeAt(0)
const NINE = '9'.charCodeAt(0)

/** In a broadcast, what stands between the time that its sender wrote into it and the clock. */
const BETWEEN = '}}],"timestamp":'.length
/** The times have this many digits, always. */
const TIME_DIGITS = 10
export const FIRST_TIME = 10 ** (TIME_DIGITS - 1)

/** This process's clock in microseconds, with as many digits at all times. */
export function now() {
  return FIRST_TIME + Math.floor(performance.now() * 1_000)
}

/**
 * What the clients of a crowd share.
 * @typedef {object} Shared
 * @property {boolean} isSaturating whether each ack is answered with the next patch
 * @property {import('./pace.mjs').Latencies | undefined} latencies
 * @property {((client: string, frame: string) => void) | undefined} listener is shown every frame
 * @property {(error: Error) => void} onError
 * @property {() => number} now
 */

export class Editor {
  #roomId
  #name
  #shared
  #socket = /** @type {LeanSocket | undefined} */ (undefined)
  #synced = () => {}
  #owed = 0
  #readAt = 0
  /** The clock of the newest change that it knows. */
  clock = 0
  sent = 0
  acked = 0
  /** Patches of others that came. */
  received = 0
  /** The sum of the times in the patches that it sent, and in those that came. */
  timesSent = 0
  timesReceived = 0

  /**
   * @param {string} roomId
   * @param {string} name
   * @param {Shared} shared
   */
  constructor(roomId, name, shared) {
    this.#roomId = roomId
    this.#name = name
    this.#shared = shared
  }

  /**
   * Joins as the real client does; resolves when it has caught up.
   * @param {number} port
   */
  async join(port) {
    const roomId = this.#roomId
    const query = new URLSearchParams({ roomId, clientId: this.#name, token: 'editor' })
    const socket = new LeanSocket(port, `/?${query}`, {
      onFrame: (bytes, start, end) => this.#frame(bytes, start, end),
      onReadEnd: () => this.#readEnded(),
      onLost: ({ message }) =>
        this.#shared.onError(new Error(`${roomId}/${this.#name}: ${message}`)),
    })
    this.#socket = socket
    const synced = new Promise((resolve) => {
      this.#synced = () => resolve(undefined)
    })
    await socket.opened
    socket.send('{"type":"reconnect","lastTimestamp":0,"protocolVersion":2}')
    await synced
  }

  create() {
    this.#socket?.write(this.#patch('"_exists":true,'))
  }

  /**
   * Sends so many patches, in one write.
   * @param {number} count
   */
  move(count = 1) {
    const [first, ...others] = Array.from({ length: count }, () => this.#patch(''))
    if (first !== undefined) {
      this.#socket?.write(others.length > 0 ? Buffer.concat([first, ...others]) : first)
    }
  }

  leave() {
    this.#socket?.close()
  }

  get bytesRead() {
    return this.#socket?.bytesRead ?? 0
  }

  /** @param {string} creation */
  #patch(creation) {
    this.sent += 1
    const { sent } = this
    const time = this.#shared.now()
    this.timesSent += time
    const key = shapeKey(this.#name)
    return frameOf(
      `{"type":"patch","messageId":"${this.#name}-${sent}","documentPatches":` +
        `[{"${key}":{${creation}"x":${sent},"y":${sent / 2},"t":${time}}}]}`,
    )
  }

  /**
   * @param {Buffer} bytes
   * @param {number} start
   * @param {number} end
   */
  #frame(bytes, start, end) {
    this.#shared.listener?.(this.#name, bytes.toString('utf8', start, end))
    const kind = bytes[start + KIND_AT]
    if (kind === PATCH) this.#broadcast(bytes, end)
    else if (kind === ACK) this.#ack(bytes, end)
    else if (kind === SYNCED) this.#synced()
    else if (kind === ERROR) this.#shared.onError(new Error(bytes.toString('utf8', start, end)))
  }

  /**
   * @param {Buffer} bytes
   * @param {number} end
   */
  #broadcast(bytes, end) {
    const clockAt = this.#advance(bytes, end)
    this.received += 1
    const timeEnd = clockAt - BETWEEN
    const time = digits(bytes, timeEnd - TIME_DIGITS, timeEnd)
    this.timesReceived += time
    if (this.#readAt === 0) this.#readAt = now()
    this.#shared.latencies?.add(this.#readAt - time)
  }

  /**
   * @param {Buffer} bytes
   * @param {number} end
   */
  #ack(bytes, end) {
    this.#advance(bytes, end)
    this.acked += 1
    if (this.#shared.isSaturating) this.#owed += 1
  }

  /**
   * Reads the clock, the last member of the frame, which must be the next; returns where it begins.
   * @param {Buffer} bytes
   * @param {number} end
   */
  #advance(bytes, end) {
    let at = end - 1
    while (isDigit(bytes[at - 1])) at -= 1
    const clock = digits(bytes, at, end - 1)
    if (clock !== this.clock + 1) {
      const text = `${this.#name} got clock ${clock} after ${this.clock}`
      this.#shared.onError(new Error(text))
    }
    this.clock = clock
    return at
  }

  #readEnded() {
    this.#readAt = 0
    if (this.#owed === 0) return
    const owed = this.#owed
    this.#owed = 0
    this.move(owed)
  }
}

/** @param {string} client */
export function shapeKey(client) {
  return `shape-${client}/Transform`
}

/** @param {number | undefined} byte */
function isDigit(byte) {
  return byte !== undefined && byte >= ZERO && byte <= NINE
}

/**
 * @param {Buffer} bytes
 * @param {number} start
 * @param {number} end
 */
function digits(bytes, start, end) {
  let value = 0
  for (let at = start; at < end; at += 1) value = value * 10 + (bytes[at] ?? ZERO) - ZERO
  return value
}
