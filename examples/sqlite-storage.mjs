// A storage of your own: rooms as rows of an SQLite database. Needs `node:sqlite`, so Node 22.13 or newer.
// Run it with `node examples/sqlite-storage.mjs`; the rooms are kept in ./rooms.db.
import { DatabaseSync } from 'node:sqlite'
import { acceptConnection, RoomManager } from 'heddle'
import { WebSocketServer } from 'ws'

const database = new DatabaseSync('rooms.db')
database.exec('CREATE TABLE IF NOT EXISTS rooms (id TEXT PRIMARY KEY, snapshot TEXT NOT NULL)')
const select = database.prepare('SELECT snapshot FROM rooms WHERE id = ?')
const upsert = database.prepare('INSERT OR REPLACE INTO rooms (id, snapshot) VALUES (?, ?)')

/** @implements {import('heddle').Storage} */
class SqliteStorage {
  constructor(roomId) {
    this.roomId = roomId
  }

  // Whatever goes wrong must reject: a room that opens on `null` starts empty.
  async load() {
    const row = select.get(this.roomId)
    return row ? JSON.parse(row.snapshot) : null
  }

  async save(snapshot) {
    upsert.run(this.roomId, JSON.stringify(snapshot))
  }
}

const manager = new RoomManager({ createStorage: (roomId) => new SqliteStorage(roomId) })

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
    database.close()
  })
}
