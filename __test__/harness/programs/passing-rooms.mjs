// Opens rooms that are collected while others live on, each of which must hold what was written to it alone. Prints `ok`.
import { setImmediate as turn } from 'node:timers/promises'
import { Room } from '../../../index.js'

const socket = { send() {}, close() {} }
const kept = []

for (let round = 0; round < 40; round += 1) {
  for (let index = 0; index < 50; index += 1) {
    const room = new Room()
    const session = room.handleSocketConnect({ socket, clientId: 'ann', permissions: 'readwrite' })
    const name = `${round}-${index}/Box`
    const frame = JSON.stringify({
      type: 'patch',
      documentPatches: [{ [name]: { _exists: true } }],
    })
    room.handleSocketMessage(session, frame)
    if (index % 10 === 0) kept.push({ room, session, name, frame })
  }
  globalThis.gc?.()
  await turn()
  for (const { room, session, frame } of kept) room.handleSocketMessage(session, frame)
}

const isRight = kept.every(
  ({ room, name }) => Object.keys(room.getSnapshot().state).join() === name,
)
process.stdout.write(isRight ? 'ok' : 'mixed up')
