// Rooms that are open with nobody in them: what each costs, and how long the process stands still while they come and go.
import { LoopWatch, turn } from '../jobs/event-loop.mjs'
import { residentBytes, SMALL_YOUNG_GENERATION } from '../jobs/memory.mjs'

/** A crowd comes back after a restart: so many rooms are asked for in each turn. */
const OPENED_PER_TURN = 100

/** @typedef {{ rooms: number, stored: boolean }} Params */
/** @typedef {{ side: import('../jobs/sides.mjs').Side, params: Params }} World */

/**
 * After so many rooms the size of the process is looked at first: until then it compiles what it runs, and starts its threads,
 * which is not what a room costs.
 */
const FIRST_ROOMS = 1_000

/**
 * Opens the rooms from this number to before that one.
 * @param {World} world
 * @param {InstanceType<World['side']['library']['RoomManager']>} manager
 * @param {number} start
 * @param {number} end
 */
async function open({ side, params }, manager, start, end) {
  const { FileStorage } = side.library
  for (let from = start; from < end; from += OPENED_PER_TURN) {
    const ids = Array.from({ length: OPENED_PER_TURN }, (_, offset) => `room-${from + offset}`)
    const createStorage = (/** @type {string} */ roomId) => () =>
      new FileStorage({ dir: side.dir, roomId })
    const options = (/** @type {string} */ roomId) =>
      params.stored ? { createStorage: createStorage(roomId) } : {}
    await Promise.all(ids.map((roomId) => manager.getOrCreateRoom(roomId, options(roomId))))
    await turn()
  }
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
    bytes: { unit: 'bytes', measures: 'resident set for each room after the first thousand' },
    opening: { unit: 'ms', measures: 'longest pause of the event loop while they open' },
    closing: { unit: 'ms', measures: 'longest pause while `closeAll` closes them' },
  },
  fresh: true,
  flags: ['--expose-gc', SMALL_YOUNG_GENERATION],
  rounds: { full: 3, quick: 1 },
  cases: [
    { name: '100,000 rooms', params: { rooms: 100_000, stored: false }, quick: true, goals },
    // Of fewer the megabyte that a process has more or less would be a third.
    { name: '15,000 rooms on files', params: { rooms: 15_000, stored: true }, goals },
  ],
  setup: (side, params) => ({ side, params }),
  async check(world) {
    const manager = new world.side.library.RoomManager()
    await open(world, manager, 0, OPENED_PER_TURN)
    const room = await manager.getOrCreateRoom('room-7')
    return { frames: {}, state: [manager.getRoomIds().toSorted(), room.getSnapshot()] }
  },
  async run(world) {
    const { rooms } = world.params
    const manager = new world.side.library.RoomManager()
    const watch = new LoopWatch('every turn')
    await open(world, manager, 0, FIRST_ROOMS)
    const openingFirst = watch.lap()
    const before = await residentBytes()
    await turn()
    watch.lap()
    await open(world, manager, FIRST_ROOMS, rooms)
    const opening = Math.max(openingFirst, watch.lap())
    const bytes = ((await residentBytes()) - before) / (rooms - FIRST_ROOMS)
    await turn()
    watch.lap()
    await manager.closeAll()
    const closing = await watch.end()
    return { bytes, opening, closing }
  },
}
