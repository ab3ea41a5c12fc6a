// Prints how the native room of a new `Room` is told to decode frames, and what comes of one: `fast` or `careful`, and the clock.
import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)
const native = require('../../../native.js')

let way
native.NativeRooms = class extends native.NativeRooms {
  /**
   * @override
   * @param {boolean} wantsPatches
   * @param {import('../../../native.js').NativeLimits} limits
   * @param {boolean} decodesCarefully
   */
  open(wantsPatches, limits, decodesCarefully) {
    way = decodesCarefully ? 'careful' : 'fast'
    return super.open(wantsPatches, limits, decodesCarefully)
  }
}

const { Room } = require('../../../index.js')
const room = new Room()
const socket = { send() {}, close() {} }
const session = room.handleSocketConnect({ socket, clientId: 'ann', permissions: 'readwrite' })
room.handleSocketMessage(
  session,
  JSON.stringify({ type: 'patch', documentPatches: [{ 'a/Box': { _exists: true } }] }),
)
process.stdout.write(`${way} ${room.getSnapshot().timestamp}`)
