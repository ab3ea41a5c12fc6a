// Opens rooms that nobody is in, and prints what each costs: bytes of JavaScript objects, and open files, where the system lists
// them. Needs --expose-gc.
// Arguments: `none` or `files`, and `left` where somebody has been in them.
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { FileStorage, RoomManager } from '../../../index.js'

const [kind = 'none', fate = ''] = process.argv.slice(2)
const ROOMS = 500
const OPEN_FILES = '/proc/self/fd'

const dir = mkdtempSync(join(tmpdir(), 'heddle-idle-'))
const manager = new RoomManager(
  kind === 'files' ? { createStorage: (roomId) => new FileStorage({ dir, roomId }) } : {},
)

/** @param {string} name */
async function open(name) {
  const ids = Array.from({ length: ROOMS }, (_, index) => `${name}-${index}`)
  const rooms = await Promise.all(ids.map((id) => manager.getRoom(id)))
  for (const room of fate === 'left' ? rooms : []) {
    const socket = { send() {}, close() {} }
    const session = room.handleSocketConnect({ socket, clientId: 'ann', permissions: 'readwrite' })
    room.handleSocketMessage(session, '{"type":"reconnect","lastTimestamp":0,"protocolVersion":2}')
    room.handleSocketClose(session)
  }
}

async function look() {
  for (let round = 0; round < 5; round += 1) {
    globalThis.gc?.()
    await turn()
  }
  const files = existsSync(OPEN_FILES) ? readdirSync(OPEN_FILES).length : Number.NaN
  return { heap: process.memoryUsage().heapUsed, files }
}

await open('warm-up')
let before = await look()
const costs = []
for (const name of ['first', 'second', 'third']) {
  await open(name)
  const after = await look()
  costs.push({
    bytes: (after.heap - before.heap) / ROOMS,
    files: (after.files - before.files) / ROOMS,
  })
  before = after
}
// What the runtime compiles meanwhile is on the same heap, and comes once.
const bytes = Math.min(...costs.map((cost) => cost.bytes))
const files = Math.max(...costs.map((cost) => cost.files))
process.stdout.write(JSON.stringify({ bytes, files }))
await manager.closeAll()
rmSync(dir, { recursive: true })
