import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { beforeAll, describe, expect, test as it } from 'vitest'
import { replay, type Trace } from './harness/replay.js'

const SEEDS = 200
const BUILD_MS = 600_000
const REPLAY_MS = 120_000

const modes = [
  'live',
  'steps',
  'leaves',
  'drops',
  'deletes',
  'restarts',
  'crashes',
  'empty',
  'hops',
  'bare',
  'versions',
  'rollback',
  'slow',
  'failing',
  'killed',
  'all',
  'stored',
]

/** Runs the simulator's own program and gives its output line by line. */
async function* traces(...args: string[]): AsyncGenerator<string> {
  const cargo =
    'run --quiet --locked --profile test --no-default-features --example traces --'.split(' ')
  const child = spawn('cargo', [...cargo, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  let complaints = ''
  child.stderr.on('data', (chunk) => {
    complaints += chunk
  })
  const ended = new Promise<number | null>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', resolve)
  })
  yield* createInterface(child.stdout)
  const code = await ended
  if (code !== 0) throw new Error(`cargo ended with ${code}: ${complaints}`)
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = []
  for await (const item of items) list.push(item)
  return list
}

describe('the simulated client is the real one', () => {
  let built: string[] = []

  beforeAll(async () => {
    built = await all(traces())
  }, BUILD_MS)

  it('no mode of the simulator is left out', () => {
    expect(modes).toEqual(built)
  })

  it.each(modes)(
    '[PA8] [RC1] the real adapter sends and holds the same: %s',
    { timeout: REPLAY_MS },
    async (mode) => {
      const lines = await all(traces(mode, String(SEEDS)))

      for (const line of lines) await replay(JSON.parse(line) as Trace)

      expect(lines.length).toBeGreaterThanOrEqual(2 * SEEDS)
    },
  )
})
