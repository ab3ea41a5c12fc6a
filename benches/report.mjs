// Writes charts and tables of the results into docs/benchmarks/, of nothing but the files that bench.mjs wrote.
//
//   node benches/report.mjs [results.json...] [--into docs/benchmarks]
//
// Without files it takes all full runs in target/benchmarks/, and of each figure the newest.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { root } from '../scripts/run.mjs'
import { findScenarios } from './frame/scenario.mjs'
import { costChart } from './report/comparison.mjs'
import { grouped } from './report/groups.mjs'
import { growthChart, sizeOf } from './report/growth-chart.mjs'
import { page } from './report/page.mjs'
import { isRatio, ratioChart } from './report/ratio-chart.mjs'
import { newest, readRuns } from './report/results.mjs'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { into: { type: 'string', default: join(root, 'docs', 'benchmarks') } },
})

const { runs: all, comparison } = readRuns(positionals, join(root, 'target', 'benchmarks'))
const { rows, runs } = newest(all, await findScenarios())
if (rows.length === 0) throw new Error('there are no results: npm run bench')
mkdirSync(values.into, { recursive: true })

/** @param {string} name @param {string} content */
function write(name, content) {
  writeFileSync(join(values.into, name), content)
  return name
}

/** @type {Map<string, string[]>} */
const groups = new Map()
for (const [group, those] of grouped(rows, (row) => row.group)) {
  const grown = those.filter((row) => sizeOf(row) !== undefined)
  const charts = [...grouped(grown, (row) => row.scenario)].map(([scenario, its]) =>
    write(`${scenario}.svg`, growthChart(scenario, its)),
  )
  const ratios = those.filter((row) => sizeOf(row) === undefined && isRatio(row))
  if (ratios.length > 0) charts.unshift(write(`${group}.svg`, ratioChart(group, ratios)))
  groups.set(group, charts)
}

const headlines = rows.filter((row) => row.isHeadline && row.goal && isRatio(row))
const overview = write('overview.svg', ratioChart('heddle beside the peer', headlines))
if (comparison) groups.set('comparison', [write('comparison.svg', costChart(comparison))])
write('README.md', page(rows, runs, comparison, { overview, groups }))
console.log(`${rows.length} figures of ${runs.length} runs: ${values.into}`)
