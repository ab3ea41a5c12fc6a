// A storage of your own: rooms in an SQLite database, where an ack says that the edit survives power loss. sqlite.mjs serves
// them, sqlite-storage.test.mjs shows that the contract is kept. Needs `node:sqlite`: Node 22.16 or newer.
import { DatabaseSync } from 'node:sqlite'

/** Opens a database of rooms. It is this process's alone: a second one that opens it gets an error. */
export function openRooms(path) {
  const database = new DatabaseSync(path)
  // What is committed in WAL mode with synchronous=FULL has been synced.
  database.exec(`
    PRAGMA locking_mode = EXCLUSIVE;
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    CREATE TABLE IF NOT EXISTS rooms (id TEXT PRIMARY KEY, snapshot TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS changes (
      room TEXT, timestamp INTEGER, change TEXT NOT NULL, PRIMARY KEY (room, timestamp)
    ) WITHOUT ROWID;`)

  const snapshotOf = database.prepare('SELECT snapshot FROM rooms WHERE id = ?')
  const setSnapshot = database.prepare('INSERT OR REPLACE INTO rooms VALUES (?, ?)')
  const changesAfter = database.prepare(
    'SELECT change FROM changes WHERE room = ? AND timestamp > ? ORDER BY timestamp',
  )
  const addChange = database.prepare('INSERT INTO changes VALUES (?, ?, ?)')
  const removeFrom = database.prepare('DELETE FROM changes WHERE room = ? AND timestamp >= ?')
  const removeUpTo = database.prepare('DELETE FROM changes WHERE room = ? AND timestamp <= ?')

  /** All of it, synced, or nothing; the event loop waits meanwhile. */
  function transaction(work) {
    database.exec('BEGIN')
    try {
      work()
      database.exec('COMMIT')
    } catch (error) {
      if (database.isTransaction) database.exec('ROLLBACK')
      throw error
    }
  }

  /** @returns {import('heddle').Storage} */
  const createStorage = (roomId) => ({
    load: async () => JSON.parse(snapshotOf.get(roomId)?.snapshot ?? 'null'),
    loadChanges: async (after) =>
      changesAfter.all(roomId, after).map(({ change }) => JSON.parse(change)),
    save: async (snapshot) =>
      transaction(() => {
        setSnapshot.run(roomId, JSON.stringify(snapshot))
        removeUpTo.run(roomId, snapshot.timestamp)
      }),
    append: async (changes) =>
      transaction(() => {
        removeFrom.run(roomId, changes[0].timestamp)
        for (const change of changes)
          addChange.run(roomId, change.timestamp, JSON.stringify(change))
      }),
  })
  return { createStorage, close: () => database.close() }
}
