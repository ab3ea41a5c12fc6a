// A server for Node with `ws`. Clients connect to ws://localhost:8087/?roomId=...&clientId=...&token=...
// Run it with `node examples/node-ws.mjs`; the rooms are kept in ./data. ORIGINS are the pages that may connect, such as
// ORIGINS=https://app.example,https://beta.app.example; without it, all.
import { acceptConnection, FileStorage, PUBLIC_LIMITS, RoomManager } from 'heddle'
import { WebSocketServer } from 'ws'

const manager = new RoomManager({
  limits: 'public',
  createStorage: (roomId) => new FileStorage({ dir: './data', roomId }),
})

const server = new WebSocketServer({
  port: Number(process.env.PORT ?? 8087),
  // A frame is read whole before anybody looks at it.
  maxPayload: PUBLIC_LIMITS.frameBytes,
})
server.on('listening', () => console.log(`ws://localhost:${server.address().port}`))
server.on('connection', (ws, request) => {
  const connection = acceptConnection({
    socket: ws,
    url: request.url,
    request,
    manager,
    allowedOrigins: process.env.ORIGINS?.split(','),
    // Behind a proxy only together with `ip`: all connections would have the proxy's address.
    // maxConnectionsPerIp: 50,
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
