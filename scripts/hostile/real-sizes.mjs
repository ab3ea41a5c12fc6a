// Rooms as large as the defaults let them be, made by frames: a document of 1 GiB, and one of 1,000,000 components. A client
// joins each through `ws`, one more of anything is refused, and the room loads again from its file. Prints time and memory.
// `node scripts/hostile/real-sizes.mjs`: needs 8 GB of memory, 3 GB of disk, and minutes.
import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { fileURLToPath } from 'node:url'
import { acceptConnection, DEFAULT_LIMITS, FileStorage, RoomManager } from 'heddle'
import { WebSocket, WebSocketServer } from 'ws'

/** @typedef {import('heddle').Room} Room */

const MIB = 1024 * 1024
const LARGE_BYTES = 15 * MIB

async function measureAll() {
  await measure('1 GiB', fillBytes, 'document-too-large')
  await measure('1,000,000 components', fillComponents, 'too-many-components')
}

/**
 * @param {string} name
 * @param {(author: Author) => string} fill makes the room as large as it may be, and gives a patch of one more
 * @param {string} code
 */
async function measure(name, fill, code) {
  console.log(`\n${name}`)
  const dir = mkdtempSync(join(tmpdir(), 'heddle-sizes-'))
  try {
    const createStorage = (/** @type {string} */ roomId) => new FileStorage({ dir, roomId })
    // No save comes between: the file is written by `flush()`.
    const options = {
      createStorage,
      durability: /** @type {const} */ ('none'),
      saveThrottleMs: 1e9,
    }
    const manager = new RoomManager(options)
    const room = await manager.getRoom('room')
    const author = new Author(room)
    const over = await timed('made by frames', () => fill(author))
    const { documentBytes, components, timestamp } = room.getStats()
    console.log(`  ${documentBytes} bytes, ${components} components`)

    await timed('refused one more', () => assert.equal(author.patch(over), code))
    assert.deepEqual(room.getStats().refused, { [code]: 1 })
    assert.equal(room.getStats().timestamp, timestamp)
    await timed('a client joined', () => joined(manager))
    await timed('getSnapshot()', () => look(room))
    await timed('saved', () => room.flush())
    await manager.closeAll()

    const again = new RoomManager(options)
    const loaded = await timed('loaded again', () => again.getRoom('room'))
    const after = loaded.getStats()
    assert.deepEqual(
      [after.documentBytes, after.components, after.timestamp],
      [documentBytes, components, timestamp],
    )
    loaded.close({ flush: false })
    await again.closeAll()
  } finally {
    rmSync(dir, { recursive: true })
  }
}

/** A client that writes and does not listen, on a socket of its own; one that was refused joins again. */
class Author {
  /** @type {string | undefined} */
  #refused
  #sessionId

  /** @param {Room} room */
  constructor(room) {
    this.room = room
    this.#sessionId = this.#join()
  }

