// The border half of the guard: what a frame costs from `handleSocketMessage` to the last socket's `send`, as a ratio to what
// JSON costs the same runtime. Slices of both take turns for a millisecond each, so that both see the same machine, and
// what counts of either is a low quantile: the slices that nothing disturbed. What takes turns of the event loop is compared
// with JSON that takes as many: what a turn costs is the machine's. Ratios of several processes, because
// where a process happens to lie in memory moves its ratio by some percent.
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { nodeOfLine } from '../../scripts/runtimes.mjs'
import { median } from '../frame/statistics.mjs'

/** Ratios are of one engine of JS. */
const NODE_LINE = 20
const PROCESSES = 5

/** @typedef {import('./figures.mjs').Figures} Figures */

/**
 * The ratio of each scenario.
 * @param {number} planted percent
 * @returns {Promise<import('./figures.mjs').Reading>}
 */
export async function measureRatios(planted) {
  const script = fileURLToPath(new URL('border-process.mjs', import.meta.url))
  const node = nodeOfLine(NODE_LINE)
  /** @type {{ plain: Figures, planted: Figures }[]} */
  const readings = []
  for (let process = 0; process < PROCESSES; process += 1) {
    const { stdout } = await promisify(execFile)(node, [script, String(planted)])
    readings.push(JSON.parse(stdout))
  }
  return {
    plain: medians(readings.map((reading) => reading.plain)),
    planted: medians(readings.map((reading) => reading.planted)),
    // Ratios are measured by one already.
    yardstick: 1,
  }
}

/**
 * Of each scenario the median.
 * @param {Figures[]} readings
 * @returns {Figures}
 */
export function medians(readings) {
  const names = Object.keys(readings[0] ?? {})
  return Object.fromEntries(
    names.map((name) => [name, median(readings.map((reading) => reading[name] ?? Number.NaN))]),
  )
}
