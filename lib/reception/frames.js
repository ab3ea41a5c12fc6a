'use strict'

/**
 * Frames as they come from sockets: one form out of the many that runtimes hand over, and the
 * bounded inbox in which frames wait until their session is live.
 */

const { types } = require('node:util')
const { invalidArgument } = require('../arguments.js')

/** What an inbox holds beside one frame of the largest size. */
const INBOX_MARGIN_BYTES = 64 * 1024

/**
 * What all inboxes of the process hold before each may hold but a little: every one may be as large as the largest frame,
 * and there may be as many as there are sessions.
 */
const ALL_INBOXES_BYTES = 1024 * 1024 * 1024

/** What an inbox may hold all the same: who sends little is not to pay for who sends much. */
const LEAST_INBOX_BYTES = 16 * 1024

/** The close code and reason of a socket whose inbox is over its bound. */
const INBOX_IS_FULL = /** @type {const} */ ([4413, 'too many frames wait'])

/** What a frame counts at least, so that empty ones are bounded too. */
const LEAST_COST_BYTES = 64

/** How many places of taken frames an inbox keeps before it moves the others up. */
const MOST_TAKEN = 1024

/**
 * A frame in one of the two forms that the native side reads.
 * @typedef {string | Uint8Array} Frame
 */

/**
 * @param {unknown} data
 * @returns {Frame}
 */
function asFrame(data) {
  if (typeof data === 'string' || types.isUint8Array(data)) return data
  if (types.isArrayBuffer(data)) return viewOf(data)
  if (Array.isArray(data) && data.every(types.isUint8Array)) return Buffer.concat(data)
  throw invalidArgument('data', 'a string, Uint8Array, ArrayBuffer or array of Buffers', data)
}

/**
 * One that was handed away, to a worker perhaps, holds nothing, and no view can be made of it.
 * @param {ArrayBuffer | SharedArrayBuffer} buffer
 * @returns {Uint8Array}
 */
function viewOf(buffer) {
  return buffer.byteLength > 0 ? new Uint8Array(buffer) : new Uint8Array()
}

/**
 * @param {Frame} a
 * @param {Frame} b
 * @returns {boolean}
 */
function isSameFrame(a, b) {
  return a === b || Buffer.compare(bytesOf(a), bytesOf(b)) === 0
}

/**
 * @param {Frame} frame
 * @returns {Uint8Array}
 */
function bytesOf(frame) {
  return typeof frame === 'string' ? Buffer.from(frame) : frame
}

/**
 * Whether a frame could be a `reconnect`: one that is has the word in it, as it is or with escapes.
 * @param {Frame} frame
 * @returns {boolean}
 */
function mayCatchUp(frame) {
  if (typeof frame === 'string') return frame.includes('reconnect') || frame.includes('\\')
  const bytes = Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength)
  return bytes.includes('reconnect') || bytes.includes('\\')
}

/**
 * What inboxes hold together.
 * @typedef {{ bytes: number }} Account
 */

/** @type {Account} */
const all = { bytes: 0 }

/** Frames of one session that wait, in order. To be closed by whoever lets go of it before it is empty. */
class Inbox {
  #limitBytes
  #account
  #isClosed = false
  /** @type {Frame[]} */
  #frames = []
  #next = 0
  #bytes = 0

  /**
   * @param {number} frameBytes the size of the largest frame
   * @param {Account} [account] of what it is a part
   */
  constructor(frameBytes, account = all) {
    this.#limitBytes = frameBytes + INBOX_MARGIN_BYTES
    this.#account = account
  }

  /**
   * Keeps a frame; gives `false`, and keeps nothing any more, when the inbox would be over its bound.
   * @param {Frame} frame
   * @returns {boolean}
   */
  add(frame) {
    const cost = costOf(frame)
    const isCrowded = this.#account.bytes + cost > ALL_INBOXES_BYTES
    const mostBytes = isCrowded ? LEAST_INBOX_BYTES : this.#limitBytes
    if (this.#isClosed || this.#bytes + cost > mostBytes) {
      this.close()
      return false
    }
    this.#count(cost)
    // A runtime may reuse the memory after the call, and a slice would pin the chunk it is cut from.
    this.#frames.push(typeof frame === 'string' ? frame : new Uint8Array(frame))
    return true
  }

  /** What the frames that wait count, in bytes. */
  get bytes() {
    return this.#bytes
  }

  /**
   * Gives the oldest frame, which stays.
   * @returns {Frame | undefined}
   */
  peek() {
    return this.#frames[this.#next]
  }

  /**
   * Gives the oldest frame, which leaves the inbox.
   * @returns {Frame | undefined}
   */
  take() {
    const frame = this.#frames[this.#next]
    if (frame === undefined) return undefined
    this.#frames[this.#next] = ''
    this.#next += 1
    this.#count(-costOf(frame))
    // An inbox that never gets empty does not grow either.
    if (this.#next === this.#frames.length || this.#next >= MOST_TAKEN) {
      this.#frames = this.#frames.slice(this.#next)
      this.#next = 0
    }
    return frame
  }

  /** Forgets what waits, and keeps nothing any more. */
  close() {
    this.#frames = []
    this.#next = 0
    this.#isClosed = true
    this.#count(-this.#bytes)
  }

  /** @param {number} bytes */
  #count(bytes) {
    this.#bytes += bytes
    this.#account.bytes += bytes
  }
}

/** @param {Frame} frame */
function costOf(frame) {
  return Math.max(Buffer.byteLength(frame), LEAST_COST_BYTES)
}

module.exports = { asFrame, INBOX_IS_FULL, Inbox, isSameFrame, mayCatchUp }
