// A server that keeps its promise in the simplest way there is, with rooms of durability 'none' and a log of its own: each edit
// is appended to a file of JSON lines inside the call that applied it. The programs of this folder must pass against it, and
// fail once one of its faults is planted: they are tested before they judge heddle.
import { closeSync, existsSync, fdatasyncSync, openSync, readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { Room } from '../../index.js'

/** @typedef {import('../../index.js').Patch} Patch */

/**
 * What a reference server does wrong. `late`: it appends after the edit was revealed. `unsynced`: it never syncs. `forgetful`:
 * it leaves deletions out. `repetitive`: it starts again from a clock before its last.
 * @typedef {'late' | 'unsynced' | 'forgetful' | 'repetitive'} Fault
 */

/** How late a `late` server is, in milliseconds. */
const LATE_MS = 2

/** How many clocks a `repetitive` server forgets: more than are stored at once and seen by nobody. */
const FORGOTTEN_CLOCKS = 20

/**
 * The options of a room that is kept so.
 * @param {string} dir
 * @param {string} roomId
 * @param {{ syncs: boolean, fault?: Fault | undefined }} manners
 * @returns {import('../../index.js').RoomOptions}
 */
export function referenceRoom(dir, roomId, { syncs, fault }) {
  const path = join(dir, `${roomId}.journal`)
  /** @type {number | undefined} */
  let file

  /** @param {Patch[]} patches */
  const append = (patches) => {
    file ??= openSync(path, 'a')
    const kept = fault === 'forgetful' ? patches.map(withoutDeletions) : patches
    writeSync(file, `${JSON.stringify(kept)}\n`)
    if (syncs && fault !== 'unsynced') fdatasyncSync(file)
  }

  return {
    durability: 'none',
    storage: {
      load: async () => {
        const snapshot = replay(path)
        return fault === 'repetitive' && snapshot !== null ? setBack(snapshot) : snapshot
      },
      save: async () => {
        if (file !== undefined) closeSync(file)
        file = undefined
      },
    },
    onDocumentPatch: (_room, patches) => {
      if (fault === 'late') setTimeout(append, LATE_MS, patches)
      else append(patches)
    },
  }
}

/** @param {string} path */
function replay(path) {
  if (!existsSync(path)) return null
  const room = new Room()
  const lines = readFileSync(path, 'utf8').split('\n')
  // What follows the last line's end was torn by the kill.
  for (const line of lines.slice(0, -1)) room.applyPatch(JSON.parse(line))
  return room.getSnapshot()
}

/**
 * The same document, with a clock that forgot its last steps.
 * @param {import('../../index.js').RoomSnapshot} snapshot
 */
function setBack(snapshot) {
  const last = Math.max(0, snapshot.timestamp - FORGOTTEN_CLOCKS)
  const timestamps = structuredClone(snapshot.timestamps)
  for (const fields of Object.values(timestamps)) {
    for (const [field, clock] of Object.entries(fields)) fields[field] = Math.min(clock, last)
  }
  return { ...snapshot, timestamp: last, timestamps }
}

/** @param {Patch} patch */
function withoutDeletions(patch) {
  return Object.fromEntries(Object.entries(patch).filter(([, data]) => data._exists !== false))
}
