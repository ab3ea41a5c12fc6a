'use strict'

/**
 * `Room` as users see it: arguments checked, everything else done by its driver.
 */

const {
  checkBytes,
  checkInteger,
  checkMethods,
  checkRecord,
  checkRoomOptions,
  checkStorage,
  checkString,
  invalidArgument,
  isRecord,
} = require('./arguments.js')
const { RoomDriver } = require('./driver.js')
const { HeddleError, messageOf } = require('./errors.js')
const { Hooks } = require('./hooks.js')
const { historyUnavailable, unavailable } = require('./keepers/keepers.js')
const { ignore, onRejection } = require('./timers.js')
const { resolveLimits } = require('./limits.js')

/** @typedef {import('../index').Durability} Durability */
/** @typedef {import('../index').FrameData} FrameData */
/** @typedef {import('../index').HistoryEntry} HistoryEntry */
/** @typedef {import('../index').HistoryOptions} HistoryOptions */
/** @typedef {import('../index').Patch} Patch */
/** @typedef {import('../index').Restored} Restored */
/** @typedef {import('../index').RoomOptions} RoomOptions */
/** @typedef {import('../index').RoomSnapshot} RoomSnapshot */
/** @typedef {import('../index').RoomStats} RoomStats */
/** @typedef {import('../index').SessionInfo} SessionInfo */
/** @typedef {import('../index').SessionPermission} SessionPermission */
/** @typedef {import('../index').Storage} Storage */
/** @typedef {import('../index').WebSocketLike} WebSocketLike */

const DEFAULT_SAVE_THROTTLE_MS = 10_000

/** How many changes are listed at once. */
const DEFAULT_HISTORY_LIMIT = 10_000

/**
 * The back door for the manager and for `acceptConnection`.
 * @type {(room: object) => RoomDriver | undefined}
 */
let driverIn

class Room {
  #driver

