// Disks that fail under a running server, for real: full, with a limit on the size of files, read-only, with its folder or a journal
// gone. While nothing can be stored the room serves reads and presence, and what waits is neither acked nor shown; one error tells
// of the episode; when the disk is back the room goes on by itself, and a kill then loses nothing.
//
//   node scripts/durability/disk-faults.mjs [--level process|disk] [--fault name] [--runtime node|bun]
//
// A full disk needs the right to mount a tmpfs (root); the others need none. Linux alone.
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { bunPath } from '../runtimes.mjs'
import { pause } from './kills.mjs'
import { Person } from './person.mjs'
import { ServerProcess } from './server-process.mjs'

const isRoot = process.getuid?.() === 0

/** The user and group `nobody`: rights bind it, unlike root. */
const NOBODY = 65_534

/** How long a room may take to notice that its disk is back, in milliseconds; how long nothing must happen before. */
const RECOVERY_MS = 40_000
const SILENCE_MS = 700

/**
 * @typedef {object} Place
 * @property {string} folder what the program made
 * @property {string} dir where the rooms are, inside
 * @property {number} pid the server's
 */

/**
 * @typedef {object} Fault
 * @property {boolean} needsRoot
 * @property {boolean} [needsRights] whether it binds only those who are not root
 * @property {boolean} [blocks] whether nothing can be stored from the instant on at which it is inflicted
 * @property {boolean} [beforeFirstEdit] whether it comes before the room has a journal
 * @property {(place: Place) => void} [prepare]
 * @property {(place: Place) => void} inflict
 * @property {(place: Place) => void} heal
 * @property {(place: Place) => void} [clear]
 */

/** @type {Record<string, Fault>} */
export const FAULTS = {
  'full disk': {
    needsRoot: true,
    blocks: true,
    prepare: ({ dir }) => command('mount', '-t', 'tmpfs', '-o', 'size=1m,mode=777', 'tmpfs', dir),
    inflict: ({ dir }) => fill(join(dir, 'filler')),
    heal: ({ dir }) => rmSync(join(dir, 'filler')),
    clear: ({ dir }) => command('umount', '-l', dir),
  },
  'limit on file sizes': {
    needsRoot: false,
    blocks: true,
    inflict: ({ pid }) => command('prlimit', '--pid', `${pid}`, '--fsize=1:'),
    heal: ({ pid }) => command('prlimit', '--pid', `${pid}`, '--fsize=unlimited:'),
  },
  'read-only folder': {
    needsRoot: false,
    needsRights: true,
    blocks: true,
    beforeFirstEdit: true,
    inflict: ({ dir }) => chmodSync(dir, 0o555),
    heal: ({ dir }) => chmodSync(dir, 0o777),
  },
  'folder removed': {
    needsRoot: false,
    inflict: ({ dir }) => rmSync(dir, { recursive: true }),
    heal: ({ dir }) => {
      if (!existsSync(dir)) makeFolder(dir)
    },
  },
  'folder renamed for a while': {
    needsRoot: false,
    inflict: ({ dir }) => renameSync(dir, `${dir}-elsewhere`),
    // The room may have made the folder anew by then, and all files in it.
    heal: ({ dir }) => {
      if (!existsSync(dir)) renameSync(`${dir}-elsewhere`, dir)
    },
  },
  'journal deleted': {
    needsRoot: false,
    inflict: ({ dir }) => {
      for (const name of readdirSync(dir)) {
        if (name.includes('.journal')) rmSync(join(dir, name))
      }
    },
    heal: () => {},
  },
}

