'use strict'

/**
 * Ends the sockets whose peer is gone without a goodbye. A cable that was pulled closes nothing: only a ping
 * that nobody answers tells.
 *
 * One timer per room asks all its sockets that can be asked, as `ws` can. Bun pings and times out by itself.
 */

const { readBytes } = require('../sockets/sockets.js')
const { onRejection, Timer } = require('../timers.js')

/** @typedef {import('../sessions.js').Session} Session */

/**
 * A socket that can ping and tells of pongs.
 * @typedef {object} Pinger
 * @property {() => unknown} ping
 * @property {(event: string, listener: () => void) => unknown} on
 * @property {(event: string, listener: () => void) => unknown} removeListener
 */

/**
 * @typedef {object} Owner
 * @property {number} heartbeatMs
 * @property {(session: Session) => void} dead its socket is to be ended, and the session removed
 * @property {(session: Session, error: unknown) => void} failed its socket cannot be written
 */

/** Whether one socket has given a sign of life since it was last asked. */
class Pulse {
  #socket
  #onStop
  #isAlive = true
  #readBytes

  /**
   * @param {Pinger} socket
   * @param {() => void} onStop
   */
  constructor(socket, onStop) {
    this.#socket = socket
    this.#onStop = onStop
    this.#readBytes = readBytes(socket)
    socket.on('pong', this.beat)
  }

  /** There was a sign of life, or nobody could have heard one. */
  beat = () => {
    this.#isAlive = true
  }

  /**
   * Asks for the next sign of life; gives `false` when there was none since the last time. Throws what the socket's
   * `ping` throws.
   * @param {(error: unknown) => void} onFailure called when it gives a promise that rejects
   */
  ask(onFailure) {
    const read = readBytes(this.#socket)
    // Who sends one large frame cannot put a pong into it.
    if (!this.#isAlive && read === this.#readBytes) return false
    this.#readBytes = read
    this.#isAlive = false
    onRejection(this.#socket.ping(), onFailure)
    return true
  }

  /** The socket is gone. */
  stop() {
    try {
      this.#socket.removeListener('pong', this.beat)
    } catch {
      // A beat more harms nobody.
    }
    this.#onStop()
  }
}

class Heartbeat {
  #owner
  #timer = new Timer()
  /** @type {Map<Session, Pulse>} */
  #pulses = new Map()

  /** @param {Owner} owner */
  constructor(owner) {
    this.#owner = owner
  }

  /**
   * Watches a session's socket, if it can be asked and is to be.
   * @param {Session} session
   * @param {unknown} socket
   */
  watch(session, socket) {
    const { heartbeatMs } = this.#owner
    if (heartbeatMs === 0 || heartbeatMs === Infinity || !isPinger(socket)) return
    session.pulse = new Pulse(socket, () => this.#forget(session))
    this.#pulses.set(session, session.pulse)
    if (!this.#timer.armed) this.#arm()
  }

  /** @param {Session} session */
  #forget(session) {
    this.#pulses.delete(session)
    if (this.#pulses.size === 0) this.#timer.clear()
  }

  #arm() {
    this.#timer.armUnreferenced(this.#owner.heartbeatMs, () => this.#askAll())
  }

  #askAll() {
    // One that is found dead may take others along.
    for (const [session, pulse] of [...this.#pulses]) {
      // What is not read cannot answer.
      if (this.#pulses.has(session) && !session.intake?.isPaused) this.#ask(session, pulse)
    }
    if (this.#pulses.size > 0) this.#arm()
  }

  /**
   * @param {Session} session
   * @param {Pulse} pulse
   */
  #ask(session, pulse) {
    const fail = (/** @type {unknown} */ error) => this.#owner.failed(session, error)
    try {
      if (!pulse.ask(fail)) this.#owner.dead(session)
    } catch (error) {
      fail(error)
    }
  }
}

/**
 * @param {unknown} socket
 * @returns {socket is Pinger}
 */
function isPinger(socket) {
  const { ping, on, removeListener } = /** @type {Record<string, unknown>} */ (socket)
  return [ping, on, removeListener].every((method) => typeof method === 'function')
}

module.exports = { Heartbeat, Pulse }
