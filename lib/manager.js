'use strict'

/**
 * Rooms by id: opened once however many ask, closed when nobody is in them, and never open twice.
 *
 * An id has at most one entry, which is opening or open. A room that closes is out of the entries at
 * once, in whatever way it came to close; its last save is awaited by the next opening of its id.
 */

const { checkRecord, checkRoomOptions, checkString, invalidArgument } = require('./arguments.js')
const { Entry } = require('./entry.js')
const { HeddleError, messageOf, roomClosed } = require('./errors.js')
const { ManagerFigures } = require('./witness/figures.js')
const { DEFAULT_LIMITS, resolveLimits } = require('./limits.js')
const { expositionOf } = require('./witness/metrics.js')
const { IdleRooms } = require('./idle.js')
const { driverOf, Room } = require('./room.js')
const { spreadOut } = require('./spread.js')
const { deferred, ignore } = require('./timers.js')

/** @typedef {import('../index').ManagerLimits} ManagerLimits */
/** @typedef {import('../index').RoomManagerOptions} RoomManagerOptions */
/** @typedef {import('../index').RoomManagerStats} RoomManagerStats */
/** @typedef {import('../index').RoomOptions} RoomOptions */

const DEFAULT_IDLE_TIMEOUT_MS = 30_000

/** @typedef {import('./entry.js').House} House */

/**
 * The limits and figures of the managers: the back door for `acceptConnection`.
 * @type {WeakMap<object, { limits: Readonly<ManagerLimits>, figures: ManagerFigures }>}
 */
const innards = new WeakMap()

/** The end of a manager: over when all its rooms are closed, and the last of their saves has ended. */
class Ending {
  areAllClosed = false
  /**
   * The rooms that were there.
   * @type {ReadonlyMap<string, Entry>}
   */
  entries
  /**
   * Those of the saves that failed.
   * @type {unknown[]}
   */
  errors = []
  /** @type {import('./timers.js').Deferred<void>} */
  #outcome = deferred()

  /** @param {ReadonlyMap<string, Entry>} entries */
  constructor(entries) {
    this.entries = entries
    // What could not be saved was reported too, so nobody has to look at the rejection.
    this.#outcome.promise.catch(ignore)
  }

  get promise() {
    return this.#outcome.promise
  }

  /** @param {number} saves how many have not ended */
  settle(saves) {
    if (!this.areAllClosed || saves > 0) return
    const { errors } = this
    if (errors.length === 0) {
      this.#outcome.resolve()
      return
    }
    const cause = errors.length > 1 ? new AggregateError(errors, 'Several saves failed') : errors[0]
    const message = `${errors.length} of the rooms could not be saved: ${messageOf(errors[0])}`
    this.#outcome.reject(new HeddleError('HEDDLE_SAVE_FAILED', message, { cause }))
  }
}

