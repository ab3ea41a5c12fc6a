import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import WebSocket from 'ws'
import { PUBLIC_LIMITS, type ServerMessage } from '../index.js'
import { bunPath, nodeOfLine, oldestBunPath } from '../scripts/runtimes.mjs'

const examples = fileURLToPath(new URL('../examples', import.meta.url))

/** Runs in a folder of its own, where the examples keep their rooms. */
let folder: string
let running: ChildProcess[] = []

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'heddle-example-'))
})

afterEach(() => {
  for (const child of running) child.kill('SIGKILL')
  running = []
  rmSync(folder, { recursive: true })
})

/** An example that is up: it printed its URL, and nothing else. */
class Example {
  constructor(
    readonly url: string,
    readonly child: ChildProcess,
  ) {}

  async join(clientId: string): Promise<Client> {
    const query = new URLSearchParams({ roomId: 'room', clientId, token: 'token' })
    const client = new Client(new WebSocket(`${this.url}?${query}`))
    await once(client.socket, 'open')
    client.send({ type: 'reconnect', lastTimestamp: 0, protocolVersion: 2 })
    await client.receives((message) => message.type === 'synced')
    return client
  }

  /** Stops the example as a process manager does; gives its exit code, or the signal that killed it. */
  async stop(): Promise<number | string> {
    this.child.kill('SIGTERM')
    const [code, signal] = await once(this.child, 'exit')
    return signal ?? code
  }
}

/** A client on a raw socket. */
class Client {
  #received: ServerMessage[] = []
  #waiting: (() => void)[] = []

  constructor(readonly socket: WebSocket) {
    socket.on('message', (data) => {
      this.#received.push(JSON.parse(String(data)))
      for (const look of this.#waiting) look()
    })
  }

  send(message: unknown): void {
    this.socket.send(JSON.stringify(message))
  }

  /** Sends an edit and resolves when it is acked. */
  async patch(...documentPatches: object[]): Promise<void> {
    this.send({ type: 'patch', messageId: '1', documentPatches })
    await this.receives((message) => message.type === 'ack' && message.messageId === '1')
  }

  /** Resolves as soon as a message like this is there; the test's deadline is the limit. */
  receives(isExpected: (message: ServerMessage) => boolean): Promise<ServerMessage> {
    return new Promise((resolve) => {
      const look = () => {
        const message = this.#received.find(isExpected)
        if (message) resolve(message)
      }
      this.#waiting.push(look)
      look()
    })
  }
}

function startExample(
  runtime: string,
  file: string,
  env: Record<string, string> = {},
): Promise<Example> {
  const child = spawn(runtime, [join(examples, file)], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH, PORT: '0', NODE_NO_WARNINGS: '1', ...env },
  })
  running.push(child)
  return new Promise((resolve, reject) => {
    let output = ''
    const read = (text: unknown) => {
      output += text
      const url = /^(ws:\S+)\n$/.exec(output)?.[1]
      if (url) resolve(new Example(url, child))
    }
    child.stdout?.on('data', read)
    child.stderr?.on('data', read)
    child.on('error', reject)
    // Not `exit`: what it said last may come after that.
    child.on('close', (code) => reject(new Error(`${file} ended with ${code}: ${output}`)))
  })
}

describe.each([
  { file: 'node-ws.mjs', runtime: () => process.execPath },
  { file: 'bun.ts', runtime: bunPath },
  { file: 'bun.ts', runtime: oldestBunPath },
  { file: 'express.mjs', runtime: () => process.execPath },
  { file: 'sqlite.mjs', runtime: () => nodeOfLine(22) },
  { file: 'sqlite.mjs', runtime: () => nodeOfLine(24) },
])('examples/$file', { timeout: 30_000 }, ({ file, runtime }) => {
  it('brings an edit to the others, ends on SIGTERM and has it after a restart', async () => {
    const first = await startExample(runtime(), file)
    const alice = await first.join('alice')
    const bob = await first.join('bob')

    await alice.patch({ 'shape/Position': { _exists: true, x: 1, y: 2 } })
    const seen = await bob.receives((message) => message.type === 'patch')
    const firstEnd = await first.stop()
    const second = await startExample(runtime(), file)
    const carol = await second.join('carol')
    const kept = await carol.receives((message) => message.type === 'patch')
    const secondEnd = await second.stop()

    const patches = [{ 'shape/Position': { _exists: true, x: 1, y: 2 } }]
    expect(seen).toMatchObject({ clientId: 'alice', documentPatches: patches })
    expect(kept).toMatchObject({ clientId: '', documentPatches: patches })
    expect([firstEnd, secondEnd]).toEqual([0, 0])
  })

  it('closes a connection that names no room, and goes on', async () => {
    const example = await startExample(runtime(), file)
    const lost = new WebSocket(`${example.url}?clientId=alice&token=token`)

    const [code, reason] = await once(lost, 'close')
    const client = await example.join('alice')

    expect(code).toBe(4401)
    expect(String(reason)).not.toBe('')
    expect(client.socket.readyState).toBe(WebSocket.OPEN)
    expect(await example.stop()).toBe(0)
  })
})

