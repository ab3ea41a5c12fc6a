'use strict'

/**
 * The sessions of one room: who can be called by id, and who gets a broadcast.
 *
 * A session has two lives. By its id it is known to users from join to leave; by its number to the
 * native side's effects until its LEFT has run. In between it can still be owed frames, so the two
 * maps differ while effects wait.
 */

const { randomUUID } = require('node:crypto')
const { HeddleError } = require('./errors.js')
const { isCount, LatestCount } = require('./sockets/counts.js')
const { Group } = require('./sockets/groups.js')
const { outletFor } = require('./sockets/outlets.js')
const { bufferedBytes, closeSocket, leavingBytes } = require('./sockets/sockets.js')
const { onRejection } = require('./timers.js')

/** @typedef {import('../index').WebSocketLike} WebSocketLike */
/** @typedef {import('./witness/counters.js').Counters} Counters */
/** @typedef {import('./reception/heartbeat.js').Pulse} Pulse */
/** @typedef {import('./reception/intake.js').Intake} Intake */
/** @typedef {import('./reception/loading.js').LoadGate} LoadGate */
/** @typedef {import('./arrival/refresh.js').SessionRefreshes} SessionRefreshes */

/** What peers see of a close without a code, in the words of RFC 6455. */
const CLOSED_WITHOUT_CODE = 1005

/** Bits of the delivery groups. A session is in one of them, or in none. */
const GROUP_LIVE = 1
const GROUP_WHOLE_ARRAYS = 2
const GROUP_HELD = 4

/**
 * @typedef {object} Join
 * @property {WebSocketLike} socket
 * @property {string} clientId
 * @property {unknown} permissions
 * @property {unknown} metadata
 * @property {boolean} isHeld gets no document broadcast before its first frame
 * @property {((token: string) => unknown) | undefined} onRefresh answers refreshes instead of the
 *   room's `onTokenRefresh`
 * @property {(() => void) | undefined} onGone called as soon as the session is not to be served any more,
 *   perhaps more than once; must not throw
 */

/**
 * Who is told what a session's socket does not do.
 * @typedef {object} SessionOwner
 * @property {Counters} counters where what is sent is counted
 * @property {number} queuedBytes past which a socket counts as full
 * @property {import('./sockets/schedule.js').Schedule} schedule when what it is sent is written
 * @property {(session: Session, error: unknown) => void} lose its socket cannot be written
 * @property {(session: Session) => void} lag its socket is full
 */

class Session {
  /** What users know. */
  id = randomId()
  /** The number of the last count that it was told, or need not be. */
  countHeard = 0
  /** What the socket was closed with; 0 as long as nobody here has closed it. */
  closeCode = 0
  /**
   * Keeps the session's frames while the room loads.
   * @type {LoadGate | undefined}
   */
  gate
  /**
   * What its socket's frames go through; there as soon as the room has admitted it.
   * @type {Intake | undefined}
   */
  intake
  /**
   * There where its socket is asked for signs of life.
   * @type {Pulse | undefined}
   */
  pulse
  /**
   * Its token refreshes; there from the first one on.
   * @type {SessionRefreshes | undefined}
   */
  refreshes
  /**
   * Its delivery group, with its outlet in it.
   * @type {Group | undefined}
   */
  group
  #socket
  #onGone
  #onLost
  #counters

  /**
   * @param {number} number what the native side knows
   * @param {Join} join
   * @param {SessionOwner} owner
   */
  constructor(number, { clientId, socket, metadata, onRefresh, onGone }, owner) {
    this.number = number
    this.clientId = clientId
    this.metadata = metadata
    this.onRefresh = onRefresh
    this.#onGone = onGone
    this.#socket = socket
    this.#onLost = (/** @type {unknown} */ error) => owner.lose(this, error)
    this.#counters = owner.counters
    this.outlet = outletFor(socket, {
      mark: owner.queuedBytes,
      schedule: owner.schedule,
      failed: this.#onLost,
      full: () => owner.lag(this),
    })
  }

  /** Whether nothing may be sent to the socket any more. */
  get isGone() {
    return this.outlet.isOver
  }

