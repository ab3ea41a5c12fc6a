// What a client costs that never reads: the memory of the server, and the time of its neighbours.
// `node --expose-gc scripts/hostile/slow-reader.mjs [megabytes]`: that many of broadcasts (150), first without and then
// with a client beside them that is connected and does not read.
import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { fileURLToPath } from 'node:url'
import { acceptConnection, RoomManager } from 'heddle'
import { WebSocket, WebSocketServer } from 'ws'

const MIB = 1024 * 1024
const FRAME_BYTES = 64 * 1024
const COMPONENTS = 8
const GROWTH_LIMIT = 5 * MIB
const ROOM = 'roomId=room&token=token'

const [role = '150', argument = ''] = process.argv.slice(2)
if (role === 'peers') await bePeers(Number(argument))
else await measure(Number(role) * MIB)

/** @param {number} bytes */
async function measure(bytes) {
  const manager = new RoomManager({ limits: { stallTimeoutMs: Number.POSITIVE_INFINITY } })
  const server = new WebSocketServer({ port: 0, maxPayload: 32 * MIB })
  server.on('connection', (socket, request) => {
    const authorize = () => ({ permissions: /** @type {const} */ ('readwrite') })
    const conn = acceptConnection({ socket, url: request.url ?? '', manager, authorize })
    socket.on('message', conn.onMessage)
    socket.on('close', conn.onClose)
    socket.on('error', conn.onError)
  })
  await once(server, 'listening')
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  const frames = Math.ceil(bytes / FRAME_BYTES)

  await exchange(port, COMPONENTS * 4)
  const alone = await exchange(port, frames)
  report('without', alone)
  const stalled = await stall(port)
  const before = memory()
  const beside = await exchange(port, frames)
  const after = memory()
  report('with', beside)
  const held = [...server.clients].map((client) => client.bufferedAmount)
  const growth = after.heap - before.heap
  print(`the stalled client: heap and external ${mib(growth)}, RSS ${mib(after.rss - before.rss)}`)
  print(`its socket holds ${mib(Math.max(...held))}`)
  assert.ok(growth < GROWTH_LIMIT, 'it costs less than 5 MB')

  stalled.destroy()
  await manager.closeAll()
  server.close()
  for (const client of server.clients) client.terminate()
}

/**
 * Has a writer and a reader in another process exchange so many frames. Gives how long each took, in order.
 * @param {number} port
 * @param {number} frames
 * @returns {Promise<number[]>}
 */
async function exchange(port, frames) {
  const peers = fork(fileURLToPath(import.meta.url), ['peers', String(port)])
  peers.send(frames)
  const [delays] = await once(peers, 'message')
  peers.disconnect()
  await once(peers, 'exit')
  return delays
}

/**
 * A client whose system takes what it can hold, and that never reads.
 * @param {number} port
 */
async function stall(port) {
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  socket.pause()
  const key = Buffer.from('0123456789abcdef').toString('base64')
  const lines = [
    `GET /?clientId=stalled&${ROOM} HTTP/1.1`,
    'Host: 127.0.0.1',
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    `Sec-WebSocket-Key: ${key}`,
  ]
  socket.write(`${lines.join('\r\n')}\r\n\r\n`)
  // A masked `reconnect`, its mask being zeros.
  const text = '{"type":"reconnect","lastTimestamp":0,"protocolVersion":2}'
  socket.write(
    Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), Buffer.from(text)]),
  )
  return socket
}

/** @param {number} port */
async function bePeers(port) {
  const [[frames], writer, reader] = await Promise.all([
    once(process, 'message'),
    join(port, 'writer'),
    join(port, 'reader'),
  ])
  /** @type {number[]} */
  const delays = []
  const text = 'x'.repeat(FRAME_BYTES)
  for (let count = 1; count <= frames; count += 1) {
    const fields = { _exists: true, text, count }
    const documentPatches = [{ [`${count % COMPONENTS}/Text`]: fields }]
    const sentAt = performance.now()
    writer.send(JSON.stringify({ type: 'patch', messageId: `${count}`, documentPatches }))
    await until(reader, `"count":${count}}`)
    delays.push(performance.now() - sentAt)
  }
  process.send?.(delays)
  await once(process, 'disconnect')
  writer.terminate()
  reader.terminate()
}

/**
 * @param {number} port
 * @param {string} clientId
 */
async function join(port, clientId) {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/?clientId=${clientId}&${ROOM}`)
  await once(socket, 'open')
  const synced = until(socket, '"synced"')
  socket.send('{"type":"reconnect","lastTimestamp":0,"protocolVersion":2}')
  await synced
  return socket
}

/**
 * Waits for a frame that holds a text.
 * @param {WebSocket} socket
 * @param {string} text
 * @returns {Promise<void>}
 */
function until(socket, text) {
  return new Promise((resolve) => {
    const look = (/** @type {import('ws').RawData} */ data) => {
      if (!String(data).includes(text)) return
      socket.off('message', look)
      resolve()
    }
    socket.on('message', look)
  })
}

function memory() {
  globalThis.gc?.()
  globalThis.gc?.()
  const { heapUsed, external, rss } = process.memoryUsage()
  return { heap: heapUsed + external, rss }
}

/**
 * @param {string} name
 * @param {number[]} delays
 */
function report(name, delays) {
  const sorted = delays.toSorted((a, b) => a - b)
  const at = (/** @type {number} */ share) =>
    `${(sorted[Math.floor(share * (sorted.length - 1))] ?? 0).toFixed(2)} ms`
  print(
    `${name} a stalled client: ${delays.length} frames, p50 ${at(0.5)}, p99 ${at(0.99)}, max ${at(1)}`,
  )
}

/** @param {number} bytes */
function mib(bytes) {
  return `${(bytes / MIB).toFixed(1)} MiB`
}

/** @param {string} line */
function print(line) {
  process.stdout.write(`${line}\n`)
}
