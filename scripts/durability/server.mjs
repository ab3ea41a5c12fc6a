// The server that the programs of this folder start, watch and kill. Its options are the JSON of its argument. It says what
// happens in lines of JSON on stdout and is told what to do in lines on stdin: `serve <port>`, `close`, `usage`. It ends when
// its stdin does, so that none outlives a parent that crashed.
import { createInterface } from 'node:readline'
import { acceptConnection, FileStorage, RoomManager } from '../../index.js'
import { referenceRoom } from './reference.mjs'

/**
 * @typedef {object} ServerOptions
 * @property {string} dir
 * @property {'none' | 'process' | 'disk' | 'reference'} level
 * @property {boolean} [syncs] whether a reference server syncs
 * @property {import('./reference.mjs').Fault | undefined} [fault] what a reference server does wrong
 * @property {number} [saveThrottleMs]
 * @property {number} [idleTimeout]
 * @property {boolean} [plain] hides from heddle what kind its sockets are: it sends inside the call
 */

/** @type {ServerOptions} */
const options = JSON.parse(process.argv[2] ?? '{}')
const { dir, level, saveThrottleMs = 10_000, idleTimeout = 30_000 } = options
const isReference = level === 'reference'

const manager = new RoomManager({
  idleTimeout,
  saveThrottleMs,
  ...(!isReference && {
    durability: level,
    createStorage: (roomId) => new FileStorage({ dir, roomId }),
  }),
  onError: (error) => say({ error: text(error) }),
})

/** @param {Record<string, unknown>} fact */
function say(fact) {
  process.stdout.write(`${JSON.stringify(fact)}\n`)
}

/** @param {unknown} error */
function text(error) {
  const { code, message } = /** @type {{ code?: string, message?: string }} */ (error ?? {})
  return `${code ?? 'no code'}: ${message ?? error}`
}

/**
 * @param {import('../../index.js').WebSocketLike} socket
 * @param {string} url
 */
function accept(socket, url) {
  const connection = acceptConnection({
    socket: options.plain
      ? { send: (data) => socket.send(data), close: () => socket.close() }
      : socket,
    url,
    manager,
    authorize: ({ token }) => ({ permissions: token === 'reader' ? 'readonly' : 'readwrite' }),
    ...(isReference && {
      roomOptions: (roomId) =>
        referenceRoom(dir, roomId, { syncs: options.syncs === true, fault: options.fault }),
    }),
  })
  connection.ready.catch((error) => {
    say({ refused: text(error) })
    socket.close()
  })
  return connection
}

/** @param {number} port */
async function serveOnNode(port) {
  const { WebSocketServer } = await import('ws')
  const server = new WebSocketServer({ host: '127.0.0.1', port })
  server.on('connection', (socket, request) => {
    const connection = accept(socket, request.url ?? '')
    socket.on('message', connection.onMessage)
    socket.on('close', connection.onClose)
    socket.on('error', connection.onError)
  })
  server.on('error', (error) => {
    throw error
  })
  server.on('listening', () => {
    say({ listening: /** @type {import('node:net').AddressInfo} */ (server.address()).port })
  })
}

/** @param {number} port */
function serveOnBun(port) {
  const { Bun } = /** @type {any} */ (globalThis)
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port,
    /** @param {any} request @param {any} self */
    fetch: (request, self) =>
      self.upgrade(request, { data: { url: request.url } }) ? undefined : new Response('no'),
    websocket: {
      /** @param {any} ws */
      open(ws) {
        ws.data.connection = accept(ws, ws.data.url)
      },
      /** @param {any} ws @param {any} frame */
      message: (ws, frame) => ws.data.connection?.onMessage(frame),
      /** @param {any} ws */
      close: (ws) => ws.data.connection?.onClose(),
    },
  })
  say({ listening: server.port })
}

async function close() {
  try {
    await manager.closeAll()
    say({ closed: true })
  } catch (error) {
    say({ closed: false, error: text(error) })
  }
  process.exit()
}

createInterface({ input: process.stdin })
  .on('line', (line) => {
    const [order, argument] = line.split(' ')
    if (order === 'serve' && process.versions.bun) serveOnBun(Number(argument))
    else if (order === 'serve') void serveOnNode(Number(argument))
    else if (order === 'close') void close()
    else if (order === 'usage') say({ cpu: process.cpuUsage(), memory: process.memoryUsage().rss })
    else throw new Error(`unknown order ${line}`)
  })
  .on('close', () => process.exit())
say({ ready: process.pid })
