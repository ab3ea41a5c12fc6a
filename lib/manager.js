'use strict'

/**
 * Rooms by id: opened once however many ask, closed when nobody is in them, and never open twice.
 *
 * An id has at most one entry, which is opening or open. A room that closes is out of the entries at
 * once, in whatever way it came to close; its last save is awaited by the next opening of its id.
 */

const { checkRecord, checkRoomOptions, checkString, invalidArgument } = require('./arguments.js')
const { HeddleError, messageOf, roomClosed } = require('./errors.js')
const { ManagerFigures } = require('./witness/figures.js')
const { DEFAULT_LIMITS, resolveLimits } = require('./limits.js')
const { expositionOf } = require('./witness/metrics.js')
const { driverOf, Room } = require('./room.js')
const { deferred, ignore, Timer } = require('./timers.js')

/** @typedef {import('../index').ManagerLimits} ManagerLimits */
/** @typedef {import('../index').RoomManagerOptions} RoomManagerOptions */
/** @typedef {import('../index').RoomManagerStats} RoomManagerStats */
/** @typedef {import('../index').RoomOptions} RoomOptions */

const DEFAULT_IDLE_TIMEOUT_MS = 30_000

/**
 * Who must know of a room's comings and goings whatever its users do: the manager.
 * @typedef {object} Observer
 * @property {() => void} joining somebody is about to join; throws where there is no space
 * @property {() => void} joined
 * @property {(remaining: number) => void} left
 * @property {(lastSave: Promise<void>) => void} closed
 */

/**
 * The limits and figures of the managers: the back door for `acceptConnection`.
 * @type {WeakMap<object, { limits: Readonly<ManagerLimits>, figures: ManagerFigures }>}
 */
const innards = new WeakMap()

/** A room that is opening or open. */
class Entry {
  /** @type {Room | undefined} */
  room
  isOpen = false
  isTakenAway = false
  idleTimer = new Timer()
  /** Counts what shows that somebody wants the room. */
  visits = 0
  /** How many sessions the room has, as the manager counts them. */
  sessions = 0
  /** @type {import('./timers.js').Deferred<Room>} */
  #opening = deferred()

  /** @param {string} id */
  constructor(id) {
    this.id = id
  }

  get opened() {
    return this.#opening.promise
  }

  /** @param {Room} room */
  succeed(room) {
    this.isOpen = true
    this.#opening.resolve(room)
  }

  /** @param {unknown} error */
  fail(error) {
    this.#opening.reject(error)
  }
}

class RoomManager {
  #createStorage
  #idleTimeoutMs
  #defaults
  /** @type {Map<string, Entry>} */
  #entries = new Map()
  /**
   * The last saves of rooms that are closing.
   * @type {Map<string, Promise<void>>}
   */
  #closing = new Map()
  /** @type {Promise<void> | undefined} */
  #closed
  #limits
  /** How many sessions all rooms have. */
  #sessionCount = 0
  #figures = new ManagerFigures()

