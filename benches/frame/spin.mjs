// Work of a known length, to plant a loss that a benchmark must show.

let state = 1

/** @param {number} iterations */
export function spin(iterations) {
  let value = state
  for (let count = 0; count < iterations; count += 1) {
    value ^= value << 13
    value ^= value >>> 17
    value ^= value << 5
  }
  state = value
}

const CALIBRATION = 200_000

/**
 * How many iterations last this long, by the fastest of many tries.
 * @param {number} nanoseconds
 */
export function iterationsFor(nanoseconds) {
  let best = Number.POSITIVE_INFINITY
  for (let count = 0; count < 30; count += 1) {
    const started = performance.now()
    spin(CALIBRATION)
    best = Math.min(best, performance.now() - started)
  }
  return Math.max(1, Math.round((nanoseconds * CALIBRATION) / (best * 1e6)))
}

/**
 * Holds the thread for a time that is long beside a look at the clock.
 * @param {number} ms
 */
export function burn(ms) {
  const started = performance.now()
  while (performance.now() - started < ms) spin(100)
}
