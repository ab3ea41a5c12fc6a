// Serves rooms from an SQLite database, with the storage of sqlite-storage.mjs. Run it with `node examples/sqlite.mjs`; the
// rooms are kept in ./rooms.db.
import { acceptConnection, RoomManager } from 'heddle'
import { WebSocketServer } from 'ws'
import { openRooms } from './sqlite-storage.mjs'

const rooms = openRooms('rooms.db')
const manager = new RoomManager({ createStorage: rooms.createStorage })

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
    rooms.close()
  })
}