  /**
   * Gives the code if the frame was refused.
   * @param {string} patch
   */
  patch(patch) {
    const frame = `{"type":"patch","messageId":"m","documentPatches":[{${patch}}]}`
    this.#refused = undefined
    this.room.handleSocketMessage(this.#sessionId, Buffer.from(frame))
    if (this.#refused !== undefined) this.#sessionId = this.#join()
    return this.#refused
  }

  /**
   * What must be accepted.
   * @param {string} patch
   */
  writes(patch) {
    assert.equal(this.patch(patch), undefined)
  }

  #join() {
    const send = (/** @type {string} */ text) => {
      if (text.startsWith('{"type":"error"')) this.#refused = JSON.parse(text).code
    }
    const socket = { send, close: () => {} }
    return this.room.handleSocketConnect({ socket, clientId: 'author', permissions: 'readwrite' })
  }
}

/** @param {Author} author */
function fillBytes(author) {
  const held = () => author.room.getStats().documentBytes
  const left = () => DEFAULT_LIMITS.documentBytes - held()
  const component = (/** @type {string} */ key, /** @type {number} */ bytes) =>
    `"${key}":{"_exists":true,"v":"${'x'.repeat(bytes)}"}`
  author.writes(component('k00', 0))
  const empty = held()
  for (let index = 1; left() > LARGE_BYTES + empty; index += 1) {
    author.writes(component(`k${String(index).padStart(2, '0')}`, LARGE_BYTES))
  }
  author.writes(component('end', left() - empty))
  assert.equal(left(), 0)
  return '"k00":{"v":"x"}'
}

/** @param {Author} author */
function fillComponents(author) {
  const { components, keysPerFrame } = DEFAULT_LIMITS
  for (let first = 0; first < components; first += keysPerFrame) {
    const keys = Array.from({ length: keysPerFrame }, (_, index) => first + index)
    author.writes(keys.map((key) => `"${key}/Position":{"_exists":true,"x":${key},"y":0.5}`).join())
  }
  assert.equal(author.room.getStats().components, components)
  // What is there can still be edited, and deleting makes room.
  author.writes('"0/Position":{"x":1},"1/Position":{"_exists":false}')
  author.writes('"other/Position":{"_exists":true}')
  return '"one more":{"_exists":true}'
}

/**
 * Resolves when a client in a process of its own has all of the room.
 * @param {RoomManager} manager
 */
async function joined(manager) {
  const server = new WebSocketServer({ port: 0 })
  server.on('connection', (socket, request) => {
    const authorize = () => ({ permissions: /** @type {const} */ ('readonly') })
    const conn = acceptConnection({ socket, url: request.url ?? '', manager, authorize })
    socket.on('message', conn.onMessage)
    socket.on('close', conn.onClose)
    socket.on('error', conn.onError)
  })
  await once(server, 'listening')
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  const peer = fork(fileURLToPath(import.meta.url), [`ws://localhost:${port}`])
  const [seen] = await once(peer, 'message')
  console.log(`  in ${seen.frames} frames, ${seen.bytes} bytes, the largest ${seen.largest}`)
  assert.equal(seen.closed, undefined)
  server.close()
}

/**
 * Reads a room like a client that knows nothing, and says what came.
 * @param {string} url
 */
async function bePeer(url) {
  const seen = { frames: 0, bytes: 0, largest: 0, closed: undefined }
  const socket = new WebSocket(`${url}/?roomId=room&clientId=peer&token=token`, {
    maxPayload: 64 * MIB,
  })
  socket.on('open', () => socket.send('{"type":"reconnect","lastTimestamp":0,"protocolVersion":2}'))
  await new Promise((resolve) => {
    socket.on('message', (/** @type {Buffer} */ data) => {
      seen.frames += 1
      seen.bytes += data.length
      seen.largest = Math.max(seen.largest, data.length)
      if (data.length < 100 && data.includes('"synced"')) resolve(undefined)
    })
    socket.on('close', (code) => {
      Object.assign(seen, { closed: code })
      resolve(undefined)
    })
  })
  process.send?.(seen, () => process.exit())
}

/** @param {Room} room */
function look(room) {
  const found = keysOrCode(room)
  console.log(`  ${typeof found === 'number' ? `a snapshot of ${found} keys` : found}`)
  assert.ok(typeof found === 'number' || found === 'HEDDLE_SNAPSHOT_TOO_LARGE')
}

/** @param {Room} room */
function keysOrCode(room) {
  try {
    return Object.keys(room.getSnapshot().state).length
  } catch (error) {
    return /** @type {{ code?: string }} */ (error).code
  }
}

/**
 * @template T
 * @param {string} name
 * @param {() => T | Promise<T>} work
 * @returns {Promise<T>}
 */
async function timed(name, work) {
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  const start = performance.now()
  const outcome = work()
  const heldMs = performance.now() - start
  const result = await outcome
  const seconds = ((performance.now() - start) / 1000).toFixed(2)
  delay.disable()
  const longest = Math.round(Math.max(heldMs, delay.max / 1e6))
  const memory = Math.round(process.memoryUsage.rss() / MIB)
  console.log(`${name}: ${seconds} s, the loop held for ${longest} ms at most, ${memory} MiB`)
  return result
}

const [role] = process.argv.slice(2)
if (role === undefined) await measureAll()
else await bePeer(role)
