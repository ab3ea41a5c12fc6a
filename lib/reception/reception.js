'use strict'

/**
 * The receiving half of a room's driver: how frames get from a session's socket to the engine, and how a
 * session goes that cannot stay.
 */

const { spend } = require('./budget.js')
const { closeThenLeave } = require('../effects.js')
const { asFrame, INBOX_IS_FULL } = require('./frames.js')
const { Heartbeat } = require('./heartbeat.js')
const { Intake, Reason } = require('./intake.js')
const { Laggards } = require('../sockets/lagging.js')
const { OVER_THE_RATE } = require('./rates.js')
const { Walks } = require('../sockets/walks.js')

/** @typedef {import('../../index').Limits} Limits */
/** @typedef {import('../effects.js').EffectQueue} EffectQueue */
/** @typedef {import('../engine.js').Engine} Engine */
/** @typedef {import('./frames.js').Frame} Frame */
/** @typedef {import('../sessions.js').Session} Session */
/** @typedef {import('../sessions.js').Sessions} Sessions */

/**
 * The room that frames are received for.
 * @typedef {object} Host
 * @property {Engine} engine
 * @property {EffectQueue} queue
 * @property {Sessions} sessions
 * @property {Readonly<Limits>} limits
 * @property {import('../sockets/schedule.js').Schedule} schedule when its sockets are written
 * @property {import('../witness/witness.js').Witness} witness
 * @property {() => boolean} isClosed
 * @property {(error: unknown, sessionId?: string) => void} report
 */

/** How many frames of the largest size a room keeps for its store before it takes no more. */
const UNSTORED_FRAMES = 4

class Reception {
  #host
  #engine
  #queue
  #sessions
  #laggards
  /** What the store had not taken when it was last looked at, in bytes. */
  #unstoredBytes = 0
  #isStoreSlow = false
  #heartbeat

  /** @param {Host} host */
  constructor(host) {
    this.#host = host
    // What every frame needs.
    this.#engine = host.engine
    this.#queue = host.queue
    this.#sessions = host.sessions
    this.counters = host.witness.counters
    this.queuedBytes = host.limits.queuedBytes
    this.schedule = host.schedule
    this.#laggards = new Laggards({
      engine: host.engine,
      queue: host.queue,
      limits: host.limits,
      witness: host.witness,
      expel: (session, code, reason) => this.expel(session, code, reason),
      drained: () => this.walks.resume(),
    })
    this.walks = new Walks({
      room: this,
      engine: host.engine,
      queue: host.queue,
      limits: host.limits,
      laggards: this.#laggards,
      isClosed: host.isClosed,
    })
    this.#heartbeat = new Heartbeat({
      heartbeatMs: host.limits.heartbeatMs,
      dead: (session) => this.#end(session),
      failed: (session, error) => this.lose(session, error),
    })
  }

  /**
   * A session's socket does not take what it is sent.
   * @param {Session} session
   */
  lag(session) {
    if (!this.#host.isClosed()) this.#laggards.add(session)
  }

  /**
   * Makes the way for the frames of a session that joins.
   * @param {Session} session
   * @param {unknown} socket
   */
  admit(session, socket) {
    session.intake = new Intake(socket, session, this, this.#host.limits)
    if (this.#isStoreSlow) session.intake.hold(Reason.STORE_IS_SLOW)
    this.#heartbeat.watch(session, socket)
  }

  /**
   * @param {string} sessionId
   * @param {unknown} data
   */
  receive(sessionId, data) {
    const session = this.#sessions.get(sessionId)
    if (session === undefined) return
    const frame = typeof data === 'string' ? data : asFrame(data)
    this.counters.framesIn += 1
    this.counters.bytesIn += frame.length
    session.pulse?.beat()
    if (session.intake?.charge(frame) === false) this.expel(session, ...OVER_THE_RATE)
    else if (session.gate === undefined) this.pass(session, frame)
    else if (!session.gate.hold(session, frame)) this.expel(session, ...INBOX_IS_FULL)
  }

  /**
   * Takes a frame past the gate of a room that has loaded.
   * @param {Session} session
   * @param {Frame} frame
   */
  pass(session, frame) {
    if (session.intake?.receive(frame) === false) this.expel(session, ...INBOX_IS_FULL)
  }

  /**
   * Removes a session whose socket is gone.
   * @param {string} sessionId
   */
  disconnect(sessionId) {
    const { engine, queue, sessions } = this.#host
    const session = sessions.get(sessionId)
    if (session === undefined) return
    session.abandon()
    queue.run(engine.leave(session.number))
  }

  /**
   * Removes a session that took too much, and closes its socket.
   * @param {Session} session
   * @param {number} code
   * @param {string} reason
   */
  expel(session, code, reason) {
    const { engine, queue } = this.#host
    session.intake?.discard()
    queue.run(closeThenLeave(session, code, reason, engine.leave(session.number)))
  }

  /**
   * Removes a session whose socket cannot be written, and closes it.
   * @param {Session} session
   * @param {unknown} error
   */
  lose(session, error) {
    const { engine, queue, isClosed, report } = this.#host
    const isNews = !session.isGone
    session.abandon()
    if (isNews) {
      try {
        session.closeSocket()
      } catch {
        // It cannot even be closed; what is wrong with it is told below.
      }
      if (!isClosed()) queue.run(engine.leave(session.number))
    }
    report(error, session.id)
  }

  /**
   * Removes a session whose peer is gone without a goodbye.
   * @param {Session} session
   */
  #end(session) {
    const { engine, queue } = this.#host
    session.abandon()
    try {
      session.terminateSocket()
    } catch {
      // It is as good as gone.
    }
    queue.run(engine.leave(session.number))
  }

  /**
   * Handles a frame whose turn it is.
   * @param {Session} session
   * @param {Frame} frame
   */
  handle(session, frame) {
    const effects = this.#engine.receive(session.number, frame)
    // Where nothing comes of a frame its answer may wait for the store.
    if (effects === null) this.#watchStore()
    else this.#queue.run(effects)
  }

  /** Whether the store had taken all when it was last looked at. */
  get isAtRest() {
    return this.#unstoredBytes === 0
  }

  /** The store has taken something, or given it up. */
  storeMoved() {
    this.walks.resume()
    if (this.#unstoredBytes > 0) this.#watchStore()
  }

  /** Takes no more frames while the room keeps too much for its store. */
  #watchStore() {
    const { engine, limits, sessions } = this.#host
    const before = this.#unstoredBytes
    this.#unstoredBytes = engine.unstoredBytes
    // What was kept was encoded this turn, whenever it leaves.
    spend(this.#unstoredBytes - before)
    const most = UNSTORED_FRAMES * limits.frameBytes
    if (!this.#isStoreSlow && this.#unstoredBytes > most) {
      this.#isStoreSlow = true
      for (const session of sessions.visible()) session.intake?.hold(Reason.STORE_IS_SLOW)
    } else if (this.#isStoreSlow && this.#unstoredBytes <= most / 2) {
      this.#isStoreSlow = false
      for (const session of [...sessions.visible()]) {
        // What one of them had waiting may have been too much again.
        if (this.#isStoreSlow) break
        session.intake?.release(Reason.STORE_IS_SLOW)
      }
    }
  }
}

module.exports = { Reception }
