// A program in a process of its own, both ends of the wire: who started it asks, it answers.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { letEnd } from '../frame/ending.mjs'

/** How long a child may take for an answer, in milliseconds. */
const DEADLINE_MS = 60_000

/**
 * @typedef {{ id: number, order: string, argument: unknown }} Question
 * @typedef {{ id: number, result?: any, error?: string | undefined }} Answer
 * @typedef {{ resolve(result: any): void, reject(error: Error): void, deadline: NodeJS.Timeout }} Waiting
 */

export class Child {
  #name
  #process
  #asked = 0
  #waiting = /** @type {Map<number, Waiting>} */ (new Map())
  #hasExited = false

  /**
   * @param {string} program a file beside this one
   * @param {string[]} args
   * @param {{ runtime?: string | undefined, env?: Record<string, string> | undefined }} [how]
   */
  constructor(program, args, { runtime = process.execPath, env = {} } = {}) {
    this.#name = `${program} ${args.join(' ')}`
    this.#process = fork(fileURLToPath(new URL(program, import.meta.url)), args, {
      execPath: runtime,
      execArgv: [],
      env: { ...process.env, ...env },
      serialization: 'json',
    })
    this.#process.on('message', (message) => this.#answered(/** @type {Answer} */ (message)))
    this.#process.on('error', (error) => this.#fail(String(error)))
    this.#process.on('exit', (code, signal) => {
      this.#hasExited = true
      this.#fail(`ended, ${signal ?? `code ${code}`}`)
    })
  }

  get pid() {
    return this.#process.pid ?? 0
  }

  /**
   * Tells it to do something; resolves to its answer.
   * @param {string} order
   * @param {unknown} [argument]
   * @returns {Promise<any>}
   */
  ask(order, argument) {
    if (this.#hasExited) return Promise.reject(new Error(`${this.#name} has ended`))
    this.#asked += 1
    const id = this.#asked
    return new Promise((resolve, reject) => {
      const deadline = setTimeout(() => {
        this.#answered({ id, error: `no answer to '${order}'` })
      }, DEADLINE_MS)
      this.#waiting.set(id, { resolve, reject, deadline })
      this.#process.send({ id, order, argument })
    })
  }

  async end() {
    if (this.#hasExited) return
    const child = this.#process
    await letEnd(child, once(child, 'exit'), () => child.disconnect())
  }

  /** @param {Answer} answer */
  #answered({ id, result, error }) {
    const waiting = this.#waiting.get(id)
    if (waiting === undefined) return
    this.#waiting.delete(id)
    clearTimeout(waiting.deadline)
    if (error === undefined) waiting.resolve(result)
    else waiting.reject(new Error(`${this.#name}: ${error}`))
  }

  /** @param {string} error */
  #fail(error) {
    for (const id of [...this.#waiting.keys()]) this.#answered({ id, error })
  }
}

/**
 * Answers, in the child. It ends with who started it.
 * @param {Record<string, (argument: any) => unknown>} orders
 */
export function answer(orders) {
  process.on('message', async (message) => {
    const { id, order, argument } = /** @type {Question} */ (message)
    try {
      process.send?.({ id, result: await orders[order]?.(argument) })
    } catch (error) {
      process.send?.({ id, error: error instanceof Error ? error.stack : String(error) })
    }
  })
  process.on('disconnect', () => process.exit())
}