  /** Whether what is sent leaves inside the call. */
  get isDirect() {
    return this.outlet.isDirect
  }

  /** How many bytes of what it was sent have not left the process, roughly. */
  get queuedBytes() {
    return this.outlet.waitingBytes + bufferedBytes(this.#socket)
  }

  /** How many of them the system is being given. */
  get leavingBytes() {
    return leavingBytes(this.#socket)
  }

  /** @param {string} text */
  send(text) {
    if (this.isGone) return
    this.#counters.framesOut += 1
    this.outlet.send(text)
  }

  /** Writes what waits, as far as the socket takes it. */
  flush() {
    this.outlet.flush()
  }

  /** Has what waits written at the end of this turn. */
  hurry() {
    this.outlet.hurry()
  }

  /** Sends nothing any more, what waits included: the socket is gone. */
  abandon() {
    this.outlet.end()
    this.group?.silence(this.outlet)
    this.gate?.forget(this)
    this.intake?.discard()
    this.pulse?.stop()
    this.refreshes?.stop()
    this.#onGone?.()
  }

  /**
   * Writes what waits, as far as the socket takes it, and closes that. Throws what the socket's `close` throws.
   * @param {number} [code]
   * @param {string} [reason]
   */
  close(code, reason) {
    this.outlet.flush()
    if (this.isGone) return
    this.abandon()
    this.closeCode = code ?? CLOSED_WITHOUT_CODE
    this.closeSocket(code, reason)
  }

  /**
   * Throws what the socket's `close` throws.
   * @param {number} [code]
   * @param {string} [reason]
   */
  closeSocket(code, reason) {
    onRejection(closeSocket(this.#socket, code, reason), this.#onLost)
  }

  /** Ends a socket that nobody answers to. Throws what its method throws. */
  terminateSocket() {
    const socket = /** @type {{ terminate?: unknown }} */ (this.#socket)
    if (typeof socket.terminate === 'function') socket.terminate()
    else this.closeSocket()
  }
}

class Sessions {
  /** @type {Map<string, Session>} */
  #byId = new Map()
  /** @type {Map<number, Session>} */
  #byNumber = new Map()
  /**
   * Of those in the maps whoever was asked for last: whoever sends something sends more, and is answered.
   * @type {Session | undefined}
   */
  #latestById
  /** @type {Session | undefined} */
  #latestByNumber
  /**
   * The delivery groups, as far as somebody has been in them.
   * @type {Group | undefined}
   */
  #live
  /** @type {Group | undefined} */
  #wholeArrays
  /** @type {Group | undefined} */
  #held
  #directCount = 0
  #count = new LatestCount(() => this.all())
  #witness
  #queuedBytes
  #counters

  /**
   * @param {import('./witness/witness.js').Witness} witness
   * @param {number} queuedBytes past which a socket counts as full
   */
  constructor(witness, queuedBytes) {
    this.#witness = witness
    this.#queuedBytes = queuedBytes
    this.#counters = witness.counters
  }

  /**
   * Throws where one more session would be too many.
   * @param {number} limit
   */
  checkSpace(limit) {
    if (this.count < limit) return
    const message = `The room has ${this.count} sessions, and its limit is ${limit}`
    throw new HeddleError('HEDDLE_TOO_MANY_SESSIONS', message)
  }

  /** Whether any session is sent to inside the call that causes it. */
  get hasDirect() {
    return this.#directCount > 0
  }

  /** How many sessions users see. */
  get count() {
    return this.#byId.size
  }

  /** Whether there are no sessions at all, not even some whose leave is under way. */
  get isEmpty() {
    return this.#byNumber.size === 0
  }

  /** What waits in the sockets of all sessions, and before them. */
  get queuedBytes() {
    let bytes = 0
    for (const session of this.#byNumber.values()) bytes += session.queuedBytes
    return bytes
  }

  /** The sessions that users see, in the order in which they joined. */
  visible() {
    return this.#byId.values()
  }

  /** All sessions, those included whose leave is still under way. */
  all() {
    return [...this.#byNumber.values()]
  }

  /** @param {Session} session */
  add(session) {
    this.#byId.set(session.id, session)
    this.#byNumber.set(session.number, session)
    if (session.isDirect) this.#directCount += 1
    this.#witness.joined(session)
  }

  /** @param {string} id */
  get(id) {
    const latest = this.#latestById
    if (latest !== undefined && latest.id === id) return latest
    const session = this.#byId.get(id)
    if (session !== undefined) this.#latestById = session
    return session
  }

  /** @param {number} number */
  at(number) {
    const latest = this.#latestByNumber
    if (latest !== undefined && latest.number === number) return latest
    const session = this.#byNumber.get(number)
    if (session !== undefined) this.#latestByNumber = session
    return session
  }

  /**
   * Takes a session out of the users' sight.
   * @param {number} number
   */
  hide(number) {
    const session = this.#byNumber.get(number)
    if (session !== undefined) this.#forgetId(session)
  }

  hideAll() {
    this.#byId.clear()
    this.#latestById = undefined
  }

  /** @param {Session} session */
  #forgetId(session) {
    this.#byId.delete(session.id)
    if (this.#latestById === session) this.#latestById = undefined
  }

  /**
   * Forgets a session. Like `place` it changes what `broadcast` walks over: only effects may call it.
   * @param {Session} session
   */
  remove(session) {
    this.place(session, 0)
    this.#forgetId(session)
    if (this.#latestByNumber === session) this.#latestByNumber = undefined
    if (!this.#byNumber.delete(session.number)) return
    if (session.isDirect) this.#directCount -= 1
    this.#witness.left(session)
  }

  clear() {
    for (const session of this.all()) this.remove(session)
  }

  /**
   * Moves a session from its delivery group into another.
   * @param {Session} session
   * @param {number} group a bit; 0 for none
   */
  place(session, group) {
    this.catchUp(session)
    this.#count.skip(session)
    const { outlet } = session
    session.group?.remove(outlet)
    session.group = this.#groupFor(group)
    session.group?.add(outlet)
  }

  /**
   * @param {number} groups bits
   * @param {number} except the number of a session that gets nothing
   * @param {string} text
   */
  broadcast(groups, except, text) {
    if (this.#directCount === 0 && isCount(text)) {
      this.#count.keep(text)
      return
    }
    this.#count.tell()
    const author = except < 0 ? undefined : this.at(except)
    let sent = 0
    if ((groups & GROUP_LIVE) !== 0) sent += sendToAll(this.#live, author, text)
    if ((groups & GROUP_WHOLE_ARRAYS) !== 0) sent += sendToAll(this.#wholeArrays, author, text)
    if ((groups & GROUP_HELD) !== 0) sent += sendToAll(this.#held, author, text)
    this.#counters.framesOut += sent
  }

  /**
   * Tells a session what it has yet to hear, before something else happens to it.
   * @param {Session} session
   */
  catchUp(session) {
    this.#count.tellTo(session)
  }

  /**
   * @param {number} group a bit; 0 for none
   * @returns {Group | undefined}
   */
  #groupFor(group) {
    switch (group) {
      case GROUP_LIVE:
        this.#live ??= new Group(this.#queuedBytes)
        return this.#live
      case GROUP_WHOLE_ARRAYS:
        this.#wholeArrays ??= new Group(this.#queuedBytes)
        return this.#wholeArrays
      case GROUP_HELD:
        this.#held ??= new Group(this.#queuedBytes)
        return this.#held
      default:
        return undefined
    }
  }
}

/**
 * A random lower-case UUID. Node joins one out of pieces, which would be put together again each time that it is compared.
 */
function randomId() {
  return Buffer.from(randomUUID(), 'latin1').toString('latin1')
}

/**
 * Gives how many were sent it.
 * @param {Group | undefined} group
 * @param {Session | undefined} except
 * @param {string} text
 */
function sendToAll(group, except, text) {
  if (group === undefined) return 0
  return group.send(text, except?.group === group ? except.outlet : undefined)
}

module.exports = { Session, Sessions }
