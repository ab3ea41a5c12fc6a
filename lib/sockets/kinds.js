'use strict'

/** The kinds of sockets whose texts are written in batches. */

const { wsKind } = require('./ws.js')

/** @typedef {import('../../index').WebSocketLike} WebSocketLike */
/** @typedef {import('./frames.js').Frame} Frame */

/**
 * @typedef {object} SocketKind
 * @property {(socket: WebSocketLike) => boolean} matches
 * @property {(socket: WebSocketLike, frames: readonly Frame[]) => void} write may throw
 */

/**
 * @typedef {object} BunSocket
 * @property {number} [readyState]
 * @property {(write: () => void) => void} cork
 * @property {(text: string) => unknown} send
 */

/** The `readyState` of a socket that can be sent to. */
const OPEN = 1

const IS_BUN = process.versions.bun !== undefined

/** What a Bun socket's `send` returns for a message that it threw away. */
const DROPPED_BY_BUN = 0

/** @type {SocketKind} */
const bunKind = {
  matches(socket) {
    const bun = /** @type {{ cork?: unknown, getBufferedAmount?: unknown }} */ (socket)
    return typeof bun.cork === 'function' && typeof bun.getBufferedAmount === 'function'
  },

  write(socket, frames) {
    const bun = /** @type {BunSocket} */ (/** @type {unknown} */ (socket))
    if (bun.readyState !== undefined && bun.readyState !== OPEN) return
    const [first] = frames
    // One leaves as one write anyway: a cork round it would only cost.
    if (frames.length === 1 && first !== undefined) sendOnBun(bun, first)
    else bun.cork(() => sendEachOnBun(bun, frames))
  },
}

/**
 * @param {BunSocket} bun
 * @param {readonly Frame[]} frames
 */
function sendEachOnBun(bun, frames) {
  for (const frame of frames) sendOnBun(bun, frame)
}

/**
 * @param {BunSocket} bun
 * @param {Frame} frame
 */
function sendOnBun(bun, { text }) {
  // Other servers with the same methods return 0 for a message that they did take.
  if (bun.send(text) === DROPPED_BY_BUN && IS_BUN) throw new Error('The socket dropped a message')
}

/** @type {readonly SocketKind[]} */
const KNOWN_KINDS = [wsKind, bunKind]

/**
 * The kind of a socket, which never changes; none where it is unknown.
 * @param {WebSocketLike} socket
 * @returns {SocketKind | undefined}
 */
function kindOf(socket) {
  return KNOWN_KINDS.find(({ matches }) => matches(socket))
}

module.exports = { kindOf }
