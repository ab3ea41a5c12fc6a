// A server is killed as kill -9 does while people edit: how many acked edits does the next one not have?
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const serverProgram = fileURLToPath(new URL('crashing-server.mjs', import.meta.url))

/** How long it serves before it is killed: not a multiple of anything, and another one each time. */
const livesMs = () => 300 + Math.random() * 500

/**
 * @param {import('../frame/scenario.mjs').MeasureOptions} how
 * @param {'edit' | 'recover' | 'check'} order
 * @param {string} dir
 */
function serve({ program, contestant }, order, dir) {
  const child = spawn(program, [serverProgram, contestant.server, order, dir], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...contestant.env },
  })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return { child, lines, exited: new Promise((resolve) => child.on('close', resolve)) }
}

/**
 * What a server says as the only thing it says.
 * @param {import('../frame/scenario.mjs').MeasureOptions} how
 * @param {'recover' | 'check'} order
 * @param {string} dir
 */
async function told(how, order, dir) {
  const { lines, exited } = serve(how, order, dir)
  const { value, done } = await lines.next()
  await exited
  if (done) throw new Error(`${how.contestant.name} did not '${order}'`)
  return JSON.parse(value)
}

/** @param {import('../frame/scenario.mjs').MeasureOptions} how @param {string} dir */
async function killed(how, dir) {
  const { child, lines, exited } = serve(how, 'edit', dir)
  let acked = 0
  let isDying = false
  for await (const line of lines) {
    acked = Number(line)
    if (isDying) continue
    isDying = true
    setTimeout(() => child.kill('SIGKILL'), livesMs())
  }
  await exited
  return acked
}

/** @type {import('../frame/scenario.mjs').Scenario<never, null>} */
export const scenario = {
  name: 'crash-loss',
  measures:
    'a server with FileStorage at its default durability is killed under edits, and the next one is asked what it has',
  figures: { lost: { unit: 'edits', measures: 'acked edits that are gone' } },
  rounds: { full: 6, quick: 2 },
  cases: [
    {
      name: 'kill -9',
      params: null,
      quick: true,
      goals: { lost: { node: { floor: 0, absolute: true }, bun: { floor: 0, absolute: true } } },
    },
  ],
  phases: ['kill'],
  async open(how) {
    return {
      evidence: await inFolder((dir) => told(how, 'check', dir)),
      sample: () =>
        inFolder(async (dir) => {
          const acked = await killed(how, dir)
          const { timestamp } = await told(how, 'recover', dir)
          return { lost: Math.max(0, acked - timestamp) }
        }),
    }
  },
}

/**
 * @template T
 * @param {(dir: string) => Promise<T>} act
 */
async function inFolder(act) {
  const dir = mkdtempSync(join(tmpdir(), 'heddle-bench-'))
  try {
    return await act(dir)
  } finally {
    rmSync(dir, { recursive: true })
  }
}
