// Rooms beside a web application: Express answers HTTP, WebSockets on /rooms go to heddle, one port serves both.
// Run it with `node examples/express.mjs` and look at http://localhost:8087/rooms.
import { createServer } from 'node:http'
import express from 'express'
import { acceptConnection, FileStorage, RoomManager } from 'heddle'
import { WebSocketServer } from 'ws'

const manager = new RoomManager({
  createStorage: (roomId) => new FileStorage({ dir: './data', roomId }),
})

const app = express()
app.get('/rooms', (_request, response) => {
  response.json(manager.getRoomIds())
})
app.get('/rooms/:roomId', (request, response) => {
  const room = manager.getExistingRoom(request.params.roomId)
  if (room) response.json(room.getSnapshot().state)
  else response.status(404).json({ error: 'nobody is in this room' })
})

const server = createServer(app)
const sockets = new WebSocketServer({ server, path: '/rooms' })
sockets.on('connection', (ws, request) => {
  const connection = acceptConnection({
    socket: ws,
    url: request.url,
    request,
    manager,
    // The request is at hand: a session cookie can say who this is. Throw to refuse.
    authorize: () => ({ permissions: 'readwrite' }),
  })
  ws.on('message', connection.onMessage)
  ws.on('close', connection.onClose)
  ws.on('error', connection.onError)
  connection.ready.catch((error) => ws.close(4401, error.message))
})

server.listen(Number(process.env.PORT ?? 8087), () => {
  console.log(`ws://localhost:${server.address().port}/rooms`)
})

// Everything is saved before the process ends.
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, async () => {
    server.close()
    await manager.closeAll()
  })
}
