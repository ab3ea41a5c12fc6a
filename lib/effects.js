'use strict'

/**
 * The effects of a room, run in order.
 *
 * The native side answers each call with a flat list of operations. A callback or a `send` may call
 * back into the room: that call changes the state at once, and its effects wait behind those that
 * have not run yet, so that every session sees the same order.
 *
 * Usually nothing waits and nothing runs: then an answer is run as it stands in the mailbox, its texts cut off when they are
 * needed. A call from inside it, to whichever room, has its numbers set aside first.
 */

const { spend } = require('./reception/budget.js')
const {
  BROADCAST,
  beginReading,
  CHANGED,
  CLOSE,
  COMMIT,
  endReading,
  LEFT,
  LENGTHS,
  PIECE,
  PLACE,
  RECEIVER,
  REFUSED,
  openAnswer,
  SEND,
  SETTLED,
  STORE_FAILED,
  STORE_HEALED,
  STORE_TROUBLE,
  TEXT_SLOTS,
  VERIFY_TOKEN,
  WALKS,
} = require('./mailbox.js')

/** @typedef {import('../index').RefusalCode} RefusalCode */
/** @typedef {import('./mailbox.js').Effects} Effects */
/** @typedef {import('./mailbox.js').OpenAnswer} OpenAnswer */
/** @typedef {import('./mailbox.js').Reader} Reader */
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

const BROADCAST_SLOTS = integer(LENGTHS, BROADCAST)
const SEND_SLOTS = integer(LENGTHS, SEND)
const CHANGED_SLOTS = integer(LENGTHS, CHANGED)

const NO_NUMBERS = new Float64Array()

