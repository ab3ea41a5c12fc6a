// A folder of rooms, the server that serves them until it is killed, the next one that waits to take over, and their clients.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Canvas, converge } from './canvas.mjs'
import { divergence, Editor, look } from './editor.mjs'
import { drawMoment, halfMadeFiles, onNewFile, pause } from './kills.mjs'
import { Ledger } from './ledger.mjs'
import { Random } from './random.mjs'
import { ServerProcess } from './server-process.mjs'

/** The room of the real clients; it has no ledger, they must agree with it. */
const CANVAS_ROOM = 'canvas'

/** How long real clients may take to agree with a room, in milliseconds. */
const AGREEMENT_MS = 10_000

/** How often real clients are given the time to agree: every so many rounds. */
const MEETING_EVERY = 5

/**
 * @typedef {object} WorldOptions
 * @property {import('./server.mjs').ServerOptions['level']} level
 * @property {import('./reference.mjs').Fault} [fault]
 * @property {string} [runtime]
 * @property {number} rooms
 * @property {number} editors how many edit each room
 * @property {number} canvases how many real clients there are
 * @property {number} longestLoadMs
 */

/** What a run did, in numbers. */
export class Tally {
  rounds = 0
  meetings = 0
  /** Rounds whose kill left a file half made: in a compaction, a save, a rewrite. */
  killsWithHalfMadeFiles = 0
  /** @type {Record<import('./kills.mjs').Moment, number>} */
  kills = { load: 0, file: 0, open: 0, close: 0, leave: 0 }
}

export class World {
  #options
  #findings
  #tally
  #random
  /** @type {Canvas[]} */
  #canvases = []
  #port
  #isDrawing = false
  /** @type {Set<string>} */
  #halfMade = new Set()
  /** @type {Promise<unknown>} */
  #drawing = Promise.resolve()

  /**
   * @param {WorldOptions} options
   * @param {number} seed
   * @param {import('./ledger.mjs').Findings} findings
   * @param {Tally} tally
   */
  constructor(options, seed, findings, tally) {
    this.#options = options
    this.#findings = findings
    this.#tally = tally
    this.#random = new Random(seed)
    this.#port = drawPort()
    this.dir = mkdtempSync(join(tmpdir(), 'heddle-kill-'))
    this.rooms = Array.from({ length: options.rooms }, (_, index) => {
      const name = `room-${index}`
      const ledger = new Ledger(name, findings)
      const editors = Array.from(
        { length: options.editors },
        (_, client) => new Editor(ledger, name, `${name}-${client}`, this.#random.fork()),
      )
      return { name, ledger, editors }
    })
    this.#server = this.#start()
    this.#next = this.#start()
  }

  #server
  #next

  #start() {
    const { level, fault, runtime } = this.#options
    const { dir } = this
    const saveThrottleMs = 15
    return new ServerProcess({ dir, level, fault, saveThrottleMs, idleTimeout: 5 }, { runtime })
  }

  get #editors() {
    return this.rooms.flatMap(({ editors }) => editors)
  }

  /** One life of the server, from its start to its death. */
  async round() {
    this.#tally.rounds += 1
    await this.#server.serve(this.#port)
    const moment = drawMoment(this.#random)
    this.#tally.kills[moment] += 1
    if (moment === 'open') await this.#dieWhileOpening()
    else await this.#live(moment)
    if (this.#server.hasCrashed) this.#findings.fail(`the server crashed: ${this.#server.stderr}`)
    await this.#server.kill()
    this.#isDrawing = false
    await Promise.all([this.#drawing, ...this.#editors.map((editor) => editor.gone())])
    for (const { error, refused } of this.#server.facts) {
      if (error ?? refused) this.#findings.fail(`the server said ${error ?? refused}`)
    }
    this.#countHalfMadeFiles()
    this.#server = this.#next
    this.#next = this.#start()
  }

  #countHalfMadeFiles() {
    const fresh = halfMadeFiles(this.dir).filter((name) => !this.#halfMade.has(name))
    if (fresh.length > 0) this.#tally.killsWithHalfMadeFiles += 1
    for (const name of fresh) this.#halfMade.add(name)
  }

  async #dieWhileOpening() {
    const connecting = this.#editors.map((editor) => editor.connect(this.#port))
    await pause(this.#random.integer(0, 25))
    await this.#server.kill()
    await Promise.all(connecting)
  }

  /** @param {import('./kills.mjs').Moment} moment */
  async #live(moment) {
    await this.check()
    this.#startDrawing()
    const random = this.#random
    const loadMs = random.integer(5, this.#options.longestLoadMs)
    for (const editor of this.#editors) editor.edit()
    if (moment === 'file') {
      const strike = () => void this.#server.kill()
      await onNewFile(this.dir, random.integer(1, 12), 2 * this.#options.longestLoadMs, strike)
      return
    }
    await pause(loadMs)
    if (moment === 'close') {
      this.#server.tell('close')
      await pause(random.integer(0, 20))
    } else if (moment === 'leave') {
      for (const editor of random.of(this.rooms).editors) editor.leave()
      await pause(random.integer(0, 20))
    }
  }

  /** Looks at every room as it was recovered, then lets its editors catch up: they must hold what it holds. */
  async check() {
    await Promise.all(
      this.rooms.map(async ({ name, ledger, editors }) => {
        const found = await look(this.#port, name)
        ledger.check(found)
        await Promise.all(editors.map((editor) => editor.connect(this.#port)))
        for (const editor of editors) {
          const [key] = divergence(editor, found)
          if (key) this.#findings.fail(`${name}: a client that caught up diverges in ${key}`)
        }
      }),
    )
    if (this.#tally.rounds % MEETING_EVERY === 0) await this.#meet()
  }

  async #meet() {
    if (this.#canvases.length === 0) return
    this.#tally.meetings += 1
    const lookAtRoom = () => look(this.#port, CANVAS_ROOM)
    const wrong = await converge(this.#canvases, lookAtRoom, AGREEMENT_MS)
    for (const story of wrong.slice(0, 3)) this.#findings.fail(`real clients: ${story}`)
  }

  /** Real clients draw until the round is over, online or not. */
  #startDrawing() {
    this.#isDrawing = true
    this.#drawing = this.#draw()
  }

  async #draw() {
    while (this.#canvases.length < this.#options.canvases) {
      const clientId = `person-${this.#canvases.length}`
      const canvas = new Canvas(this.#port, CANVAS_ROOM, clientId, this.#random.fork())
      this.#canvases.push(canvas)
      await canvas.open()
    }
    while (this.#isDrawing) {
      for (const canvas of this.#canvases) await canvas.draw()
      await pause(4)
    }
  }

  /** The end of what the server said. */
  get lastWords() {
    return this.#server.lastWords
  }

  /** The last server is not killed but checked once more. */
  async finish() {
    await this.#server.serve(this.#port)
    await this.check()
    await this.#meet()
  }

  /**
   * Ends the world's processes; removes its folder, unless it is to be looked at.
   * @param {boolean} keepsFolder
   */
  async end(keepsFolder) {
    this.#isDrawing = false
    for (const canvas of this.#canvases) canvas.close()
    for (const editor of this.#editors) editor.cut()
    await Promise.all([this.#server.kill(), this.#next.kill()])
    if (!keepsFolder) rmSync(this.dir, { recursive: true })
  }
}

/**
 * A port on which all servers of a world listen in turn. Not one of those that the system gives to clients: while no server
 * listens a client that tries to connect may be given that very port, and keep it.
 */
function drawPort() {
  return 20_000 + Math.floor(Math.random() * 10_000)
}