  /** @param {RoomManagerOptions} [options] */
  constructor(options = {}) {
    checkRoomOptions(options)
    checkSharable(options)
    const { createStorage, idleTimeout, limits: given, ...defaults } = options
    this.#limits = resolveLimits(given)
    innards.set(this, { limits: this.#limits, figures: this.#figures })
    this.#createStorage = createStorage
    this.#idleTimeoutMs = idleTimeout ?? DEFAULT_IDLE_TIMEOUT_MS
    this.#defaults = defaults
  }

  /**
   * @param {string} roomId
   * @returns {Promise<Room>}
   */
  getRoom(roomId) {
    return this.getOrCreateRoom(roomId)
  }

  /**
   * @param {string} roomId
   * @param {RoomOptions} [options]
   * @returns {Promise<Room>}
   */
  async getOrCreateRoom(roomId, options = {}) {
    checkString('roomId', roomId)
    checkRecord('options', options)
    if (this.#closed !== undefined) throw managerClosed()
    const known = this.#entries.get(roomId)
    if (known !== undefined) {
      this.#visit(known)
      return known.opened
    }
    this.#checkSpace()
    const entry = new Entry(roomId)
    this.#entries.set(roomId, entry)
    void this.#open(entry, options)
    return entry.opened
  }

  /**
   * @param {string} roomId
   * @returns {Room | undefined}
   */
  getExistingRoom(roomId) {
    checkString('roomId', roomId)
    const entry = this.#entries.get(roomId)
    return entry?.isOpen ? entry.room : undefined
  }

  /** @returns {string[]} */
  getRoomIds() {
    return this.#openEntries().map(({ id }) => id)
  }

  /** @param {string} roomId */
  closeRoom(roomId) {
    checkString('roomId', roomId)
    const entry = this.#entries.get(roomId)
    if (entry !== undefined) this.#takeAway(entry, roomClosed())?.(true)
  }

  /** @returns {Promise<void>} */
  closeAll() {
    if (this.#closed !== undefined) return this.#closed
    /** @type {import('./timers.js').Deferred<void>} */
    const closed = deferred()
    this.#closed = closed.promise
    // What could not be saved was reported too, so nobody has to look at the rejection.
    closed.promise.catch(ignore)
    // All sessions are gone before the first save begins.
    const rooms = [...this.#entries.values()].map((entry) => this.#takeAway(entry, managerClosed()))
    for (const save of rooms) save?.(true)
    closed.resolve(allSaved([...this.#closing.values()]))
    return this.#closed
  }

  /** @returns {RoomManagerStats} */
  getStats() {
    const open = []
    for (const { isOpen, room } of this.#entries.values()) {
      if (isOpen && room !== undefined) open.push(driverOf(room).figures)
    }
    return this.#figures.sum(open)
  }

  /** @returns {string} */
  metrics() {
    return expositionOf(this.getStats())
  }

  #openEntries() {
    return [...this.#entries.values()].filter(({ isOpen }) => isOpen)
  }

  /**
   * @param {Entry} entry
   * @param {RoomOptions} options
   */
  async #open(entry, options) {
    try {
      const lastSave = this.#closing.get(entry.id)
      if (lastSave !== undefined) await lastSave.catch(ignore)
      if (entry.isTakenAway) return
      const room = new Room(this.#optionsFor(entry.id, options), entry.id)
      entry.room = room
      this.#figures.add(driverOf(room).figures)
      driverOf(room).observe({
        joining: () => this.#checkSessions(),
        joined: () => this.#joined(entry),
        left: (remaining) => {
          this.#recount(entry)
          if (remaining === 0) this.#awaitVisitors(entry)
        },
        closed: (lastSave) => this.#roomClosed(entry, lastSave),
      })
      if (entry.isTakenAway) room.close({ flush: false })
      await room.load()
      if (entry.isTakenAway) return
      entry.succeed(room)
      this.#awaitVisitors(entry)
    } catch (error) {
      this.#forget(entry)
      entry.fail(error)
    }
  }

  /**
   * @param {string} roomId
   * @param {RoomOptions} options
   * @returns {RoomOptions}
   */
  #optionsFor(roomId, options) {
    const given = Object.entries(options).filter(([, value]) => value !== undefined)
    /** @type {RoomOptions} */
    const merged = { ...this.#defaults, ...Object.fromEntries(given) }
    merged.limits = resolveLimits(options.limits, this.#limits)
    const createStorage = this.#createStorage
    if (createStorage !== undefined && !merged.storage && !merged.createStorage) {
      merged.createStorage = () => createStorage(roomId)
    }
    return merged
  }

  /**
   * Closes a room, opening or open, but for its last save, and lets those who wait for it know why.
   * @param {Entry} entry
   * @param {HeddleError} reason
   * @returns {((save: boolean) => void) | undefined} begins the last save
   */
  #takeAway(entry, reason) {
    entry.isTakenAway = true
    entry.fail(reason)
    this.#forget(entry)
    return entry.room && driverOf(entry.room).shut()
  }

  /** @param {Entry} entry */
  #forget(entry) {
    entry.isOpen = false
    entry.idleTimer.clear()
    if (this.#entries.get(entry.id) === entry) this.#entries.delete(entry.id)
  }

  /**
   * @param {Entry} entry
   * @param {Promise<void>} lastSave
   */
  #roomClosed(entry, lastSave) {
    this.#forget(entry)
    this.#recount(entry)
    const { id, room } = entry
    this.#closing.set(id, lastSave)
    const finish = () => {
      if (room !== undefined) this.#figures.retire(driverOf(room).figures)
      if (this.#closing.get(id) === lastSave) this.#closing.delete(id)
    }
    lastSave.then(finish, finish)
  }

  // Limits

  #checkSpace() {
    const { rooms } = this.#limits
    if (this.#entries.size < rooms) return
    const message = `The manager has ${this.#entries.size} rooms, and its limit is ${rooms}`
    throw new HeddleError('HEDDLE_TOO_MANY_ROOMS', message)
  }

  #checkSessions() {
    const { totalSessions } = this.#limits
    if (this.#sessionCount < totalSessions) return
    const message = `The manager's rooms have ${this.#sessionCount} sessions, and the limit is ${totalSessions}`
    throw new HeddleError('HEDDLE_TOO_MANY_SESSIONS', message)
  }

  /**
   * The room of an entry has more sessions, or fewer; a closed one has none.
   * @param {Entry} entry
   */
  #recount(entry) {
    const sessions = entry.room?.getSessionCount() ?? 0
    this.#sessionCount += sessions - entry.sessions
    entry.sessions = sessions
  }

  // Idle rooms

  /** @param {Entry} entry */
  #joined(entry) {
    this.#recount(entry)
    entry.visits += 1
    entry.idleTimer.clear()
  }

  /**
   * Somebody asked for the room and has not joined yet.
   * @param {Entry} entry
   */
  #visit(entry) {
    entry.visits += 1
    this.#awaitVisitors(entry)
  }

  /**
   * Closes the room after the idle timeout if it is empty until then.
   * @param {Entry} entry
   */
  #awaitVisitors(entry) {
    if (!isEmpty(entry)) return
    entry.idleTimer.armUnreferenced(this.#idleTimeoutMs, () => this.#closeIdle(entry))
  }

  /** @param {Entry} entry */
  #closeIdle(entry) {
    const { room, visits } = entry
    if (room === undefined || !isEmpty(entry)) return
    const driver = driverOf(room)
    if (!driver.isUnsaved) {
      room.close()
      return
    }
    const isUnvisited = () => isEmpty(entry) && entry.visits === visits
    driver.saveInBackground().then(
      () => {
        if (isUnvisited()) room.close()
      },
      () => {
        if (isUnvisited()) this.#awaitVisitors(entry)
      },
    )
  }
}

/**
 * Whether a room is open and nobody is in it.
 * @param {Entry} entry
 */
function isEmpty({ isOpen, room }) {
  return isOpen && room?.getSessionCount() === 0
}

/**
 * A storage or a document for all rooms would make them overwrite each other.
 * @param {object} options
 */
function checkSharable(options) {
  for (const [name, value] of Object.entries(options)) {
    if (value !== undefined && (name === 'storage' || name === 'initialSnapshot')) {
      throw invalidArgument(`options.${name}`, 'given to each room by itself', value)
    }
  }
}

/**
 * The limits of a manager; the defaults for one that is not of heddle's making.
 * @param {object} manager
 * @returns {Readonly<ManagerLimits>}
 */
function limitsOf(manager) {
  return innards.get(manager)?.limits ?? DEFAULT_LIMITS
}

/**
 * The figures of a manager; none for one that is not of heddle's making.
 * @param {object} manager
 */
function figuresOf(manager) {
  return innards.get(manager)?.figures
}

/** @returns {HeddleError} */
function managerClosed() {
  return new HeddleError('HEDDLE_MANAGER_CLOSED', 'The manager is closed')
}

/**
 * Waits for every save; then rejects if one failed.
 * @param {Promise<void>[]} lastSaves
 * @returns {Promise<void>}
 */
async function allSaved(lastSaves) {
  const outcomes = await Promise.allSettled(lastSaves)
  const errors = outcomes.flatMap((outcome) =>
    outcome.status === 'rejected' ? [outcome.reason] : [],
  )
  if (errors.length === 0) return
  const cause = errors.length === 1 ? errors[0] : new AggregateError(errors, 'Several saves failed')
  const message = `${errors.length} of the rooms could not be saved: ${messageOf(errors[0])}`
  throw new HeddleError('HEDDLE_SAVE_FAILED', message, { cause })
}

module.exports = { figuresOf, limitsOf, RoomManager }
