'use strict'

/**
 * A manager's figures in the text format that Prometheus scrapes (version 0.0.4). No label is a room, a session or a
 * client: a peer could make up as many as it likes.
 */

/** @typedef {import('../../index').RoomManagerStats} RoomManagerStats */

/**
 * Name, type, help, and the member of the stats: a number, or numbers by `code`.
 * @type {readonly [string, 'gauge' | 'counter', string, keyof RoomManagerStats][]}
 */
const METRICS = [
  ['heddle_rooms', 'gauge', 'Rooms that are open.', 'rooms'],
  ['heddle_sessions', 'gauge', 'Sessions in all open rooms.', 'sessions'],
  ['heddle_lagging_sessions', 'gauge', 'Sessions whose sockets do not drain.', 'lagging'],
  ['heddle_queued_bytes', 'gauge', 'What waits in heddle and in sockets.', 'queuedBytes'],
  ['heddle_document_bytes', 'gauge', 'The size of the documents of open rooms.', 'documentBytes'],
  ['heddle_unstored_changes', 'gauge', 'Accepted changes that are not stored yet.', 'unstored'],
  ['heddle_rooms_opened_total', 'counter', 'Rooms that were opened.', 'roomsOpened'],
  [
    'heddle_connections_refused_total',
    'counter',
    'Connections that were refused before they had a session, by reason.',
    'connectionsRefused',
  ],
  ['heddle_sessions_opened_total', 'counter', 'Sessions that joined.', 'sessionsOpened'],
  [
    'heddle_sessions_closed_total',
    'counter',
    'Sessions that ended, by the close code from heddle: 0 where the socket was gone, 1005 for none.',
    'sessionsClosed',
  ],
  ['heddle_frames_received_total', 'counter', 'Frames from sessions.', 'framesIn'],
  [
    'heddle_received_bytes_total',
    'counter',
    'The size of those frames; of one that came as a string its characters.',
    'bytesIn',
  ],
  ['heddle_frames_sent_total', 'counter', 'Frames to sessions, one for each.', 'framesOut'],
  ['heddle_frames_refused_total', 'counter', 'Frames that were refused, by reason.', 'refused'],
  ['heddle_lags_total', 'counter', 'How often a session began to lag.', 'lags'],
  ['heddle_save_errors_total', 'counter', 'Reported failures to store a room.', 'saveErrors'],
  ['heddle_errors_total', 'counter', 'All that was reported to onError.', 'errors'],
]

/**
 * @param {RoomManagerStats} stats
 * @returns {string}
 */
function expositionOf(stats) {
  const lines = METRICS.flatMap(([name, type, help, member]) => [
    `# HELP ${name} ${help}`,
    `# TYPE ${name} ${type}`,
    ...samplesOf(name, stats[member]),
  ])
  return `${lines.join('\n')}\n`
}

/**
 * @param {string} name
 * @param {number | Record<string, number>} value
 * @returns {string[]}
 */
function samplesOf(name, value) {
  if (typeof value === 'number') return [`${name} ${value}`]
  return Object.entries(value).map(([code, count]) => `${name}{code="${escaped(code)}"} ${count}`)
}

/** @param {string} label */
function escaped(label) {
  return label.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}

module.exports = { expositionOf }
