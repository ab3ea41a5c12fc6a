import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)

/** The native calls that every frame makes. */
interface HotCalls {
  receiveText: (...args: unknown[]) => unknown
  receiveBytes: (...args: unknown[]) => unknown
  commit: () => unknown
}

/** The object whose methods heddle calls for every frame: raw functions, or those of the class. */
export function hotCalls(): HotCalls {
  return require('../../lib/raw.js').raw ?? require('../../native.js').NativeRooms.prototype
}
