// What light load costs a live server, and what of it is heddle's: five edits a second of each client, for heddle and for the server
// that does the least that these sockets ask for, both sampled by perf at the same time.
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pause } from '../../scripts/durability/kills.mjs'
import { SetupError } from '../../scripts/requirements.mjs'
import { LOADS } from '../live/sample.mjs'
import { Stage } from '../live/stage.mjs'

const LAYOUTS = [
  { rooms: 1, perRoom: 50 },
  { rooms: 50, perRoom: 4 },
]
const SUBJECTS = ['heddle', 'bare']
const SLICES = 30
const SLICE_MS = 500

/** Often enough to see parts of a microsecond in what a slice costs, and seldom enough to cost little itself. */
const SAMPLES_PER_SECOND = 2_500

const ALL = 'all of it'

/** Below this, in microseconds for each edit, nothing is listed. */
const LEAST_MICROS = 0.5

export async function profileLight() {
  try {
    execFileSync('perf', ['--version'])
  } catch {
    throw new SetupError('This takes perf: on Debian, `apt-get install linux-perf`.')
  }
  for (const layout of LAYOUTS) {
    const rows = await profile(layout)
    console.log(`\n${layout.rooms} x ${layout.perRoom} clients, microseconds for each edit\n`)
    console.log(`| | ${SUBJECTS.join(' | ')} |\n|---|${SUBJECTS.map(() => '---:|').join('')}`)
    for (const [part, micros] of rows) {
      if (Math.max(...micros) < LEAST_MICROS) break
      console.log(`| ${part} | ${micros.map((value) => value.toFixed(1)).join(' | ')} |`)
    }
  }
}

/**
 * Gives the parts, the dearest first, with what each costs each server.
 * @param {import('../live/clients/crowd.mjs').Layout} layout
 */
async function profile(layout) {
  const dir = mkdtempSync(join(tmpdir(), 'heddle-perf-'))
  const recording = join(dir, 'samples')
  const stages = SUBJECTS.map((subject) => new Stage({ subject, clients: 'clients/load.mjs' }))
  try {
    for (const { server, clients } of stages) {
      await clients.ask('join', { port: await server.ask('port'), layout })
      await clients.ask('run', { load: LOADS.saturated, ms: SLICE_MS })
      await clients.ask('run', { load: LOADS.light, ms: 2 * SLICE_MS })
    }
    const pids = stages.map(({ server }) => server.pid)
    const perf = spawn(
      'perf',
      [
        'record',
        '-q',
        '-g',
        '-e',
        'cpu-clock',
        '-F',
        String(SAMPLES_PER_SECOND),
        '-o',
        recording,
        '-p',
        pids.join(),
      ],
      { stdio: 'ignore' },
    )
    await pause(500)
    const edits = stages.map(() => 0)
    for (let slice = 0; slice < SLICES; slice += 1) {
      for (const [index, { clients }] of stages.entries()) {
        const { patches } = await clients.ask('run', { load: LOADS.light, ms: SLICE_MS })
        edits[index] = (edits[index] ?? 0) + patches
      }
    }
    perf.kill('SIGINT')
    await once(perf, 'exit')
    const counts = countParts(recording)
    return [...counts]
      .map(([part, byPid]) => {
        const micros = pids.map(
          (pid, index) => ((byPid.get(pid) ?? 0) / SAMPLES_PER_SECOND / (edits[index] ?? 1)) * 1e6,
        )
        return /** @type {[string, number[]]} */ ([part, micros])
      })
      .sort(([, a], [, b]) => Math.max(...b) - Math.max(...a))
  } finally {
    for (const stage of stages) await stage.close()
    rmSync(dir, { recursive: true })
  }
}

/**
 * Samples by part and process.
 * @param {string} recording
 * @returns {Map<string, Map<number, number>>}
 */
function countParts(recording) {
  const script = execFileSync(
    'perf',
    ['script', '-i', recording, '-F', 'comm,pid,tid,ip,sym,dso'],
    {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      maxBuffer: 1 << 30,
    },
  )
  /** @type {Map<string, Map<number, number>>} */
  const counts = new Map()
  for (const sample of script.split('\n\n')) {
    const [head = '', ...stack] = sample.split('\n').filter((line) => line.trim() !== '')
    const [, comm = '', pid, tid] = /^\s*(\S+)\s+(\d+)\/(\d+)/.exec(head) ?? []
    if (pid === undefined || stack.length === 0) continue
    for (const part of [ALL, partOf(comm, pid === tid, stack)]) {
      const those = counts.get(part) ?? new Map()
      those.set(Number(pid), (those.get(Number(pid)) ?? 0) + 1)
      counts.set(part, those)
    }
  }
  return counts
}

/**
 * @param {string} comm the name of the thread
 * @param {boolean} isMain
 * @param {string[]} stack what it was in, innermost first
 */
function partOf(comm, isMain, stack) {
  if (comm.startsWith('heddle-')) return `the thread \`${comm}\``
  if (!isMain) return 'threads of Node: compiler, collector'
  const [top = ''] = stack
  if (top.includes('[kernel')) {
    const call = stack.map((line) => /\b(?:__x64_sys_|ksys_)(\w+)/.exec(line)?.[1]).find(Boolean)
    return call === undefined ? 'kernel, outside of a call' : `kernel, \`${call}\``
  }
  if (top.includes('heddle.')) return 'the addon'
  if (/perf-\d+\.map|\[JIT\]|\/\/anon/.test(top)) return 'compiled JS'
  if (top.includes('libc')) return 'libc'
  return 'Node'
}
