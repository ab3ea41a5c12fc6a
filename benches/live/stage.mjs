// A server under test and its clients, each in a process of its own.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Child } from './child.mjs'

/**
 * The server, the program of its clients, and what the server runs on and with.
 * @typedef {{ subject: string, clients: string, runtime?: string | undefined, env?: Record<string, string> }} Players
 */

export class Stage {
  #dir = mkdtempSync(join(tmpdir(), 'heddle-live-'))

  /** @param {Players} players */
  constructor({ subject, clients, runtime, env = {} }) {
    this.server = new Child('server.mjs', [subject, this.#dir], { runtime, env })
    this.clients = new Child(clients, [])
  }

  /** Ends both and removes the server's files. */
  async close() {
    await Promise.all([this.server.end(), this.clients.end()])
    rmSync(this.#dir, { recursive: true, force: true })
  }
}

/**
 * Lets `act` talk to both, and closes the stage whatever comes of it.
 * @template T
 * @param {Players} players
 * @param {(server: Child, clients: Child) => Promise<T>} act
 */
export async function onStage(players, act) {
  const stage = new Stage(players)
  try {
    return await act(stage.server, stage.clients)
  } finally {
    await stage.close()
  }
}
