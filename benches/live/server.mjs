// The program that a server under test runs in: `node server.mjs <subject> <dir>`. It serves on loopback, keeps its rooms in the
// folder, and tells what it used.
import { iterationsFor, spin } from '../frame/spin.mjs'
import { answer } from './child.mjs'
import { listen } from './hosts.mjs'

const [subject, dir] = process.argv.slice(2)

/** Work that each message costs more than it would. */
let plantedSpins = 0

const { serve } = await import(`./servers/${subject}.mjs`)
const port = await serve({
  dir,
  /** @param {import('./hosts.mjs').Accept} accept */
  listen: (accept) => listen((socket, url) => planted(accept(socket, url))),
})

answer({
  port: () => port,
  usage,
  /** @param {{ nanos: number }} order */
  plant({ nanos }) {
    plantedSpins = nanos > 0 ? iterationsFor(nanos) : 0
  },
})

/** What this process used of the processor since it started, all threads, and what it holds. */
function usage() {
  const { user, system } = process.cpuUsage()
  const { rss, heapUsed, external } = process.memoryUsage()
  return { cpuMicros: user + system, rss, heapUsed, external }
}

/**
 * @param {import('./hosts.mjs').Handlers} handlers
 * @returns {import('./hosts.mjs').Handlers}
 */
function planted({ onMessage, onClose }) {
  return {
    onMessage(data) {
      if (plantedSpins > 0) spin(plantedSpins)
      onMessage(data)
    },
    onClose,
  }
}
