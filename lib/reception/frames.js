'use strict'

/**
 * Frames as they come from sockets: one form out of the many that runtimes hand over, and the
 * bounded inbox in which frames wait until their session is live.
 */

const { types } = require('node:util')
const { invalidArgument } = require('../arguments.js')

/** The size above which the engine refuses a frame. */
const FRAME_LIMIT_BYTES = 16 * 1024 * 1024

/** What an inbox holds beside one frame of the largest size. */
const INBOX_MARGIN_BYTES = 64 * 1024

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

/** Frames of one session that wait, in order. */
class Inbox {
  #limitBytes
  /** @type {Frame[]} */
  #frames = []
  #next = 0
  #bytes = 0

  /** @param {number} [frameBytes] the size of the largest frame */
  constructor(frameBytes = FRAME_LIMIT_BYTES) {
    this.#limitBytes = frameBytes + INBOX_MARGIN_BYTES
  }

  /**
   * Keeps a frame; gives `false`, and keeps nothing any more, when the inbox would be over its bound.
   * @param {Frame} frame
   * @returns {boolean}
   */
  add(frame) {
    this.#bytes += costOf(frame)
    if (this.#bytes > this.#limitBytes) {
      this.close()
      return false
    }
    // A runtime may reuse the memory after the call, and a slice would pin the chunk it is cut from.
    this.#frames.push(typeof frame === 'string' ? frame : new Uint8Array(frame))
    return true
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
    this.#bytes -= costOf(frame)
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
    this.#bytes = Number.POSITIVE_INFINITY
  }
}

/** @param {Frame} frame */
function costOf(frame) {
  return Math.max(Buffer.byteLength(frame), LEAST_COST_BYTES)
}

module.exports = { asFrame, FRAME_LIMIT_BYTES, INBOX_IS_FULL, Inbox, isSameFrame, mayCatchUp }
