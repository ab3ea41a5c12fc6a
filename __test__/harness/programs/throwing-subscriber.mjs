// Subscribes to a channel with a function that throws. Prints what reached the process, and what became of the room.
import { subscribe } from 'node:diagnostics_channel'
import { Room } from '../../../index.js'

/** @type {unknown[]} */
const uncaught = []
process.on('uncaughtException', (error) => uncaught.push(error.message))
subscribe('heddle:session:open', () => {
  throw new Error('the subscriber failed')
})

/** @type {string[]} */
const acks = []
const room = new Room()
const socket = {
  send: (/** @type {string} */ text) => acks.push(JSON.parse(text).type),
  close() {},
}
const sessionId = room.handleSocketConnect({ socket, clientId: 'ann', permissions: 'readwrite' })
setTimeout(() => {
  const patch = {
    type: 'patch',
    messageId: 'm1',
    documentPatches: [{ 'a/Box': { _exists: true } }],
  }
  room.handleSocketMessage(sessionId, JSON.stringify(patch))
  process.stdout.write(JSON.stringify({ uncaught, acks, errors: room.getStats().errors }))
}, 20)
