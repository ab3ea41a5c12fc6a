// What a scenario is, and where scenarios are found: each is a file `benches/<group>/<name>.bench.mjs` that exports `scenario`.
import { readdirSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

/**
 * What one figure has to reach. `floor` and `aim` are ratios to the peer, or, where `absolute` is set, heddle's own value.
 * @typedef {{ floor: number, aim?: number, absolute?: true }} Goal
 */

/**
 * @typedef {object} Figure less is better
 * @property {string} unit
 * @property {string} measures one sentence
 * @property {true} [isDelay] whether it is how long something waits, which need not follow how much work there is
 */

/**
 * One setting of a scenario. Goals are by figure and runtime.
 * @template Params
 * @typedef {object} Case
 * @property {string} name
 * @property {Params} params
 * @property {boolean} [quick] whether `--quick` runs it
 * @property {readonly string[]} [columns] instead of the scenario's
 * @property {Record<string, Partial<Record<Runtime, Goal>>>} [goals]
 */

/** @typedef {'node' | 'bun'} Runtime */

/**
 * What both servers did, for comparison: the frames of each receiver, in order, and whatever else must be equal.
 * @typedef {{ frames: Record<string, string[]>, state: unknown }} Evidence
 */

/**
 * What a scenario has opened for one contestant, and keeps until the others are done as well.
 * @typedef {object} Opened
 * @property {Evidence} evidence
 * @property {(phase: string) => Promise<Record<string, number>>} sample the figures of a phase
 * @property {() => Promise<void>} [check] runs after everything was timed
 * @property {() => Promise<void>} [close]
 */

/**
 * Either `operate` or `run` or `open` says what is timed:
 * - `operate` is one operation of microseconds. The frame repeats it and takes the processor's time of the whole process, as the
 *   figure `cpu`.
 * - `run` takes one sample of each figure itself, in the child process.
 * - `open` does all in the parent, with processes of its own (servers, load clients), and is sampled phase by phase.
 *
 * @template World, Params
 * @typedef {object} Scenario
 * @property {string} name
 * @property {string} measures one sentence
 * @property {Record<string, Figure>} figures
 * @property {Case<Params>[]} cases
 * @property {readonly string[]} [columns] those of `contestants.mjs` that a default run adds
 * @property {readonly string[]} [others] further servers beside heddle and the peer, for `open`
 * @property {Runtime[]} [runtimes] default: both
 * @property {{ full: number, quick: number }} [rounds] how many samples of each contestant
 * @property {boolean} [fresh] whether each sample needs a process of its own
 * @property {string[]} [flags] of the runtime, such as `--expose-gc`
 * @property {(side: import('../jobs/sides.mjs').Side, params: Params) => World | Promise<World>} [setup]
 * @property {(world: World) => Evidence | Promise<Evidence>} [check] runs before anything is timed
 * @property {(world: World, index: number) => void} [operate]
 * @property {(world: World) => Promise<void>} [settle] waits for what operations left to later turns
 * @property {(world: World) => number} [received] how many frames the sockets got so far: must grow alike on all sides
 * @property {(world: World) => Record<string, number> | Promise<Record<string, number>>} [run]
 * @property {(world: World, planted: number) => Promise<void>} [rehearse] runs once before `run` and plants that much work, in percent
 * @property {readonly string[]} [phases] of `open`: everybody is sampled in the first, then in the next
 * @property {(how: MeasureOptions & { params: Params }) => Promise<Opened>} [open]
 */

/**
 * @typedef {object} MeasureOptions
 * @property {import('./contestants.mjs').Contestant} contestant
 * @property {Runtime} runtime
 * @property {string} program the path of the runtime
 * @property {boolean} quick
 */

/** @typedef {{ path: string, group: string, scenario: Scenario<any, any> }} Found */

const folder = fileURLToPath(new URL('..', import.meta.url))

/**
 * Gives all scenarios, by group and name.
 * @returns {Promise<Found[]>}
 */
export async function findScenarios() {
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.bench.mjs') && !path.includes('node_modules'))
    .toSorted()
    .map((path) => join(folder, path))
  return Promise.all(
    paths.map(async (path) => {
      const { scenario } = await import(pathToFileURL(path).href)
      return { path, group: relative(folder, path).split(/[\\/]/)[0] ?? '', scenario }
    }),
  )
}
