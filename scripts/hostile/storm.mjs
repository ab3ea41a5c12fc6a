// A reconnect storm: all clients of a server lose their sockets and come back at once, each for the whole document.
//
//   node scripts/hostile/storm.mjs [--clients 500] [--rooms 5] [--components 10000] [--since 0] [--seconds 60]
//
// Prints how many were synced, how long that took, and the longest time for which the server's event loop did nothing
// else, that is worked on one turn, and with all that the machine did meanwhile: first of a server that is nothing but `ws`, then of one with heddle. With
// `--since 1` nothing is left to send: what remains is the cost of the connections. A neighbour in a room of its own edits
// meanwhile; its slowest ack is printed too. Servers and clients are processes of their own.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { performance } from 'node:perf_hooks'
import { parseArgs } from 'node:util'
import { WebSocket, WebSocketServer } from 'ws'
import { acceptConnection, RoomManager } from '../../index.js'

const { values } = parseArgs({
  options: {
    clients: { type: 'string', default: '500' },
    rooms: { type: 'string', default: '5' },
    components: { type: 'string', default: '10000' },
    seconds: { type: 'string', default: '60' },
    acceptor: { type: 'string' },
    url: { type: 'string' },
    since: { type: 'string', default: '0' },
  },
})
const options = {
  clients: Number(values.clients),
  rooms: Number(values.rooms),
  components: Number(values.components),
  deadlineMs: Number(values.seconds) * 1000,
}

/** How long one turn may take. */
const BLOCK_LIMIT_MS = 50
const NEIGHBOUR_PAUSE_MS = 10

/** How much longer than `ws` by itself it may take where that is over the limit already. */
const BLOCK_MARGIN_MS = 20

/** What accepts the sockets: `bare` does nothing for them but `ws`. */
const acceptors = { bare: acceptBare, heddle: acceptByHeddle }

/** Has the same storm go over both kinds of servers, each in a process of its own. */
async function compare() {
  process.stdout.write(`${JSON.stringify(options)}\n`)
  const bare = await figuresOf('bare')
  const heddle = await figuresOf('heddle')
  const limitMs = Math.max(BLOCK_LIMIT_MS, bare.longestBlockMs + BLOCK_MARGIN_MS)
  const isFine = heddle.synced === options.clients && heddle.longestBlockMs <= limitMs
  process.stdout.write(isFine ? 'fine\n' : `not fine: the limit is ${limitMs} ms\n`)
  process.exit(isFine ? 0 : 1)
}

/** @param {keyof typeof acceptors} acceptor */
async function figuresOf(acceptor) {
  const server = fork(new URL(import.meta.url), [...process.argv.slice(2), '--acceptor', acceptor])
  const [figures] = await once(server, 'message')
  const texts = Object.entries(figures).map(([name, value]) => `${name} ${value}`)
  process.stdout.write(`${acceptor}: ${texts.join(', ')}\n`)
  return figures
}

/** @param {keyof typeof acceptors} acceptor */
async function serve(acceptor) {
  const sockets = new Set()
  const http = createServer()
  const wss = new WebSocketServer({ server: http, perMessageDeflate: false })
  const accept = await acceptors[acceptor]()
  wss.on('connection', (socket, request) => {
    if (!request.url?.includes('neighbour')) sockets.add(socket)
    accept(socket, request)
  })
  http.listen(0, '127.0.0.1', 4096)
  await once(http, 'listening')
  const { port } = /** @type {import('node:net').AddressInfo} */ (http.address())
  const url = `ws://127.0.0.1:${port}`
  const clients = fork(new URL(import.meta.url), [...process.argv.slice(2), '--url', url])
  await once(clients, 'message')

  const blocks = new Blocks()
  for (const socket of sockets) socket.terminate()
  clients.send('storm')
  const [result] = await once(clients, 'message')
  blocks.stop()
  const figures = {
    ...result,
    longestBlockMs: Math.round(blocks.longestMs),
    longestOnClockMs: Math.round(blocks.longestOnClockMs),
    peakRssMiB: Math.round(process.resourceUsage().maxRSS / 1024),
  }
  process.send?.(figures, () => process.exit())
}

/** Answers what its clients wait for, and nothing more. */
async function acceptBare() {
  /** @param {WebSocket} socket */
  return (socket) => {
    socket.on('message', (data) => {
      socket.send(String(data).includes('"reconnect"') ? '{"type":"synced"}' : '{"type":"ack"}')
    })
  }
}

