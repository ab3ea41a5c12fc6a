// Opens, fills and closes 200 rooms of 1 MB, leaves it to the runtime when to look for garbage, and prints by how much memory
// has grown, in MiB.
import { setImmediate as turn } from 'node:timers/promises'
import { Room } from '../../../index.js'

const ROOMS = 200
const components = Array.from({ length: 10_000 }, (_, index) => [
  `${index}/Text`,
  { _exists: true, text: 'x'.repeat(70) },
])
const documentPatches = [Object.fromEntries(components)]
// As bytes, of which the runtime's own heap sees nothing: it has no other reason to look.
const frame = Buffer.from(JSON.stringify({ type: 'patch', messageId: 'm', documentPatches }))
const socket = { send() {}, close() {} }

const before = process.memoryUsage().rss
for (let index = 0; index < ROOMS; index += 1) {
  const room = new Room()
  const author = room.handleSocketConnect({ socket, clientId: 'ann', permissions: 'readwrite' })
  room.handleSocketMessage(author, frame)
  room.close()
  await turn()
}
const grownMib = (process.memoryUsage().rss - before) / 1024 ** 2
process.stdout.write(JSON.stringify({ grownMib }))
