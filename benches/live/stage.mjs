// A server under test and its clients, each in a process of its own.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Child } from './child.mjs'

/**
 * Lets `act` talk to both, and ends them and removes the server's files, whatever comes of it.
 * @template T
 * @param {{ subject: string, clients: string, runtime?: string | undefined, env?: Record<string, string> }} players
 * the server, the program of the clients, and what the server runs on and with
 * @param {(server: Child, clients: Child) => Promise<T>} act
 */
export async function onStage({ subject, clients: program, runtime, env = {} }, act) {
  const dir = mkdtempSync(join(tmpdir(), 'heddle-live-'))
  const server = new Child('server.mjs', [subject, dir], { runtime, env })
  const clients = new Child(program, [])
  try {
    return await act(server, clients)
  } finally {
    await Promise.all([server.end(), clients.end()])
    rmSync(dir, { recursive: true, force: true })
  }
}
