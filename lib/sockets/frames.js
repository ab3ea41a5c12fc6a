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

/** What fits into the second byte, and into the two that follow it. */
const MOST_IN_ONE_BYTE = 125
const MOST_IN_TWO_BYTES = 0xffff

/** From here on to copy a frame costs more than to give it to the system beside the others. */
const LARGE_BYTES = 16 * 1024

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
    const content = length === text.length ? text : Buffer.from(text).toString('latin1')
    return String.fromCharCode(...headerOf(length)) + content
  }
  const header = headerOf(length)
  const bytes = Buffer.allocUnsafeSlow(header.length + length)
  bytes.set(header)
  bytes.write(text, header.length)
  return bytes
}

/**
 * @param {number} length of the content, in bytes
 * @returns {number[]}
 */
function headerOf(length) {
  if (length <= MOST_IN_ONE_BYTE) return [WHOLE_TEXT, length]
  if (length <= MOST_IN_TWO_BYTES) return [WHOLE_TEXT, 126, length >>> 8, length & 0xff]
  const header = Buffer.alloc(10)
  header[0] = WHOLE_TEXT
  header[1] = 127
  header.writeBigUInt64BE(BigInt(length), 2)
  return [...header]
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
