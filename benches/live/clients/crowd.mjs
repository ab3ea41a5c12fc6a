// The clients of one server under test: rooms of editors, what they do in a slice, and whether they got what they should.
import { Editor, FIRST_TIME, now, shapeKey } from './editor.mjs'
import { Latencies, pace, sleep, until, watchProcessor } from './pace.mjs'

/**
 * @typedef {{ rooms: number, perRoom: number }} Layout
 * @typedef {{ window: number } | { rate: number }} Load
 *
 * What the clients saw of a slice.
 * @typedef {object} Seen
 * @property {number} patches that were sent
 * @property {number} frames broadcasts and acks, all of them counted and in order
 * @property {number} framesPerSecond
 * @property {number} bytes
 * @property {number} p50Ms from send to receipt at another client
 * @property {number} p99Ms
 * @property {number} clientsLoad how much of a core the clients used
 */

export class Crowd {
  #port
  #rooms = /** @type {Editor[][]} */ ([])
  #editors = /** @type {Editor[]} */ ([])
  #failure = /** @type {Error | undefined} */ (undefined)
  #shared = /** @type {import('./editor.mjs').Shared} */ ({
    isSaturating: false,
    latencies: undefined,
    listener: undefined,
    now,
    onError: (error) => {
      this.#failure ??= error
    },
  })

  /**
   * @param {number} port
   * @param {Layout} layout
   */
  constructor(port, { rooms, perRoom }) {
    this.#port = port
    this.#rooms = Array.from({ length: rooms }, (_, room) =>
      Array.from(
        { length: perRoom },
        (_, client) => new Editor(roomName(room), nameOf(client), this.#shared),
      ),
    )
    this.#editors = this.#rooms.flat()
  }

  /** Joins everybody and lets each create its shape. The first of a room comes alone: the peer opens a room twice for two. */
  async join() {
    const port = this.#port
    for (const [first] of this.#rooms) await this.#sound(first?.join(port))
    for (const [, ...others] of this.#rooms) {
      await this.#sound(Promise.all(others.map((editor) => editor.join(port))))
    }
    for (const editor of this.#editors) editor.create()
    await this.#settled()
  }

  /**
   * Lets the editors of the first room edit one after the other; gives all frames that each of them got, in order.
   * @returns {Promise<Record<string, string[]>>}
   */
  async rehearse() {
    /** @type {Record<string, string[]>} */
    const frames = {}
    this.#shared.listener = (client, frame) => {
      frames[client] = [...(frames[client] ?? []), frame]
    }
    this.#shared.now = () => FIRST_TIME
    for (const editor of this.#rooms[0] ?? []) {
      editor.move(2)
      await this.#settled()
    }
    this.#shared.now = now
    this.#shared.listener = undefined
    return frames
  }

  /**
   * @param {Load} load
   * @param {number} ms
   * @returns {Promise<Seen>}
   */
  async run(load, ms) {
    const before = this.#count()
    const usedByClients = watchProcessor()
    const latencies = new Latencies()
    this.#shared.latencies = latencies
    const started = performance.now()

    if ('rate' in load) await this.#pace(load.rate, ms)
    else await this.#saturate(load.window, ms)

    const inTime = this.#count().frames - before.frames
    const seconds = (performance.now() - started) / 1_000
    const clientsLoad = usedByClients()
    await this.#settled()
    this.#shared.latencies = undefined
    const after = this.#count()
    return {
      patches: after.patches - before.patches,
      frames: after.frames - before.frames,
      framesPerSecond: inTime / seconds,
      bytes: after.bytes - before.bytes,
      p50Ms: latencies.percentile(0.5),
      p99Ms: latencies.percentile(0.99),
      clientsLoad,
    }
  }

  /** A client that comes last must be told of every shape where its editor put it last. */
  async check() {
    for (const [index, room] of this.#rooms.entries()) {
      const shapes = await this.#sound(this.#catchUp(index))
      for (const [client, editor] of room.entries()) {
        const x = shapes[shapeKey(nameOf(client))]?.x
        if (x !== editor.sent) throw new Error(`room ${index}: shape ${client} is at ${x}`)
      }
    }
  }

  leave() {
    for (const editor of this.#editors) editor.leave()
  }

  /**
   * @param {number} rate
   * @param {number} ms
   */
  async #pace(rate, ms) {
    const editors = this.#editors
    await pace({ count: editors.length, rate, ms, send: (index) => editors[index]?.move() })
  }

  /**
   * @param {number} window
   * @param {number} ms
   */
  async #saturate(window, ms) {
    this.#shared.isSaturating = true
    for (const editor of this.#editors) editor.move(window)
    await sleep(ms)
    this.#shared.isSaturating = false
  }

  /**
   * The document as a newcomer gets it.
   * @param {number} room
   */
  async #catchUp(room) {
    /** @type {Record<string, { x?: number }>} */
    const document = {}
    const newcomer = new Editor(roomName(room), 'newcomer', {
      ...this.#shared,
      listener(_, frame) {
        const { type, documentPatches = [] } = JSON.parse(frame)
        if (type === 'patch') Object.assign(document, ...documentPatches)
      },
      onError: () => {},
    })
    await newcomer.join(this.#port)
    newcomer.leave()
    return document
  }

  #count() {
    const count = { patches: 0, frames: 0, bytes: 0 }
    for (const { sent, received, acked, bytesRead } of this.#editors) {
      count.patches += sent
      count.frames += received + acked
      count.bytes += bytesRead
    }
    return count
  }

  /** Resolves when everybody got everything. */
  async #settled() {
    const isSettled = () =>
      this.#failure !== undefined ||
      this.#rooms.every((room) => {
        const sent = room.reduce((sum, editor) => sum + editor.sent, 0)
        return room.every(({ acked, received }) => acked + received === sent)
      })
    await until(isSettled, () => this.#missing())
    if (this.#failure) throw this.#failure
    for (const room of this.#rooms) compareTimes(room)
  }

  #missing() {
    const counts = this.#editors.map(({ sent, acked, received }) => `${sent}/${acked}/${received}`)
    return `not all patches came (sent/acked/received): ${counts.slice(0, 60).join(' ')}`
  }

  /**
   * Waits for what may never come once a connection is lost.
   * @template T
   * @param {Promise<T> | undefined} promise
   * @returns {Promise<T>}
   */
  async #sound(promise) {
    let isDone = false
    const result = Promise.resolve(promise).finally(() => {
      isDone = true
    })
    result.catch(() => {})
    await until(
      () => isDone || this.#failure !== undefined,
      () => 'the server does not answer',
    )
    if (this.#failure) throw this.#failure
    return /** @type {Promise<T>} */ (result)
  }
}

/**
 * What came to each must be what all others sent.
 * @param {Editor[]} room
 */
function compareTimes(room) {
  const all = room.reduce((sum, { timesSent }) => sum + timesSent, 0)
  for (const { timesSent, timesReceived } of room) {
    if (timesReceived !== all - timesSent) throw new Error('patches came that nobody sent')
  }
}

/** @param {number} room */
function roomName(room) {
  return `room-${room}`
}

/** @param {number} client */
function nameOf(client) {
  return `c${client}`
}
