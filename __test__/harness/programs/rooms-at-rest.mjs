// Opens rooms of twenty components which everybody leaves, and prints what each costs, in bytes of the process. Needs --expose-gc,
// and a young generation that stays small.
import { setTimeout as pause } from 'node:timers/promises'
import { Room } from '../../../index.js'

const ROOMS = 4_000
/** @type {Room[]} */
const kept = []

const shape = (/** @type {number} */ index) => ({
  _exists: true,
  x: index * 7.5,
  y: index * 3.25,
  width: 120.5,
  height: 80.25,
  color: '#3b82f6',
  text: `shape ${index}`,
})
const documentPatches = [
  Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`${index}/Shape`, shape(index)])),
]
const frame = JSON.stringify({ type: 'patch', messageId: 'm', documentPatches })

async function open() {
  for (let count = 0; count < ROOMS; count += 1) {
    const room = new Room()
    const socket = { send() {}, close() {} }
    const session = room.handleSocketConnect({ socket, clientId: 'ann', permissions: 'readwrite' })
    room.handleSocketMessage(session, frame)
    room.handleSocketClose(session)
    kept.push(room)
  }
  for (let round = 0; round < 5; round += 1) {
    globalThis.gc?.()
    await pause(50)
  }
  return process.memoryUsage().rss
}

const before = await open()
const bytes = ((await open()) - before) / ROOMS
process.stdout.write(JSON.stringify({ bytes }))
