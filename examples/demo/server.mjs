// The demo: people draw together. `npm start`, then open the address it prints.
// Environment: PORT (8087), HOST (127.0.0.1; 0.0.0.0 opens it to the network), DATA_DIR (./data).
import { mkdir } from 'node:fs/promises'
import { createServer } from 'node:http'
import { WebSocketServer } from 'ws'
import { acceptConnection, FileStorage, RoomManager } from '../../index.js'
import { buildPage } from './build-page.mjs'

const PORT = Number(process.env.PORT ?? 8087)
const HOST = process.env.HOST ?? '127.0.0.1'
const DATA_DIR = process.env.DATA_DIR ?? 'data'
const LOBBY = 'lobby'
const ROOM_ID = /^[\w-]{1,64}$/
// A patch of this page is far smaller; a catch-up after long work offline still fits.
const MAX_FRAME_BYTES = 8 * 1024 * 1024

await mkdir(DATA_DIR, { recursive: true })
const page = await buildPage()

const manager = new RoomManager()

const server = createServer((request, response) => {
  const url = new URL(request.url ?? '/', 'http://localhost')
  const room = url.pathname.match(/^\/r\/([^/]+)$/)?.[1]
  if (url.pathname === '/') {
    const wanted = url.searchParams.get('room') ?? LOBBY
    response.writeHead(302, { location: `/r/${encodeURIComponent(wanted)}` }).end()
  } else if (room !== undefined) {
    if (ROOM_ID.test(room)) send(response, page.html)
    else refuse(response, 404, 'A room name has 1 to 64 letters, digits, - or _.')
  } else if (page.assets.has(url.pathname)) {
    send(response, page.assets.get(url.pathname))
  } else {
    refuse(response, 404, 'Nothing here. The rooms are at /r/<room>.')
  }
})

function send(response, { type, body }) {
  response.writeHead(200, {
    'content-type': type,
    'cache-control': 'no-cache',
    'x-content-type-options': 'nosniff',
    'content-security-policy':
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'",
  })
  response.end(body)
}

function refuse(response, status, text) {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(`${text}\n`)
}

const sockets = new WebSocketServer({
  server,
  path: '/ws',
  maxPayload: MAX_FRAME_BYTES,
  // Browsers let any web site open a socket to this one; only our own page may.
  verifyClient: ({ origin, req }) => !origin || origin.split('//')[1] === req.headers.host,
})

sockets.on('connection', (socket, request) => {
  const connection = acceptConnection({
    socket,
    url: request.url ?? '',
    request,
    manager,
    // A real server looks at `token` here and throws when it does not know it.
    authorize: ({ roomId }) => {
      if (!ROOM_ID.test(roomId)) throw new Error('This is not a room name.')
      return { permissions: 'readwrite' }
    },
    roomOptions: (roomId) => ({
      createStorage: () => new FileStorage({ dir: DATA_DIR, roomId }),
      saveThrottleMs: 1000,
      onError: (error) => console.error(error),
    }),
  })
  socket.on('message', connection.onMessage)
  socket.on('close', connection.onClose)
  socket.on('error', connection.onError)
  connection.ready.catch((error) => socket.close(1008, error.message))
})

let stopping = false
async function stop() {
  if (stopping) process.exit(1)
  stopping = true
  server.close()
  try {
    await manager.closeAll()
  } catch (error) {
    console.error('Not everything could be saved.', error)
    process.exitCode = 1
  }
  for (const socket of sockets.clients) socket.terminate()
  server.closeAllConnections()
}
process.on('SIGINT', stop)
process.on('SIGTERM', stop)

// The socket server passes the HTTP server's errors on.
sockets.on('error', (error) => {
  const reason =
    error.code === 'EADDRINUSE'
      ? `Port ${PORT} is taken. Stop what uses it, or choose another: PORT=8090 npm start`
      : `The demo cannot listen on ${HOST}:${PORT}: ${error.message}`
  console.error(reason)
  process.exit(1)
})
server.listen(PORT, HOST, () => {
  console.log(`Draw together: http://localhost:${server.address().port}`)
})
