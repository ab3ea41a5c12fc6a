// A WebSocket client that costs little: many of them share a processor with the server under test, and must not be what is
// measured. It hands frames over where they lie in the read buffer.
import { randomBytes } from 'node:crypto'
import { connect } from 'node:net'

/** All sockets read into one buffer: on POSIX systems a read is handled before the next begins. */
const readBuffer = Buffer.allocUnsafe(256 * 1024)

const TEXT = 1
const BINARY = 2
const CLOSE = 8
const PING = 9
const PONG = 10

/**
 * @typedef {object} Reader
 * @property {(bytes: Buffer, start: number, end: number) => void} onFrame
 * a text or binary frame: its payload, to be read during the call
 * @property {() => void} [onReadEnd] after the last frame of a read
 * @property {(error: Error) => void} onLost the connection broke, or was closed by the server
 */

export class LeanSocket {
  #reader
  #socket
  /** The head of a frame whose rest has not come yet. */
  #rest = Buffer.alloc(0)
  #isOpen = false
  #opened = () => {}

  /** Bytes that came. */
  bytesRead = 0

  /**
   * @param {number} port
   * @param {string} path
   * @param {Reader} reader
   */
  constructor(port, path, reader) {
    this.#reader = reader
    this.#socket = connect({
      host: '127.0.0.1',
      port,
      noDelay: true,
      onread: {
        buffer: readBuffer,
        callback: (length, buffer) => {
          this.#read(/** @type {Buffer} */ (buffer).subarray(0, length))
          return true
        },
      },
    })
    this.#socket.on('error', (error) => reader.onLost(error))
    this.#socket.on('close', () => reader.onLost(new Error('the server closed the socket')))
    this.#socket.write(
      `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\nSec-WebSocket-Version: 13\r\n\r\n`,
    )
    this.opened = new Promise((resolve) => {
      this.#opened = () => resolve(undefined)
    })
  }

  /**
   * Writes what `frameOf` made, one frame or several.
   * @param {Buffer} frames
   */
  write(frames) {
    this.#socket.write(frames)
  }

  /** @param {string | Uint8Array} payload */
  send(payload) {
    this.#socket.write(frameOf(payload))
  }

  close() {
    this.#reader.onLost = () => {}
    this.#socket.destroy()
  }

  /** @param {Buffer} chunk */
  #read(chunk) {
    this.bytesRead += chunk.length
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    const start = this.#isOpen ? 0 : this.#readHandshake(bytes)
    const end = this.#isOpen ? this.#readFrames(bytes, start) : 0
    this.#rest = end === bytes.length ? Buffer.alloc(0) : Buffer.from(bytes.subarray(end))
    this.#reader.onReadEnd?.()
  }

  /** @param {Buffer} bytes */
  #readHandshake(bytes) {
    const end = bytes.indexOf('\r\n\r\n')
    if (end < 0) return 0
    const head = bytes.toString('latin1', 0, end)
    if (!head.startsWith('HTTP/1.1 101')) {
      this.#reader.onLost(new Error(`no WebSocket: ${head}`))
      return 0
    }
    this.#isOpen = true
    this.#opened()
    return end + 4
  }

  /**
   * Hands over the whole frames from `start` on; returns where they end.
   * @param {Buffer} bytes
   * @param {number} start
   */
  #readFrames(bytes, start) {
    let at = start
    while (at + 2 <= bytes.length) {
      const short = /** @type {number} */ (bytes[at + 1]) & 0x7f
      const headBytes = short < 126 ? 2 : short === 126 ? 4 : 10
      if (at + headBytes > bytes.length) break
      const length = short < 126 ? short : lengthAt(bytes, at + 2, short)
      const payload = at + headBytes
      if (payload + length > bytes.length) break
      const opcode = /** @type {number} */ (bytes[at]) & 0x0f
      if (opcode === TEXT || opcode === BINARY) {
        this.#reader.onFrame(bytes, payload, payload + length)
      } else {
        this.#control(opcode, bytes.subarray(payload, payload + length))
      }
      at = payload + length
    }
    return at
  }

  /**
   * @param {number} opcode
   * @param {Buffer} payload
   */
  #control(opcode, payload) {
    if (opcode === PING) this.#socket.write(frameOf(payload, PONG))
    if (opcode === CLOSE) {
      const code = payload.length >= 2 ? payload.readUInt16BE(0) : 'none'
      this.#reader.onLost(new Error(`closed with code ${code}: ${payload.toString('utf8', 2)}`))
    }
  }
}

/**
 * @param {Buffer} bytes
 * @param {number} at
 * @param {number} short
 */
function lengthAt(bytes, at, short) {
  return short === 126 ? bytes.readUInt16BE(at) : Number(bytes.readBigUInt64BE(at))
}

/**
 * A frame as clients send it, masked, with a mask of zeros: the server unmasks it like any other.
 * @param {string | Uint8Array} payload
 */
export function frameOf(payload, opcode = typeof payload === 'string' ? TEXT : BINARY) {
  const length = Buffer.byteLength(payload)
  const headBytes = length < 126 ? 6 : 8
  if (length > 0xffff) throw new Error(`a frame of ${length} bytes is no edit`)
  const frame = Buffer.alloc(headBytes + length)
  frame[0] = 0x80 | opcode
  if (length < 126) {
    frame[1] = 0x80 | length
  } else {
    frame[1] = 0x80 | 126
    frame.writeUInt16BE(length, 2)
  }
  if (typeof payload === 'string') frame.write(payload, headBytes)
  else frame.set(payload, headBytes)
  return frame
}
