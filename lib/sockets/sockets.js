'use strict'

/**
 * What sockets of all kinds tell, how much of what they were given they still hold, and how they are closed.
 */

/** @typedef {import('../../index').WebSocketLike} WebSocketLike */

/**
 * What sockets tell of their queues.
 * @typedef {object} Queued
 * @property {(() => unknown) | undefined} [getBufferedAmount]
 * @property {unknown} [bufferedAmount]
 * @property {(NodeSocket & { _parent?: NodeSocket | null }) | null} [_socket]
 */

/**
 * As much of the innards of a `net.Socket` as Node's own timeout for idle sockets looks at. An encrypted one is the child of the
 * one that writes.
 * @typedef {{ _handle?: { writeQueueSize?: unknown } | null }} NodeSocket
 */

/**
 * How many bytes a socket holds that have not left the process; 0 where it does not tell.
 * @param {WebSocketLike} socket
 * @returns {number}
 */
function bufferedBytes(socket) {
  const queued = /** @type {Queued} */ (/** @type {unknown} */ (socket))
  try {
    const { getBufferedAmount } = queued
    if (typeof getBufferedAmount === 'function') return amount(getBufferedAmount.call(queued))
    const { bufferedAmount } = queued
    return bufferedAmount === undefined ? 0 : amount(bufferedAmount)
  } catch {
    return 0
  }
}

/**
 * How many of them the system is being given right now; 0 where the socket does not tell. `ws` and Node
 * count a write as a whole until all of it has left, so that of one large frame only this tells that it is moving.
 * @param {WebSocketLike} socket
 * @returns {number}
 */
function leavingBytes(socket) {
  const queued = /** @type {Queued} */ (/** @type {unknown} */ (socket))
  try {
    const raw = queued._socket?._parent ?? queued._socket
    return amount(raw?._handle?.writeQueueSize)
  } catch {
    return 0
  }
}

/**
 * How many bytes have come through a socket so far, frames that are still under way included; 0 where it does not tell.
 * @param {unknown} socket
 * @returns {number}
 */
function readBytes(socket) {
  const source = /** @type {{ _socket?: { bytesRead?: unknown } | null }} */ (socket)
  try {
    return amount(source._socket?.bytesRead)
  } catch {
    return 0
  }
}

/**
 * @param {unknown} value
 * @returns {number}
 */
function amount(value) {
  return typeof value === 'number' && value > 0 ? value : 0
}

/** The close code and reason of a socket whose peer does not read what it is sent. */
const TOO_SLOW = /** @type {const} */ ([4408, 'too slow'])

/**
 * Gives what the socket's `close` gives: a promise of some.
 * @param {WebSocketLike} socket
 * @param {number} [code]
 * @param {string} [reason]
 * @returns {unknown}
 */
function closeSocket(socket, code, reason) {
  const closable =
    /** @type {{ close: (code?: number, reason?: string) => unknown, terminate?: () => void }} */ (
      socket
    )
  if (code === undefined) return closable.close()
  try {
    return closable.close(code, reason)
  } finally {
    // Its peer would read the close frame behind all that it does not read, and that would be kept until then.
    if (code === TOO_SLOW[0] && typeof closable.terminate === 'function') closable.terminate()
  }
}

module.exports = { bufferedBytes, closeSocket, leavingBytes, readBytes, TOO_SLOW }
