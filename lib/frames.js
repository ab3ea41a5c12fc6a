'use strict'

/**
 * Frames as they come from sockets: one form out of the many that runtimes hand over, and the
 * bounded inbox in which frames wait until their session is live.
 */

const { types } = require('node:util')
const { invalidArgument } = require('./arguments.js')

/** The size above which the engine refuses a frame. */
const FRAME_LIMIT_BYTES = 16 * 1024 * 1024

/** One frame of any size must be able to wait, and a few small ones with it. */
const INBOX_LIMIT_BYTES = FRAME_LIMIT_BYTES + 64 * 1024

/** The close code and reason of a socket whose inbox is over its bound. */
const INBOX_IS_FULL = /** @type {const} */ ([4413, 'too many frames wait'])

/** What a frame counts at least, so that empty ones are bounded too. */
const LEAST_COST_BYTES = 64

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
  if (types.isArrayBuffer(data)) return new Uint8Array(data)
  if (Array.isArray(data) && data.every(types.isUint8Array)) return Buffer.concat(data)
  throw invalidArgument('data', 'a string, Uint8Array, ArrayBuffer or array of Buffers', data)
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

/** Frames of one session that wait, in order. */
class Inbox {
  /** @type {Frame[]} */
  #frames = []
  #next = 0
  #bytes = 0

  /**
   * Keeps a frame; gives `false`, and keeps nothing any more, when the inbox would be over its bound.
   * @param {Frame} frame
   * @returns {boolean}
   */
  add(frame) {
    this.#bytes += Math.max(Buffer.byteLength(frame), LEAST_COST_BYTES)
    if (this.#bytes > INBOX_LIMIT_BYTES) {
      this.#frames = []
      return false
    }
    // A runtime may reuse the memory after the call, and a slice would pin the chunk it is cut from.
    this.#frames.push(typeof frame === 'string' ? frame : Uint8Array.from(frame))
    return true
  }

  /**
   * Gives the oldest frame, which leaves the inbox.
   * @returns {Frame | undefined}
   */
  take() {
    const frame = this.#frames[this.#next]
    if (frame === undefined) return undefined
    this.#next += 1
    this.#bytes -= Math.max(Buffer.byteLength(frame), LEAST_COST_BYTES)
    if (this.#next === this.#frames.length) {
      this.#frames = []
      this.#next = 0
    }
    return frame
  }
}

module.exports = { asFrame, INBOX_IS_FULL, Inbox, isSameFrame }
