// One trial of the comparison: a server and its clients, who move for a while and then agree on where everybody is.
import { Child } from './child.mjs'

const RATE_HZ = 30
const WARM_UP_MS = 500

/**
 * @typedef {object} Moved
 * @property {number} load how much of a core the server used while everybody moved
 * @property {number} clientsLoad the same of the process of the clients
 * @property {number} cpuMicrosPerEdit of the server, for each move that reached another client
 * @property {number} bytesPerEdit that reached the clients
 * @property {number} p50Ms from the move to its arrival
 * @property {number} p99Ms
 * @property {number} rss of the server, in bytes
 */

/** What one trial cannot show, and why. */
export class TooMuch extends Error {}

/**
 * @typedef {object} Trial
 * @property {string} subject
 * @property {import('./clients/crowd.mjs').Layout} layout
 * @property {number} ms
 * @property {number} mostLoad how much of a core the server, and its clients, may use
 */

/**
 * Rejects where a move did not arrive, or not in order, and with `TooMuch` where there were too many.
 * @param {Trial} trial
 * @returns {Promise<Moved>}
 */
export async function moved({ subject, layout, ms, mostLoad }) {
  const server = new Child('server.mjs', [subject])
  const clients = new Child('clients/movement.mjs', [])
  try {
    await clients.ask('join', { subject, layout, port: await server.ask('port') })
    await clients.ask('run', { rate: RATE_HZ, ms: WARM_UP_MS })
    await clients.ask('agree')

    const before = await server.ask('usage')
    const { seconds, clientsLoad } = await clients.ask('run', { rate: RATE_HZ, ms })
    const meanwhile = await server.ask('usage')
    const load = (meanwhile.cpuMicros - before.cpuMicros) / 1e6 / seconds
    if (clientsLoad > mostLoad) throw new TooMuch(`the clients used ${share(clientsLoad)}`)
    if (load > mostLoad) throw new TooMuch(`the server used ${share(load)}`)
    const { delivered, bytes, p50Ms, p99Ms } = await clients.ask('agree')
    const after = await server.ask('usage')
    await server.ask('close')
    return {
      load,
      clientsLoad,
      cpuMicrosPerEdit: (after.cpuMicros - before.cpuMicros) / delivered,
      bytesPerEdit: bytes / delivered,
      p50Ms,
      p99Ms,
      rss: after.rss,
    }
  } finally {
    await Promise.all([server.end(), clients.end()])
  }
}

/** @param {number} load */
function share(load) {
  return `${load.toFixed(2)} of a core`
}
