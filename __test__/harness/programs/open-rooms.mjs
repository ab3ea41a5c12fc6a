// Opens rooms in files and edits them until it is killed: open-rooms.mjs <dir> <milliseconds between edits> <roomId>…
import { FileStorage, Room } from '../../../index.js'

const [dir = '', pause = '', ...roomIds] = process.argv.slice(2)
const rooms = roomIds.map((roomId) => new Room({ storage: new FileStorage({ dir, roomId }) }))
await Promise.all(rooms.map((room) => room.load()))
for (const room of rooms) room.applyPatch({ 'a/Box': { _exists: true } })
process.stdout.write('open')

for (let x = 0; ; x++) {
  await new Promise((resolve) => setTimeout(resolve, Number(pause)))
  for (const room of rooms) {
    room.applyPatch({ 'a/Box': { x } })
    if (x % 10 === 0) await room.flush()
  }
}
