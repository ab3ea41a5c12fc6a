'use strict'

/**
 * Drives one room: hands the engine what happens, runs its effects, and keeps what is no business of
 * the engine: sockets, ids, metadata, loading, saving, closing.
 *
 * Every way into a room leads through here. `Room` checks arguments and comes by the front door, the
 * manager and `acceptConnection` by the back door. Each input calls the engine once, which changes
 * the state at once, and queues what the engine answers.
 */

const { Engine } = require('./engine.js')
const { HeddleError, roomClosed } = require('./errors.js')
const { RoomFigures } = require('./witness/figures.js')
const { History } = require('./keepers/history.js')
const { keeperOf } = require('./keepers/keepers.js')
const { LoadGate } = require('./reception/loading.js')
const { permissionOf } = require('./arrival/refresh.js')
const { Service } = require('./service.js')
const { Session } = require('./sessions.js')
const { readText, snapshotText } = require('./keepers/snapshot.js')
const { deferred, ignore } = require('./timers.js')
const { tellAtEndOfTurn } = require('./turn.js')

/** @typedef {import('../index').Durability} Durability */
/** @typedef {import('../index').HistoryOptions} HistoryOptions */
/** @typedef {import('../index').Restored} Restored */
/** @typedef {import('../index').SessionInfo} SessionInfo */
/** @typedef {import('../index').Storage} Storage */
/** @typedef {import('../index').Limits} Limits */
/** @typedef {import('./mailbox.js').Effects} Effects */
/** @typedef {import('./keepers/keepers.js').KeptRoom} KeptRoom */
/** @typedef {import('./entry.js').Observer} Observer */
/** @typedef {import('./hooks.js').Hooks} Hooks */
/** @typedef {import('./sessions.js').Join} Join */

/** Close codes with their reasons; those of refused frames and tokens are the engine's. */
const ROOM_BROKEN = /** @type {const} */ ([4450, 'the room broke'])
const ROOM_NOT_LOADED = /** @type {const} */ ([4450, 'the room could not be loaded'])

/** @type {Promise<void>} */
const LOADED = Promise.resolve()

/** @implements {KeptRoom} */
class RoomDriver {
  #hooks
  #writeIntervalMs
  #engine
  #nextNumber = 1
  /** @type {import('./keepers/keepers.js').Keeper | undefined} */
  #keeper
  /**
   * There from the first session or effect on, until nobody is here any more: most of the rooms that are open are idle.
   * @type {Service | undefined}
   */
  #made
  /** @type {Observer | undefined} */
  #observer
  /** @type {Promise<void> | undefined} */
  #loaded
  /** @type {{ error: unknown } | undefined} */
  #loadFailure
  /**
   * There while the room loads.
   * @type {LoadGate | undefined}
   */
  #gate
  #isClosed = false

  /**
   * @param {Hooks} hooks
   * @param {{ storage: Storage | undefined, durability: Durability | undefined, history: HistoryOptions | undefined, initialSnapshot: unknown, saveThrottleMs: number, writeIntervalMs: number, limits: Readonly<Limits> }} options
   */
  constructor(hooks, options) {
    const { storage, durability, history, initialSnapshot, saveThrottleMs, limits } = options
    this.#hooks = hooks
    this.#writeIntervalMs = options.writeIntervalMs
    this.#engine = new Engine(hooks.wantsPatches, limits, this)
    if (initialSnapshot !== undefined) this.#engine.restore(snapshotText(initialSnapshot))
    if (storage !== undefined) {
      this.#keeper = keeperOf({ storage, durability, saveThrottleMs, history }, this)
    }
  }

  /**
   * The native room is of no use any more.
   * @param {HeddleError} error
   */
  engineBroke(error) {
    this.#gate?.fail(error)
    this.shut(...ROOM_BROKEN)?.(false)
    this.#hooks.report(error)
  }

  get engine() {
    return this.#engine
  }

  get limits() {
    return this.#engine.limits
  }

  get witness() {
    return this.#hooks.witness
  }

  get figures() {
    const [engine, keeper, witness] = [this.#engine, this.#keeper, this.#hooks.witness]
    return new RoomFigures({ engine, keeper, sessions: this.#made?.sessions, witness })
  }

  get history() {
    return new History({
      engine: this.#engine,
      check: () => this.#checkIsLoaded(),
      stored: async () => this.#keeper?.stored?.(),
      report: (error) => this.report(error),
    })
  }

  get #service() {
    this.#made ??= new Service({
      hooks: this.#hooks,
      engine: this.#engine,
      keeper: this.#keeper,
      writeIntervalMs: this.#writeIntervalMs,
      isClosed: () => this.#isClosed,
      left: (session, remaining) => this.#left(session, remaining),
    })
    return this.#made
  }

  /**
   * @param {Session} session
   * @param {number} remaining
   */
  #left(session, remaining) {
    this.#observer?.left(remaining)
    this.#hooks.sessionRemoved(session.id, remaining)
    // Once what runs has run.
    if (remaining === 0) tellAtEndOfTurn(() => this.#rest())
  }

