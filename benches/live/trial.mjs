// One trial of the comparison: a server and its clients, who move for a while and then agree on where everybody is.
import { onStage } from './stage.mjs'

const RATE_HZ = 30
/** A server runs for days: what it costs while its code is being compiled is not what it costs. */
const WARM_UP_MS = 1_500

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
export function moved({ subject, layout, ms, mostLoad }) {
  return onStage({ subject, clients: 'clients/movement.mjs' }, async (server, clients) => {
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
    const { cpuMicros, rss } = await server.ask('usage')
    return {
      load,
      clientsLoad,
      cpuMicrosPerEdit: (cpuMicros - before.cpuMicros) / delivered,
      bytesPerEdit: bytes / delivered,
      p50Ms,
      p99Ms,
      rss,
    }
  })
}

/** @param {number} load */
function share(load) {
  return `${load.toFixed(2)} of a core`
}
