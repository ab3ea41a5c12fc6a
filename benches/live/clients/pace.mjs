// When clients send, and what is made of the times that it took.

/**
 * Lets `count` senders send `rate` times a second each for `ms`, evenly spread, as people who know nothing of each other.
 * Resolves when the last has sent.
 * @param {{ count: number, rate: number, ms: number, send(sender: number): void }} plan
 * @returns {Promise<void>}
 */
export function pace({ count, rate, ms, send }) {
  const apartMs = 1_000 / (rate * count)
  const total = Math.round(ms / apartMs)
  const started = performance.now()
  let sent = 0
  return new Promise((resolve) => {
    const tick = () => {
      const due = Math.min(total, Math.floor((performance.now() - started) / apartMs))
      for (; sent < due; sent += 1) send(sent % count)
      if (sent < total) setTimeout(tick, 1)
      else resolve()
    }
    tick()
  })
}

/**
 * Resolves once `isDone` holds; rejects with what `missing` says when it does not in time.
 * @param {() => boolean} isDone
 * @param {() => string} missing
 */
export async function until(isDone, missing, deadlineMs = 20_000) {
  const deadline = performance.now() + deadlineMs
  while (!isDone()) {
    if (performance.now() > deadline) throw new Error(missing())
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
}

/** @param {number} ms */
export function sleep(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/** Width of one bucket, in microseconds, and how many there are: up to two seconds. */
const BUCKET_MICROS = 10
const BUCKETS = 200_000

/** Counts of times by their size, cheap to add to. */
export class Latencies {
  #counts = new Uint32Array(BUCKETS)
  #total = 0

  /** @param {number} micros */
  add(micros) {
    const bucket = Math.min(BUCKETS - 1, Math.max(0, Math.floor(micros / BUCKET_MICROS)))
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1
    this.#total += 1
  }

  /**
   * In milliseconds; 0 where nothing was added.
   * @param {number} share of 1
   */
  percentile(share) {
    const rank = share * this.#total
    let below = 0
    for (let bucket = 0; bucket < BUCKETS; bucket += 1) {
      below += this.#counts[bucket] ?? 0
      if (below >= rank && below > 0) return ((bucket + 1) * BUCKET_MICROS) / 1_000
    }
    return 0
  }
}

/** What share of a core this process uses from now on; call what it gives to hear. */
export function watchProcessor() {
  const cpu = process.cpuUsage()
  const started = performance.now()
  return () => {
    const { user, system } = process.cpuUsage(cpu)
    return (user + system) / 1_000 / (performance.now() - started)
  }
}