class RoomManager {
  #createStorage
  #defaults
  /** @type {Map<string, Entry>} */
  #entries = new Map()
  /**
   * The last saves of rooms that are closing.
   * @type {Map<string, Promise<void>>}
   */
  #closing = new Map()
  /**
   * There from the call of `closeAll`.
   * @type {Ending | undefined}
   */
  #ending
  /** @type {IdleRooms<Entry>} */
  #idle
  /**
   * The entries of rooms that somebody is in.
   * @type {Set<Entry>}
   */
  #occupied = new Set()
  /** @type {House} */
  #house
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
    this.#idle = new IdleRooms(idleTimeout ?? DEFAULT_IDLE_TIMEOUT_MS, (entry) =>
      this.#closeIdle(entry),
    )
    this.#house = {
      isClosed: false,
      joining: () => this.#checkSessions(),
      joined: (entry) => this.#joined(entry),
      left: (entry, remaining) => {
        this.#recount(entry)
        if (remaining === 0) this.#awaitVisitors(entry)
      },
      closed: (entry, lastSave) => this.#roomClosed(entry, lastSave),
    }
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
  getOrCreateRoom(roomId, options = {}) {
    try {
      return this.#entryOf(roomId, options).opened
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /**
   * @param {string} roomId
   * @param {RoomOptions} options
   * @returns {Entry}
   */
  #entryOf(roomId, options) {
    checkString('roomId', roomId)
    checkRecord('options', options)
    if (this.#ending !== undefined) throw managerClosed()
    const known = this.#entries.get(roomId)
    if (known !== undefined) {
      this.#visit(known)
      return known
    }
    this.#checkSpace()
    const entry = new Entry(roomId, this.#house)
    this.#entries.set(roomId, entry)
    spreadOut([entry], () => this.#open(entry, options))
    return entry
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
    const ids = []
    for (const { id, isOpen } of this.#entries.values()) {
      if (isOpen) ids.push(id)
    }
    return ids
  }

  /** @param {string} roomId */
  closeRoom(roomId) {
    checkString('roomId', roomId)
    const entry = this.#entries.get(roomId)
    if (entry !== undefined) this.#takeAway(entry)?.(true)
  }

  /** @returns {Promise<void>} */
  closeAll() {
    if (this.#ending !== undefined) return this.#ending.promise
    const entries = this.#entries
    const ending = new Ending(entries)
    this.#ending = ending
    // From here on all rooms count as closed, those that have yet to hear of it too.
    this.#house.isClosed = true
    this.#entries = new Map()
    // All sessions are gone before the first save begins.
    const saves = new Map([...this.#occupied].map((entry) => [entry, this.#takeAway(entry)]))
    const close = (/** @type {Entry} */ entry) => {
      const save = saves.get(entry) ?? this.#takeAway(entry)
      save?.(true)
    }
    spreadOut(entries.values(), close, () => {
      ending.areAllClosed = true
      ending.settle(this.#closing.size)
    })
    return ending.promise
  }

  /** @returns {RoomManagerStats} */
  getStats() {
    return this.#figures.sum(this.#openFigures(), this.#witnesses())
  }

  /** @returns {string} */
  metrics() {
    return expositionOf(this.getStats())
  }

  /** The figures of one open room after the other. */
  *#openFigures() {
    for (const { isOpen, room } of this.#entries.values()) {
      if (isOpen && room !== undefined) yield driverOf(room).figures
    }
  }

  /** Who count in the rooms that are not gone, one after the other. */
  *#witnesses() {
    for (const entries of [this.#entries, this.#ending?.entries ?? []]) {
      for (const { isGone, room } of entries.values()) {
        if (!isGone && room !== undefined) yield driverOf(room).witness
      }
    }
  }

  /**
   * Opens a room once the last save of its id has ended. No function waits here, see `FileKeeper.load`.
   * @param {Entry} entry
   * @param {RoomOptions} options
   */
  #open(entry, options) {
    const lastSave = this.#closing.get(entry.id)
    const load = () => this.#load(entry, options)
    if (lastSave === undefined) load()
    else lastSave.then(load, load)
  }

  /**
   * @param {Entry} entry
   * @param {RoomOptions} options
   */
  #load(entry, options) {
    if (entry.isOver) return
    try {
      const room = new Room(this.#optionsFor(entry.id, options), entry.id)
      entry.room = room
      this.#figures.opened(driverOf(room).witness, entry.isGone)
      driverOf(room).observe(entry)
      if (entry.isOver) room.close({ flush: false })
      room.load().then(
        () => this.#loaded(entry, room),
        (error) => this.#failed(entry, error),
      )
    } catch (error) {
      this.#failed(entry, error)
    }
  }

  /**
   * @param {Entry} entry
   * @param {Room} room
   */
  #loaded(entry, room) {
    if (entry.isOver) return
    entry.succeed(room)
    this.#awaitVisitors(entry)
  }

  /**
   * @param {Entry} entry
   * @param {unknown} error
   */
  #failed(entry, error) {
    this.#forget(entry)
    entry.fail(error)
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
   * @returns {((save: boolean) => void) | undefined} begins the last save
   */
  #takeAway(entry) {
    this.#depart(entry)
    if (!entry.isOpen) entry.fail(this.#ending === undefined ? roomClosed() : managerClosed())
    this.#forget(entry)
    return entry.room && driverOf(entry.room).shut()
  }

  /**
   * A room is about to close, or has closed by itself.
   * @param {Entry} entry
   */
  #depart(entry) {
    if (!entry.isGone && entry.room !== undefined) {
      this.#figures.departs(driverOf(entry.room).witness)
    }
    entry.isGone = true
  }

  /** @param {Entry} entry */
  #forget(entry) {
    entry.isOpen = false
    this.#idle.remove(entry)
    if (this.#entries.get(entry.id) === entry) this.#entries.delete(entry.id)
  }

  /**
   * @param {Entry} entry
   * @param {Promise<void>} lastSave
   */
  #roomClosed(entry, lastSave) {
    this.#depart(entry)
    this.#forget(entry)
    this.#recount(entry)
    const { id, room } = entry
    this.#closing.set(id, lastSave)
    const finish = () => {
      if (room !== undefined) this.#figures.retire(driverOf(room).witness)
      if (this.#closing.get(id) === lastSave) this.#closing.delete(id)
      this.#ending?.settle(this.#closing.size)
    }
    lastSave.then(finish, (error) => {
      this.#ending?.errors.push(error)
      finish()
    })
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
    if (sessions > 0) this.#occupied.add(entry)
    else this.#occupied.delete(entry)
  }

  // Idle rooms

  /** @param {Entry} entry */
  #joined(entry) {
    this.#recount(entry)
    entry.visits += 1
    this.#idle.remove(entry)
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
    if (isEmpty(entry)) this.#idle.add(entry)
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

module.exports = { figuresOf, limitsOf, RoomManager }
