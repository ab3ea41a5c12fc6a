'use strict'

/**
 * Sockets of a `ws` server. All that one is sent within a turn leaves as one write of ready-made frames, past `ws`,
 * which makes a write of each. That takes its innards, which no version of `ws` promises: so all that is relied on
 * is looked at before each write, and where anything is not as it was known to be each text goes through `send`.
 */

const { Socket } = require('node:net')
const { isOff } = require('../fast-paths.js')
const { join } = require('./frames.js')

/** @typedef {import('../../index').WebSocketLike} WebSocketLike */
/** @typedef {import('./frames.js').Frame} Frame */

/**
 * @typedef {object} WsInnards
 * @property {unknown} readyState
 * @property {unknown} extensions
 * @property {unknown} _extensions the same by name, where there is one
 * @property {unknown} _isServer
 * @property {Partial<Socket> | null | undefined} _socket
 * @property {WsSender | null | undefined} _sender
 * @property {unknown} send
 */

/**
 * @typedef {object} WsSender
 * @property {unknown} _queue what waits for the compression of what was sent before
 * @property {unknown} _state what it is busy with
 * @property {unknown} _deflating the same in older versions
 * @property {unknown} _firstFragment whether no message is sent in part
 * @property {unknown} _socket
 */

/** The `readyState` of a WebSocket that can be sent to. */
const OPEN = 1

const isJoining = !isOff('joined-writes')

/** @type {import('./kinds.js').SocketKind} */
const wsKind = {
  matches(socket) {
    const ws = innardsOf(socket)
    return (
      ws.readyState === OPEN &&
      isPlainServer(ws) &&
      typeof ws._socket?.cork === 'function' &&
      typeof ws._socket.uncork === 'function' &&
      isIdle(ws._sender)
    )
  },

  write(socket, frames) {
    const ws = innardsOf(socket)
    // A socket that is closing takes nothing any more, and its close event is on its way.
    if (ws.readyState !== OPEN) return
    if (isJoining && takesFrames(ws)) writeJoined(/** @type {Socket} */ (ws._socket), frames)
    else sendEach(socket, ws._socket, frames)
  },
}

/**
 * @param {WebSocketLike} socket
 * @returns {WsInnards}
 */
function innardsOf(socket) {
  return /** @type {WsInnards} */ (/** @type {unknown} */ (socket))
}

/**
 * Whether frames that are made here may be written past `ws`.
 * @param {WsInnards} ws
 */
function takesFrames(ws) {
  const { _sender: sender, _socket: raw } = ws
  return (
    isPlainServer(ws) &&
    isIdle(sender) &&
    sender?._firstFragment === true &&
    sender._socket === raw &&
    raw instanceof Socket &&
    raw.writable &&
    // Who counts what is written may not expect it as a string of bytes.
    raw.write === Socket.prototype.write &&
    sendsAsWs(ws)
  )
}

/**
 * Whether what it sends is neither masked nor compressed.
 * @param {WsInnards} ws
 */
function isPlainServer(ws) {
  return ws._isServer === true && hasNoExtension(ws)
}

/** @param {WsInnards} ws */
function hasNoExtension(ws) {
  const { _extensions: byName } = ws
  // `ws` makes `extensions` of these, anew each time.
  return typeof byName === 'object' && byName !== null ? isEmpty(byName) : ws.extensions === ''
}

/**
 * Whether an object has no names of its own. Not by `Object.keys`, which would make a list of none for each write.
 * @param {object} object
 */
function isEmpty(object) {
  for (const name in object) {
    if (Object.hasOwn(object, name)) return false
  }
  return true
}

/**
 * Whether all that was sent has reached the socket below.
 * @param {WsSender | null | undefined} sender
 */
function isIdle(sender) {
  return (
    Array.isArray(sender?._queue) &&
    sender._queue.length === 0 &&
    (sender._state === 0 || sender._deflating === false)
  )
}

/** @type {WeakMap<Function, boolean>} */
const sends = new WeakMap()

/**
 * The last one that was found to be of `ws`: nearly always all of them are one.
 * @type {unknown}
 */
let latestOfWs

/**
 * Whether a socket's `send` is the one of `ws`, and not one that a user has put before it to count or to change what is
 * sent. Which `ws` that is only the socket knows, so it is told by where it stands and by its source.
 * @param {WsInnards} ws
 */
function sendsAsWs(ws) {
  const { send } = ws
  if (typeof send !== 'function') return false
  if (send === latestOfWs) return true
  let isOfWs = sends.get(send)
  if (isOfWs === undefined) {
    const owner = ownerOf(ws, 'send')
    isOfWs =
      owner !== null &&
      Object.hasOwn(owner, 'setSocket') &&
      Function.prototype.toString.call(send).includes('this._sender.send(')
    sends.set(send, isOfWs)
  }
  if (isOfWs) latestOfWs = send
  return isOfWs
}

/**
 * The object itself, or the one of its prototypes from which it has a member; none where it is a proxy that makes it up.
 * @param {object} object
 * @param {string} name
 * @returns {object | null}
 */
function ownerOf(object, name) {
  /** @type {object | null} */
  let owner = object
  while (owner !== null && !Object.hasOwn(owner, name)) owner = Object.getPrototypeOf(owner)
  return owner
}

/**
 * @param {Socket} raw
 * @param {readonly Frame[]} frames
 */
function writeJoined(raw, frames) {
  const pieces = join(frames)
  // What waits behind other bytes is kept as bytes, not as all the strings that it was made of.
  const isKept = raw.writableLength > 0
  if (pieces.length > 1) raw.cork()
  try {
    for (const piece of pieces) raw.write(isKept ? bytesIn(piece) : piece, 'latin1')
  } finally {
    if (pieces.length > 1) raw.uncork()
  }
}

/**
 * Of a piece its bytes and nothing else: small buffers are cut from larger ones, which they would keep.
 * @param {string | Buffer} piece
 */
function bytesIn(piece) {
  if (typeof piece !== 'string') return piece
  const bytes = Buffer.allocUnsafeSlow(piece.length)
  bytes.write(piece, 'latin1')
  return bytes
}

/**
 * @param {WebSocketLike} socket
 * @param {WsInnards['_socket']} raw
 * @param {readonly Frame[]} frames
 */
function sendEach(socket, raw, frames) {
  raw?.cork?.()
  try {
    for (const { text } of frames) socket.send(text)
  } finally {
    raw?.uncork?.()
  }
}

module.exports = { wsKind }