/** @param {string} name @param {string[]} args */
function command(name, ...args) {
  const { status, stderr, error } = spawnSync(name, args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${name} ${args.join(' ')}: ${error ?? stderr}`)
}

/**
 * Takes all the space of a file system.
 * @param {string} path
 */
function fill(path) {
  const { bavail, bsize } = statfsSync(join(path, '..'))
  writeFileSync(path, Buffer.alloc(bavail * bsize))
}

/**
 * A folder that the server may write though it is not root.
 * @param {string} dir
 */
function makeFolder(dir) {
  mkdirSync(dir)
  chmodSync(dir, 0o777)
}

/**
 * Inflicts a fault on a server; gives what it did wrong.
 * @param {string} name
 * @param {{ level: import('./server.mjs').ServerOptions['level'], runtime?: string | undefined }} options
 */
export async function runFault(name, { level, runtime }) {
  const fault = FAULTS[name]
  if (fault === undefined) throw new Error(`there is no fault named ${name}`)
  if (fault.needsRoot && !isRoot) throw new Error(`${name} needs root`)
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'heddle-fault-')))
  chmodSync(folder, 0o755)
  const dir = join(folder, 'rooms')
  makeFolder(dir)
  const place = { folder, dir, pid: 0 }
  fault.prepare?.(place)
  const how = { runtime, uid: fault.needsRights && isRoot ? NOBODY : undefined }
  const options = { dir, level, saveThrottleMs: 100 }
  const server = new ServerProcess(options, how)
  const next = new ServerProcess(options, how)
  try {
    place.pid = Number(server.child.pid)
    const episode = new Episode(server, fault, place)
    await episode.run()
    await server.kill()
    await episode.checkAfterKill(next)
    return episode.problems
  } finally {
    await Promise.all([server.kill(), next.kill()])
    fault.clear?.(place)
    rmSync(folder, { recursive: true, force: true })
  }
}

class Episode {
  #server
  #fault
  #place
  problems = /** @type {string[]} */ ([])
  #acked = /** @type {string[]} */ ([])

  /**
   * @param {ServerProcess} server
   * @param {Fault} fault
   * @param {Place} place
   */
  constructor(server, fault, place) {
    this.#server = server
    this.#fault = fault
    this.#place = place
  }

  /**
   * @param {boolean} holds
   * @param {string} story
   */
  #must(holds, story) {
    if (!holds) this.problems.push(story)
  }

  async run() {
    const port = await this.#server.serve()
    const ann = await Person.join(port, 'ann')
    const bob = await Person.join(port, 'bob')
    const cleo = await Person.join(port, 'cleo')
    if (!this.#fault.beforeFirstEdit) await this.#edits(ann, 'before', RECOVERY_MS)
    const errorsBefore = this.#errors
    this.#fault.inflict(this.#place)
    const waiting = ['during-1', 'during-2', 'during-3']
    for (const name of waiting) ann.edit(name)
    await pause(SILENCE_MS)
    if (this.#fault.blocks) this.#checkSilence(ann, bob, waiting)
    await this.#checkService(port, bob, cleo, waiting)
    if (this.#fault.blocks) {
      const errors = this.#errors - errorsBefore
      this.#must(errors === 1, `one error is to tell of the episode, ${errors} did`)
    }
    this.#fault.heal(this.#place)
    await this.#checkRecovery(ann, bob, waiting)
    // A journal that went missing is noticed at its next sync, a second later at most.
    await pause(2_500)
    await this.#edits(ann, 'after', RECOVERY_MS)
  }

  get #errors() {
    return this.#server.facts.filter((fact) => 'error' in fact).length
  }

  /**
   * @param {Person} person
   * @param {string} name
   * @param {number} deadlineMs
   */
  async #edits(person, name, deadlineMs) {
    person.edit(name)
    const isAcked = await person.sees(() => person.acked.has(name), deadlineMs)
    this.#must(isAcked, `the edit '${name}' was not acked`)
    if (isAcked) this.#acked.push(name)
  }

  /**
   * @param {Person} ann
   * @param {Person} bob
   * @param {string[]} waiting
   */
  #checkSilence(ann, bob, waiting) {
    for (const name of waiting) {
      this.#must(!ann.acked.has(name), `'${name}' was acked and could not be stored`)
      this.#must(!bob.shown.has(name), `'${name}' was shown and could not be stored`)
    }
  }

  /**
   * Reads and presence go on.
   * @param {number} port
   * @param {Person} bob
   * @param {Person} cleo
   * @param {string[]} waiting
   */
  async #checkService(port, bob, cleo, waiting) {
    cleo.pointAt(7)
    const isSeen = await bob.sees(() => bob.pointers.get('cleo') === 7, 5_000)
    this.#must(isSeen, 'presence was not served')
    const late = await Person.join(port, 'dora').catch(() => undefined)
    this.#must(late !== undefined, 'nobody could join')
    for (const name of this.#acked) {
      this.#must(late?.shown.has(name) === true, `who joined was not shown '${name}'`)
    }
    for (const name of this.#fault.blocks ? waiting : []) {
      this.#must(!late?.shown.has(name), `who joined was shown '${name}', which was not stored`)
    }
    late?.leave()
  }

  /**
   * @param {Person} ann
   * @param {Person} bob
   * @param {string[]} waiting
   */
  async #checkRecovery(ann, bob, waiting) {
    for (const name of waiting) {
      const isAcked = await ann.sees(() => ann.acked.has(name), RECOVERY_MS)
      const isShown = await bob.sees(() => bob.shown.has(name), 5_000)
      this.#must(isAcked, `'${name}' was not acked when the disk was back`)
      this.#must(isShown, `'${name}' was not shown when the disk was back`)
      if (isAcked) this.#acked.push(name)
    }
  }

  /** @param {ServerProcess} next */
  async checkAfterKill(next) {
    const reader = await Person.join(await next.serve(), 'reader')
    for (const name of this.#acked) {
      this.#must(reader.shown.has(name), `'${name}' was acked and is lost`)
    }
    reader.leave()
  }
}

async function main() {
  const { values } = parseArgs({
    options: {
      level: { type: 'string' },
      fault: { type: 'string' },
      runtime: { type: 'string', default: 'node' },
    },
  })
  const runtime = values.runtime === 'bun' ? bunPath() : process.execPath
  let failures = 0
  for (const level of values.level === undefined ? ['process', 'disk'] : [values.level]) {
    for (const [name, { needsRoot }] of Object.entries(FAULTS)) {
      if (values.fault !== undefined && values.fault !== name) continue
      if (needsRoot && !isRoot) {
        console.log(`${level}, ${name}: not tried, it needs root`)
        continue
      }
      const problems = await runFault(name, { .../** @type {any} */ ({ level }), runtime }).catch(
        (error) => [String(error?.stack ?? error)],
      )
      failures += problems.length
      console.log(`${level}, ${name}: ${problems.length === 0 ? 'held' : 'FAILED'}`)
      for (const problem of problems) console.log(`  ${problem}`)
    }
  }
  process.exit(failures === 0 ? 0 : 1)
}

if (realpathSync(process.argv[1] ?? '') === fileURLToPath(import.meta.url)) await main()
