// A bot in every room: shapes that somebody drags out of the canvas come back, and everyone sees it happen.
// Run it with `node examples/bot.mjs`.
import { acceptConnection, RoomManager } from 'heddle'
import { WebSocketServer } from 'ws'

const CANVAS = { width: 1920, height: 1080 }

const manager = new RoomManager({
  // Called after the patches were applied, the bot's own too: what is inside is left alone, so it comes to rest.
  onDocumentPatch(room, patches) {
    for (const patch of patches) {
      const corrections = Object.entries(patch).flatMap(([key, fields]) => {
        const correction = backInside(fields)
        return correction ? [[key, correction]] : []
      })
      if (corrections.length > 0) room.applyPatch(Object.fromEntries(corrections))
    }
  },
})

/** The fields that bring a shape back, or `undefined` when it is where it should be. */
function backInside({ x, y }) {
  const correction = {}
  if (x < 0 || x > CANVAS.width) correction.x = Math.min(Math.max(x, 0), CANVAS.width)
  if (y < 0 || y > CANVAS.height) correction.y = Math.min(Math.max(y, 0), CANVAS.height)
  return Object.keys(correction).length > 0 ? correction : undefined
}

const server = new WebSocketServer({ port: Number(process.env.PORT ?? 8087) })
server.on('listening', () => console.log(`ws://localhost:${server.address().port}`))
server.on('connection', (ws, request) => {
  const connection = acceptConnection({
    socket: ws,
    url: request.url,
    manager,
    authorize: () => ({ permissions: 'readwrite' }),
  })
  ws.on('message', connection.onMessage)
  ws.on('close', connection.onClose)
  ws.on('error', connection.onError)
  connection.ready.catch((error) => ws.close(4401, error.message))
})

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, async () => {
    server.close()
    await manager.closeAll()
  })
}
