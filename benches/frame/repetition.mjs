// Repeats an operation of microseconds and takes the processor's time for each: of the whole process, so that the collector's threads
// count, and so that other processes do not.
import { iterationsFor, spin } from './spin.mjs'

/** How long a sample lasts, in microseconds. */
const SAMPLE_MICROS = 10_000

/** How long the compilers get before the first sample; JavaScriptCore takes its time. */
const WARM_UP_MICROS = process.versions.bun ? 1_000_000 : 500_000

/** A turn of the event loop handles this many operations at the most, as a busy server's does. */
const OPERATIONS_PER_TURN = 256

export class Repetition {
  #index = 0
  #perSample = 1
  #spins = 0
  #receivedBefore = 0
  #countedFrom = 0

  /**
   * @param {import('./scenario.mjs').Scenario<any, any>} scenario
   * @param {any} world
   * @param {number} planted
   */
  constructor(scenario, world, planted) {
    this.scenario = scenario
    this.world = world
    this.planted = planted
  }

  /** Runs until it is fast, and learns how many operations make a sample and how long 20 % of one is. */
  async warm() {
    const started = process.cpuUsage()
    let micros = 0
    while (spent(started) < WARM_UP_MICROS) {
      micros = await this.#time(this.#perSample)
      if (micros < SAMPLE_MICROS) this.#perSample = Math.ceil(this.#perSample * 1.5)
    }
    const times = []
    for (let count = 0; count < 5; count += 1) times.push(await this.#time(this.#perSample))
    micros = Math.min(...times) / this.#perSample
    this.#perSample = Math.max(1, Math.round(SAMPLE_MICROS / micros))
    if (this.planted > 0) this.#spins = iterationsFor((micros * 1_000 * this.planted) / 100)
    this.#countedFrom = this.#index
    this.#receivedBefore = this.scenario.received?.(this.world) ?? 0
  }

  /** Nanoseconds for each operation. */
  async sample() {
    return ((await this.#time(this.#perSample)) * 1_000) / this.#perSample
  }

  receivedPerOperation() {
    const received = (this.scenario.received?.(this.world) ?? 0) - this.#receivedBefore
    return received / (this.#index - this.#countedFrom)
  }

  /** @param {number} operations */
  async #time(operations) {
    const started = process.cpuUsage()
    for (let left = operations; left > 0; left -= OPERATIONS_PER_TURN) {
      this.#repeat(Math.min(left, OPERATIONS_PER_TURN))
      await new Promise((resolve) => setImmediate(resolve))
    }
    await this.scenario.settle?.(this.world)
    return spent(started)
  }

  /** @param {number} operations */
  #repeat(operations) {
    const { scenario, world } = this
    for (let count = 0; count < operations; count += 1) {
      scenario.operate?.(world, this.#index)
      this.#index += 1
      if (this.#spins > 0) spin(this.#spins)
    }
  }
}

/** @param {NodeJS.CpuUsage} since */
function spent(since) {
  const { user, system } = process.cpuUsage(since)
  return user + system
}
