'use strict'

/** What `check` and `salvage` say. */

const { existsSync } = require('node:fs')
const { basename, join } = require('node:path')

/** @typedef {import('../../native').NativeInspection} Inspection */
/** @typedef {import('../../native').NativeLeftover} Leftover */
/** @typedef {import('../../native').NativeProblem} Problem */
/** @typedef {import('../../native').NativeRoomName} RoomName */
/** @typedef {import('../../native').NativeSalvage} Salvage */
/** @typedef {import('./checkup.js').Status} Status */

/** What a file is that no room needs, by the native side's word for it. */
const LEFTOVERS = {
  temporary: 'on its way to its name, or left by a process that was killed',
  'set-aside': 'a damaged file that was set aside',
  salvaged: 'was salvaged, and has not been put in place',
  superseded: 'the room has a newer file, under the name that heddle gives it',
  'unused-journal': 'was never synced, and is not needed beside the journal that was',
  lock: 'left by a process that died before it wrote anything',
}

/**
 * One room of `check`, on one line.
 * @param {RoomName} room
 * @param {Status} status
 * @param {Inspection} inspection
 * @returns {string}
 */
function room({ id, file }, status, inspection) {
  const name = id === undefined ? file : shown(id)
  return entry(status, name, [...owner(inspection), ...state(status, inspection)].join(': '))
}

/**
 * @param {RoomName} room
 * @param {Status} status
 * @param {Inspection} inspection
 * @returns {string}
 */
function roomAsJson({ id, file, legacyFile }, status, inspection) {
  const { isOpen, ownerPid, problems, isPassing } = inspection
  return JSON.stringify({
    type: 'room',
    room: id ?? null,
    file: legacyFile ?? file,
    status,
    owner: isOpen ? { pid: ownerPid ?? null } : null,
    clock: inspection.clock ?? null,
    components: inspection.components ?? null,
    tombstones: inspection.tombstones ?? null,
    snapshotBytes: inspection.snapshotBytes ?? null,
    journalBytes: inspection.journalBytes ?? null,
    changes: inspection.changes,
    tornBytes: inspection.tornBytes,
    isChanging: isPassing,
    problems: problems.map(({ code, path, offset, clock, reason }) => ({
      code,
      file: basename(path),
      offset: offset ?? null,
      clock: clock ?? null,
      reason,
    })),
  })
}

/**
 * @param {Leftover} leftover
 * @returns {string}
 */
function leftover({ file, kind }) {
  return entry('leftover', file, LEFTOVERS[/** @type {keyof typeof LEFTOVERS} */ (kind)])
}

/**
 * The last lines of `check`.
 * @param {string} dir
 * @param {Map<Status, number>} counts
 * @returns {string[]}
 */
function summary(dir, counts) {
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0)
  if (total === 0) return [line(`no rooms in ${dir}`)]
  const parts = [...counts].map(([status, count]) => `${count} ${status}`)
  const lines = [`${some(total, 'room')}: ${parts.join(', ')}`]
  if (counts.has('damaged')) {
    lines.push(line(`To rescue what is left of one: npx heddle salvage ${quoted(dir)} <roomId>`))
  }
  return lines
}

/**
 * @param {string} name
 * @param {Salvage} salvage
 * @returns {string}
 */
function healthy(name, { clock }) {
  return line(`${name} is good, its clock is ${clock}: nothing to salvage, nothing written`)
}

/**
 * @param {string} name
 * @param {Salvage} salvage
 * @returns {string[]}
 */
function hopeless(name, { problems }) {
  return [
    ...problems.map((problem) => line(`heddle: ${described(problem)}`)),
    line(`heddle: nothing of ${name} can be rescued: a backup is needed. Nothing was written.`),
  ]
}

/**
 * @param {string} dir
 * @param {RoomName} room
 * @param {Salvage} salvage
 * @returns {string[]}
 */
function rescued(dir, { file }, salvage) {
  const { path = '', files = [], problems } = salvage
  const moves = files.map((damaged) => [damaged, freeName(damaged)])
  return [
    ...problems.map(described),
    `Written: ${path}`,
    `It holds: ${content(salvage)}, from ${origin(salvage)}`,
    ...doubts(salvage).map((doubt) => `Doubtful: ${doubt}`),
    `Lost: ${loss(salvage)}`,
    'The damaged files are as they were. To put the new one in their place, while no server has the room:',
    ...[...moves, [path, join(dir, file)]].map(([from = '', to = '']) => move(from, to)),
  ].map(line)
}

/**
 * @param {Inspection} inspection
 * @returns {string[]}
 */
