// The native half of the guard: how many instructions a frame costs, whatever else the machine does. valgrind counts them while
// `benches/rust/workload.rs`, compiled as heddle is released, plays a scenario: not at all, and a number of times. The
// difference is the scenario's, and the same in every run.
import { execFile, spawnSync } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { root, run } from '../../scripts/run.mjs'

/** @typedef {import('./figures.mjs').Figures} Figures */

const YARDSTICK = 'yardstick'

/** Scenarios of whole documents need few. */
const WHOLE_DOCUMENT = new Set(['cold-join', 'snapshot-encode', 'snapshot-decode'])

/**
 * How often a scenario is played; what is planted divides it.
 * @param {string} scenario
 */
function timesOf(scenario) {
  return WHOLE_DOCUMENT.has(scenario) ? 5 : 200
}

/**
 * Builds the workload and gives its path.
 * @param {string} profile of cargo
 */
export async function buildWorkload(profile) {
  const args = ['--profile', profile, '--no-default-features', '--locked', '--example', 'workload']
  const { code } = await run('cargo', ['build', '--quiet', ...args])
  if (code !== 0) throw new Error('The workload could not be built: cargo says why, above.')
  return join(root, 'target', profile, 'examples', 'workload')
}

/** Throws where valgrind is missing. */
export function requireValgrind() {
  if (spawnSync('valgrind', ['--version']).status !== 0) {
    throw new Error(
      'valgrind is missing, which counts instructions. On Debian: apt-get install valgrind. There is none for Windows, nor ' +
        'for current Macs: run the guard on Linux, or in a container.',
    )
  }
}

/**
 * Instructions for each time that each scenario is played.
 * @param {number} planted percent
 * @returns {Promise<import('./figures.mjs').Reading>}
 */
export async function countInstructions(planted) {
  requireValgrind()
  const workload = await buildWorkload('release')
  const { stdout } = await promisify(execFile)(workload)
  const scenarios = stdout.trim().split('\n')
  // In the order in which they are listed, whichever is ready first.
  const plain = Object.fromEntries(scenarios.map((scenario) => [scenario, Number.NaN]))
  const more = { ...plain }
  const open = [...scenarios, YARDSTICK]
  const work = async () => {
    for (let scenario = open.shift(); scenario !== undefined; scenario = open.shift()) {
      const times = timesOf(scenario)
      // Always as many arguments: what they take of the heap moves all that comes behind it, and large copies cost less or more.
      const setUp = await count(workload, [scenario, '0', '0'])
      plain[scenario] = ((await count(workload, [scenario, `${times}`, '0'])) - setUp) / times
      if (scenario === YARDSTICK) continue
      const withMore = await count(workload, [scenario, `${times}`, `${planted}`])
      more[scenario] = (withMore - setUp) / times
    }
  }
  await Promise.all(Array.from({ length: availableParallelism() }, work))
  const { [YARDSTICK]: yardstick = Number.NaN, ...counted } = plain
  return { plain: counted, planted: more, yardstick }
}

/**
 * @param {string} workload
 * @param {string[]} args
 */
async function count(workload, args) {
  const options = ['--tool=cachegrind', '--cache-sim=no', '--cachegrind-out-file=/dev/null']
  const { stderr } = await promisify(execFile)('valgrind', [...options, workload, ...args])
  const [, instructions] = /I +refs: +([\d,]+)/.exec(stderr) ?? []
  if (instructions === undefined) throw new Error(`valgrind did not count: ${stderr}`)
  return Number(instructions.replaceAll(',', ''))
}