  /** The last session has left: a room that nobody is in is as small as one that nobody has been in. */
  #rest() {
    if (this.#made?.isAtRest) this.#made = undefined
  }

  /**
   * Runs what the engine answered where the store was asked or had news.
   * @param {Effects | null} effects
   */
  run(effects) {
    if (effects !== null) this.#service.queue.run(effects)
    this.#made?.reception.storeMoved()
  }

  /**
   * Tells of what went wrong where nobody waits.
   * @param {unknown} error
   */
  report(error) {
    this.#hooks.report(error)
  }

  /** @param {Observer} observer */
  observe(observer) {
    this.#observer = observer
  }

  /**
   * Adds a session and gives its id.
   * @param {Join} join
   * @returns {string}
   */
  connect(join) {
    if (this.#isOver) throw roomClosed()
    const { sessions, queue, reception } = this.#service
    sessions.checkSpace(this.limits.sessions)
    this.#observer?.joining()
    this.#loadUnasked()
    const session = new Session(this.#nextNumber, join, reception)
    this.#nextNumber += 1
    reception.admit(session, join.socket)
    sessions.add(session)
    this.#gate?.admit(session)
    const permissions = permissionOf(join.permissions)
    const effects = this.#engine.join(session.number, join.clientId, permissions, join.isHeld)
    this.#observer?.joined()
    queue.run(effects)
    return session.id
  }

  /**
   * @param {string} sessionId
   * @param {unknown} data
   */
  receive(sessionId, data) {
    this.#made?.reception.receive(sessionId, data)
  }

  /**
   * Removes a session whose socket is gone.
   * @param {string} sessionId
   */
  disconnect(sessionId) {
    this.#made?.reception.disconnect(sessionId)
    // At once where it can: many rooms that are left in one turn would all be kept, and promoted, until its end.
    this.#rest()
  }

  /**
   * Removes a session that took too much, and closes its socket.
   * @param {string} sessionId
   * @param {number} code
   * @param {string} reason
   */
  expel(sessionId, code, reason) {
    const session = this.#sessionAt(sessionId)
    if (session !== undefined) this.#service.reception.expel(session, code, reason)
  }

  /**
   * A session that users see.
   * @param {string} sessionId
   */
  #sessionAt(sessionId) {
    return this.#made?.sessions.get(sessionId)
  }

  get sessionCount() {
    return this.#made?.sessions.count ?? 0
  }

  /** @returns {SessionInfo[]} */
  sessionInfos() {
    return Array.from(
      this.#made?.sessions.visible() ?? [],
      ({ id, number, clientId, metadata }) => {
        const permissions = permissionOf(this.#engine.permissions(number))
        return { sessionId: id, clientId, permissions, metadata }
      },
    )
  }

  /** @param {string} sessionId */
  permissionsOf(sessionId) {
    const session = this.#sessionAt(sessionId)
    return session && this.#engine.permissions(session.number)
  }

  /**
   * @param {string} sessionId
   * @param {unknown} permissions
   */
  setPermissions(sessionId, permissions) {
    const session = this.#sessionAt(sessionId)
    if (session === undefined) return
    this.#engine.setPermissions(session.number, permissionOf(permissions))
  }

  /** @param {string} sessionId */
  metadataOf(sessionId) {
    return this.#sessionAt(sessionId)?.metadata
  }

  /**
   * @param {string} sessionId
   * @param {unknown} metadata
   */
  setMetadata(sessionId, metadata) {
    const session = this.#sessionAt(sessionId)
    if (session !== undefined) session.metadata = metadata
  }

  /**
   * Gives the clock after the patches, before anything that their effects set off.
   * @param {string} patches JSON text of a list
   * @returns {number}
   */
  applyPatches(patches) {
    this.#checkIsLoaded()
    return this.#edited(this.#engine.applyPatches(patches))
  }

  /**
   * Gets the document back to what it was, as far as patches can.
   * @param {number} timestamp
   * @returns {Promise<Restored>}
   */
  async restore(timestamp) {
    const past = await this.history.past(timestamp)
    // From here on nothing comes between what is compared and what is edited.
    this.#checkIsLoaded()
    const { patches, kept } = this.#engine.planRestoration(past)
    const effects = this.#engine.applyRestoration(patches)
    return { timestamp: this.#edited(effects), kept: JSON.parse(kept) }
  }

  /** Whether the room is closed, or as good as that. */
  get #isOver() {
    return this.#isClosed || this.#observer?.isOver === true
  }

  /** What the document holds counts only once it is what the storage holds. */
  #checkIsLoaded() {
    if (this.#isOver) throw roomClosed()
    if (this.#gate !== undefined || this.#mustLoad) {
      throw new HeddleError('HEDDLE_ROOM_LOADING', 'The room has not loaded yet')
    }
  }

  /**
   * Runs the effects of an edit by the server, and gives its clock.
   * @param {Effects | null} effects
   * @returns {number}
   */
  #edited(effects) {
    const { clock } = this.#engine
    this.#service.queue.run(effects)
    // Its clock is about to be seen.
    this.#keeper?.commit()
    if (this.#engine.clock < clock && this.#engine.forgetEdit()) {
      const message = 'The edit could not be stored, and was taken back'
      throw new HeddleError('HEDDLE_STORE_FAILED', message)
    }
    return clock
  }

  /** The document as plain data, for a caller who asked to see it. */
  document() {
    this.#keeper?.commit()
    return JSON.parse(readText(this.#engine.snapshot()))
  }

  /** Whether something was applied that no completed save holds. */
  get isUnsaved() {
    return this.#keeper?.isUnsaved ?? false
  }

  /** @returns {Promise<void>} */
  load() {
    this.#loaded ??= this.#startLoading()
    return this.#loaded
  }

  /** @returns {Promise<void>} */
  async flush() {
    if (this.#engine.broken !== undefined) throw this.#engine.broken
    // What it holds is not what the storage holds, and must not overwrite that.
    if (this.#loadFailure !== undefined) throw this.#loadFailure.error
    // What a room holds that is loading must not overwrite what it is about to load.
    if (this.#gate !== undefined) await this.#gate.promise
    // Its initial snapshot is stored by loading.
    else if (this.#mustLoad && !this.#isOver) await this.load()
    await this.#keeper?.flush()
  }

  /**
   * Saves like `flush`, for a caller that is not the user: a failure is reported too.
   * @returns {Promise<void>}
   */
  async saveInBackground() {
    try {
      await this.flush()
    } catch (error) {
      this.#hooks.report(error)
      throw error
    }
  }

  /**
   * Closes the room and begins the last save.
   * @param {boolean} save whether what is unsaved is saved
   */
  close(save) {
    this.shut()?.(save)
  }

  /**
   * Closes the room, but for its last save, which the function that it gives begins; it gives none
   * when the room is closed already. The sessions are gone at once; their sockets are closed behind
   * the effects that have not run yet.
   * @param {number} [code]
   * @param {string} [reason]
   * @returns {((save: boolean) => void) | undefined}
   */
  shut(code, reason) {
    if (this.#isClosed) return undefined
    // What this turn stored is still acked.
    this.#keeper?.commit()
    this.#isClosed = true
    this.#hooks.witness.closed(code)
    const service = this.#made
    service?.sessions.hideAll()
    const gate = this.#gate
    this.#gate = undefined
    if (gate !== undefined) {
      // Who closes a room that loads need not have kept the promise of `load()`.
      gate.promise.catch(ignore)
      gate.fail(roomClosed())
    }
    /** @type {import('./timers.js').Deferred<void>} */
    const lastSave = deferred()
    // One that is given up is reported by the saver.
    lastSave.promise.catch(ignore).then(() => this.#engine.retire())
    this.#observer?.closed(lastSave.promise)
    service?.queue.runAfter(() => {
      for (const session of service.sessions.all()) service.close(session, code, reason)
      service.sessions.clear()
    })
    return (save) => lastSave.resolve(this.#keeper?.close(save && gate === undefined))
  }

  /** Whether nothing may happen in the room before it is loaded, and nobody has begun to. */
  get #mustLoad() {
    return this.#loaded === undefined && (this.#keeper?.durability ?? 'none') !== 'none'
  }

  /** Loads a room that nobody loads, because what it acks must be stored behind what is there. */
  #loadUnasked() {
    if (this.#mustLoad) this.load().catch((error) => this.#hooks.report(error))
  }

  /** @returns {Promise<void>} */
  #startLoading() {
    if (this.#isOver) return Promise.reject(roomClosed())
    const keeper = this.#keeper
    if (keeper === undefined) return LOADED
    const gate = new LoadGate(this.limits.frameBytes)
    this.#gate = gate
    if (this.isUnsaved) {
      // To go on with either document would lose the other.
      const message = 'The room was edited before it was loaded'
      this.#failLoading(gate, new HeddleError('HEDDLE_ROOM_IN_USE', message))
      return gate.promise
    }
    keeper.load().then(
      () => this.#finishLoading(gate),
      (error) => this.#failLoading(gate, error),
    )
    return gate.promise
  }

  /** @param {LoadGate} gate */
  #finishLoading(gate) {
    if (this.#isClosed) return
    this.#gate = undefined
    this.#loaded = LOADED
    gate.open((session, frame) => this.#service.reception.pass(session, frame))
  }

  /**
   * @param {LoadGate} gate
   * @param {unknown} error
   */
  #failLoading(gate, error) {
    this.#loadFailure = { error }
    gate.fail(error)
    this.shut(...ROOM_NOT_LOADED)?.(false)
  }
}

module.exports = { RoomDriver }
