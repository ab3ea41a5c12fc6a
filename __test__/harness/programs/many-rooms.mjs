// Opens and closes rooms by the thousand, and prints what that left behind. Needs --expose-gc.
import { setImmediate as turn } from 'node:timers/promises'
import { MemoryStorage, Room, RoomManager } from '../../../index.js'

const ROOMS = 1_000
const MIB = 1024 * 1024
const FILLING = 'x'.repeat(20_000)

/**
 * Each room holds about 100 KB: a thousand that stay are 100 MB. What is closed is collected now and
 * then, since an allocator that once held all of them gives their pages back as it likes.
 */
async function openAndClose() {
  const manager = new RoomManager({ createStorage: () => new MemoryStorage() })
  for (let index = 0; index < ROOMS; index += 1) {
    const room = index % 2 === 0 ? await manager.getRoom(`room-${index}`) : new Room()
    const members = ['ann', 'bob'].map((clientId) =>
      room.handleSocketConnect({
        socket: { send() {}, close() {} },
        clientId,
        permissions: 'readwrite',
      }),
    )
    const [author = ''] = members
    for (let key = 0; key < 5; key += 1) {
      const documentPatches = [{ [`${key}/Text`]: { _exists: true, text: FILLING + index } }]
      const ephemeralPatches = [{ [`${key}/Cursor`]: { _exists: true } }]
      const frame = { type: 'patch', messageId: 'm', documentPatches, ephemeralPatches }
      room.handleSocketMessage(author, JSON.stringify(frame))
    }
    room.getSnapshot()
    if (index % 3 === 0) for (const member of members) room.handleSocketClose(member)
    if (index % 2 === 0) manager.closeRoom(`room-${index}`)
    else room.close({ flush: false })
    if (index % 100 === 0) await collect()
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

await openAndClose()
const before = await memory()
for (let round = 0; round < 2; round += 1) await openAndClose()
const grownMib = (await memory()) - before
const timers = (process.getActiveResourcesInfo?.() ?? []).filter((name) => name === 'Timeout')
process.stdout.write(JSON.stringify({ grownMib, timers: timers.length }))
