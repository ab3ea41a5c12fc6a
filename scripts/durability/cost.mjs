// What each durability level costs, beside 'none' in the same run: latency from edit to ack over real sockets, and processor
// time of the server for each acked edit, at a light fixed rate and saturated, with one room and with fifty. The levels take
// turns, so that whatever else the machine does hits all of them. Then the bytes written for each edit of a large document.
//
//   node scripts/durability/cost.mjs [--turns 5] [--seconds 2] [--components 100000] [--only latency|bytes]
import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { pause } from './kills.mjs'
import { LoadClient } from './load-client.mjs'
import { ServerProcess } from './server-process.mjs'

/** @typedef {'none' | 'process' | 'disk'} Level */
/** @typedef {{ title: string, rooms: number, editsPerSecond: number | undefined }} Load */

const LEVELS = /** @type {const} */ (['none', 'process', 'disk'])

/** Without a rate a client sends its next edit when it has the ack of one of its last eight. */
const SATURATED = undefined

/** @type {readonly Load[]} */
const LOADS = [
  { title: '1 room, 200 edits a second', rooms: 1, editsPerSecond: 200 },
  { title: '50 rooms, 500 edits a second', rooms: 50, editsPerSecond: 500 },
  { title: '1 room, saturated', rooms: 1, editsPerSecond: SATURATED },
  { title: '50 rooms, saturated', rooms: 50, editsPerSecond: SATURATED },
]

/** What a level showed under one load. */
class Figures {
  latencies = /** @type {number[]} */ ([])
  acked = 0
  cpuMicros = 0
  seconds = 0

  /** @param {number} share */
  percentile(share) {
    const sorted = this.latencies.toSorted((a, b) => a - b)
    return sorted[Math.floor(share * (sorted.length - 1))] ?? Number.NaN
  }

  get row() {
    return {
      p50: this.percentile(0.5),
      p99: this.percentile(0.99),
      cpuPerEdit: this.cpuMicros / this.acked,
      editsPerSecond: this.acked / this.seconds,
    }
  }
}

/**
 * One turn of one level under one load, with a server of its own.
 * @param {Level} level
 * @param {Load} load
 * @param {number} seconds
 * @param {Figures} figures
 */
async function measure(level, { rooms, editsPerSecond }, seconds, figures) {
  const dir = mkdtempSync(join(tmpdir(), 'heddle-cost-'))
  const server = new ServerProcess({ dir, level })
  try {
    const port = await server.serve()
    const clients = Array.from({ length: rooms }, (_, room) => new LoadClient(port, `room-${room}`))
    await Promise.all(clients.map((client) => client.join()))
    const rate = editsPerSecond === undefined ? undefined : editsPerSecond / rooms
    // The first moments belong to the compiler.
    for (const client of clients) client.start(rate)
    await pause(300)
    const before = await server.cpuMicros()
    for (const client of clients) client.forget()
    const started = performance.now()
    await pause(seconds * 1_000)
    const took = performance.now() - started
    figures.cpuMicros += (await server.cpuMicros()) - before
    figures.seconds += took / 1_000
    for (const client of clients) {
      figures.acked += client.latencies.length
      for (const latency of client.latencies) figures.latencies.push(latency)
      client.leave()
    }
  } finally {
    await server.kill()
    rmSync(dir, { recursive: true })
  }
}

/**
 * @param {number} turns
 * @param {number} seconds
 */
async function compareLatency(turns, seconds) {
  for (const load of LOADS) {
    const figures = { none: new Figures(), process: new Figures(), disk: new Figures() }
    for (let turn = 0; turn < turns; turn += 1) {
      for (const level of turn % 2 === 0 ? LEVELS : LEVELS.toReversed()) {
        await measure(level, load, seconds, figures[level])
      }
    }
    console.log(`\n${load.title}`)
    const base = figures.none.row
    for (const level of LEVELS) {
      const { p50, p99, cpuPerEdit, editsPerSecond } = figures[level].row
      const added = (p99 - base.p99).toFixed(2)
      console.log(
        `  ${level.padEnd(8)} ack p50 ${p50.toFixed(2)} ms (x${ratio(p50, base.p50)}), ` +
          `p99 ${p99.toFixed(2)} ms (x${ratio(p99, base.p99)}, ${added} ms added), ` +
          `${cpuPerEdit.toFixed(1)} us of CPU an edit (x${ratio(cpuPerEdit, base.cpuPerEdit)}), ` +
          `${editsPerSecond.toFixed(0)} edits a second`,
      )
    }
  }
}

/**
 * @param {number} value
 * @param {number} base
 */
function ratio(value, base) {
  return (value / base).toFixed(2)
}

/**
 * The bytes that a server writes for each edit of a document of this size, whatever the time over which it saves or compacts.
 * @param {number} components
 * @param {number} seconds
 */
async function compareBytes(components, seconds) {
  if (process.platform !== 'linux') throw new Error('the bytes written are counted on Linux alone')
  const snapshot = snapshotOf(components)
  const size = `${components} components, ${snapshot.length} bytes`
  console.log(`\n${size}, edits of about 50 bytes, saveThrottleMs 1000`)
  for (const level of LEVELS) {
    const dir = mkdtempSync(join(tmpdir(), 'heddle-bytes-'))
    writeFileSync(join(dir, 'room-0.json'), snapshot)
    const server = new ServerProcess({ dir, level, saveThrottleMs: 1_000 })
    try {
      const client = new LoadClient(await server.serve(), 'room-0')
      await client.join(1)
      const pid = Number(server.child.pid)
      const before = writtenBy(pid)
      client.start(2_000)
      await pause(seconds * 1_000)
      client.rest()
      await pause(300)
      const after = writtenBy(pid)
      const edits = client.latencies.length
      const [calls, disk] = [after.calls - before.calls, after.disk - before.disk].map((bytes) =>
        (bytes / edits).toFixed(0),
      )
      console.log(
        `  ${level.padEnd(8)} ${edits} edits, for each ${disk} bytes of dirty pages, ` +
          `${calls} bytes given to write calls, acks included`,
      )
      client.leave()
    } finally {
      await server.kill()
      rmSync(dir, { recursive: true })
    }
  }
}

/** @param {number} components */
function snapshotOf(components) {
  const keys = Array.from({ length: components }, (_, index) => `shape-${index}/Shape`)
  const state = Object.fromEntries(keys.map((key) => [key, { _exists: true, x: 1, text: 'shape' }]))
  const clocks = Object.fromEntries(keys.map((key) => [key, { _exists: 1, x: 1, text: 1 }]))
  return JSON.stringify({ timestamp: 1, state, timestamps: clocks })
}

/**
 * What a process wrote: in pages that go to a disk (none where the folder is in memory), and in calls, sockets included.
 * @param {number} pid
 */
function writtenBy(pid) {
  const io = readFileSync(`/proc/${pid}/io`, 'utf8')
  const number = (/** @type {string} */ name) =>
    Number(new RegExp(`^${name}: (\\d+)$`, 'm').exec(io)?.[1])
  return { disk: number('write_bytes'), calls: number('wchar') }
}

async function main() {
  const { values } = parseArgs({
    options: {
      turns: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '2' },
      components: { type: 'string', default: '100000' },
      only: { type: 'string' },
    },
  })
  const seconds = Number(values.seconds)
  if (values.only !== 'bytes') await compareLatency(Number(values.turns), seconds)
  if (values.only !== 'latency') await compareBytes(Number(values.components), 5 * seconds)
  process.exit()
}

if (realpathSync(process.argv[1] ?? '') === fileURLToPath(import.meta.url)) await main()
