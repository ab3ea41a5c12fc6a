// What a user's CommonJS module relies on.
import heddle = require('heddle')

const room: heddle.Room = new heddle.Room({ storage: new heddle.MemoryStorage() })
const sessions: heddle.SessionInfo[] = room.getSessions()

export = { count: sessions.length }