  static {
    driverIn = (room) => (#driver in room ? room.#driver : undefined)
  }

  /**
   * @param {RoomOptions} [options]
   * @param {string} [roomId] what a manager knows the room by; not for users
   */
  constructor(options = {}, roomId) {
    checkRoomOptions(options)
    const limits = resolveLimits(options.limits)
    const storage = storageOf(options)
    checkDurability(options.durability, options.history, storage)
    this.#driver = new RoomDriver(new Hooks(this, options, roomId), {
      storage,
      durability: options.durability,
      history: options.history,
      initialSnapshot: options.initialSnapshot ?? undefined,
      saveThrottleMs: options.saveThrottleMs ?? DEFAULT_SAVE_THROTTLE_MS,
      writeIntervalMs: options.writeIntervalMs ?? 0,
      limits,
    })
  }

  /** @returns {Promise<void>} */
  load() {
    return this.#driver.load()
  }

  /**
   * @param {{ socket: WebSocketLike, clientId: string, permissions: SessionPermission, metadata?: unknown }} options
   * @returns {string}
   */
  handleSocketConnect(options) {
    checkRecord('options', options)
    const { socket, clientId, permissions, metadata } = options
    checkMethods('options.socket', socket, ['send', 'close'])
    checkString('options.clientId', clientId)
    checkBytes('options.clientId', clientId, this.#driver.limits.nameBytes)
    return this.#driver.connect({
      socket,
      clientId,
      permissions,
      metadata,
      isHeld: false,
      onRefresh: undefined,
      onGone: undefined,
    })
  }

  /**
   * @param {string} sessionId
   * @param {FrameData} data
   */
  handleSocketMessage(sessionId, data) {
    checkString('sessionId', sessionId)
    this.#driver.receive(sessionId, data)
  }

  /** @param {string} sessionId */
  handleSocketClose(sessionId) {
    checkString('sessionId', sessionId)
    this.#driver.disconnect(sessionId)
  }

  /** @param {string} sessionId */
  handleSocketError(sessionId) {
    checkString('sessionId', sessionId)
    this.#driver.disconnect(sessionId)
  }

  /** @returns {RoomSnapshot} */
  getSnapshot() {
    return this.#driver.document()
  }

  /** @returns {number} */
  getSessionCount() {
    return this.#driver.sessionCount
  }

  /** @returns {SessionInfo[]} */
  getSessions() {
    return this.#driver.sessionInfos()
  }

  /**
   * @param {string} sessionId
   * @returns {SessionPermission | undefined}
   */
  getSessionPermissions(sessionId) {
    checkString('sessionId', sessionId)
    return this.#driver.permissionsOf(sessionId)
  }

  /**
   * @param {string} sessionId
   * @param {SessionPermission} permissions
   */
  setSessionPermissions(sessionId, permissions) {
    checkString('sessionId', sessionId)
    this.#driver.setPermissions(sessionId, permissions)
  }

  /**
   * @param {string} sessionId
   * @returns {unknown}
   */
  getSessionMetadata(sessionId) {
    checkString('sessionId', sessionId)
    return this.#driver.metadataOf(sessionId)
  }

  /**
   * @param {string} sessionId
   * @param {unknown} metadata
   */
  setSessionMetadata(sessionId, metadata) {
    checkString('sessionId', sessionId)
    this.#driver.setMetadata(sessionId, metadata)
  }

  /**
   * @param {Patch | readonly Patch[]} patches
   * @returns {number}
   */
  applyPatch(patches) {
    const list = Array.isArray(patches) ? patches : [patches]
    if (!list.every(isRecord)) {
      throw invalidArgument('patch', 'a patch (an object) or an array of patches', patches)
    }
    return this.#driver.applyPatches(patchText(list))
  }

  /**
   * @param {{ after?: number | undefined, limit?: number | undefined }} [options]
   * @returns {Promise<HistoryEntry[]>}
   */
  async listHistory(options = {}) {
    checkRecord('options', options)
    const { after = 0, limit = DEFAULT_HISTORY_LIMIT } = options
    checkInteger('options.after', after, 0)
    checkInteger('options.limit', limit, 1)
    return await this.#driver.history.list(after, limit)
  }

  /**
   * @param {number} timestamp
   * @returns {Promise<RoomSnapshot>}
   */
  async getSnapshotAt(timestamp) {
    checkInteger('timestamp', timestamp, 0)
    return await this.#driver.history.snapshotAt(timestamp)
  }

  /**
   * @param {number} timestamp
   * @returns {Promise<Restored>}
   */
  async restore(timestamp) {
    checkInteger('timestamp', timestamp, 0)
    return await this.#driver.restore(timestamp)
  }

  /** @returns {Promise<void>} */
  flush() {
    return this.#driver.flush()
  }

  /** @param {{ flush?: boolean | undefined }} [options] */
  close(options = {}) {
    checkRecord('options', options)
    this.#driver.close(options.flush !== false)
  }

  /** @returns {RoomStats} */
  getStats() {
    return this.#driver.figures.all
  }
}

/**
 * Gives the driver of a room; for the other modules of heddle.
 * @param {object} room
 * @returns {RoomDriver}
 */
function driverOf(room) {
  const driver = driverIn(room)
  if (driver === undefined) throw invalidArgument('room', 'a Room', room)
  return driver
}

/**
 * @param {Durability | undefined} durability
 * @param {HistoryOptions | undefined} history
 * @param {Storage | undefined} storage
 */
function checkDurability(durability, history, storage) {
  if (storage !== undefined) return
  if (durability !== undefined && durability !== 'none') throw unavailable(durability)
  if (history !== undefined) throw historyUnavailable()
}

/**
 * @param {RoomOptions} options
 * @returns {Storage | undefined}
 */
function storageOf({ storage, createStorage }) {
  if (createStorage === undefined) return storage
  const created = createStorage()
  // A promise is no storage, which is told below.
  onRejection(created, ignore)
  checkStorage(created, 'what options.createStorage returns')
  return created
}

/**
 * @param {unknown} patches
 * @returns {string}
 */
function patchText(patches) {
  try {
    return JSON.stringify(patches)
  } catch (cause) {
    throw new HeddleError('HEDDLE_BAD_PATCH', `A patch must be JSON: ${messageOf(cause)}`, {
      cause,
    })
  }
}

module.exports = { driverOf, Room }
