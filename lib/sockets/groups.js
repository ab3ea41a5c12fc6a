'use strict'

/** The delivery groups of a room: who is sent the same. */

const { bufferedBytes } = require('./sockets.js')
const { onRejection } = require('../timers.js')

/** @typedef {import('../../index').WebSocketLike} WebSocketLike */
/** @typedef {import('./outlets.js').Outlet} Outlet */

/** Stands for nobody among those who are sent to at once. */
const NOBODY = -1

class Group {
  #mark
  /**
   * Those who are sent to at once.
   * @type {Outlet[]}
   */
  #direct = []
  /**
   * Their sockets, in the same places, but for those that are over: a broadcast would touch an outlet for each of its receivers, which
   * costs a third of what it costs to send.
   * @type {(WebSocketLike | undefined)[]}
   */
  #sockets = []
  /** @type {Outlet[]} */
  #queued = []

  /** @param {number} mark the bytes past which a socket counts as full */
  constructor(mark) {
    this.#mark = mark
  }

  /** @param {Outlet} outlet */
  add(outlet) {
    const outlets = this.#listOf(outlet)
    outlet.place = outlets.push(outlet) - 1
    if (outlet.isDirect) this.#sockets.push(outlet.isOver ? undefined : outlet.socket)
  }

  /** @param {Outlet} outlet one of them */
  remove(outlet) {
    const outlets = this.#listOf(outlet)
    const { place } = outlet
    putLastInto(place, outlets)
    if (outlet.isDirect) putLastInto(place, this.#sockets)
    const moved = outlets[place]
    if (moved !== undefined) moved.place = place
  }

  /**
   * Sends nothing any more to one that is over and stays in its place, because the group may be walked over right now.
   * @param {Outlet} outlet one of them
   */
  silence({ isDirect, place }) {
    if (isDirect) this.#sockets[place] = undefined
  }

  /**
   * Gives how many were sent it.
   * @param {string} text
   * @param {Outlet | undefined} except one of them
   */
  send(text, except) {
    let sent = 0
    if (this.#direct.length > 0) {
      const exceptAt = except?.isDirect ? except.place : NOBODY
      sent += sendToEach(this.#sockets, this.#direct, exceptAt, text, this.#mark)
    }
    if (this.#queued.length > 0) sent += queueInEach(this.#queued, except, text)
    return sent
  }

  /** @param {Outlet} outlet */
  #listOf(outlet) {
    return outlet.isDirect ? this.#direct : this.#queued
  }
}

/**
 * Does for each what `send` of its outlet does, all of it here: called for each it takes JavaScriptCore twice as long.
 * @param {readonly (WebSocketLike | undefined)[]} sockets
 * @param {readonly Outlet[]} outlets in the same places
 * @param {number} exceptAt
 * @param {string} text
 * @param {number} mark
 */
function sendToEach(sockets, outlets, exceptAt, text, mark) {
  let sent = 0
  for (let index = 0; index < sockets.length; index += 1) {
    const socket = sockets[index]
    if (socket === undefined || index === exceptAt) continue
    sent += 1
    try {
      const given = /** @type {unknown} */ (socket.send(text))
      if (given !== undefined) onRejection(given, ownerAt(outlets, index).failed)
    } catch (error) {
      ownerAt(outlets, index).failed(error)
      continue
    }
    if (bufferedBytes(socket) > mark) ownerAt(outlets, index).full()
  }
  return sent
}

/**
 * @param {readonly Outlet[]} outlets
 * @param {number} index
 */
function ownerAt(outlets, index) {
  return /** @type {Outlet} */ (outlets[index]).owner
}

/**
 * @param {readonly Outlet[]} outlets
 * @param {Outlet | undefined} except
 * @param {string} text
 */
function queueInEach(outlets, except, text) {
  let sent = 0
  for (let index = 0; index < outlets.length; index += 1) {
    const outlet = /** @type {Outlet} */ (outlets[index])
    if (outlet === except || outlet.isOver) continue
    sent += 1
    outlet.send(text)
  }
  return sent
}

/**
 * Takes out what is in a place of a list, where the last comes instead.
 * @template T
 * @param {number} place
 * @param {T[]} list
 */
function putLastInto(place, list) {
  const last = /** @type {T} */ (list.pop())
  if (place < list.length) list[place] = last
}

module.exports = { Group }
