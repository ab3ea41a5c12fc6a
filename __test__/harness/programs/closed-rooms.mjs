// Opens rooms on files, fills and closes them, and prints by how much memory has grown, in MiB. Needs --expose-gc.
// Arguments: how many rooms, and whether they are `forgotten` or `held`.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { FileStorage, RoomManager } from '../../../index.js'

const [count = '1000', fate = 'forgotten'] = process.argv.slice(2)
const MIB = 1024 * 1024
const FILLING = 'x'.repeat(20_000)
/** So many rooms are open at once. */
const BATCH = 20

const dir = mkdtempSync(join(tmpdir(), 'heddle-memory-'))
/** @type {import('../../../index.js').RoomManagerOptions} */
const storage = { createStorage: (roomId) => new FileStorage({ dir, roomId }) }
/** @type {unknown[]} */
const held = []

/**
 * It holds about 100 KB: a thousand documents that stay are 100 MiB.
 * @param {RoomManager} manager
 * @param {string} id
 */
async function useRoom(manager, id) {
  const room = await manager.getRoom(id)
  const author = room.handleSocketConnect({
    socket: { send() {}, close() {} },
    clientId: 'ann',
    permissions: 'readwrite',
  })
  for (let key = 0; key < 5; key += 1) {
    const documentPatches = [{ [`${key}/Text`]: { _exists: true, text: FILLING } }]
    const frame = { type: 'patch', messageId: 'm', documentPatches }
    room.handleSocketMessage(author, JSON.stringify(frame))
  }
  manager.closeRoom(id)
  if (fate === 'held') held.push(room)
}

/** @param {number} rooms */
async function useRooms(rooms) {
  const manager = new RoomManager(storage)
  for (let first = 0; first < rooms; first += BATCH) {
    const ids = Array.from({ length: BATCH }, (_, index) => `room-${(first + index) % 200}`)
    await Promise.all(ids.map((id) => useRoom(manager, id)))
    if (first % 200 === 0) await collect()
  }
  await manager.closeAll()
}

/** Native memory is freed by finalizers, which run in a later turn than the collection. */
async function collect() {
  for (let round = 0; round < 2; round += 1) {
    globalThis.gc?.()
    await turn()
  }
}

async function memory() {
  await collect()
  return process.memoryUsage().rss / MIB
}

// As many before: an allocator keeps some of what it once needed.
await useRooms(Number(count))
const before = await memory()
await useRooms(Number(count))
const grownMib = (await memory()) - before
process.stdout.write(JSON.stringify({ grownMib, held: held.length }))
rmSync(dir, { recursive: true })
