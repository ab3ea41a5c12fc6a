// node scripts/hostile/soak.mjs [--minutes 30] [--sessions 200] [--seed 1]
//
// A server with rooms in files, at its defaults, under clients of every kind: editors, cursors, readers, slow ones, hostile ones,
// and some that come and go. Prints how the server is every ten seconds, and whether it grew: the last third of the time is
// compared with the third before. Takes about half a processor. Ends with code 1 when it grew, or was gone.
import { fork } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import WebSocket from 'ws'
import { Random } from '../durability/random.mjs'

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '30' },
    sessions: { type: 'string', default: '200' },
    seed: { type: 'string', default: '1' },
  },
})
const random = new Random(Number(values.seed))

const MIB = 1024 ** 2
const ROOMS = 20
const SAMPLE_MS = 10_000
/** Each client does something so often. */
const PACE_MS = 1_000
/** Keys of a room: what it holds stops growing once all are there. */
const KEYS = 200
/** What the last third may take more than the one before, beyond what the allocator's moods explain. */
const GROWTH_MIB = 16
const GROWTH_SHARE = 0.05

/** Frames that must not harm anybody. */
const HOSTILE = [
  'null',
  '[null]',
  '{',
  '\0',
  '['.repeat(100_000),
  '{"type":"patch","documentPatches":[null]}',
  '{"type":"patch","messageId":"m","documentPatches":[{"a":{"p":{"__buf":1,"len":4e9,"runs":[]}}}]}',
  '{"type":"patch","messageId":"m","documentPatches":[{"__proto__":{"_exists":true,"constructor":1}}]}',
  '{"type":"reconnect","lastTimestamp":-1,"protocolVersion":"x"}',
  '{"type":"auth-refresh","token":"refused"}',
  Buffer.from([0xff, 0xfe, 0]),
  `{"type":"patch","messageId":"m","documentPatches":[{"${'k'.repeat(20_000)}":{}}]}`,
]

/** @typedef {'editor' | 'cursor' | 'reader' | 'slow' | 'hostile' | 'guest'} Kind */
/** @type {Kind[]} */
const KINDS = [
  'editor',
  'editor',
  'editor',
  'cursor',
  'cursor',
  'reader',
  'slow',
  'hostile',
  'guest',
  'guest',
]

/** @typedef {{ rss: number, heapUsed: number, external: number, handles: number, rooms: number, sockets: number, delayMs: number, cpu: number, errors: number }} Sample */

let messages = 0

/** One client: connects again whenever it is closed. */
class Client {
  #kind
  #number
  #port
  #random = random.fork()
  #isOver = false
  /** @type {WebSocket | undefined} */
  #socket
  #timer

  /**
   * @param {number} number
   * @param {number} port
   */
  constructor(number, port) {
    this.#number = number
    this.#kind = KINDS[number % KINDS.length] ?? 'reader'
    this.#port = port
    this.#connect()
    this.#timer = setInterval(() => this.#act(), PACE_MS * (0.75 + this.#random.fraction() / 2))
  }

