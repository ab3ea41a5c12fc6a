'use strict'

/**
 * The sessions of a room that are being caught up in steps, since what they lack is more than one turn of the event
 * loop should send. The engine encodes a step once for all who lack it; here it is seen to that each socket is given no
 * more than it takes, and each turn no more than its budget. Until the end the sessions' frames wait.
 */

const { isSpent, lineUp, spend } = require('../reception/budget.js')
const { Reason } = require('../reception/intake.js')
const { Timer } = require('../timers.js')

/** @typedef {import('../effects.js').EffectQueue} EffectQueue */
/** @typedef {import('../engine.js').Engine} Engine */
/** @typedef {import('../sessions.js').Session} Session */
/** @typedef {import('./lagging.js').Laggards} Laggards */

/** How often sockets are looked at that had enough: they do not tell when they have let go of some. */
const POLL_MS = 2

/** How often in a row a socket may have had enough until its session counts as one that lags. */
const PATIENCE_POLLS = 50

/** A socket may hold this share of the mark before it is given more: it always has something to write, and is not full. */
const READY_SHARE = 1 / 2

/**
 * @typedef {object} Host
 * @property {object} room stands for the room
 * @property {Engine} engine
 * @property {EffectQueue} queue
 * @property {{ queuedBytes: number }} limits
 * @property {Laggards} laggards
 * @property {() => boolean} isClosed
 */

class Walks {
  #host
  /**
   * Each with how often in a row its socket had enough. Whose turn it is to say which step is next comes first.
   * @type {Map<Session, number>}
   */
  #sessions = new Map()
  /**
   * Steps that not all of their receivers have been given. What comes after is not made before.
   * @type {{ text: string, receivers: Session[] }[]}
   */
  #pieces = []
  #isLinedUp = false
  #timer = new Timer()

  /** @param {Host} host */
  constructor(host) {
    this.#host = host
  }

  /** @param {Session} session */
  begin(session) {
    session.intake?.hold(Reason.WALKS)
    this.#sessions.set(session, 0)
    this.#lineUp()
  }

  /** @param {Session} session */
  end(session) {
    this.#sessions.delete(session)
    session.intake?.release(Reason.WALKS)
    // Somebody whom there is always more to tell is heard all the same.
    if (this.#host.laggards.has(session)) session.intake?.admit(Reason.LAGGING)
  }

  /**
   * Gives a step to its receivers, in this turn and later ones.
   * @param {string} text
   * @param {Session[]} receivers
   */
  give(text, receivers) {
    // To make it costs about as much as to send it once.
    spend(text.length)
    this.#pieces.push({ text, receivers })
    this.#lineUp()
  }

  /** What they wait for may have come: the store, or a socket that has drained. */
  resume() {
    if (this.#sessions.size > 0) this.#lineUp()
  }

  /** The turn of this room has come. */
  takeTurn() {
    this.#isLinedUp = false
    if (this.#host.isClosed()) return
    if (this.#pieces.length > 0) this.#lineUp()
    else this.#step()
    this.#send()
  }

  #step() {
    const { engine, queue } = this.#host
    const ready = this.#ready()
    const effects = ready.length > 0 ? engine.step(ready.map(({ number }) => number)) : null
    if (effects === null) {
      this.#wait()
      return
    }
    const [first] = ready
    if (first !== undefined) {
      this.#sessions.delete(first)
      this.#sessions.set(first, 0)
    }
    queue.run(effects)
    this.resume()
  }

  #send() {
    let piece = this.#pieces[0]
    while (piece !== undefined && !isSpent(false)) {
      const session = piece.receivers.pop()
      if (session === undefined) {
        this.#pieces.shift()
        piece = this.#pieces[0]
      } else {
        spend(piece.text.length)
        session.send(piece.text)
        // It costs far more than its write, and the next step waits until it has left.
        session.hurry()
      }
    }
  }

  /** Those whose sockets take more. */
  #ready() {
    const most = this.#host.limits.queuedBytes * READY_SHARE
    const ready = []
    for (const [session, polls] of this.#sessions) {
      if (session.isGone) this.#sessions.delete(session)
      else if (!this.#host.laggards.has(session) && session.queuedBytes <= most) {
        if (polls > 0) this.#sessions.set(session, 0)
        ready.push(session)
      }
    }
    return ready
  }

  /** Looks again in a while, unless all wait for something that tells when it has come. */
  #wait() {
    if (this.#timer.armed || this.#sessions.size === 0) return
    this.#timer.armUnreferenced(POLL_MS, () => this.#poll())
  }

  #poll() {
    const { laggards, limits } = this.#host
    let isPolled = false
    for (const [session, polls] of [...this.#sessions]) {
      if (session.isGone || laggards.has(session)) continue
      isPolled = true
      const isFull = session.queuedBytes > limits.queuedBytes * READY_SHARE
      this.#sessions.set(session, isFull ? polls + 1 : 0)
      if (isFull && polls >= PATIENCE_POLLS) laggards.add(session)
    }
    if (isPolled) this.#lineUp()
  }

  #lineUp() {
    if (this.#isLinedUp) return
    this.#isLinedUp = true
    lineUp(this.#host.room, this)
  }
}

module.exports = { Walks }
