// A server for Bun. Clients connect to ws://localhost:8087/?roomId=...&clientId=...&token=...
// Run it with `bun examples/bun.ts`; the rooms are kept in ./data. ORIGINS are the pages that may connect, such as
// ORIGINS=https://app.example,https://beta.app.example; without it, all.
import { acceptConnection, FileStorage, PUBLIC_LIMITS, RoomManager } from 'heddle'

interface SocketData {
  url: string
  origin: string | null
  connection?: ReturnType<typeof acceptConnection>
}

const manager = new RoomManager({
  limits: 'public',
  createStorage: (roomId) => new FileStorage({ dir: './data', roomId }),
})

const server = Bun.serve({
  port: Number(process.env.PORT ?? 8087),
  fetch(request, server) {
    const data = { url: request.url, origin: request.headers.get('origin') }
    if (server.upgrade(request, { data })) return
    return new Response('Connect a WebSocket.', { status: 426 })
  },
  websocket: {
    data: {} as SocketData,
    // A frame is read whole before anybody looks at it.
    maxPayloadLength: PUBLIC_LIMITS.frameBytes,
    // Bun asks by itself whether a client that has gone quiet is still there, and closes the socket after these seconds.
    idleTimeout: 60,
    sendPings: true,
    open(ws) {
      const { url, origin } = ws.data
      const connection = acceptConnection({
        socket: ws,
        url,
        request: { headers: { origin } },
        manager,
        allowedOrigins: process.env.ORIGINS?.split(','),
        // Look the token up here; throw to refuse.
        authorize: () => ({ permissions: 'readwrite' }),
      })
      ws.data.connection = connection
      connection.ready.catch(() => ws.close(4401, 'refused'))
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
