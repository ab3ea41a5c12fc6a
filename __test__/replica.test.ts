import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { beforeAll, describe, expect, test as it } from 'vitest'
import type { Patch } from '../index.js'
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
  'lags',
  'lags-stored',
  'lags-failing',
  'walks',
  'walks-stored',
  'walks-failing',
  'walks-lagging',
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

  it('the real adapter shows what it is about to overwrite in the room: limit 1', async () => {
    const none = { document: {}, ephemeral: {} }
    const x = (value: number) => ({ 'a/Box': { x: value } })
    const reconnect = { type: 'reconnect', lastTimestamp: 0, protocolVersion: 2 }
    const mine = (messageId: string, value: number) => ({
      type: 'patch',
      messageId,
      documentPatches: [x(value)],
    })
    const theirs = { type: 'patch', clientId: 'ann', documentPatches: [x(3)], timestamp: 2 }
    const end = { state: x(3), lastTimestamp: 3, offlineBuffer: {}, localEphemeralState: {} }

    const replayed = replay({
      seed: 0,
      client: 'bob',
      version: 2,
      trace: [
        { do: 'start', at: 0, out: [['connect', 0]] },
        { do: 'open', at: 0, socket: 0, out: [['send', 0, reconnect]] },
        message(0, { type: 'clientCount', count: 2 }),
        edit(0, x(1), [['send', 0, mine('bob-1', 1)]]),
        message(0, { type: 'ack', messageId: 'bob-1', timestamp: 1 }),
        edit(1, x(2), []),
        message(1, theirs),
        {
          do: 'sync',
          at: 34,
          edits: none,
          pulled: { document: x(3), ephemeral: {} },
          out: [['send', 0, mine('bob-2', 2)]],
        },
        message(34, { type: 'ack', messageId: 'bob-2', timestamp: 3 }),
        { do: 'end', ...end, inFlight: [] },
      ],
    })

    await expect(replayed).resolves.toBeUndefined()

    function message(at: number, frame: unknown): Trace['trace'][number] {
      return { do: 'message', at, socket: 0, frame, out: [] }
    }
    function edit(
      at: number,
      document: Patch,
      out: ['send', 0, unknown][],
    ): Trace['trace'][number] {
      return { do: 'sync', at, edits: { document, ephemeral: {} }, pulled: none, out }
    }
  })
})
