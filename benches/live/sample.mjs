// One contestant of the live benchmark: a server and its clients, each in a process of their own, under one load after the other.
import { Stage } from './stage.mjs'

/** @typedef {import('./clients/crowd.mjs').Load} Load */
/** @typedef {import('./clients/crowd.mjs').Seen} Seen */
/** @typedef {import('../frame/scenario.mjs').Evidence} Evidence */
/** @typedef {import('../frame/scenario.mjs').Opened} Opened */

/** Unacked patches that each client keeps under way where the server is to be saturated. */
const WINDOW = 8

/** Many people, each of whom does something now and then. */
const LIGHT = { rate: 5 }

/** By name, in the order in which they are put on. */
export const LOADS = {
  light: LIGHT,
  steady: { rate: 30 },
  saturated: { window: WINDOW },
}

/** How long a sample lasts, in milliseconds. */
const SAMPLE_MS = { full: 500, quick: 250 }

/** How long the server is saturated before anything counts. */
const WARM_UP_MS = { full: 1_000, quick: 250 }

/** How long a light load has to be on for its own code to be compiled. */
const SETTLING_MS = { full: 2_000, quick: 250 }

/** Clients that use more of a core than this are what is measured. */
const BUSY_CLIENTS = 0.9

/** @typedef {import('../frame/scenario.mjs').MeasureOptions & { params: import('./clients/crowd.mjs').Layout }} How */

/**
 * Starts a contestant, with everybody in the rooms and the code warm.
 * @param {How} how
 */
export async function openLive(how) {
  const { contestant, program, params: layout } = how
  const { server: subject, env } = contestant
  const stage = new Stage({ subject, clients: 'clients/load.mjs', runtime: program, env })
  const live = new Live(stage, how)
  try {
    await live.begin(layout)
  } catch (error) {
    await stage.close()
    throw error
  }
  return live
}

/** @implements {Opened} */
class Live {
  evidence = /** @type {Evidence} */ ({ frames: {}, state: null })
  #stage
  /** @type {keyof typeof SAMPLE_MS} */
  #length
  #planted
  #phase = ''
  /** What the server had used when it was last looked at. */
  #usedMicros = 0

  /**
   * @param {Stage} stage
   * @param {How} how
   */
  constructor(stage, { contestant, quick }) {
    this.#stage = stage
    this.#length = quick ? 'quick' : 'full'
    this.#planted = contestant.planted
  }

  /** @param {import('./clients/crowd.mjs').Layout} layout */
  async begin(layout) {
    const { server, clients } = this.#stage
    this.evidence.frames = await clients.ask('join', { port: await server.ask('port'), layout })
    await this.#run({ window: WINDOW }, WARM_UP_MS[this.#length])
    await this.#run(LIGHT, SETTLING_MS[this.#length])
  }

  /**
   * What a load cost and what the clients saw of it. The time until the last frame has arrived counts, and so do all frames; and what the
   * server does later for the sample before, when others have their turn: files to sync, garbage.
   * @param {string} phase the name of a load
   * @returns {Promise<Record<string, number>>}
   */
  async sample(phase) {
    const load = LOADS[/** @type {keyof typeof LOADS} */ (phase)]
    const ms = SAMPLE_MS[this.#length]
    if (this.#phase !== phase || this.#planted > 0) {
      this.#phase = phase
      await this.#plant(load, ms)
      this.#usedMicros = await this.#used()
    }
    const before = this.#usedMicros
    const seen = await this.#run(load, ms)
    this.#usedMicros = await this.#used()
    if ('rate' in load && seen.clientsLoad > BUSY_CLIENTS) {
      throw new Error(`${phase}: the clients used ${seen.clientsLoad.toFixed(2)} of a core`)
    }
    return {
      [phase]: ((this.#usedMicros - before) * 1_000) / seen.frames,
      [`${phase}-p50`]: seen.p50Ms * 1e6,
      [`${phase}-p99`]: seen.p99Ms * 1e6,
      [`${phase}-time`]: 1e9 / seen.framesPerSecond,
    }
  }

  /** Throws where a newcomer is told anything else than what was sent. */
  async check() {
    await this.#stage.clients.ask('check')
  }

  async close() {
    await this.#stage.close()
  }

  /**
   * Makes the server spend so many percent more on each message than it does under a load.
   * @param {Load} load
   * @param {number} ms
   */
  async #plant(load, ms) {
    if (this.#planted === 0) return
    const { server } = this.#stage
    await server.ask('plant', { nanos: 0 })
    const before = await this.#used()
    const { patches } = await this.#run(load, ms)
    const micros = (await this.#used()) - before
    await server.ask('plant', { nanos: (micros * 1_000 * this.#planted) / 100 / patches })
  }

  /**
   * @param {Load} load
   * @param {number} ms
   * @returns {Promise<Seen>}
   */
  #run(load, ms) {
    return this.#stage.clients.ask('run', { load, ms })
  }

  /** @returns {Promise<number>} */
  async #used() {
    return (await this.#stage.server.ask('usage')).cpuMicros
  }
}
