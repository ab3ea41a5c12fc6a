// People edit a large room while it is saved.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Company } from '../jobs/company.mjs'
import { largeSnapshot, patchFrame, shapeKey } from '../jobs/documents.mjs'
import { LoopWatch, pause } from '../jobs/event-loop.mjs'
import { collectGarbage } from '../jobs/memory.mjs'

const COMPONENTS = 100_000
const EDITS_PER_SECOND = 60
const SECONDS = 3

/** The default is ten seconds; a tenth of it makes the same saves for a tenth of the edits. */
const SAVE_THROTTLE_MS = 1_000

/** @typedef {{ stored: boolean }} Params */
/** @typedef {{ company: Company, author: import('../jobs/company.mjs').Member, path: string }} World */

/** @param {World} world @param {number} index */
function edit({ company, author }, index) {
  const changed = { x: index + 0.5, y: index * 2 }
  company.hand(author, patchFrame(`edit-${index}`, [{ [shapeKey(index * 37)]: changed }]))
}

/** What the process wrote, in bytes: given to write calls, and in pages that a disk has to write. */
function written() {
  if (process.platform !== 'linux') return { calls: Number.NaN, pages: Number.NaN }
  const io = readFileSync('/proc/self/io', 'utf8')
  /** @param {string} name */
  const number = (name) => Number(new RegExp(`^${name}: (\\d+)$`, 'm').exec(io)?.[1])
  return { calls: number('wchar'), pages: number('write_bytes') }
}

/** @type {import('../frame/scenario.mjs').Scenario<World, Params>} */
export const scenario = {
  name: 'saves-under-edits',
  measures: `${EDITS_PER_SECOND} edits a second for ${SECONDS} s into a room of 100,000 components with FileStorage, at each server's default durability, saveThrottleMs ${SAVE_THROTTLE_MS}`,
  figures: {
    delay: { unit: 'ms', measures: 'longest pause of the event loop' },
    bytes: { unit: 'bytes', measures: 'given to write calls for each edit' },
    pages: { unit: 'bytes', measures: 'in pages of files that became dirty, for each edit' },
  },
  fresh: true,
  flags: ['--expose-gc'],
  rounds: { full: 7, quick: 1 },
  cases: [
    {
      name: 'on files',
      params: { stored: true },
      quick: true,
      goals: {
        delay: { node: { floor: 20 }, bun: { floor: 20 } },
        bytes: { node: { floor: 100, aim: 500 }, bun: { floor: 100, aim: 500 } },
      },
    },
    { name: 'storage off', params: { stored: false } },
  ],
  async setup(side, { stored }) {
    const path = join(side.dir, 'room.json')
    const { FileStorage, MemoryStorage, Room } = side.library
    const snapshot = largeSnapshot(COMPONENTS)
    const memory = new MemoryStorage()
    memory.save = async () => {}
    memory.load = async () => snapshot
    if (stored) writeFileSync(path, JSON.stringify(snapshot))
    const createStorage = () =>
      stored ? new FileStorage({ dir: side.dir, roomId: 'room' }) : memory
    // Without a storage a document could not be loaded on both sides; one that is never due is off.
    const saveThrottleMs = stored ? SAVE_THROTTLE_MS : 1e9
    const room = new Room({ createStorage, saveThrottleMs })
    await room.load()
    const company = new Company(side, room)
    const author = company.join('author')
    company.join('receiver')
    return { company, author, path: stored ? path : '' }
  },
  async check(world) {
    const evidence = await world.company.witness(() => {
      for (let index = 0; index < 20; index += 1) edit(world, index)
    })
    await world.company.room.flush()
    if (world.path === '') return evidence
    const { timestamp, state, timestamps } = JSON.parse(readFileSync(world.path, 'utf8'))
    return { ...evidence, state: [evidence.state, { timestamp, state, timestamps }] }
  },
  async run(world) {
    // What setting up left, the document as objects, is none of the servers': to collect it is a pause of its own.
    await collectGarbage()
    await pause(100)
    const before = written()
    const watch = new LoopWatch('every millisecond')
    const started = performance.now()
    let edits = 0
    while (edits < EDITS_PER_SECOND * SECONDS) {
      edit(world, edits)
      edits += 1
      await pause(Math.max(0, started + (edits * 1_000) / EDITS_PER_SECOND - performance.now()))
    }
    // A save that is under way is part of what the edits cost.
    await pause(500)
    const delay = await watch.end()
    const after = written()
    return {
      delay,
      bytes: (after.calls - before.calls) / edits,
      pages: (after.pages - before.pages) / edits,
    }
  },
}
