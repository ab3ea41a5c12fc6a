// A server for Node with `ws`. Clients connect to ws://localhost:8087/?roomId=...&clientId=...&token=...
// Run it with `node examples/node-ws.mjs`; the rooms are kept in ./data.
import { acceptConnection, FileStorage, RoomManager } from 'heddle'
import { WebSocketServer } from 'ws'

const manager = new RoomManager({
  createStorage: (roomId) => new FileStorage({ dir: './data', roomId }),
})

const server = new WebSocketServer({ port: Number(process.env.PORT ?? 8087) })
server.on('listening', () => console.log(`ws://localhost:${server.address().port}`))
server.on('connection', (ws, request) => {
  const connection = acceptConnection({
    socket: ws,
    url: request.url,
    manager,
    // Look the token up here; throw to refuse.
    authorize: () => ({ permissions: 'readwrite' }),
  })
  ws.on('message', connection.onMessage)
  ws.on('close', connection.onClose)
  ws.on('error', connection.onError)
  connection.ready.catch(() => ws.close(4401, 'refused'))
})

// Everything is saved before the process ends.
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, async () => {
    server.close()
    await manager.closeAll()
  })
}
