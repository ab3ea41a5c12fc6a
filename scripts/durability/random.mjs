// Randomness from a seed: a run that failed is a number.

/** A generator of numbers that a seed decides. */
export class Random {
  #state

  /** @param {number} seed */
  constructor(seed) {
    this.#state = seed >>> 0
  }

  /** A number in [0, 1), by the mulberry32 generator. */
  fraction() {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = this.#state
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }

  /**
   * A whole number of those from `least` to `most`.
   * @param {number} least
   * @param {number} most
   */
  integer(least, most) {
    return least + Math.floor(this.fraction() * (most - least + 1))
  }

  /** @param {number} probability */
  happens(probability) {
    return this.fraction() < probability
  }

  /**
   * One of the choices.
   * @template T
   * @param {readonly T[]} choices
   * @returns {T}
   */
  of(choices) {
    return /** @type {T} */ (choices[this.integer(0, choices.length - 1)])
  }

  /** A generator for a part of the run, which draws as often as it likes without moving this one. */
  fork() {
    return new Random(this.integer(0, 2 ** 32 - 1))
  }
}
