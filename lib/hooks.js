'use strict'

/**
 * A room's callbacks, each called so that whatever it throws or rejects with reaches `onError` and
 * nothing else. Where there is no `onError`, or it fails itself, it becomes a process warning.
 */

const { messageOf, stackOf } = require('./errors.js')
const { onRejection } = require('./timers.js')
const { Witness } = require('./witness/witness.js')

/** @typedef {import('../index').Room} Room */
/** @typedef {import('../index').RoomOptions} RoomOptions */

/** @typedef {{ [Name in 'onDataChange' | 'onDocumentPatch' | 'onSessionRemoved' | 'onTokenRefresh' | 'onError']?: RoomOptions[Name] | undefined }} Callbacks */

/**
 * Those of the last room: a server's rooms usually have the same. Weak, because a callback may refer to its room.
 * @type {WeakRef<Callbacks> | undefined}
 */
let latest

/**
 * Gives a room's callbacks, whatever becomes of the options, shared with the last room if it has the same.
 * @param {RoomOptions} options
 * @returns {Callbacks}
 */
function callbacksOf({ onDataChange, onDocumentPatch, onSessionRemoved, onTokenRefresh, onError }) {
  const last = latest?.deref()
  if (
    last !== undefined &&
    last.onDataChange === onDataChange &&
    last.onDocumentPatch === onDocumentPatch &&
    last.onSessionRemoved === onSessionRemoved &&
    last.onTokenRefresh === onTokenRefresh &&
    last.onError === onError
  ) {
    return last
  }
  const callbacks = { onDataChange, onDocumentPatch, onSessionRemoved, onTokenRefresh, onError }
  latest = new WeakRef(callbacks)
  return callbacks
}

/** One object with the room's witness, as very many rooms have both. */
class Hooks extends Witness {
  #callbacks

  /**
   * @param {Room} room
   * @param {RoomOptions} options
   * @param {string} [roomId] what a manager knows the room by
   */
  constructor(room, options, roomId) {
    super(room, roomId)
    this.#callbacks = callbacksOf(options)
  }

  /** @returns {Witness} */
  get witness() {
    return this
  }

  get wantsPatches() {
    return this.#callbacks.onDocumentPatch !== undefined
  }

  /** @param {string | null} patches */
  documentChanged(patches) {
    const { onDocumentPatch, onDataChange } = this.#callbacks
    if (onDocumentPatch !== undefined && patches !== null) {
      this.#call(() => onDocumentPatch(this.room, JSON.parse(patches)))
    }
    if (onDataChange !== undefined) this.#call(() => onDataChange(this.room))
  }

  /**
   * @param {string} sessionId
   * @param {number} remaining
   */
  sessionRemoved(sessionId, remaining) {
    const { onSessionRemoved } = this.#callbacks
    if (onSessionRemoved === undefined) return
    this.#call(() => onSessionRemoved(this.room, { sessionId, remaining }), sessionId)
  }

  /**
   * Gives what asks the room's own handler about a token; not isolated, its throwing is an answer.
   * @param {{ sessionId: string, clientId: string, token: string }} info
   * @returns {(() => unknown) | undefined}
   */
  tokenVerifier(info) {
    const { onTokenRefresh } = this.#callbacks
    return onTokenRefresh && (() => onTokenRefresh(this.room, info))
  }

  /**
   * Tells of what went wrong where no caller waits. Never throws.
   * @param {unknown} error
   * @param {string} [sessionId]
   */
  report(error, sessionId) {
    this.witness.failed(error, sessionId)
    const { onError } = this.#callbacks
    if (onError === undefined) {
      warn(error)
      return
    }
    const context = sessionId === undefined ? { room: this.room } : { room: this.room, sessionId }
    isolate(
      () => onError(error, context),
      (failure) => {
        warn(error)
        warn(failure)
      },
    )
  }

  /**
   * @param {() => unknown} hook
   * @param {string} [sessionId]
   */
  #call(hook, sessionId) {
    isolate(hook, (error) => this.report(error, sessionId))
  }
}

/**
 * @param {() => unknown} callback
 * @param {(error: unknown) => void} onFailure called with what it threw or rejected with
 */
function isolate(callback, onFailure) {
  try {
    onRejection(callback(), onFailure)
  } catch (error) {
    onFailure(error)
  }
}

/** @param {unknown} error */
function warn(error) {
  const detail = stackOf(error)
  process.emitWarning(messageOf(error), {
    type: 'HeddleWarning',
    ...(detail === undefined ? {} : { detail }),
  })
}

module.exports = { Hooks }
