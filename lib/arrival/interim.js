'use strict'

/**
 * Listens to a socket for a caller who awaits `acceptConnection` and wires the socket only
 * afterwards, so that no frame is lost in between and none counts twice.
 */

const { asFrame, Inbox, isSameFrame } = require('../reception/frames.js')

/** @typedef {import('../reception/frames.js').Frame} Frame */

/**
 * The part of an event emitter that is used.
 * @typedef {object} Emitter
 * @property {(event: string, listener: (...args: any[]) => void) => unknown} on
 * @property {(event: string, listener: (...args: any[]) => void) => unknown} removeListener
 * @property {(event: string) => number} listenerCount
 */

/**
 * Where what was heard goes.
 * @typedef {object} Listener
 * @property {(data: unknown) => void} receive
 * @property {() => void} disconnect
 * @property {() => void} refuseMore too much was heard
 */

class Interim {
  #socket
  #listener
  #frameBytes
  #hasListened = false
  #isListening = false
  /**
   * What was heard while somebody else listened too, and may come again from there.
   * @type {Inbox | undefined}
   */
  #heard

  /**
   * @param {unknown} socket
   * @param {Listener} listener
   * @param {number} frameBytes the size of the largest frame
   */
  constructor(socket, listener, frameBytes) {
    this.#socket = socket
    this.#listener = listener
    this.#frameBytes = frameBytes
  }

  /** Listens, if the socket is an event emitter, until the caller does. */
  listen() {
    const socket = this.#socket
    if (this.#hasListened || !isEmitter(socket)) return
    this.#hasListened = true
    this.#isListening = true
    if (socket.listenerCount('message') > 0) {
      // An account of its own: what was heard waits for no longer than the caller takes to listen.
      this.#heard = new Inbox(this.#frameBytes, { bytes: 0 })
    }
    socket.on('message', this.#onMessage)
    socket.on('close', this.#onClose)
    socket.on('error', this.#onClose)
    socket.on('newListener', this.#onNewListener)
  }

  /**
   * The caller forwards a frame: the socket is theirs from now on. Tells whether it is one that was
   * heard, and handled, before.
   * @param {unknown} data
   * @returns {boolean}
   */
  hasHandled(data) {
    this.#stop()
    const earlier = this.#heard?.take()
    if (earlier !== undefined && isSameFrame(earlier, asFrame(data))) return true
    // Who repeats frames begins with the first of them and leaves none out.
    this.#heard = undefined
    return false
  }

  /**
   * There will be no session, so what the socket says is nobody's. An error of it would be too, and end the
   * process: that and its close are still heard.
   */
  refuse() {
    const socket = this.#socket
    this.#hasListened = true
    this.#heard = undefined
    if (!this.#isListening || !isEmitter(socket)) return
    socket.removeListener('message', this.#onMessage)
    socket.removeListener('newListener', this.#onNewListener)
  }

  #stop() {
    const socket = this.#socket
    if (!this.#isListening || !isEmitter(socket)) return
    this.#isListening = false
    socket.removeListener('message', this.#onMessage)
    socket.removeListener('close', this.#onClose)
    socket.removeListener('error', this.#onClose)
    socket.removeListener('newListener', this.#onNewListener)
  }

  #onMessage = (/** @type {unknown} */ data) => {
    // The event that a listener before this one forwarded still arrives here.
    if (!this.#isListening) return
    // What is forgotten could not be told from what comes again.
    if (this.#heard?.add(asFrame(data)) === false) this.#listener.refuseMore()
    else this.#listener.receive(data)
  }

  #onClose = () => {
    this.#stop()
    this.#listener.disconnect()
  }

  #onNewListener = (/** @type {unknown} */ event) => {
    if (event === 'message') this.#stop()
  }
}

/**
 * @param {unknown} socket
 * @returns {socket is Emitter}
 */
function isEmitter(socket) {
  const { on, removeListener, listenerCount } = /** @type {Record<string, unknown>} */ (socket)
  return [on, removeListener, listenerCount].every((method) => typeof method === 'function')
}

module.exports = { Interim }
