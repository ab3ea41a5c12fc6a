'use strict'

/**
 * Texts as the frames of a WebSocket server: whole, and not masked (RFC 6455, section 5.2). A text that many sockets
 * are sent is framed once.
 *
 * The bytes of a frame are a string of characters below 256. Such strings join without being copied, never change, and
 * hold nothing but themselves, so that what a slow socket keeps is what it was sent. Only large ones are buffers.
 */

const { flushAtEndOfTurn } = require('../turn.js')

/** The first byte of a text frame that is whole. */
const WHOLE_TEXT = 0x81

/** The length of the content stands in the second byte, or that says how many behind it have it. */
const MOST_IN_ONE_BYTE = 125
const IN_TWO_BYTES = 126
const MOST_IN_TWO_BYTES = 0xffff
const IN_EIGHT_BYTES = 127

/** From here on a place of its own in the write costs less than to copy the frame for each who gets it. */
const LARGE_BYTES = 2 * 1024

class Frame {
  /** @type {string | Buffer | undefined} */
  #bytes

  /** @param {string} text */
  constructor(text) {
    this.text = text
  }

  /** Header and content, as a string of bytes or, where that is large, a buffer. */
  get bytes() {
    this.#bytes ??= bytesOf(this.text)
    return this.#bytes
  }
}

/**
 * @param {string} text
 * @returns {string | Buffer}
 */
function bytesOf(text) {
  const length = Buffer.byteLength(text)
  if (length < LARGE_BYTES) {
    return headerOf(length) + (length === text.length ? text : Buffer.from(text).toString('latin1'))
  }
  const header = headerOf(length)
  const bytes = Buffer.allocUnsafeSlow(header.length + length)
  bytes.write(header, 'latin1')
  bytes.write(text, header.length)
  return bytes
}

/**
 * @param {number} length of the content, in bytes
 * @returns {string} of bytes
 */
function headerOf(length) {
  if (length <= MOST_IN_ONE_BYTE) return String.fromCharCode(WHOLE_TEXT, length)
  if (length <= MOST_IN_TWO_BYTES) {
    return String.fromCharCode(WHOLE_TEXT, IN_TWO_BYTES, length >>> 8, length & 0xff)
  }
  const inEightBytes = Buffer.alloc(8)
  inEightBytes.writeBigUInt64BE(BigInt(length))
  return String.fromCharCode(WHOLE_TEXT, IN_EIGHT_BYTES) + inEightBytes.toString('latin1')
}

/** @type {Frame | undefined} */
let latest

const forgetting = {
  flush() {
    latest = undefined
  },
}

/**
 * The frame of a text: the same for all who are sent it one after the other.
 * @param {string} text
 * @returns {Frame}
 */
function frameOf(text) {
  if (latest !== undefined && latest.text === text) return latest
  if (latest === undefined) flushAtEndOfTurn(forgetting)
  latest = new Frame(text)
  return latest
}

/**
 * The bytes of frames in as few pieces as can be.
 * @param {readonly Frame[]} frames
 * @returns {(string | Buffer)[]}
 */
function join(frames) {
  const first = frames[0]
  // Under a light load it is the only one, and a list that grows takes memory for many.
  if (first !== undefined && frames.length === 1) return [first.bytes]
  const pieces = []
  let run = ''
  for (const { bytes } of frames) {
    if (typeof bytes === 'string') {
      run += bytes
      continue
    }
    if (run !== '') pieces.push(run)
    pieces.push(bytes)
    run = ''
  }
  if (run !== '') pieces.push(run)
  return pieces
}

module.exports = { Frame, frameOf, join }
