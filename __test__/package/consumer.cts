// What a user's CommonJS module relies on.
import heddle = require('heddle')
import testing = require('heddle/testing')

const room: heddle.Room = new heddle.Room({ storage: new heddle.MemoryStorage() })
const sessions: heddle.SessionInfo[] = room.getSessions()

const storage = new heddle.MemoryStorage()
const cases: Promise<testing.StorageCase[]> = testing.storageContract(() => ({
  storage,
  reopen: () => storage,
}))

export = { count: sessions.length, cases }
