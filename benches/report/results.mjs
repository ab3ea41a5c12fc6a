// Reads what `bench.mjs` wrote.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** @typedef {import('../frame/contest.mjs').Row} Row */

/**
 * @typedef {object} Run
 * @property {1} format
 * @property {string} date
 * @property {number} seconds
 * @property {string} command
 * @property {boolean} quick
 * @property {ReturnType<typeof import('../frame/machine.mjs').machine>} machine
 * @property {ReturnType<typeof import('../frame/machine.mjs').versions>} versions
 * @property {string[]} failures
 * @property {Row[]} results
 */

/** @typedef {import('./comparison.mjs').Comparison} Comparison of `live/comparison.mjs` */

/**
 * Without paths, all full runs of the folder.
 * @param {string[]} paths
 * @param {string} folder
 * @returns {{ runs: Run[], comparison: Comparison | undefined }} the oldest first, and the newest comparison
 */
export function readRuns(paths, folder) {
  const found = paths.length > 0 ? paths : inFolder(folder)
  const all = found
    .map((path) => /** @type {Run | Comparison} */ (JSON.parse(readFileSync(path, 'utf8'))))
    .filter(({ quick }) => paths.length > 0 || !quick)
    .toSorted((a, b) => (a.date < b.date ? -1 : 1))
  return {
    runs: all.filter((run) => 'results' in run),
    comparison: all.filter((run) => 'capacities' in run).at(-1),
  }
}

/** @param {string} folder */
function inFolder(folder) {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .map((name) => join(folder, name))
}

/**
 * The newest row of each figure that there still is, in the order of the scenarios.
 * @param {Run[]} runs
 * @param {readonly import('../frame/scenario.mjs').Found[]} found all scenarios
 * @returns {{ rows: Row[], runs: Run[] }} and the runs that they are of
 */
export function newest(runs, found) {
  const titles = new Set(
    found.flatMap(({ scenario }) => scenario.cases.map(({ name }) => `${scenario.name} ${name}`)),
  )
  /** @type {Map<string, { row: Row, run: Run }>} */
  const latest = new Map()
  for (const run of runs) {
    for (const row of run.results) {
      latest.set([row.script, row.case, row.figure, row.runtime].join(), { row, run })
    }
  }
  const kept = [...latest.values()].filter(({ row }) => titles.has(`${row.scenario} ${row.case}`))
  const rows = kept
    .map(({ row }) => row)
    .toSorted((a, b) => (a.script < b.script ? -1 : a.script > b.script ? 1 : 0))
  return { rows, runs: [...new Set(kept.map(({ run }) => run))] }
}
