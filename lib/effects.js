'use strict'

/**
 * The effects of a room, run in order.
 *
 * The native side answers each call with a flat list of operations. A callback or a `send` may call
 * back into the room: that call changes the state at once, and its effects wait behind those that
 * have not run yet, so that every session sees the same order.
 */

const { spend } = require('./reception/budget.js')
const {
  BROADCAST,
  CHANGED,
  CLOSE,
  COMMIT,
  LEFT,
  LENGTHS,
  PIECE,
  PLACE,
  RECEIVER,
  REFUSED,
  SEND,
  SETTLED,
  STORE_FAILED,
  STORE_HEALED,
  STORE_TROUBLE,
  VERIFY_TOKEN,
  WALKS,
} = require('./mailbox.js')

/** @typedef {import('../index').RefusalCode} RefusalCode */
/** @typedef {import('./mailbox.js').Effects} Effects */
/** @typedef {import('./sessions.js').Session} Session */
/** @typedef {import('./sessions.js').Sessions} Sessions */

/**
 * What is more than sending. None of these may throw.
 * @typedef {object} Handlers
 * @property {(session: Session, code: number, reason: string) => void} close
 * @property {(session: Session, code: string) => void} refused
 * @property {(session: Session, remaining: number) => void} left
 * @property {(session: Session, code: RefusalCode) => void} refused a frame of the session was refused
 * @property {(session: Session, begins: boolean) => void} walks the session is caught up in steps from now on, or not any more
 * @property {(text: string, receivers: Session[]) => void} piece a step of their catch-ups
 * @property {(session: Session, attempt: number, token: string) => void} verifyToken
 * @property {(patches: string | null) => void} changed
 * @property {() => void} commit there are changes to commit
 * @property {(error: string) => void} storeFailed
 * @property {() => void} storeHealed
 * @property {(error: string) => void} storeTrouble
 * @property {(ticket: number, error: string | null) => void} settled
 * @property {(error: unknown) => void} failed called when running an effect threw all the same
 */

class EffectQueue {
  #sessions
  #handlers
  /** @type {(Effects | (() => void))[]} */
  #waiting = []
  #isRunning = false
  /**
   * Who gets the next piece.
   * @type {Session[]}
   */
  #receivers = []

  /**
   * @param {Sessions} sessions
   * @param {Handlers} handlers
   */
  constructor(sessions, handlers) {
    this.#sessions = sessions
    this.#handlers = handlers
  }

  /**
   * Runs effects, or queues them when others are being run further up the stack.
   * @param {Effects | null} effects
   */
  run(effects) {
    if (effects === null) return
    this.#hideLeaving(effects)
    this.#waiting.push(effects)
    this.#drain()
  }

  /**
   * Calls back when all effects so far have run.
   * @param {() => void} callback
   */
  runAfter(callback) {
    this.#waiting.push(callback)
    this.#drain()
  }

  #drain() {
    if (this.#isRunning) return
    this.#isRunning = true
    // Grows while it is walked over.
    for (const next of this.#waiting) {
      try {
        if (typeof next === 'function') next()
        else this.#perform(next)
      } catch (error) {
        this.#handlers.failed(error)
      }
    }
    this.#waiting.length = 0
    this.#isRunning = false
  }

  /**
   * Users stop seeing a session when it leaves, not when the news of it has been sent.
   * @param {Effects} effects
   */
  #hideLeaving(effects) {
    let at = 0
    while (at < effects.length) {
      const operation = Number(effects[at])
      if (operation === LEFT) this.#sessions.hide(Number(effects[at + 1]))
      at += LENGTHS[operation] ?? Number.POSITIVE_INFINITY
    }
  }

  /** @param {Effects} effects */
  #perform(effects) {
    // The layout of each operation says which slot is of which type.
    const slots = /** @type {any[]} */ (effects)
    let at = 0
    while (at < slots.length) {
      const operation = slots[at]
      const length = LENGTHS[operation]
      if (length === undefined) throw new Error(`unknown effect ${operation}`)
      if (operation === BROADCAST) {
        this.#sessions.broadcast(slots[at + 1], slots[at + 2], slots[at + 3])
      } else if (operation === CHANGED) {
        this.#handlers.changed(slots[at + 1])
      } else if (operation === PIECE) {
        this.#handlers.piece(slots[at + 1], this.#receivers)
        this.#receivers = []
      } else if (operation >= COMMIT && operation <= SETTLED) {
        this.#performForStore(operation, slots[at + 1], slots[at + 2])
      } else {
        const session = this.#sessions.at(slots[at + 1])
        if (session !== undefined) {
          this.#performFor(session, operation, slots[at + 2], slots[at + 3])
        }
      }
      at += length
    }
  }

  /**
   * @param {number} operation
   * @param {any} first
   * @param {any} second
   */
  #performForStore(operation, first, second) {
    switch (operation) {
      case COMMIT:
        this.#handlers.commit()
        break
      case STORE_FAILED:
        this.#handlers.storeFailed(first)
        break
      case STORE_HEALED:
        this.#handlers.storeHealed()
        break
      case STORE_TROUBLE:
        this.#handlers.storeTrouble(first)
        break
      case SETTLED:
        this.#handlers.settled(first, second)
        break
    }
  }

  /**
   * @param {Session} session
   * @param {number} operation
   * @param {any} first
   * @param {any} second
   */
  #performFor(session, operation, first, second) {
    this.#sessions.catchUp(session)
    switch (operation) {
      case SEND:
        spend(first.length)
        session.send(first)
        break
      case PLACE:
        this.#sessions.place(session, first)
        break
      case CLOSE:
        this.#handlers.close(session, first, second)
        break
      case WALKS:
        this.#handlers.walks(session, first === 1)
        break
      case RECEIVER:
        this.#receivers.push(session)
        break
      case REFUSED:
        this.#handlers.refused(session, first)
        break
      case LEFT:
        this.#sessions.remove(session)
        this.#handlers.left(session, first)
        break
      case VERIFY_TOKEN:
        this.#handlers.verifyToken(session, first, JSON.parse(second))
        break
    }
  }
}

/**
 * The effects of a session that this side ends: its socket is closed before the others hear of it.
 * @param {Session} session
 * @param {number} code
 * @param {string} reason
 * @param {Effects | null} leave
 * @returns {Effects}
 */
function closeThenLeave(session, code, reason, leave) {
  return [CLOSE, session.number, code, reason, ...(leave ?? [])]
}

module.exports = { closeThenLeave, EffectQueue }
