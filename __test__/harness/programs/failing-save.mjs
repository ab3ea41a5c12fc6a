// Closes a room that cannot be saved. Prints how often it was tried, and the last error reported.
import { HeddleError, Room } from '../../../index.js'

let saves = 0
/** @type {unknown} */
let lastError
const room = new Room({
  storage: {
    load: async () => null,
    save: async () => {
      saves += 1
      throw new Error('disk full')
    },
  },
  saveThrottleMs: 10,
  onError: (error) => {
    lastError = error instanceof HeddleError && error.code
  },
})
await room.load()
room.applyPatch({ 'a/Box': { _exists: true } })
room.close()
process.on('exit', () => {
  process.stdout.write(JSON.stringify({ saves, lastError }))
})
