// Runs in a worker thread: edits a room of its own, as often as it is told, and posts the outcome.
import { parentPort, workerData } from 'node:worker_threads'
import { Room } from '../../../index.js'

const room = new Room()
const sessionId = room.handleSocketConnect({
  socket: { send() {}, close() {} },
  clientId: 'ann',
  permissions: 'readwrite',
})
for (let x = 1; x <= workerData.edits; x += 1) {
  const documentPatches = [{ 'a/Box': { _exists: true, x } }]
  room.handleSocketMessage(
    sessionId,
    JSON.stringify({ type: 'patch', messageId: `${x}`, documentPatches }),
  )
}
parentPort?.postMessage(room.getSnapshot().timestamp)
room.close()
