// Two worker threads and the main thread load the addon; each has rooms of its own.
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { isMainThread, parentPort, Worker } from 'node:worker_threads'
import * as heddle from 'heddle'
import { editOnce } from './room.mjs'

if (isMainThread) {
  const workers = [1, 2].map(() => new Worker(fileURLToPath(import.meta.url)))
  const messages = await Promise.all(workers.map((worker) => once(worker, 'message')))
  const threads = messages.map(([received]) => received)
  await Promise.all(workers.map((worker) => worker.terminate()))
  console.log(JSON.stringify({ threads, main: editOnce(heddle) }))
} else {
  parentPort?.postMessage(editOnce(heddle))
  // Keeps the thread, with its open room, until the main thread ends it.
  setInterval(() => {}, 60_000)
}
