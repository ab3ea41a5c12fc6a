'use strict'

/**
 * A room as the cases of `heddle/testing` see it: whatever its storage should not have done becomes
 * an error that says which invariant is broken, after which calls, and how.
 */

const { differenceOf, runsOf, sayValue } = require('./values.js')
const { messageOf } = require('../errors.js')

/** @typedef {import('../../index').RoomSnapshot} RoomSnapshot */
/** @typedef {import('../../index').Storage} Storage */
/** @typedef {import('../../index').StoredChange} StoredChange */
/** @typedef {import('../../testing').StorageFixture} StorageFixture */

/** How many calls an error recounts. */
const CALLS_TOLD = 4

class StorageContractError extends Error {
  /**
   * @param {number} invariant
   * @param {string} how
   * @param {{ cause: unknown } | undefined} options
   */
  constructor(invariant, how, options) {
    super(`Invariant ${invariant} of Storage is broken: ${how}`, options)
    this.name = 'StorageContractError'
    /** @readonly */
    this.invariant = invariant
  }
}

class Subject {
  #fixture
  #invariant
  #storage
  /**
   * The calls so far that may have changed something.
   * @type {string[]}
   */
  #calls = []

  /**
   * @param {StorageFixture} fixture
   * @param {number} invariant
   * @param {Storage} [storage]
   */
  constructor(fixture, invariant, storage = fixture.storage) {
    this.#fixture = fixture
    this.#invariant = invariant
    this.#storage = storage
  }

  /** @param {RoomSnapshot} snapshot */
  async save(snapshot) {
    this.#calls.push(`save at ${snapshot.timestamp}`)
    await this.#settled('save', this.#call('save', snapshot))
  }

  /** @param {readonly StoredChange[]} changes */
  async append(changes) {
    this.#calls.push(`append of ${runsOf(changes.map(({ timestamp }) => timestamp))}`)
    await this.#settled('append', this.#call('append', changes))
  }

  /**
   * Calls with what cannot be stored, as a part of it cannot be read.
   * @param {'save' | 'append'} name
   * @param {unknown} unreadable
   */
  async failsTo(name, unreadable) {
    this.#calls.push(`${name} of what cannot be read`)
    const isStored = await this.#call(name, unreadable).then(
      () => true,
      () => false,
    )
    if (isStored) throw this.#broken(`${name} resolved without having read all of it`)
  }

  /** Calls what a room calls before anything else: storages may rely on it. */
  async open() {
    const snapshot = await this.load()
    if (this.#storage.loadChanges !== undefined) await this.loadChanges(snapshot?.timestamp ?? 0)
  }

  async reopen() {
    this.#calls.push('reopen')
    this.#storage = await this.#fixture.reopen()
    await this.open()
  }

  /** Gives another room of the same store. */
  async another() {
    const storage = await this.#fixture.another?.()
    const other = new Subject(this.#fixture, this.#invariant, storage)
    await other.open()
    return other
  }

  /** @returns {Promise<RoomSnapshot | null>} */
  load() {
    return this.#settled('load', this.#call('load'))
  }

  /**
   * @param {number} after
   * @returns {Promise<StoredChange[]>}
   */
  async loadChanges(after) {
    const changes = await this.#settled('loadChanges', this.#call('loadChanges', after))
    if (Array.isArray(changes)) return changes
    throw this.#broken(`loadChanges(${after}) gave ${sayValue(changes)} instead of an array`)
  }

  /** @param {RoomSnapshot | null} wanted */
  async holds(wanted) {
    const difference = differenceOf(await this.load(), wanted)
    if (difference !== undefined) throw this.#broken(`load gave another snapshot: ${difference}`)
  }

  /**
   * @param {number} after
   * @param {readonly StoredChange[]} wanted
   */
  async holdsChanges(after, wanted) {
    const got = await this.loadChanges(after)
    const [numbers, expected] = [got, wanted].map((list) =>
      runsOf(list.map((change) => change?.timestamp)),
    )
    if (numbers !== expected) {
      throw this.#broken(`loadChanges(${after}) gave ${numbers} instead of ${expected}`)
    }
    const difference = differenceOf(got, wanted)
    if (difference !== undefined) {
      throw this.#broken(`loadChanges(${after}) gave another change: ${difference}`)
    }
  }

  /**
   * Calls a method at once; what it throws rejects.
   * @param {string} name
   * @param {...unknown} given
   */
  async #call(name, ...given) {
    const method = Reflect.get(this.#storage, name)
    if (typeof method !== 'function') throw new TypeError('the storage has no such method')
    return method.apply(this.#storage, given)
  }

  /**
   * @template T
   * @param {string} name
   * @param {Promise<T>} result
   */
  async #settled(name, result) {
    try {
      return await result
    } catch (cause) {
      throw this.#broken(`${name} failed: ${messageOf(cause)}`, { cause })
    }
  }

  /**
   * @param {string} how
   * @param {{ cause: unknown }} [options]
   */
  #broken(how, options) {
    const calls = this.#calls.slice(-CALLS_TOLD)
    if (calls.length < this.#calls.length) calls.unshift('…')
    const when = calls.length === 0 ? 'in an empty room' : `after ${calls.join(', ')}`
    return new StorageContractError(this.#invariant, `${when}: ${how}`, options)
  }
}

module.exports = { Subject }
