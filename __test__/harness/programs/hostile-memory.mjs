// Plays hostile frames in rooms that are closed again, and prints how much memory that cost. Needs --expose-gc.
import { setImmediate as turn } from 'node:timers/promises'
import { Room } from '../../../index.js'
import { families } from '../hostile/families.mjs'
import { sizes } from '../hostile/sizes.mjs'

const MIB = 1024 * 1024
const socket = () => ({ send() {}, close() {} })

/** @param {Iterable<{ data: string | Uint8Array }>} frames */
function play(frames) {
  const room = new Room({ onError: () => {} })
  let clientId = 0
  for (const { data } of frames) {
    clientId += 1
    const permissions = 'readwrite'
    const mallory = { socket: socket(), clientId: `mallory-${clientId}`, permissions }
    const id = room.handleSocketConnect(/** @type {any} */ (mallory))
    room.handleSocketMessage(id, data)
    room.handleSocketClose(id)
  }
  room.close()
}

async function playAll() {
  for (const family of Object.values(families)) play(family())
  for (const frame of sizes(4 * MIB)) play([frame])
  // Native memory is freed by finalizers, which run in a later turn than the collection.
  for (let round = 0; round < 4; round += 1) {
    globalThis.gc?.()
    await turn()
  }
}

const held = () => {
  const { heapUsed, external } = process.memoryUsage()
  return (heapUsed + external) / MIB
}

// What runs for the first time compiles code and fills caches that stay.
for (let round = 0; round < 2; round += 1) await playAll()
const [before, rssBefore] = [held(), process.memoryUsage().rss / MIB]
for (let round = 0; round < 2; round += 1) await playAll()
const grownMib = held() - before
const grownRssMib = process.memoryUsage().rss / MIB - rssBefore
process.stdout.write(JSON.stringify({ grownMib, grownRssMib }))