async function acceptByHeddle() {
  const manager = new RoomManager()
  for (let number = 0; number < options.rooms; number++) {
    const room = await manager.getOrCreateRoom(`room-${number}`)
    room.applyPatch(document(options.components))
  }
  /**
   * @param {WebSocket} socket
   * @param {import('node:http').IncomingMessage} request
   */
  return (socket, request) => {
    const connection = acceptConnection({
      socket,
      url: request.url ?? '',
      request,
      manager,
      authorize: () => ({ permissions: 'readwrite' }),
    })
    socket.on('message', connection.onMessage)
    socket.on('close', connection.onClose)
    socket.on('error', connection.onError)
    connection.ready.catch(() => socket.close())
  }
}

/**
 * The longest gap between two runs of a timer that is always due, on the clock and in the process's own time: a machine that
 * is busy with something else makes the first longer, and threads at work on the side the second. So a turn took no longer
 * than the shorter of the two.
 */
class Blocks {
  longestMs = 0
  longestOnClockMs = 0
  #last = performance.now()
  #lastCpu = process.cpuUsage()
  #timer = setInterval(() => {
    const now = performance.now()
    const onClockMs = now - this.#last
    this.#last = now
    const { user, system } = process.cpuUsage(this.#lastCpu)
    this.#lastCpu = process.cpuUsage()
    this.longestOnClockMs = Math.max(this.longestOnClockMs, onClockMs)
    this.longestMs = Math.max(this.longestMs, Math.min(onClockMs, (user + system) / 1000))
  }, 1)

  stop() {
    clearInterval(this.#timer)
  }
}

/** @param {number} components */
function document(components) {
  /** @type {import('../../index.js').Patch} */
  const patch = {}
  for (let number = 0; number < components; number++) {
    patch[`entity-${number}/Position`] = {
      _exists: true,
      x: number,
      y: -number,
      name: `n${number}`,
    }
  }
  return patch
}

/**
 * The clients: they join and are synced, then they do it again when they are told.
 * @param {string} url
 */
async function storm(url) {
  await Promise.all(Array.from({ length: options.clients }, (_, number) => sync(url, number)))
  const neighbour = await sync(url, 'neighbour', 'aside')
  process.send?.('ready')
  await once(process, 'message')
  const beganAt = performance.now()
  const deadline = new Promise((resolve) => setTimeout(resolve, options.deadlineMs))
  const acks = editUntil(neighbour, deadline)
  let synced = 0
  const clients = Array.from({ length: options.clients }, async (_, number) => {
    await sync(url, number)
    synced += 1
  })
  await Promise.race([Promise.all(clients), deadline])
  const tookMs = Math.round(performance.now() - beganAt)
  process.send?.({ synced, tookMs, slowestAckMs: acks.slowest() })
  process.disconnect()
}

/**
 * Resolves with the socket of a client that has the whole document; comes again when it is dropped.
 * @param {string} url
 * @param {number | string} number
 */
async function sync(url, number, roomId = `room-${Number(number) % options.rooms}`) {
  const query = new URLSearchParams({ roomId, clientId: `client-${number}`, token: 'token' })
  for (;;) {
    const socket = new WebSocket(`${url}/?${query}`, { perMessageDeflate: false })
    const outcome = await new Promise((resolve) => {
      socket.on('error', () => resolve('lost'))
      socket.on('close', () => resolve('lost'))
      socket.on('open', () => {
        socket.send(
          JSON.stringify({
            type: 'reconnect',
            lastTimestamp: Number(values.since),
            protocolVersion: 2,
          }),
        )
      })
      socket.on('message', (data) => {
        if (isFrame(data, 'synced')) resolve('synced')
      })
    })
    if (outcome === 'synced') return socket
  }
}

/**
 * @param {import('ws').RawData} data
 * @param {string} type of a short frame
 */
function isFrame(data, type) {
  return Buffer.isBuffer(data) && data.length < 100 && data.includes(`"${type}"`)
}

/**
 * Edits and waits for the ack, over and over.
 * @param {WebSocket} socket
 * @param {Promise<unknown>} end
 */
function editUntil(socket, end) {
  let isOver = false
  let slowestMs = 0
  let sentAt = 0
  const edit = () => {
    if (isOver) return
    sentAt = performance.now()
    const documentPatches = [{ 'a/Box': { _exists: true, x: sentAt } }]
    socket.send(JSON.stringify({ type: 'patch', messageId: 'm', documentPatches }))
  }
  socket.on('message', (data) => {
    if (!isFrame(data, 'ack')) return
    slowestMs = Math.max(slowestMs, performance.now() - sentAt)
    setTimeout(edit, NEIGHBOUR_PAUSE_MS)
  })
  end.then(() => {
    isOver = true
  })
  edit()
  return {
    slowest: () => {
      isOver = true
      return Math.round(slowestMs)
    },
  }
}

if (values.url !== undefined) await storm(values.url)
else if (values.acceptor === undefined) await compare()
else await serve(values.acceptor === 'bare' ? 'bare' : 'heddle')
