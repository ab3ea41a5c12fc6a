// One client of the comparison: it joins, moves, and hears where others are.
import { moveOf, positionOf } from '../dialects/dialect.mjs'
import { frameOf, LeanSocket } from './socket.mjs'

/** @typedef {{ index: number, sequence: number, at: number }} Sight a move of another client, and when it came */

export class Member {
  #mover
  #socket = /** @type {LeanSocket | undefined} */ (undefined)
  #joined = /** @type {(() => void) | undefined} */ (undefined)
  #kept = /** @type {{ frame: Buffer, at: number }[] | undefined} */ (undefined)
  /** The last move of each other client that it has read of, by index. */
  #shapes = /** @type {Map<number, number>} */ (new Map())
  #cursors = /** @type {Map<number, number>} */ (new Map())
  /** When it sent each of its moves; they are numbered from 1 on. */
  sentAt = [0]
  /** The first of its moves that counts. */
  firstMove = 1

  /**
   * @param {import('../dialects/dialect.mjs').Mover} mover
   * @param {number} index
   */
  constructor(mover, index) {
    this.#mover = mover
    this.index = index
  }

  /**
   * @param {number} port
   * @param {(error: Error) => void} onLost
   */
  async join(port, onLost) {
    const socket = new LeanSocket(port, this.#mover.path, {
      onFrame: (bytes, start, end) => this.#frame(bytes, start, end),
      onLost,
    })
    this.#socket = socket
    const joined = new Promise((resolve) => {
      this.#joined = () => resolve(undefined)
    })
    await socket.opened
    this.#say(this.#mover.greet())
    await joined
  }

  create() {
    this.#tick(this.#mover.create)
  }

  move() {
    this.#tick(this.#mover.move)
  }

  /** Counts its moves from now on. */
  begin() {
    this.firstMove = this.sentAt.length
  }

  /** Keeps what comes from now on, to be read later. */
  keep() {
    this.#kept ??= []
  }

  /** Forgets what it kept, and keeps nothing more. */
  forget() {
    this.#kept = undefined
  }

  /**
   * Reads what it kept so far; gives the moves of shapes, in order.
   * @returns {Sight[]}
   */
  read() {
    const kept = this.#kept ?? []
    if (kept.length > 0) this.#kept = []
    return kept.flatMap(({ frame, at }) => {
      const { shapes, cursors } = this.#mover.read(frame)
      for (const { index, sequence } of cursors.map(moveOf)) this.#cursors.set(index, sequence)
      return shapes.map(moveOf).map(({ index, sequence }) => {
        this.#shapes.set(index, sequence)
        return { index, sequence, at }
      })
    })
  }

  /**
   * Whether it knows where this one's shape and cursor are now.
   * @param {Member} other
   */
  sees({ index, sentAt }) {
    const last = sentAt.length - 1
    return this.#shapes.get(index) === last && this.#cursors.get(index) === last
  }

  leave() {
    this.#socket?.close()
  }

  get bytesRead() {
    return this.#socket?.bytesRead ?? 0
  }

  /** @param {(x: number) => import('../dialects/dialect.mjs').Payload[]} act */
  #tick(act) {
    const frames = act(positionOf(this.index, this.sentAt.length))
    this.sentAt.push(performance.now())
    this.#say(frames)
  }

  /** @param {import('../dialects/dialect.mjs').Payload[]} payloads */
  #say(payloads) {
    const [first, ...others] = payloads.map((payload) => frameOf(payload))
    if (first !== undefined) {
      this.#socket?.write(others.length > 0 ? Buffer.concat([first, ...others]) : first)
    }
  }

  /**
   * @param {Buffer} bytes
   * @param {number} start
   * @param {number} end
   */
  #frame(bytes, start, end) {
    if (this.#joined !== undefined) this.#joining(bytes.subarray(start, end))
    else this.#kept?.push({ frame: Buffer.from(bytes.subarray(start, end)), at: performance.now() })
  }

  /** @param {Buffer} frame */
  #joining(frame) {
    const answer = this.#mover.hear(frame)
    if (answer !== undefined) {
      this.#say(answer)
      return
    }
    this.#joined?.()
    this.#joined = undefined
  }
}
