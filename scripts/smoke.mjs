// Shows that an addon works on the platform it was built for: rooms run, in two threads, and a file keeps what was applied.
// Needs the checkout and the addon, and no development dependencies: `node scripts/smoke.mjs`.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isMainThread, parentPort, Worker } from 'node:worker_threads'
import { FileStorage, Room } from 'heddle'

/** @param {string} dir */
async function keepsAnEdit(dir) {
  /** @type {unknown[]} */
  const received = []
  const room = new Room({ storage: new FileStorage({ dir, roomId: 'smoke' }) })
  await room.load()
  const sessionId = room.handleSocketConnect({
    socket: { send: (text) => received.push(JSON.parse(text)), close() {} },
    clientId: 'alice',
    permissions: 'readwrite',
  })
  const documentPatches = [{ 'shape/Position': { _exists: true, x: 1.5, y: -2 } }]
  const frame = JSON.stringify({ type: 'patch', messageId: 'alice-1', documentPatches })
  room.handleSocketMessage(sessionId, Buffer.from(frame))
  await room.flush()
  room.close()

  const reopened = new Room({ storage: new FileStorage({ dir, roomId: 'smoke' }) })
  await reopened.load()
  const { state } = reopened.getSnapshot()

  assert.deepEqual(received, [
    { type: 'clientCount', count: 1 },
    { type: 'ack', messageId: 'alice-1', timestamp: 1 },
  ])
  assert.deepEqual(state, { 'shape/Position': { _exists: true, x: 1.5, y: -2 } })
}

const dir = mkdtempSync(join(tmpdir(), 'heddle-smoke-'))
await keepsAnEdit(dir)
rmSync(dir, { recursive: true })

if (isMainThread) {
  const [said] = await once(new Worker(fileURLToPath(import.meta.url)), 'message')
  if (said !== 'works in a thread') throw new Error(`the thread said ${said}`)
  console.log(`heddle works on ${process.platform}-${process.arch}, Node ${process.versions.node}`)
} else {
  parentPort?.postMessage('works in a thread')
}
