// Leaves rooms, sessions, connections and a manager open with nothing unsaved.
import { acceptConnection, MemoryStorage, Room, RoomManager } from '../../../index.js'

const socket = () => ({ send() {}, close() {} })
const manager = new RoomManager({ createStorage: () => new MemoryStorage() })
const conn = await acceptConnection({
  socket: socket(),
  url: '/?roomId=r&clientId=ann&token=t',
  manager,
  authorize: () => ({ permissions: 'readwrite' }),
})
conn.room.applyPatch({ 'a/Box': { _exists: true } })
await conn.room.flush()
const guest = conn.room.handleSocketConnect({
  socket: socket(),
  clientId: 'bob',
  permissions: 'readwrite',
})
conn.room.handleSocketClose(guest)

const empty = await manager.getRoom('left')
const id = empty.handleSocketConnect({ socket: socket(), clientId: 'a', permissions: 'readwrite' })
empty.handleSocketClose(id)

const unstored = new Room()
unstored.handleSocketConnect({ socket: socket(), clientId: 'a', permissions: 'readwrite' })
unstored.applyPatch({ 'a/Box': { _exists: true } })
process.stdout.write(`${manager.getRoomIds().length} rooms open`)