function owner({ isOpen, ownerPid }) {
  if (!isOpen) return []
  return [ownerPid === undefined ? 'open in another process' : `open in process ${ownerPid}`]
}

/**
 * @param {Status} status
 * @param {Inspection} inspection
 * @returns {string[]}
 */
function state(status, inspection) {
  if (inspection.isPassing) return ['it changes faster than it can be read, check it again']
  if (status === 'good' || status === 'open')
    return [`${content(inspection)}, ${sizes(inspection)}`]
  return [inspection.problems.map(described).join('; ')]
}

/** @param {Inspection | Salvage} found */
function content({ clock, components, tombstones }) {
  const parts = [`clock ${clock}`, some(components ?? 0, 'component')]
  return [...parts, some(tombstones ?? 0, 'tombstone')].join(', ')
}

/** @param {Inspection} inspection */
function sizes({ snapshotBytes, journalBytes, changes, tornBytes }) {
  const snapshot = snapshotBytes === undefined ? 'no snapshot' : `snapshot ${snapshotBytes} bytes`
  if (journalBytes === undefined) return snapshot
  const torn = tornBytes === 0 ? '' : ` and ${some(tornBytes, 'torn byte')}`
  return `${snapshot}, journal ${journalBytes} bytes with ${some(changes, 'change')}${torn}`
}

/** @param {Problem} problem */
function described({ path, offset, clock, reason }) {
  const where = offset === undefined ? '' : ` at byte ${offset}`
  const good = clock === undefined ? '' : `, good up to clock ${clock}`
  return `${basename(path)}${where}${good}: ${reason}`
}

/** @param {Salvage} salvage */
function origin({ source, changes = 0 }) {
  const start = {
    snapshot: 'the snapshot file',
    state: 'a snapshot in the journal',
    beginning: 'the journal, which goes back to the empty room',
  }[source ?? '']
  return changes === 0 ? `${start}` : `${start} and ${some(changes, 'change')} of the journal`
}

/** @param {Salvage} salvage */
function doubts({ isContentDoubtful, isOrderDoubtful }) {
  const found = []
  if (isContentDoubtful) {
    found.push('the snapshot file is not as heddle wrote it; values in it may be wrong')
  }
  if (isOrderDoubtful) {
    found.push('only clocks tell that the changes of the journal were made on this snapshot')
  }
  return found
}

/** @param {Salvage} salvage */
function loss({ loss }) {
  if (loss === undefined) return 'nothing that is known of'
  const { path, offset, bytes, syncedClock } = loss
  const known = syncedClock === undefined ? '' : `, which went up to clock ${syncedClock} at least`
  return `the last ${some(bytes, 'byte')} of ${basename(path)}, from byte ${offset} on${known}`
}

/**
 * How a damaged file is called once it is out of the way, as a save would call it.
 * @param {string} path
 */
function freeName(path) {
  for (let number = 1; ; number++) {
    const name = `${path}.damaged-${number}`
    if (!existsSync(name)) return name
  }
}

/**
 * @param {string} from
 * @param {string} to
 */
function move(from, to) {
  return `  ${process.platform === 'win32' ? 'move' : 'mv'} ${quoted(from)} ${quoted(to)}`
}

/**
 * A path as the shell reads it.
 * @param {string} path
 */
function quoted(path) {
  const safe = path.startsWith('-') ? `./${path}` : path
  if (/^[\w@%+=:,./\\-]+$/.test(safe) && (process.platform === 'win32' || !safe.includes('\\'))) {
    return safe
  }
  return process.platform === 'win32' ? `"${safe}"` : `'${safe.replaceAll("'", "'\\''")}'`
}

/**
 * A room's id, which may be any text.
 * @param {string} id
 */
function shown(id) {
  return /^[\w.-]+$/.test(id) ? id : JSON.stringify(id)
}

/**
 * @param {string} status
 * @param {string} name
 * @param {string} rest
 */
function entry(status, name, rest) {
  return line(`${status.padEnd(10)}  ${name}  ${rest}`)
}

/**
 * Text without characters that do something to a terminal: ids, names and reasons are made of what others wrote.
 * @param {string} text
 */
function line(text) {
  return text.replaceAll(
    /[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu,
    (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`,
  )
}

/**
 * @param {number} count
 * @param {string} thing
 */
function some(count, thing) {
  return `${count} ${thing}${count === 1 ? '' : 's'}`
}

module.exports = {
  healthy,
  hopeless,
  leftover,
  line,
  rescued,
  room,
  roomAsJson,
  shown,
  summary,
}
