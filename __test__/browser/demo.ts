import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { RoomSnapshot } from '../../index.js'

const script = fileURLToPath(new URL('../../examples/demo/server.mjs', import.meta.url))

/** The demo in a process of its own. */
export class Demo {
  private constructor(
    private readonly child: ChildProcess,
    private readonly dataDir: string,
    readonly port: number,
  ) {}

  /** Resolves when it serves. Port 0 is any free one. */
  static start(dataDir: string, port = 0): Promise<Demo> {
    const child = spawn(process.execPath, [script], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, PORT: String(port), DATA_DIR: dataDir },
    })
    return new Promise((resolve, reject) => {
      let output = ''
      const read = (text: unknown) => {
        output += text
        const served = /http:\/\/localhost:(\d+)/.exec(output)?.[1]
        if (served) resolve(new Demo(child, dataDir, Number(served)))
      }
      child.stdout.on('data', read)
      child.stderr.on('data', read)
      child.on('error', reject)
      child.on('exit', (code) => reject(new Error(`The demo ended with ${code}: ${output}`)))
    })
  }

  url(room: string): string {
    return `http://127.0.0.1:${this.port}/r/${room}`
  }

  /** What the room's file holds. */
  saved(room: string): RoomSnapshot {
    return JSON.parse(readFileSync(join(this.dataDir, `${room}.json`), 'utf8'))
  }

  /** Stops it as a process manager does; gives its exit code, or the signal that killed it. */
  async stop(): Promise<number | string> {
    if (this.child.exitCode !== null) return this.child.exitCode
    const exit = once(this.child, 'exit')
    this.child.kill('SIGTERM')
    const [code, signal] = await exit
    return signal ?? code
  }

  kill(): void {
    this.child.kill('SIGKILL')
  }
}
