// The two servers behind one set of names: heddle is a drop-in, so what differs is how a frame of bytes is handed over.

/** @typedef {import('../../index.js').Room} Room */
/** @typedef {import('../../index.js').FrameData} FrameData */

/**
 * @typedef {object} Side
 * @property {string} server
 * @property {typeof import('../../index.js')} library the peer's has less
 * @property {string} dir an empty folder that is removed in the end
 * @property {(room: Room, sessionId: string, data: string | Buffer) => void} hand hands a frame to a room
 */

/**
 * @param {string} server
 * @param {string} dir
 * @returns {Promise<Side>}
 */
export async function loadSide(server, dir) {
  if (server === 'heddle') {
    const library = await import('../../index.js')
    return {
      server,
      dir,
      library: library.default ?? library,
      hand: (room, sessionId, data) => room.handleSocketMessage(sessionId, data),
    }
  }
  const library = /** @type {any} */ (await import('@woven-ecs/canvas-store-server'))
  return {
    server,
    dir,
    library,
    // The peer takes strings only: its documentation converts what `ws` gives.
    hand: (room, sessionId, data) =>
      room.handleSocketMessage(sessionId, typeof data === 'string' ? data : data.toString()),
  }
}
