'use strict'

/**
 * Who sees what happens in a room: counts it, and tells those who subscribed to it. No method throws, calls a
 * user or allocates anything that nobody asked for, so each can be called from anywhere.
 */

const { Counters } = require('./counters.js')
const { channels, publish } = require('./diagnostics.js')
const { codeOf } = require('../errors.js')

/** @typedef {import('../../index').Room} Room */
/** @typedef {import('../sessions.js').Session} Session */

class Witness {
  #roomId
  /**
   * There when something was counted: most rooms of a large server are idle.
   * @type {Counters | undefined}
   */
  #counters
  /** @type {Set<Session> | undefined} */
  #lagging

  /**
   * @param {Room} room
   * @param {string | undefined} roomId what a manager knows it by
   */
  constructor(room, roomId) {
    this.room = room
    this.#roomId = roomId
    if (channels.roomOpen.hasSubscribers) publish(channels.roomOpen, this.#event())
  }

  get counters() {
    this.#counters ??= new Counters()
    return this.#counters
  }

  /**
   * Adds what was counted.
   * @param {Counters} sums
   */
  addTo(sums) {
    if (this.#counters !== undefined) sums.include(this.#counters)
  }

  /** How many sessions lag. */
  get laggingCount() {
    return this.#lagging?.size ?? 0
  }

  /** @param {number} [code] with which its sockets are closed */
  closed(code) {
    if (channels.roomClose.hasSubscribers) {
      publish(channels.roomClose, { ...this.#event(), code })
    }
  }

  /** @param {Session} session */
  joined(session) {
    this.counters.sessionsOpened += 1
    if (channels.sessionOpen.hasSubscribers) {
      publish(channels.sessionOpen, this.#event(session))
    }
  }

  /**
   * The room has forgotten a session.
   * @param {Session} session
   */
  left(session) {
    this.#lagging?.delete(session)
    this.counters.sessionsClosed.add(session.closeCode)
    if (channels.sessionClose.hasSubscribers) {
      publish(channels.sessionClose, { ...this.#event(session), code: session.closeCode })
    }
  }

  /**
   * A frame was refused.
   * @param {Session} session
   * @param {string} code
   */
  refused(session, code) {
    this.counters.refused.add(code)
    if (channels.frameRefused.hasSubscribers) {
      publish(channels.frameRefused, { ...this.#event(session), code })
    }
  }

  /**
   * A session has begun to lag.
   * @param {Session} session
   */
  lagging(session) {
    this.#lagging ??= new Set()
    if (this.#lagging.has(session)) return
    this.#lagging.add(session)
    this.counters.lags += 1
    if (channels.sessionLagging.hasSubscribers) {
      publish(channels.sessionLagging, this.#event(session))
    }
  }

  /**
   * A session lags no more.
   * @param {Session} session
   */
  drained(session) {
    const isNews = this.#lagging?.delete(session) ?? false
    if (isNews && channels.sessionDrained.hasSubscribers) {
      publish(channels.sessionDrained, this.#event(session))
    }
  }

  /**
   * Something went wrong where no caller waits.
   * @param {unknown} error
   * @param {string} [sessionId]
   */
  failed(error, sessionId) {
    const code = codeOf(error)
    this.counters.errors += 1
    if (code === 'HEDDLE_SAVE_FAILED') this.counters.saveErrors += 1
    if (channels.error.hasSubscribers) {
      publish(channels.error, { ...this.#event(), sessionId, code, error })
    }
  }

  /** @param {Session} [session] */
  #event(session) {
    const { id: sessionId, clientId } = session ?? {}
    return { room: this.room, roomId: this.#roomId, sessionId, clientId }
  }
}

module.exports = { Witness }
