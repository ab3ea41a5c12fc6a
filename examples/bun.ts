// A server for Bun. Clients connect to ws://localhost:8087/?roomId=...&clientId=...&token=...
// Run it with `bun examples/bun.ts`; the rooms are kept in ./data.
import { acceptConnection, type ConnectionHandlers, FileStorage, RoomManager } from 'heddle'

interface SocketData {
  url: string
  connection?: ConnectionHandlers
}

const manager = new RoomManager({
  createStorage: (roomId) => new FileStorage({ dir: './data', roomId }),
})

const server = Bun.serve({
  port: Number(process.env.PORT ?? 8087),
  fetch(request, server) {
    if (server.upgrade(request, { data: { url: request.url } })) return
    return new Response('Connect a WebSocket.', { status: 426 })
  },
  websocket: {
    data: {} as SocketData,
    // Bun asks by itself whether a client that has gone quiet is still there, and closes the socket after these seconds.
    idleTimeout: 60,
    sendPings: true,
    open(ws) {
      const connection = acceptConnection({
        socket: ws,
        url: ws.data.url,
        manager,
        // Look the token up here; throw to refuse.
        authorize: () => ({ permissions: 'readwrite' }),
      })
      ws.data.connection = connection
      connection.ready.catch((error) => ws.close(4401, error.message))
    },
    message: (ws, frame) => ws.data.connection?.onMessage(frame),
    close: (ws) => ws.data.connection?.onClose(),
  },
})
console.log(`ws://localhost:${server.port}`)

// Everything is saved before the process ends.
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, async () => {
    await manager.closeAll()
    await server.stop()
  })
}
