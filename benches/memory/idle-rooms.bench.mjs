// Rooms that are open with nobody in them: what each costs, and how long the process stands still while they come and go.
import { LoopWatch, turn } from '../jobs/event-loop.mjs'
import { residentBytes } from '../jobs/memory.mjs'

/** A crowd comes back after a restart: so many rooms are asked for in each turn. */
const OPENED_PER_TURN = 100

/** @typedef {{ rooms: number, stored: boolean }} Params */
/** @typedef {{ side: import('../jobs/sides.mjs').Side, params: Params }} World */

/** @param {World} world @param {number} rooms */
async function open({ side, params }, rooms) {
  const { FileStorage, RoomManager } = side.library
  const manager = new RoomManager()
  for (let from = 0; from < rooms; from += OPENED_PER_TURN) {
    const ids = Array.from({ length: OPENED_PER_TURN }, (_, offset) => `room-${from + offset}`)
    const createStorage = (/** @type {string} */ roomId) => () =>
      new FileStorage({ dir: side.dir, roomId })
    const options = (/** @type {string} */ roomId) =>
      params.stored ? { createStorage: createStorage(roomId) } : {}
    await Promise.all(ids.map((roomId) => manager.getOrCreateRoom(roomId, options(roomId))))
    await turn()
  }
  return manager
}

/**
 * heddle's own figure, whatever the peer's.
 * @param {number} most
 */
const atMost = (most) => {
  /** @type {import('../frame/scenario.mjs').Goal} */
  const goal = { floor: most, absolute: true }
  return { node: goal, bun: goal }
}

const goals = { bytes: atMost(2_048), opening: atMost(20), closing: atMost(20) }

/** @type {import('../frame/scenario.mjs').Scenario<World, Params>} */
export const scenario = {
  name: 'idle-rooms',
  measures: 'rooms without content or sessions open, stay and close, all of a manager',
  figures: {
    bytes: { unit: 'bytes', measures: 'resident set for each room' },
    opening: { unit: 'ms', measures: 'longest pause of the event loop while they open' },
    closing: { unit: 'ms', measures: 'longest pause while `closeAll` closes them' },
  },
  fresh: true,
  flags: ['--expose-gc'],
  rounds: { full: 3, quick: 1 },
  cases: [
    { name: '100,000 rooms', params: { rooms: 100_000, stored: false }, quick: true, goals },
    { name: '5,000 rooms on files', params: { rooms: 5_000, stored: true }, goals },
  ],
  setup: (side, params) => ({ side, params }),
  async check(world) {
    const manager = await open(world, OPENED_PER_TURN)
    const room = await manager.getOrCreateRoom('room-7')
    return { frames: {}, state: [manager.getRoomIds().toSorted(), room.getSnapshot()] }
  },
  async run(world) {
    const { rooms } = world.params
    const before = await residentBytes()
    const watch = new LoopWatch('every turn')
    const manager = await open(world, rooms)
    const opening = watch.lap()
    const bytes = ((await residentBytes()) - before) / rooms
    await turn()
    watch.lap()
    await manager.closeAll()
    const closing = await watch.end()
    return { bytes, opening, closing }
  },
}
