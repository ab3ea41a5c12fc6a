// Runs in a worker thread: opens the room `room` of a folder, says so, and does nothing more.
import { parentPort, workerData } from 'node:worker_threads'
import { FileStorage, Room } from '../../../index.js'

const room = new Room({ storage: new FileStorage({ dir: workerData.dir, roomId: 'room' }) })
await room.load()
parentPort?.postMessage('open')
setInterval(() => room.getSessionCount(), 60_000)
