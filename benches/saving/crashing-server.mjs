// The server that `crash-loss.bench.mjs` kills: `<server> <order> <dir>`.
// - `edit` edits a room without end, and says after each turn up to which clock edits were acked
// - `recover` opens it and says what it has
// - `check` says what is sent for a few edits
import { writeSync } from 'node:fs'
import { Company } from '../jobs/company.mjs'
import { patchFrame, shape, shapeKey } from '../jobs/documents.mjs'
import { pause } from '../jobs/event-loop.mjs'
import { loadSide } from '../jobs/sides.mjs'

const [server = '', order = '', dir = ''] = process.argv.slice(2)
const side = await loadSide(server, dir)
const room = new side.library.Room({
  createStorage: () => new side.library.FileStorage({ dir, roomId: 'room' }),
})
await room.load()

/** @param {unknown} fact */
const say = (fact) => writeSync(1, `${JSON.stringify(fact)}\n`)

const company = new Company(side, room)
const author = company.join('author')

/** @param {number} index */
function edit(index) {
  company.hand(author, patchFrame(`edit-${index}`, [{ [shapeKey(index % 500)]: shape(index) }]))
}

if (order === 'recover') {
  say({ timestamp: room.getSnapshot().timestamp })
} else if (order === 'check') {
  say(
    await company.witness(async () => {
      for (let index = 0; index < 20; index += 1) edit(index)
      await pause(50)
    }),
  )
} else {
  let acked = 0
  author.socket.onText = (text) => {
    const frame = JSON.parse(text)
    if (frame.type === 'ack') acked = frame.timestamp
  }
  for (let index = 0; ; index += 1) {
    edit(index)
    await pause(1)
    say(acked)
  }
}
process.exit()
