// Profiles one scenario of the border in this process: `node border-process.mjs <scenario>`.
import { Session } from 'node:inspector/promises'
import { fileURLToPath } from 'node:url'
import { SCENARIOS } from '../guard/frames.mjs'
import { playerOf } from '../guard/playing.mjs'
import { printShares } from './table.mjs'

const FRAMES = 200_000

const scenario = SCENARIOS.find((name) => name === process.argv[2])
if (scenario === undefined) throw new Error(`The scenarios are ${SCENARIOS.join(', ')}.`)

const play = playerOf(scenario, 0)
// The first ones belong to the compiler.
await play(FRAMES / 10)
const session = new Session()
session.connect()
await session.post('Profiler.enable')
await session.post('Profiler.setSamplingInterval', { interval: 200 })
await session.post('Profiler.start')
const before = process.cpuUsage()
await play(FRAMES)
const { user, system } = process.cpuUsage(before)
const { profile } = await session.post('Profiler.stop')

/** @type {Map<string, number>} */
const selfTimes = new Map()
const names = new Map(profile.nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]))
const [samples = [], deltas = []] = [profile.samples, profile.timeDeltas]
for (const [index, id] of samples.entries()) {
  const name = names.get(id) ?? '?'
  selfTimes.set(name, (selfTimes.get(name) ?? 0) + (deltas[index] ?? 0))
}
// Samples go by the clock on the wall, which also runs while others have the processor: only their shares count.
const sampled = [...selfTimes.values()].reduce((sum, time) => sum + time, 0)
const perFrame = (user + system) / FRAMES
const costs = Array.from(
  selfTimes,
  ([name, time]) => /** @type {[string, number]} */ ([name, (time / sampled) * perFrame]),
)
console.log(
  `${scenario}: ${perFrame.toFixed(2)} us of processor time a frame, callees not included\n`,
)
printShares('us', costs, perFrame)

/** @param {import('node:inspector').Runtime.CallFrame} callFrame */
function nameOf({ functionName, url, lineNumber }) {
  const root = fileURLToPath(new URL('../..', import.meta.url))
  const file = url.startsWith('file:') ? fileURLToPath(url) : url
  // For code outside of JS V8 gives the name of whatever function lies before it.
  if (file === '' && !functionName.startsWith('('))
    return 'the addon, and what is built into the runtime'
  const name = functionName || 'anonymous'
  return file === '' ? name : `${name} (${file.replace(root, '')}:${lineNumber + 1})`
}
