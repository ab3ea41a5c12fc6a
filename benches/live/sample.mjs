// One sample of the live benchmark: a server and its clients, each in a process of their own, under loads one after the other.
import { onStage } from './stage.mjs'

/** Unacked patches that each client keeps under way where the server is to be saturated. */
const WINDOW = 8

/** Many people, each of whom does something now and then. */
const LIGHT = { rate: 5 }

/** By name, in the order in which a sample takes them; how many slices each lasts. */
export const LOADS = new Map(
  /** @type {const} */ ([
    ['light', { load: LIGHT, slices: 3 }],
    ['steady', { load: { rate: 30 }, slices: 1 }],
    ['saturated', { load: { window: WINDOW }, slices: 1 }],
  ]),
)

/** How long a slice is, in milliseconds. */
const SLICE_MS = { full: 700, quick: 250 }

/** How long the server is saturated before anything counts. */
const WARM_UP_MS = { full: 500, quick: 250 }

/**
 * What the warm-up leaves to do, files to sync and code to compile, is over after so long: a light load is a small part of a core, and
 * that would be as much again.
 */
const SETTLING_MS = { full: 1_000, quick: 250 }

/** Clients that use more of a core than this are what is measured. */
const BUSY_CLIENTS = 0.9

/** @typedef {import('../frame/scenario.mjs').MeasureOptions & { params: import('./clients/crowd.mjs').Layout }} How */

/** @param {How} how */
export function measureLive({ contestant, program, quick, params: layout }) {
  const { server: subject, env, planted } = contestant
  const length = quick ? 'quick' : 'full'
  const players = { subject, clients: 'clients/load.mjs', runtime: program, env }
  return onStage(players, async (server, clients) => {
    const slice = sliceOf(server, clients)
    const frames = await clients.ask('join', { port: await server.ask('port'), layout })
    await slice({ window: WINDOW }, WARM_UP_MS[length])
    await slice(LIGHT, SETTLING_MS[length])
    /** @type {Record<string, number>} */
    const figures = {}
    for (const [name, { load, slices }] of LOADS) {
      await plant(server, planted, () => slice(load, SLICE_MS[length]))
      const seen = await slice(load, slices * SLICE_MS[length])
      if ('rate' in load && seen.clientsLoad > BUSY_CLIENTS) {
        throw new Error(`${name}: the clients used ${seen.clientsLoad.toFixed(2)} of a core`)
      }
      figures[name] = seen.cpuNanos
      figures[`${name}-p50`] = seen.p50Ms * 1e6
      figures[`${name}-p99`] = seen.p99Ms * 1e6
      figures[`${name}-time`] = 1e9 / seen.framesPerSecond
    }
    await clients.ask('check')
    return { figures, evidence: { frames, state: null } }
  })
}

/**
 * Gives the function that puts a load on the server and tells what it cost and what its clients saw. The time until the last
 * frame has arrived counts, and so do all frames.
 * @param {import('./child.mjs').Child} server
 * @param {import('./child.mjs').Child} clients
 */
function sliceOf(server, clients) {
  /**
   * @param {import('./clients/crowd.mjs').Load} load
   * @param {number} ms
   * @returns {Promise<import('./clients/crowd.mjs').Seen & { cpuNanos: number, cpuNanosPerPatch: number }>}
   */
  return async (load, ms) => {
    const before = await server.ask('usage')
    const seen = await clients.ask('run', { load, ms })
    const after = await server.ask('usage')
    const micros = after.cpuMicros - before.cpuMicros
    return {
      ...seen,
      cpuNanos: (micros * 1_000) / seen.frames,
      cpuNanosPerPatch: (micros * 1_000) / seen.patches,
    }
  }
}

/**
 * Makes the server spend so many percent more on each message than it did in an unchanged slice.
 * @param {import('./child.mjs').Child} server
 * @param {number} percent
 * @param {() => Promise<{ cpuNanosPerPatch: number }>} bareSlice
 */
async function plant(server, percent, bareSlice) {
  if (percent === 0) return
  await server.ask('plant', { nanos: 0 })
  const { cpuNanosPerPatch } = await bareSlice()
  await server.ask('plant', { nanos: (cpuNanosPerPatch * percent) / 100 })
}
