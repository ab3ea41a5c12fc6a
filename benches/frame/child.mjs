// The child process: one scenario, one case, one contestant. Its argument says which; orders come as lines on stdin, answers
// leave as lines of JSON on stdout. It ends when its stdin does.
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'
import { loadSide } from '../jobs/sides.mjs'
import { digest } from './evidence.mjs'
import { Repetition } from './repetition.mjs'

/** @type {{ path: string, caseIndex: number, contestant: import('./contestants.mjs').Contestant, dir: string }} */
const { path, caseIndex, contestant, dir } = JSON.parse(process.argv[2] ?? '')

/** @type {{ scenario: import('./scenario.mjs').Scenario<any, any> }} */
const { scenario } = await import(pathToFileURL(path).href)
const side = await loadSide(contestant.server, dir)
const world = await scenario.setup?.(side, scenario.cases[caseIndex]?.params)
const repetition = scenario.operate && new Repetition(scenario, world, contestant.planted)

/** @type {Record<string, () => unknown>} */
const orders = {
  check: async () => (scenario.check ? digest(await scenario.check(world)) : null),
  warm: () => (repetition ? repetition.warm() : scenario.rehearse?.(world, contestant.planted)),
  sample: async () => (repetition ? { cpu: await repetition.sample() } : scenario.run?.(world)),
  received: () => repetition?.receivedPerOperation(),
}

for await (const order of createInterface({ input: process.stdin })) {
  const answer = (await orders[order]?.()) ?? null
  process.stdout.write(`${JSON.stringify({ answer })}\n`)
}
process.exit()
