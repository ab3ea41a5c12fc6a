// What a live server does with its time: twenty clients of one room who edit as fast as they are acked, at the default
// durability. The clients share the machine with it, so only the shares mean something.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pause } from '../../scripts/durability/kills.mjs'
import { LoadClient } from '../../scripts/durability/load-client.mjs'
import { ServerProcess } from '../../scripts/durability/server-process.mjs'
import { hasStrace, NO_STRACE } from '../../scripts/durability/strace.mjs'

const CLIENTS = 20
const SECONDS = 3

export async function profileLive() {
  if (process.platform !== 'linux') throw new Error('Processor time is read from /proc, on Linux.')
  const { edits, frames, user, system } = await serve([], (pid) => processorTime(pid))
  const share = ((system / (user + system)) * 100).toFixed(0)
  const perFrame = ((user + system) / frames) * 1e6
  console.log(
    `${CLIENTS} clients: ${edits} edits, ${frames} frames sent, ${perFrame.toFixed(2)} us of processor time for each, ` +
      `${share} % of it in the system\n`,
  )
  if (!hasStrace()) throw new Error(NO_STRACE)
  const dir = mkdtempSync(join(tmpdir(), 'heddle-strace-'))
  try {
    const out = join(dir, 'calls')
    const traced = await serve(['strace', '-c', '-f', '-qq', '-o', out], () => undefined)
    printCalls(readFileSync(out, 'utf8'), traced.frames)
  } finally {
    rmSync(dir, { recursive: true })
  }
}

/**
 * @param {string[]} wrapper what traces the server
 * @param {(pid: number) => { user: number, system: number } | undefined} look
 */
async function serve(wrapper, look) {
  const dir = mkdtempSync(join(tmpdir(), 'heddle-live-'))
  const server = new ServerProcess({ dir, level: 'process' }, { wrapper })
  try {
    const port = await server.serve()
    const clients = Array.from({ length: CLIENTS }, () => new LoadClient(port, 'room'))
    await Promise.all(clients.map((client) => client.join()))
    const pid = Number(server.child.pid)
    const before = look(pid)
    for (const client of clients) client.start(undefined)
    await pause(SECONDS * 1_000)
    for (const client of clients) client.rest()
    const after = look(pid)
    const edits = clients.reduce((sum, client) => sum + client.latencies.length, 0)
    for (const client of clients) client.leave()
    return {
      edits,
      // Each edit is acked to one and told to the others.
      frames: edits * CLIENTS,
      user: (after?.user ?? 0) - (before?.user ?? 0),
      system: (after?.system ?? 0) - (before?.system ?? 0),
    }
  } finally {
    server.tell('close')
    await pause(500)
    await server.kill()
    rmSync(dir, { recursive: true })
  }
}

/**
 * Seconds of a process, as the kernel counts them: in hundredths.
 * @param {number} pid
 */
function processorTime(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return { user: Number(fields[11]) / 100, system: Number(fields[12]) / 100 }
}

/**
 * Prints which system calls there were, for each frame sent.
 * @param {string} text what `strace -c` wrote
 * @param {number} frames
 */
function printCalls(text, frames) {
  console.log('| calls | for each frame sent | |\n|---:|---:|---|')
  for (const line of text.split('\n')) {
    const [, , , calls, ...rest] = line.trim().split(/\s+/)
    const name = rest.at(-1)
    const count = Number(calls)
    if (!count || name === undefined || name === 'total' || count < frames / 1_000) continue
    console.log(`| ${count} | ${(count / frames).toFixed(4)} | ${name} |`)
  }
}
