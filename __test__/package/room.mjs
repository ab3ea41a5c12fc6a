// Shared by the programs here: one room with one session that edits, left open.

/**
 * Opens a room, edits it as a client would and gives what the client got.
 * @param {typeof import('heddle')} heddle
 */
export function editOnce({ Room }) {
  /** @type {unknown[]} */
  const received = []
  const room = new Room()
  const sessionId = room.handleSocketConnect({
    socket: { send: (text) => received.push(JSON.parse(text)), close() {} },
    clientId: 'alice',
    permissions: 'readwrite',
  })
  const documentPatches = [{ 'shape/Position': { _exists: true, x: 1 } }]
  const frame = (/** @type {string} */ messageId) =>
    JSON.stringify({ type: 'patch', messageId, documentPatches })
  room.handleSocketMessage(sessionId, frame('alice-1'))
  room.handleSocketMessage(sessionId, new TextEncoder().encode(frame('alice-2')))
  return received
}

/**
 * What of a module's names heddle gave it, and not the runtime.
 * @param {object} module
 */
export function exportsOf(module) {
  return Object.keys(module)
    .filter((name) => !['default', 'module.exports', '__esModule'].includes(name))
    .sort()
}
