// heddle beside other servers that one would choose, on the same job: people in rooms, each moving one shape and one cursor at
// 30 Hz. Prints what an edit that arrives costs the server, how long it takes, what the server holds, and how many people one
// core carries.
//
//   node benches/live/comparison.mjs [--quick] [--only heddle,tldraw] [--out target/benchmarks/comparison.json]
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { root } from '../../scripts/run.mjs'
import { machine, versions } from '../frame/machine.mjs'
import { median } from '../frame/statistics.mjs'
import { capacityOf } from './capacity.mjs'
import { installRivals, versionOfRival } from './rivals/packages.mjs'
import { moved, TooMuch } from './trial.mjs'

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string' },
    out: { type: 'string', default: join(root, 'target', 'benchmarks', 'comparison.json') },
  },
})
const { quick } = values
const ROUNDS = quick ? 1 : 3
const SLICE_MS = quick ? 600 : 1_000

const JOURNAL = 'journal: what was shown survives a kill, synced within a second'

/** What each server keeps of what it is told, with its defaults: not the same, which is part of the figures. */
const KEEPS = {
  heddle: JOURNAL,
  'heddle-16-ms': JOURNAL,
  peer: 'a file every 10 s: what came since is lost to a kill',
  tldraw: 'memory only, its default',
  hocuspocus: 'a file after 2 s of rest, every 10 s under edits: what came since is lost to a kill',
}

const LAYOUTS = [
  { name: 'one room of 20', layout: { rooms: 1, perRoom: 20 } },
  { name: 'five rooms of 10', layout: { rooms: 5, perRoom: 10 } },
]

/** How many clients of rooms of this size one core carries is looked for up to `most`. */
const CAPACITIES = [
  { name: 'one room', perRoom: undefined, least: 10, most: 640 },
  { name: 'rooms of 10', perRoom: 10, least: 20, most: 5_120 },
]

const subjects = Object.keys(KEEPS).filter(
  (name) => values.only === undefined || values.only.split(',').includes(name),
)

/** @param {string} text @param {number} width */
const cell = (text, width) => text.padStart(width)

/** What each costs, and for whom the load is more than a core of this machine carries. */
async function compareCosts() {
  /** @type {(ReturnType<typeof summary> & { layout: string, subject: string, samples: unknown })[]} */
  const costs = []
  /** @type {{ layout: string, subject: string, because: string }[]} */
  const overloaded = []
  for (const { name, layout } of LAYOUTS) {
    /** @type {Record<string, Sample[]>} */
    const samples = Object.fromEntries(subjects.map((subject) => [subject, []]))
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const subject of round % 2 === 0 ? subjects : subjects.toReversed()) {
        samples[subject]?.push(await sampleOf(subject, layout))
      }
    }
    console.log(`\n${name}: everybody moves a shape and a cursor at 30 Hz`)
    for (const subject of subjects) {
      const taken = samples[subject] ?? []
      const because = taken.find((sample) => typeof sample === 'string')
      if (because !== undefined) {
        overloaded.push({ layout: name, subject, because })
        console.log(`  ${subject.padEnd(12)} too much for it: ${because}`)
        continue
      }
      const row = { layout: name, subject, ...summary(taken.filter(isTaken)) }
      costs.push({ ...row, samples: taken })
      console.log(
        `  ${subject.padEnd(12)} ${cell(row.cpuMicros.toFixed(2), 7)} us CPU and ${cell(row.bytes.toFixed(0), 4)} bytes per delivered edit   ` +
          `p50 ${cell(row.p50Ms.toFixed(2), 6)} ms  p99 ${cell(row.p99Ms.toFixed(2), 6)} ms   ${cell(row.mib.toFixed(0), 4)} MiB   ` +
          `the server used ${row.load.toFixed(2)}, its clients ${row.clientsLoad.toFixed(2)} of a core`,
      )
    }
  }
  return { costs, overloaded }
}

/** @typedef {Awaited<ReturnType<typeof moved>> | string} Sample text where the load was too much */

/** @param {Sample} sample */
const isTaken = (sample) => typeof sample !== 'string'

/**
 * @param {string} subject
 * @param {(typeof LAYOUTS)[number]['layout']} layout
 * @returns {Promise<Sample>}
 */
async function sampleOf(subject, layout) {
  try {
    return await moved({ subject, layout, ms: SLICE_MS, mostLoad: 0.9 })
  } catch (error) {
    if (error instanceof TooMuch) return error.message
    throw error
  }
}

/** @param {Awaited<ReturnType<typeof moved>>[]} samples */
function summary(samples) {
  /** @param {(sample: Awaited<ReturnType<typeof moved>>) => number} figure */
  const of = (figure) => median(samples.map(figure))
  return {
    cpuMicros: of((sample) => sample.cpuMicrosPerEdit),
    bytes: of((sample) => sample.bytesPerEdit),
    p50Ms: of((sample) => sample.p50Ms),
    p99Ms: of((sample) => sample.p99Ms),
    mib: of((sample) => sample.rss) / 2 ** 20,
    load: of((sample) => sample.load),
    clientsLoad: of((sample) => sample.clientsLoad),
  }
}

async function compareCapacities() {
  const rows = []
  for (const range of quick ? CAPACITIES.slice(1) : CAPACITIES) {
    console.log(`\n${range.name}: how many people one core carries`)
    for (const subject of subjects) {
      const found = await capacityOf({ subject, ...range, quick })
      rows.push({ layout: range.name, subject, ...found })
      console.log(`  ${subject.padEnd(12)} ${cell(String(found.carries), 5)}   ${found.because}`)
    }
  }
  return rows
}

installRivals()
const started = new Date()
const { costs, overloaded } = await compareCosts()
const capacities = await compareCapacities()
const report = {
  format: 1,
  date: started.toISOString(),
  seconds: (Date.now() - started.getTime()) / 1_000,
  command: ['node benches/live/comparison.mjs', ...process.argv.slice(2)].join(' '),
  quick,
  machine: machine(),
  versions: {
    ...versions(['node']),
    tldraw: `@tldraw/sync-core ${versionOfRival('@tldraw/sync-core')}`,
    hocuspocus: `@hocuspocus/server ${versionOfRival('@hocuspocus/server')}, yjs ${versionOfRival('yjs')}`,
  },
  keeps: KEEPS,
  costs,
  overloaded,
  capacities,
}
mkdirSync(dirname(values.out), { recursive: true })
writeFileSync(values.out, `${JSON.stringify(report)}\n`)
console.log('\nWhat each keeps:')
for (const [subject, keeps] of Object.entries(KEEPS))
  console.log(`  ${subject.padEnd(12)} ${keeps}`)
console.log(`\n${report.seconds.toFixed(0)} s: ${values.out}`)
