'use strict'

/**
 * The channels on which heddle tells what happens, for whoever subscribes: `node:diagnostics_channel`. While
 * nobody does, an event costs one look at its channel.
 */

/**
 * What heddle needs of a channel.
 * @typedef {object} Channel
 * @property {boolean} hasSubscribers
 * @property {(message: HeddleEvent) => void} publish
 */

/** @typedef {import('../../index').HeddleChannel} HeddleChannel */
/** @typedef {import('../../index').HeddleEvent} HeddleEvent */

// As it was at load: an event does not wait for a test's fake clock.
const inMicrotask = queueMicrotask

/** Where there are no channels nobody can subscribe. */
const SILENT = { hasSubscribers: false, publish() {} }

/**
 * @param {HeddleChannel} name
 * @returns {Channel}
 */
function channel(name) {
  try {
    return require('node:diagnostics_channel').channel(name)
  } catch {
    return SILENT
  }
}

/** Held here for good: the runtime forgets channels that nobody holds. */
const channels = {
  roomOpen: channel('heddle:room:open'),
  roomClose: channel('heddle:room:close'),
  sessionOpen: channel('heddle:session:open'),
  sessionClose: channel('heddle:session:close'),
  sessionLagging: channel('heddle:session:lagging'),
  sessionDrained: channel('heddle:session:drained'),
  frameRefused: channel('heddle:frame:refused'),
  connectionRefused: channel('heddle:connection:refused'),
  error: channel('heddle:error'),
}

/**
 * Publishes an event behind what the room is doing: a subscriber may call the room, close it, or take its
 * time, and nothing is half done then. What a subscriber throws is the runtime's to report.
 * @param {Channel} channel
 * @param {HeddleEvent} event
 */
function publish(channel, { room, roomId, sessionId, clientId, code, error }) {
  // Always the same members in the same order, for all subscribers the same object.
  const message = Object.freeze({ room, roomId, sessionId, clientId, code, error })
  inMicrotask(() => channel.publish(message))
}

/**
 * A connection was refused before it had a session, and so before any room could tell.
 * @param {{ roomId?: string, clientId?: string, code: string }} about
 */
function connectionRefused({ roomId, clientId, code }) {
  const { connectionRefused } = channels
  if (connectionRefused.hasSubscribers) {
    publish(connectionRefused, { room: undefined, roomId, clientId, code })
  }
}

module.exports = { channels, connectionRefused, publish }
