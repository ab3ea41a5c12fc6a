// The parent's handle of a child process.
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { letEnd } from './ending.mjs'

const childProgram = fileURLToPath(new URL('child.mjs', import.meta.url))

/** How long a child may take for one answer, in milliseconds. */
const DEADLINE_MS = 120_000

export class Host {
  #stderr = ''
  #exited
  #dir = mkdtempSync(join(tmpdir(), 'heddle-bench-'))

  /**
   * @param {{ program: string, flags: string[], path: string, caseIndex: number, contestant: import('./contestants.mjs').Contestant }} options
   */
  constructor({ program, flags, path, caseIndex, contestant }) {
    const argument = JSON.stringify({ path, caseIndex, dir: this.#dir, contestant })
    this.contestant = contestant
    this.child = spawn(program, [...flags, childProgram, argument], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, ...contestant.env },
    })
    this.child.stderr.setEncoding('utf8').on('data', (text) => {
      this.#stderr += text
    })
    // Its stdin breaks when it dies: the end of its answers tells.
    this.child.stdin.on('error', () => {})
    this.#exited = new Promise((resolve) => this.child.on('close', resolve))
    this.lines = createInterface({ input: this.child.stdout })[Symbol.asyncIterator]()
  }

  /**
   * @param {'check' | 'warm' | 'sample' | 'received'} order
   * @returns {Promise<any>}
   */
  async ask(order) {
    const deadline = setTimeout(() => this.child.kill('SIGKILL'), DEADLINE_MS)
    this.child.stdin.write(`${order}\n`)
    const { value, done } = await this.lines.next()
    clearTimeout(deadline)
    if (done) throw new Error(`${this.contestant.name} died at '${order}': ${this.#stderr}`)
    return JSON.parse(value).answer
  }

  async end() {
    await letEnd(this.child, this.#exited, () => this.child.stdin.end())
    rmSync(this.#dir, { recursive: true })
  }
}