describe.each([
  { file: 'node-ws.mjs', runtime: () => process.execPath },
  { file: 'bun.ts', runtime: bunPath },
])('examples/$file on the open internet', { timeout: 30_000 }, ({ file, runtime }) => {
  it('takes only the pages that it is told, and no frame that is too large', async () => {
    const ORIGINS = 'https://app.example,https://beta.app.example'
    const example = await startExample(runtime(), file, { ORIGINS })
    const url = `${example.url}?roomId=room&clientId=eve&token=token`
    const from = (origin: string) => new WebSocket(url, { origin })

    const [foreign] = await once(from('https://evil.example'), 'close')
    const eve = new Client(from('https://beta.app.example'))
    await once(eve.socket, 'open')
    await eve.patch({ 'shape/Position': { _exists: true, x: 1 } })
    eve.socket.send('x'.repeat(PUBLIC_LIMITS.frameBytes + 1))
    const [tooLarge] = await once(eve.socket, 'close')

    expect(foreign).toBe(4401)
    // Of the WebSocket libraries, which read no further: `ws` says why, Bun hangs up.
    expect([1009, 1006]).toContain(tooLarge)
    expect(await example.stop()).toBe(0)
  })
})

describe('examples/express.mjs', { timeout: 30_000 }, () => {
  it('answers HTTP on the same port, about the rooms that are open', async () => {
    const example = await startExample(process.execPath, 'express.mjs')
    const http = example.url.replace('ws:', 'http:')
    const alice = await example.join('alice')
    await alice.patch({ 'shape/Position': { _exists: true, x: 1 } })

    const rooms = await (await fetch(http)).json()
    const room = await (await fetch(`${http}/room`)).json()
    const nobody = await fetch(`${http}/elsewhere`)

    expect(rooms).toEqual(['room'])
    expect(room).toEqual({ 'shape/Position': { _exists: true, x: 1 } })
    expect(nobody.status).toBe(404)
    expect(await example.stop()).toBe(0)
  })
})

describe('examples/bot.mjs', { timeout: 30_000 }, () => {
  it('brings a shape back that left the canvas, for everyone', async () => {
    const example = await startExample(process.execPath, 'bot.mjs')
    const alice = await example.join('alice')
    const bob = await example.join('bob')
    const isCorrection = (message: ServerMessage) =>
      message.type === 'patch' && message.clientId === '' && message.documentPatches !== undefined

    await alice.patch({ 'shape/Position': { _exists: true, x: -5, y: 2000 } })
    const corrections = [await alice.receives(isCorrection), await bob.receives(isCorrection)]

    expect(
      corrections.map((message) => 'documentPatches' in message && message.documentPatches),
    ).toEqual([
      [{ 'shape/Position': { x: 0, y: 1080 } }],
      [{ 'shape/Position': { x: 0, y: 1080 } }],
    ])
    expect(await example.stop()).toBe(0)
  })
})

describe('examples/sqlite-storage.mjs', { timeout: 30_000 }, () => {
  it.each([22, 24] as const)('[ST13] keeps the contract of storages on Node %s', async (line) => {
    const args = ['--test', '--test-reporter=tap', join(examples, 'sqlite-storage.test.mjs')]

    const { stdout } = await promisify(execFile)(nodeOfLine(line), args, { cwd: folder })

    expect(stdout).toMatch(/^# pass 27\n# fail 0$/m)
  })

  it('belongs to one process at a time, and to the next as soon as that one is dead', async () => {
    const node = nodeOfLine(22)
    const owner = await startExample(node, 'sqlite.mjs')

    await expect(startExample(node, 'sqlite.mjs')).rejects.toThrow('database is locked')
    owner.child.kill('SIGKILL')
    await once(owner.child, 'exit')
    const next = await startExample(node, 'sqlite.mjs')

    expect(await next.stop()).toBe(0)
  })
})

describe('the examples', () => {
  it('are each under 60 lines', () => {
    const lengths = readdirSync(examples)
      .filter((file) => /\.(mjs|ts)$/.test(file))
      .map((file) => [file, readFileSync(join(examples, file), 'utf8').split('\n').length])

    expect(lengths.length).toBeGreaterThan(4)
    expect(lengths.filter(([, lines]) => Number(lines) >= 60)).toEqual([])
  })
})
