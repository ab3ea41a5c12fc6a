// Kills a server under load, again and again, and checks each time that the next one holds all that was acked or shown, nothing
// that was deleted, and gives no clock twice. Nothing is read from the disk: what counts is what clients see.
//
//   node scripts/durability/kill.mjs [--rounds 1000] [--level process|disk|none|reference] [--runtime node|bun] [--seed N]
//
// A world (folder, rooms, clients) lives for up to 50 rounds, then the next begins. When a round finds a loss its world ends: the
// program names its seed and keeps its folder.
import { realpathSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { bunPath } from '../runtimes.mjs'
import { Findings } from './ledger.mjs'
import { Tally, World } from './world.mjs'

const ROUNDS_PER_WORLD = 50

/** @type {import('./world.mjs').WorldOptions} */
const DEFAULTS = { level: 'process', rooms: 4, editors: 3, canvases: 2, longestLoadMs: 80 }

/**
 * Runs the rounds, world after world; stops after the first that found something.
 * @param {Partial<import('./world.mjs').WorldOptions> & { rounds: number, seed: number, onProgress?: (tally: Tally, findings: Findings) => void }} options
 */
export async function runKills({ rounds, seed, onProgress = () => {}, ...options }) {
  const tally = new Tally()
  const findings = new Findings()
  /** @type {string[]} */
  const kept = []
  for (let number = 0; tally.rounds < rounds && findings.failures === 0; number += 1) {
    const last = Math.min(rounds, tally.rounds + ROUNDS_PER_WORLD)
    const world = new World({ ...DEFAULTS, ...options }, seed + number, findings, tally)
    try {
      while (tally.rounds < last && findings.failures === 0) {
        await world.round()
        onProgress(tally, findings)
      }
      if (findings.failures === 0) await world.finish()
    } catch (error) {
      const story = error instanceof Error ? error.stack : error
      findings.fail(`round ${tally.rounds}: ${story}\nthe server said ${world.lastWords}`)
    } finally {
      await world.end(findings.failures > 0)
    }
    if (findings.failures > 0) {
      const place = `round ${tally.rounds}, --seed ${seed + number}, kept in ${world.dir}`
      kept.push(world.dir)
      findings.stories.push(`${options.level ?? DEFAULTS.level}: ${place}`)
    }
  }
  return { tally, findings, kept }
}

async function main() {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '1000' },
      level: { type: 'string', default: DEFAULTS.level },
      fault: { type: 'string' },
      runtime: { type: 'string', default: 'node' },
      seed: { type: 'string', default: String(Date.now() % 2 ** 32) },
      'longest-load-ms': { type: 'string', default: String(DEFAULTS.longestLoadMs) },
    },
  })
  const started = Date.now()
  const { tally, findings } = await runKills({
    .../** @type {any} */ ({ level: values.level, fault: values.fault }),
    rounds: Number(values.rounds),
    seed: Number(values.seed),
    longestLoadMs: Number(values['longest-load-ms']),
    runtime: values.runtime === 'bun' ? bunPath() : process.execPath,
    onProgress: ({ rounds }, { acked }) => {
      if (rounds % 50 === 0) console.log(`round ${rounds}: ${acked} acked edits so far`)
    },
  })
  const { stories, ...counts } = findings
  const seconds = (Date.now() - started) / 1000
  console.log(JSON.stringify({ level: values.level, seconds, ...tally, ...counts }, null, 2))
  for (const story of stories) console.log(story)
  console.log(findings.failures === 0 ? 'nothing was lost' : `${findings.failures} failures`)
  process.exit(findings.failures === 0 ? 0 : 1)
}

if (realpathSync(process.argv[1] ?? '') === fileURLToPath(import.meta.url)) await main()
