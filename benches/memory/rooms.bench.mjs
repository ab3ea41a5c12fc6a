// What documents in memory cost.
import { Company } from '../jobs/company.mjs'
import { creationFrames } from '../jobs/documents.mjs'
import { residentBytes, SMALL_YOUNG_GENERATION } from '../jobs/memory.mjs'

/** @typedef {{ rooms: number, components: number }} Params */
/** @typedef {{ side: import('../jobs/sides.mjs').Side, params: Params, kept: Company[] }} World */

/** @param {World} world @param {number} rooms */
function open({ side, params, kept }, rooms) {
  for (let room = 0; room < rooms; room += 1) {
    const company = new Company(side, new side.library.Room())
    const author = company.join('author')
    for (const frame of creationFrames(params.components)) company.hand(author, frame)
    company.leave(author)
    kept.push(company)
  }
}

/** @param {number} floor @param {number} aim */
const goals = (floor, aim) => ({ resident: { node: { floor, aim } } })

/** @type {import('../frame/scenario.mjs').Scenario<World, Params>} */
export const scenario = {
  name: 'memory',
  measures: 'rooms of shapes of 120 bytes, made by patches, nobody in them',
  figures: {
    resident: { unit: 'bytes', measures: 'resident set after collection, less that before' },
  },
  fresh: true,
  flags: ['--expose-gc', SMALL_YOUNG_GENERATION],
  rounds: { full: 3, quick: 1 },
  cases: [
    {
      name: 'one room of 100,000 components',
      params: { rooms: 1, components: 100_000 },
      quick: true,
      goals: goals(2.5, 5),
    },
    {
      name: '5,000 rooms of 20 components',
      params: { rooms: 5_000, components: 20 },
      quick: true,
      goals: goals(2, 4),
    },
  ],
  setup: (side, params) => ({ side, params, kept: [] }),
  check(world) {
    open(world, 1)
    return { frames: {}, state: world.kept[0]?.room.getSnapshot() }
  },
  async run(world) {
    const before = await residentBytes()
    open(world, world.params.rooms)
    return { resident: (await residentBytes()) - before }
  },
}
