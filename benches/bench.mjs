// heddle beside the peer, scenario by scenario.
//
//   node benches/bench.mjs [names...] [--quick] [--runtime node|bun] [--rounds N] [--peer-against-peer] [--planted 20]
//     [--without raw-functions|joined-writes|fast-decoder] [--out target/benchmarks/x.json]
//
// A name is a part of `<scenario> <case>`, such as `engine` or `join`. The options that add columns replace those that a scenario
// has by default. `--quick` takes a part of the cases and less time for each, on Node alone unless told otherwise.
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { root } from '../scripts/run.mjs'
import { bunPath } from '../scripts/runtimes.mjs'
import { compete } from './frame/contest.mjs'
import { FAST_PATHS, PEER_AGAIN, planted, without } from './frame/contestants.mjs'
import { machine, versions } from './frame/machine.mjs'
import { findScenarios } from './frame/scenario.mjs'
import { doubts, printRow } from './frame/table.mjs'

/** @typedef {import('./frame/scenario.mjs').Runtime} Runtime */

const { values, positionals: names } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    runtime: { type: 'string' },
    rounds: { type: 'string' },
    'peer-against-peer': { type: 'boolean', default: false },
    planted: { type: 'string' },
    without: { type: 'string', multiple: true, default: [] },
    out: { type: 'string' },
  },
})
const { quick } = values

const runtimes = /** @type {Runtime[]} */ (['node', 'bun']).filter((name) =>
  values.runtime === undefined ? name === 'node' || !quick : values.runtime === name,
)
const programs = { node: process.execPath, bun: runtimes.includes('bun') ? bunPath() : '' }

const asked = [
  ...(values['peer-against-peer'] ? [PEER_AGAIN] : []),
  ...(values.planted ? [planted(Number(values.planted))] : []),
  ...values.without.map(without),
]
const unknown = values.without.filter((name) => !FAST_PATHS.includes(name))
if (unknown.length > 0) throw new Error(`no fast path is called ${unknown}: ${FAST_PATHS}`)

/**
 * The columns beside heddle and the peer.
 * @param {import('./frame/scenario.mjs').Scenario<any, any>} scenario
 * @param {number} caseIndex
 */
function columnsOf(scenario, caseIndex) {
  const columns = scenario.cases[caseIndex]?.columns ?? scenario.columns
  if (asked.length > 0) {
    const canPlant = scenario.operate ?? scenario.rehearse ?? columns
    return asked.filter((name) => canPlant || !name.startsWith('planted'))
  }
  return columns?.filter((column) => !quick || !column.startsWith('without')) ?? []
}

/** Everything that is to run, scenario by scenario. */
async function settings() {
  const all = await findScenarios()
  return all.flatMap((found) =>
    (found.scenario.runtimes ?? runtimes)
      .filter((runtime) => runtimes.includes(runtime))
      .flatMap((runtime) =>
        found.scenario.cases.flatMap(({ name, quick: isQuick }, caseIndex) => {
          const title = `${found.scenario.name} ${name}`
          const isAsked = names.length === 0 || names.some((part) => title.includes(part))
          return isAsked && (!quick || isQuick) ? [{ found, caseIndex, runtime, title }] : []
        }),
      ),
  )
}

const started = new Date()
/** @type {import('./frame/contest.mjs').Row[]} */
const results = []
/** @type {string[]} */
const failures = []
const words = process.argv.slice(2)
const about = {
  format: 1,
  date: started.toISOString(),
  command: ['npm run bench', ...(words.length > 0 ? ['--', ...words] : [])].join(' '),
  quick,
  machine: machine(),
  versions: versions(runtimes),
}
const path =
  values.out ?? join(root, 'target', 'benchmarks', `${about.date.replaceAll(/[:.]/g, '-')}.json`)
mkdirSync(dirname(path), { recursive: true })

/** After each case, so that a run that is broken off leaves what it measured. */
function save() {
  const seconds = (Date.now() - started.getTime()) / 1_000
  writeFileSync(path, `${JSON.stringify({ ...about, seconds, failures, results })}\n`)
  return seconds
}

const plan = await settings()
if (plan.length === 0) throw new Error(`no scenario is called ${names}`)
for (const { found, caseIndex, runtime, title } of plan) {
  try {
    const rows = await compete({
      found,
      caseIndex,
      runtime,
      program: programs[runtime],
      columns: columnsOf(found.scenario, caseIndex),
      quick,
      rounds: values.rounds === undefined ? undefined : Number(values.rounds),
    })
    for (const row of rows) {
      printRow(row)
      for (const doubt of doubts(row)) console.log(`  DOUBTFUL: ${doubt}`)
    }
    results.push(...rows)
  } catch (error) {
    failures.push(`${title} on ${runtime}`)
    console.error(`FAILED ${title} on ${runtime}: ${error instanceof Error ? error.stack : error}`)
  }
  save()
}

console.log(`\n${results.length} figures in ${save().toFixed(0)} s: ${path}`)
if (failures.length > 0) {
  console.error(`${failures.length} failed: ${failures.join('; ')}`)
  process.exitCode = 1
}
