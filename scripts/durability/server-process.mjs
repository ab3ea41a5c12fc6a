// The handle of a server in a process of its own: how a program starts it, talks to it and kills it.
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const program = fileURLToPath(new URL('server.mjs', import.meta.url))

/** How long a server may take for what it was told, in milliseconds. */
const DEADLINE_MS = 30_000

/** @typedef {import('./server.mjs').ServerOptions} ServerOptions */
/** @typedef {Record<string, unknown>} Fact */

export class ServerProcess {
  /** What it said, in order. */
  facts = /** @type {Fact[]} */ ([])
  stderr = ''
  hasExited = false
  #waiting = /** @type {(() => void)[]} */ ([])
  #isKilled = false

  /**
   * Starts one that waits to be told to serve.
   * @param {ServerOptions} options
   * @param {{ runtime?: string | undefined, wrapper?: string[] | undefined, env?: Record<string, string> | undefined, uid?: number | undefined }} [how]
   * the program that runs it, and a command that runs the program (a tracer, a limit)
   */
  constructor(options, { runtime = process.execPath, wrapper = [], env = {}, uid } = {}) {
    const [command = runtime, ...args] = [...wrapper, runtime, program, JSON.stringify(options)]
    this.child = spawn(command, args, {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { PATH: process.env.PATH, HOME: process.env.HOME, UV_USE_IO_URING: '0', ...env },
      ...(uid !== undefined && { uid, gid: uid }),
    })
    createInterface({ input: this.child.stdout }).on('line', (line) => {
      this.facts.push(JSON.parse(line))
      this.#wake()
    })
    this.child.stderr.on('data', (data) => {
      this.stderr += data
    })
    // Its stdin breaks when it is killed: the exit tells.
    this.child.stdin.on('error', () => {})
    this.exited = new Promise((resolve) => {
      const ended = () => {
        this.hasExited = true
        this.#wake()
        resolve(undefined)
      }
      this.child.on('exit', ended)
      this.child.on('error', (error) => {
        this.stderr += String(error)
        ended()
      })
    })
  }

  /** @param {string} order */
  tell(order) {
    this.child.stdin.write(`${order}\n`)
  }

  /**
   * Waits for a fact of this name, said after the first `from` facts, and gives its value.
   * @param {string} name
   */
  async fact(name, from = 0) {
    const deadline = setTimeout(() => this.#wake(), DEADLINE_MS)
    const started = Date.now()
    try {
      for (;;) {
        const found = this.facts.slice(from).find((fact) => name in fact)
        if (found !== undefined) return found[name]
        if (this.hasExited || Date.now() - started >= DEADLINE_MS) {
          const state = this.hasExited ? 'ended' : 'hangs'
          throw new Error(`the server ${state} before it said '${name}': ${this.lastWords}`)
        }
        await new Promise((resolve) => this.#waiting.push(() => resolve(undefined)))
      }
    } finally {
      clearTimeout(deadline)
    }
  }

  /** Waits until it listens; gives its port. */
  async serve(port = 0) {
    this.tell(`serve ${port}`)
    return Number(await this.fact('listening'))
  }

  /** What it used of the processor since it started, in microseconds. */
  async cpuMicros() {
    const from = this.facts.length
    this.tell('usage')
    const { user, system } = /** @type {NodeJS.CpuUsage} */ (await this.fact('cpu', from))
    return user + system
  }

  /** Kills it as kill -9 does, and waits until it is gone. */
  async kill() {
    this.#isKilled = true
    this.child.kill('SIGKILL')
    await this.exited
  }

  /** Whether it ended though nobody told it to. */
  get hasCrashed() {
    return this.hasExited && !this.#isKilled && !this.facts.some((fact) => 'closed' in fact)
  }

  /** The end of what it said. */
  get lastWords() {
    return `${JSON.stringify(this.facts.slice(-3))} ${this.stderr.slice(-2_000)}`
  }

  #wake() {
    const waiting = this.#waiting
    this.#waiting = []
    for (const wake of waiting) wake()
  }
}