  end() {
    this.#isOver = true
    clearInterval(this.#timer)
    this.#socket?.terminate()
  }

  #connect() {
    if (this.#isOver) return
    const room = this.#number % ROOMS
    const url = `ws://127.0.0.1:${this.#port}/?roomId=room-${room}&clientId=c${this.#number}&token=t`
    const socket = new WebSocket(url, { perMessageDeflate: false })
    this.#socket = socket
    socket.on('open', () => {
      socket.send('{"type":"reconnect","lastTimestamp":0,"protocolVersion":2}')
    })
    socket.on('message', () => {
      messages += 1
    })
    socket.on('error', () => {})
    socket.on('close', () => setTimeout(() => this.#connect(), 200 + this.#random.integer(0, 800)))
  }

  #act() {
    const socket = this.#socket
    if (socket?.readyState !== WebSocket.OPEN) return
    switch (this.#kind) {
      case 'editor':
        return socket.send(this.#edit())
      case 'cursor':
        return socket.send(this.#cursor())
      case 'slow':
        // Reads a little now and then.
        return this.#random.happens(0.2) ? socket.resume() : socket.pause()
      case 'hostile':
        return socket.send(this.#random.of(HOSTILE))
      case 'guest':
        if (this.#random.happens(0.1)) return socket.terminate()
        if (this.#random.happens(0.1)) return socket.send('{"type":"auth-refresh","token":"t2"}')
        return socket.send(this.#cursor())
      case 'reader':
        return undefined
    }
  }

  #edit() {
    const key = `${this.#random.integer(1, KEYS)}/Box`
    const fields = this.#random.happens(0.1)
      ? { _exists: false }
      : {
          _exists: true,
          x: this.#random.integer(0, 999),
          text: 'x'.repeat(this.#random.integer(0, 300)),
        }
    const documentPatches = [{ [key]: fields }]
    return JSON.stringify({
      type: 'patch',
      messageId: `${this.#random.integer(0, 1e9)}`,
      documentPatches,
    })
  }

  #cursor() {
    const ephemeralPatches = [
      { [`${this.#number}/Cursor`]: { _exists: true, x: this.#random.integer(0, 999) } },
    ]
    return JSON.stringify({ type: 'patch', messageId: 'c', ephemeralPatches })
  }
}

/**
 * The median of a figure, in MiB: what a collection just freed or is about to free does not count.
 * @param {Sample[]} samples
 * @param {'rss' | 'heapUsed' | 'external'} figure
 */
function median(samples, figure) {
  const sorted = samples.map((sample) => sample[figure]).sort((one, other) => one - other)
  return (sorted[Math.floor(sorted.length / 2)] ?? 0) / MIB
}

/**
 * Whether the last third is no larger than the one before.
 * @param {Sample[]} samples
 */
function isFlat(samples) {
  const third = Math.floor(samples.length / 3)
  if (third === 0) throw new Error('too short to say anything: give it a minute')
  const [before, last] = [samples.slice(-2 * third, -third), samples.slice(-third)]
  let flat = true
  for (const figure of /** @type {const} */ (['rss', 'heapUsed', 'external'])) {
    const [from, to] = [median(before, figure), median(last, figure)]
    const grew = to - from > GROWTH_MIB + from * GROWTH_SHARE
    console.log(
      `${figure.padEnd(9)} ${from.toFixed(1)} -> ${to.toFixed(1)} MiB${grew ? '  GROWS' : ''}`,
    )
    if (grew) flat = false
  }
  return flat
}

const dir = mkdtempSync(join(tmpdir(), 'heddle-soak-'))
const server = fork(fileURLToPath(new URL('soak-server.mjs', import.meta.url)), [dir])
let isGone = false
server.once('exit', () => {
  isGone = true
})
/** @returns {Promise<any>} */
const answer = () => new Promise((resolve) => server.once('message', resolve))

const { port } = await answer()
const clients = Array.from(
  { length: Number(values.sessions) },
  (_, index) => new Client(index, port),
)
/** @type {Sample[]} */
const samples = []
let cpu = 0
console.log(
  '    s   rss MiB  heap MiB   ext MiB  handles  rooms  sockets  messages/s  cpu %  delay ms  errors',
)
const started = Date.now()
while (!isGone && Date.now() - started < Number(values.minutes) * 60_000) {
  messages = 0
  await pause(SAMPLE_MS)
  if (isGone) break
  server.send('sample')
  /** @type {Sample} */
  const sample = await answer()
  samples.push(sample)
  const row = [
    [Math.round((Date.now() - started) / 1_000), 5],
    [(sample.rss / MIB).toFixed(1), 10],
    [(sample.heapUsed / MIB).toFixed(1), 10],
    [(sample.external / MIB).toFixed(1), 10],
    [sample.handles, 9],
    [sample.rooms, 7],
    [sample.sockets, 9],
    [Math.round((messages * 1_000) / SAMPLE_MS), 12],
    [Math.round((sample.cpu - cpu) / 10 / SAMPLE_MS), 7],
    [sample.delayMs.toFixed(0), 10],
    [sample.errors, 8],
  ]
  cpu = sample.cpu
  console.log(row.map(([value, width]) => String(value).padStart(Number(width))).join(''))
}
for (const client of clients) client.end()
const hasSurvived = !isGone
const flat = hasSurvived && isFlat(samples)
console.log(hasSurvived ? `soak: ${flat ? 'flat' : 'GROWS'}` : 'soak: the server is GONE')
if (hasSurvived) {
  server.disconnect()
  await new Promise((resolve) => server.once('exit', resolve))
}
rmSync(dir, { recursive: true })
process.exit(flat ? 0 : 1)
