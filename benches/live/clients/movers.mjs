// The clients of one server in the comparison, whatever its protocol. While time is taken they only count what comes; a few
// witnesses keep their frames as they are and read them afterwards. Then everybody moves once more, and reads everybody.
import { dialects } from '../dialects/dialect.mjs'
import { Member } from './member.mjs'
import { Latencies, pace, until, watchProcessor } from './pace.mjs'

/** Clients that keep all that they get, in each room, and altogether. */
const WITNESSES_PER_ROOM = 2
const WITNESSES = 10

/**
 * @typedef {object} Paced
 * @property {number} seconds
 * @property {number} clientsLoad how much of a core the clients used
 *
 * @typedef {object} Agreed
 * @property {number} delivered moves that reached another client, from the run on
 * @property {number} bytes that reached the clients, from the run on
 * @property {number} p50Ms
 * @property {number} p99Ms
 */

export class Movers {
  #port
  #rooms
  #members
  #failure = /** @type {Error | undefined} */ (undefined)
  #before = { delivered: 0, bytes: 0 }

  /**
   * @param {number} port
   * @param {import('../dialects/dialect.mjs').Dialect} dialect
   * @param {import('./crowd.mjs').Layout} layout
   */
  constructor(port, dialect, { rooms, perRoom }) {
    this.#port = port
    this.#rooms = Array.from({ length: rooms }, (_, room) =>
      Array.from(
        { length: perRoom },
        (_, index) => new Member(dialect(`room-${room}`, index), index),
      ),
    )
    this.#members = this.#rooms.flat()
  }

  /**
   * @param {{ subject: string, port: number, layout: import('./crowd.mjs').Layout }} order
   */
  static async joined({ subject, port, layout }) {
    const dialect = await dialects[subject]?.()
    if (dialect === undefined) throw new Error(`nobody speaks to ${subject}`)
    const movers = new Movers(port, dialect, layout)
    await movers.#join()
    return movers
  }

  /**
   * @param {number} rate
   * @param {number} ms
   * @returns {Promise<Paced>}
   */
  async run(rate, ms) {
    this.#before = this.#count()
    for (const member of this.#members) member.begin()
    for (const { member } of this.#witnesses()) member.keep()
    const usedByClients = watchProcessor()
    const started = performance.now()
    await this.#everyone(rate, ms, (member) => member.move())
    const seconds = (performance.now() - started) / 1_000
    const paced = { seconds, clientsLoad: usedByClients() }
    this.#throwIfLost()
    return paced
  }

  /**
   * Lets everybody move once more, and waits until everybody sees everybody where they are. The witnesses must have seen each
   * move, once and in order.
   * @returns {Promise<Agreed>}
   */
  async agree() {
    const witnesses = this.#witnesses()
    const sights = new Map(witnesses.map(({ member }) => [member, member.read()]))
    await this.#moveOnce((member) => member.move(), sights)
    const latencies = new Latencies()
    for (const { member, room } of witnesses) {
      for (const { sentAt, at } of inOrder(member, room, sights.get(member) ?? [])) {
        latencies.add((at - sentAt) * 1_000)
      }
    }
    const { delivered, bytes } = this.#count()
    return {
      delivered: delivered - this.#before.delivered,
      bytes: bytes - this.#before.bytes,
      p50Ms: latencies.percentile(0.5),
      p99Ms: latencies.percentile(0.99),
    }
  }

  leave() {
    for (const member of this.#members) member.leave()
  }

  /** The first of a room comes alone: the peer opens a room twice for two. */
  async #join() {
    const join = (/** @type {Member} */ member) =>
      member.join(this.#port, (error) => {
        this.#failure ??= error
      })
    let isDone = false
    const everyone = async () => {
      for (const [first] of this.#rooms) if (first !== undefined) await join(first)
      for (const [, ...others] of this.#rooms) await Promise.all(others.map(join))
      isDone = true
    }
    everyone().catch((error) => {
      this.#failure ??= error
    })
    await this.#until(() => isDone, 'not everybody could join')
    await this.#moveOnce((member) => member.create())
  }

  /**
   * @param {(member: Member) => void} act
   * @param {Map<Member, import('./member.mjs').Sight[]>} [sights] what those that are in it see is added
   */
  async #moveOnce(act, sights = new Map()) {
    for (const member of this.#members) member.keep()
    await this.#everyone(4, 250, act)
    await this.#until(() => {
      for (const member of this.#members)
        sights.get(member)?.push(...member.read()) ?? member.read()
      return this.#rooms.every((room) =>
        room.every((member) => room.every((other) => other === member || member.sees(other))),
      )
    }, 'not everybody sees where everybody is')
    for (const member of this.#members) member.forget()
  }

  /**
   * @param {number} rate
   * @param {number} ms
   * @param {(member: Member) => void} act
   */
  async #everyone(rate, ms, act) {
    const members = this.#members
    /** @param {number} index */
    const send = (index) => {
      const member = members[index]
      if (member !== undefined) act(member)
    }
    await pace({ count: members.length, rate, ms, send })
  }

  #witnesses() {
    return this.#rooms
      .flatMap((room) => room.slice(0, WITNESSES_PER_ROOM).map((member) => ({ member, room })))
      .slice(0, WITNESSES)
  }

  /** Every move is known to have reached all others of its room once these agree. */
  #count() {
    let delivered = 0
    for (const room of this.#rooms) {
      for (const { sentAt } of room) delivered += (sentAt.length - 1) * (room.length - 1)
    }
    return { delivered, bytes: this.#members.reduce((sum, { bytesRead }) => sum + bytesRead, 0) }
  }

  /**
   * @param {() => boolean} isDone
   * @param {string} otherwise
   */
  async #until(isDone, otherwise) {
    await until(
      () => this.#failure !== undefined || isDone(),
      () => otherwise,
    )
    this.#throwIfLost()
  }

  #throwIfLost() {
    if (this.#failure) throw this.#failure
  }
}

/**
 * Gives what a member saw of the others; throws unless it saw each move that counts once, and in order.
 * @param {Member} member
 * @param {Member[]} room
 * @param {import('./member.mjs').Sight[]} sights
 */
function* inOrder(member, room, sights) {
  const next = room.map(({ firstMove }) => firstMove)
  for (const { index, sequence, at } of sights) {
    // Some servers send a client its own moves, too.
    if (index === member.index) continue
    if (sequence !== next[index]) {
      throw new Error(`of client ${index} came move ${sequence}, not ${next[index]}`)
    }
    next[index] = sequence + 1
    yield { sentAt: room[index]?.sentAt[sequence] ?? Number.NaN, at }
  }
}
