'use strict'

/**
 * How many are there: told to everybody by each who comes or goes, and of interest only as the latest. Where hundreds
 * come at once each would tell hundreds, so it is kept until the end of the turn, or until there is something else to tell.
 */

const { tellAtEndOfTurn } = require('../turn.js')

/** @typedef {import('../sessions.js').Session} Session */

const COUNT_START = '{"type":"clientCount"'

/** What no `clientCount` reaches: what is as short is looked at. */
const COUNT_LENGTH = COUNT_START.length + 24

/**
 * Whether a text is a `clientCount`.
 * @param {string | undefined} text
 */
function isCount(text) {
  return text !== undefined && text.length < COUNT_LENGTH && text.startsWith(COUNT_START)
}

/** The count that the sessions of a room have yet to hear. */
class LatestCount {
  #sessions
  /** @type {string | undefined} */
  #text
  /** Goes up with each count, so that each session is known to have heard it or not. */
  #number = 0

  /** @param {() => readonly Session[]} sessions gives all as they are now, of whom those in a group are to hear it */
  constructor(sessions) {
    this.#sessions = sessions
  }

  /**
   * Keeps a count in place of the one before.
   * @param {string} text
   */
  keep(text) {
    if (this.#text === undefined) tellAtEndOfTurn(() => this.tell())
    this.#text = text
    this.#number += 1
  }

  /** Tells it to all who have not heard it. */
  tell() {
    if (this.#text === undefined) return
    for (const session of this.#sessions()) this.tellTo(session)
    this.#text = undefined
  }

  /**
   * Tells it to one who listens, so that what follows stays behind it.
   * @param {Session} session
   */
  tellTo(session) {
    if (this.#text === undefined || session.countHeard === this.#number) return
    if (session.group === undefined) return
    session.countHeard = this.#number
    session.send(this.#text)
  }

  /**
   * What was counted so far is not for this session.
   * @param {Session} session
   */
  skip(session) {
    session.countHeard = this.#number
  }
}

module.exports = { isCount, LatestCount }
