// Watches the event loop for its longest pause.

export class LoopWatch {
  #isOver = false
  #last = performance.now()
  #longest = 0

  /** @param {'every turn' | 'every millisecond'} pace the first keeps the processor busy, and misses nothing */
  constructor(pace) {
    const wait = pace === 'every turn' ? 0 : 1
    const next = () => {
      const now = performance.now()
      this.#longest = Math.max(this.#longest, now - this.#last - wait)
      this.#last = now
      if (this.#isOver) return
      if (wait === 0) setImmediate(next)
      else setTimeout(next, wait)
    }
    next()
  }

  /** Ends it once the turn at hand is over; gives the longest pause in milliseconds. */
  async end() {
    this.#isOver = true
    await pause(2)
    return this.#longest
  }

  /** What was seen so far, and forgets it. */
  lap() {
    const longest = Math.max(this.#longest, performance.now() - this.#last)
    this.#longest = 0
    return longest
  }
}

/** @param {number} ms */
export function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

export function turn() {
  return new Promise((resolve) => setImmediate(resolve))
}
