// Changes a room once and ends. Arguments: the folder to save it in.
import { FileStorage, Room } from '../../../index.js'

const [, , dir = ''] = process.argv
const storage = new FileStorage({ dir, roomId: 'room' })
const room = new Room({ storage, saveThrottleMs: 300, durability: 'none' })
await room.load()
room.applyPatch({ 'a/Box': { _exists: true, x: 1 } })
