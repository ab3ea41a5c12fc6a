// What the scenarios of joining share: a room of many components, and clients that have seen nothing of it.
import { burn } from '../frame/spin.mjs'
import { Company } from './company.mjs'
import { creationFrames, patchFrame, reconnectFrame, shapeKey } from './documents.mjs'
import { LoopWatch, pause, turn } from './event-loop.mjs'
import { FakeSocket } from './sockets.mjs'

/** @typedef {{ components: number, joiners: number }} JoinParams */
/** @typedef {{ company: Company, author: import('./company.mjs').Member, params: JoinParams, plantedMs: number }} Joining */

/** After the last `synced`, what is left to do for the join may still hold the loop. */
const AFTERMATH_MS = 20

export const joinFigures = {
  latency: { unit: 'ms', measures: 'from the first `reconnect` until the last joiner is `synced`' },
  block: { unit: 'ms', measures: 'longest pause of the event loop meanwhile' },
  cpu: { unit: 'ms', measures: 'processor time of the process meanwhile, all threads' },
}

export const joinGoals = {
  latency: { node: { floor: 10, aim: 20 } },
  block: { node: { floor: 10, aim: 100 } },
}

/**
 * @param {import('./sides.mjs').Side} side
 * @param {JoinParams} params
 * @returns {Joining}
 */
export function openLargeRoom(side, params) {
  const company = new Company(side, new side.library.Room())
  const author = company.join('author')
  for (const frame of creationFrames(params.components)) company.hand(author, frame)
  return { company, author, params, plantedMs: 0 }
}

/**
 * What the joiners are sent is the whole document, so of the snapshot the clock is enough.
 * @param {Joining} world
 */
export async function witnessJoins({ company, params }) {
  const joiners = seats(company, params.joiners)
  const { frames, state } = await company.witness(() => join(company, joiners, 0))
  return { frames, state: state.timestamp }
}

/**
 * Somebody edits, so that nothing that was made for the last join fits, then all join at once.
 * @param {Joining} world
 */
export async function sampleJoins(world) {
  const { company, params } = world
  edit(world)
  const joiners = seats(company, params.joiners)
  await turn()

  const before = process.cpuUsage()
  const watch = new LoopWatch('every turn')
  const latency = await join(company, joiners, world.plantedMs)
  const { user, system } = process.cpuUsage(before)
  await pause(AFTERMATH_MS)
  const block = await watch.end()

  for (const joiner of joiners) company.leave(joiner)
  return { latency, block, cpu: (user + system) / 1_000 }
}

/**
 * A sample that is thrown away, after which 20 % of it can be planted.
 * @param {Joining} world
 * @param {number} percent
 */
export async function rehearse(world, percent) {
  const { latency } = await sampleJoins(world)
  world.plantedMs = (latency * percent) / 100 / world.params.joiners
}

/**
 * One join after an edit; resolves to how much the joiner was sent.
 * @param {Joining} world
 */
export async function joinSettled(world) {
  edit(world)
  const joiners = seats(world.company, 1)
  await join(world.company, joiners, 0)
  for (const joiner of joiners) world.company.leave(joiner)
  return joiners.reduce((sum, { socket }) => sum + socket.length, 0)
}

/** @param {Joining} world */
function edit({ company, author, params }) {
  const { count } = author.socket
  const changed = { [shapeKey(count % params.components)]: { x: count } }
  company.hand(author, patchFrame(`edit-${count}`, [changed]))
}

/** @param {Company} company @param {number} count */
function seats(company, count) {
  return Array.from({ length: count }, (_, index) =>
    company.join(`joiner-${index}`, new FakeSocket()),
  )
}

/**
 * Resolves to how long it took.
 * @param {Company} company
 * @param {import('./company.mjs').Member[]} joiners
 * @param {number} plantedMs
 */
async function join(company, joiners, plantedMs) {
  const synced = Promise.all(joiners.map(({ socket }) => isSynced(socket)))
  const started = performance.now()
  for (const joiner of joiners) {
    company.hand(joiner, reconnectFrame(0))
    if (plantedMs > 0) burn(plantedMs)
  }
  await synced
  return performance.now() - started
}

/** @param {FakeSocket} socket */
function isSynced(socket) {
  return new Promise((resolve) => {
    socket.onText = (text) => {
      if (text.startsWith('{"type":"synced"')) resolve(undefined)
    }
  })
}
