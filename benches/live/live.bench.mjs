// Whole servers on loopback: everybody edits, and what each frame that arrives cost the server is taken.
import { ALL_COLUMNS } from '../frame/contestants.mjs'
import { LOADS, openLive } from './sample.mjs'

/** @typedef {import('./clients/crowd.mjs').Layout} Layout */

/** @type {Record<keyof typeof LOADS, string>} */
const SAID = {
  light: 'each client at 5 edits a second',
  steady: 'each client at 30 edits a second',
  saturated: 'each client with eight edits under way at all times',
}

/** @type {import('../frame/scenario.mjs').Scenario<never, Layout>['figures']} */
const figures = {}
for (const [name, said] of Object.entries(SAID)) {
  figures[name] = { unit: 'ns', measures: `CPU of the server per delivered frame, ${said}` }
  for (const [part, share] of [
    ['p50', 'half of all'],
    ['p99', '99 in 100'],
  ]) {
    const measures = `from send to receipt, ${share}, ${said}`
    figures[`${name}-${part}`] = { unit: 'ns', measures, isDelay: true }
  }
}
figures['saturated-time'] = { unit: 'ns', measures: `time per delivered frame, ${SAID.saturated}` }

/** @type {import('../frame/scenario.mjs').Scenario<never, Layout>} */
export const scenario = {
  name: 'live',
  measures: 'servers with default durability and real sockets, in a process beside their clients',
  figures,
  columns: ALL_COLUMNS,
  others: ['heddle-8-ms', 'bare'],
  rounds: { full: 11, quick: 3 },
  cases: [
    {
      name: 'one room of 50',
      params: { rooms: 1, perRoom: 50 },
      quick: true,
      goals: {
        saturated: { node: { floor: 12, aim: 30 } },
        light: { node: { floor: 1.5, aim: 2.3 } },
      },
    },
    {
      name: 'fifty rooms of 4',
      params: { rooms: 50, perRoom: 4 },
      quick: true,
      goals: {
        saturated: { node: { floor: 5, aim: 10 } },
        light: { node: { floor: 1.5, aim: 2.3 } },
      },
    },
  ],
  phases: Object.keys(LOADS),
  open: openLive,
}