/** @implements {Reader} */
class EffectQueue {
  #sessions
  #handlers
  /** @type {(OpenAnswer | (() => void))[]} */
  #waiting = []
  #isRunning = false
  /**
   * Who gets the next piece.
   * @type {Session[]}
   */
  #receivers = []
  /**
   * Of the answer that is being run.
   * @type {Float64Array}
   */
  #numbers = NO_NUMBERS

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
    if (typeof effects === 'string') {
      if (!this.#isRunning) {
        this.#runAnswer(effects)
        return
      }
      this.#wait(openAnswer(effects) ?? [])
    } else {
      this.#wait(effects)
      this.#drain()
    }
  }

  /** @param {OpenAnswer} effects */
  #wait(effects) {
    this.#hideLeaving(effects)
    this.#waiting.push(effects)
  }

  /**
   * Runs an answer that stands in the mailbox, and what it sets off. Nobody leaves in it.
   * @param {string} texts
   */
  #runAnswer(texts) {
    this.#isRunning = true
    this.#numbers = beginReading(this)
    try {
      this.#performAnswer(1 + Number(this.#numbers[0]), texts)
    } catch (error) {
      this.#handlers.failed(error)
    }
    endReading(this)
    this.#isRunning = false
    if (this.#waiting.length > 0) this.#drain()
  }

  /** Copies the numbers of the answer that is being run: the mailbox is about to be overwritten. */
  setAside() {
    this.#numbers = this.#numbers.slice(0, 1 + Number(this.#numbers[0]))
  }

  /**
   * @param {number} end
   * @param {string} texts
   */
  #performAnswer(end, texts) {
    let from = 0
    let at = 1
    while (at < end) {
      // Others than before where they were set aside meanwhile.
      const numbers = this.#numbers
      const operation = integer(numbers, at)
      // Nearly every answer is a broadcast, an ack and the news of a change: those take no detour.
      if (operation === BROADCAST) {
        const to = from + integer(numbers, at + 3)
        const text = texts.slice(from, to)
        this.#sessions.broadcast(integer(numbers, at + 1), Number(numbers[at + 2]), text)
        from = to
        at += BROADCAST_SLOTS
        continue
      }
      if (operation === SEND) {
        const to = from + integer(numbers, at + 2)
        const session = this.#sessions.at(Number(numbers[at + 1]))
        if (session !== undefined) this.#sendTo(session, texts.slice(from, to))
        from = to
        at += SEND_SLOTS
        continue
      }
      if (operation === CHANGED && integer(numbers, at + 1) < 0) {
        this.#handlers.changed(null)
        at += CHANGED_SLOTS
        continue
      }
      const length = integer(LENGTHS, operation)
      const textSlot = integer(TEXT_SLOTS, operation)
      if (length === 0) throw new Error(`unknown effect ${operation}`)
      const textLength = textSlot === 0 ? -1 : integer(numbers, at + textSlot)
      let text = null
      if (textLength >= 0) {
        text = texts.slice(from, from + textLength)
        from += textLength
      }
      this.#performOne(operation, Number(numbers[at + 1]), Number(numbers[at + 2]), text)
      at += length
    }
  }

  /** Whether all effects so far have run. */
  get isIdle() {
    return !this.#isRunning
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
   * @param {OpenAnswer} effects
   */
  #hideLeaving(effects) {
    let at = 0
    while (at < effects.length) {
      const operation = Number(effects[at])
      if (operation === LEFT) this.#sessions.hide(Number(effects[at + 1]))
      at += LENGTHS[operation] ?? Number.POSITIVE_INFINITY
    }
  }

  /** @param {OpenAnswer} effects */
  #perform(effects) {
    // The layout of each operation says which slot is of which type.
    const slots = /** @type {any[]} */ (effects)
    let at = 0
    while (at < slots.length) {
      const operation = slots[at]
      const length = LENGTHS[operation]
      if (length === undefined) throw new Error(`unknown effect ${operation}`)
      const textSlot = TEXT_SLOTS[operation] ?? 0
      const text = textSlot === 0 ? null : slots[at + textSlot]
      this.#performOne(operation, slots[at + 1], slots[at + 2], text)
      at += length
    }
  }

  /**
   * @param {number} operation
   * @param {number} first
   * @param {number} second
   * @param {string | null} text
   */
  #performOne(operation, first, second, text) {
    if (operation === BROADCAST) {
      this.#sessions.broadcast(first, second, text ?? '')
    } else if (operation === CHANGED) {
      this.#handlers.changed(text)
    } else if (operation === PIECE) {
      this.#handlers.piece(text ?? '', this.#receivers)
      this.#receivers = []
    } else if (operation >= COMMIT && operation <= SETTLED) {
      this.#performForStore(operation, first, text)
    } else {
      const session = this.#sessions.at(first)
      if (session !== undefined) this.#performFor(session, operation, second, text ?? '')
    }
  }

  /**
   * @param {number} operation
   * @param {number} ticket
   * @param {string | null} error
   */
  #performForStore(operation, ticket, error) {
    switch (operation) {
      case COMMIT:
        this.#handlers.commit()
        break
      case STORE_FAILED:
        this.#handlers.storeFailed(error ?? '')
        break
      case STORE_HEALED:
        this.#handlers.storeHealed()
        break
      case STORE_TROUBLE:
        this.#handlers.storeTrouble(error ?? '')
        break
      case SETTLED:
        this.#handlers.settled(ticket, error)
        break
    }
  }

  /**
   * @param {Session} session
   * @param {string} text
   */
  #sendTo(session, text) {
    this.#sessions.catchUp(session)
    spend(text.length)
    session.send(text)
  }

  /**
   * @param {Session} session
   * @param {number} operation
   * @param {number} number
   * @param {string} text
   */
  #performFor(session, operation, number, text) {
    if (operation === SEND) {
      this.#sendTo(session, text)
      return
    }
    this.#sessions.catchUp(session)
    switch (operation) {
      case PLACE:
        this.#sessions.place(session, number)
        break
      case CLOSE:
        this.#handlers.close(session, number, text)
        break
      case WALKS:
        this.#handlers.walks(session, number === 1)
        break
      case RECEIVER:
        this.#receivers.push(session)
        break
      case REFUSED:
        this.#handlers.refused(session, /** @type {RefusalCode} */ (text))
        break
      case LEFT:
        this.#sessions.remove(session)
        this.#handlers.left(session, number)
        break
      case VERIFY_TOKEN:
        this.#handlers.verifyToken(session, number, JSON.parse(text))
        break
    }
  }
}

/**
 * What is known to be a whole number of at most 32 bits, in the form in which JS calculates with such: from numbers that
 * could be anything JavaScriptCore compiles code that it has to leave with each answer.
 * @param {ArrayLike<number>} numbers
 * @param {number} index
 * @returns {number}
 */
function integer(numbers, index) {
  return Number(numbers[index]) | 0
}

/**
 * The effects of a session that this side ends: its socket is closed before the others hear of it.
 * @param {Session} session
 * @param {number} code
 * @param {string} reason
 * @param {OpenAnswer | null} leave
 * @returns {OpenAnswer}
 */
function closeThenLeave(session, code, reason, leave) {
  return [CLOSE, session.number, code, reason, ...(leave ?? [])]
}

module.exports = { closeThenLeave, EffectQueue }
