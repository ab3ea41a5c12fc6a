// A client comes back that missed the last five changes.
import { Company } from '../jobs/company.mjs'
import { creationFrames, patchFrame, reconnectFrame, shapeKey } from '../jobs/documents.mjs'
import { cpuFigure } from '../jobs/editing.mjs'
import { turn } from '../jobs/event-loop.mjs'

const MISSED = 5

/** A patch and `synced`. */
const FRAMES = 2

/** @typedef {{ components: number }} Params */
/** @typedef {{ company: Company, returner: import('../jobs/company.mjs').Member, frame: string, asked: number }} World */

/**
 * @param {number} components
 * @param {import('../frame/scenario.mjs').Goal} node
 * @returns {import('../frame/scenario.mjs').Case<Params>}
 */
const sized = (components, node) => ({
  name: `${components.toLocaleString('en')} components`,
  params: { components },
  quick: components < 100_000,
  goals: { cpu: { node } },
})

/** @type {import('../frame/scenario.mjs').Scenario<World, Params>} */
export const scenario = {
  name: 'catch-up',
  measures: 'one `reconnect` of a client that is 5 changes behind, fake sockets',
  figures: cpuFigure,
  cases: [
    sized(1_000, { floor: 30, aim: 80 }),
    sized(10_000, { floor: 400, aim: 1_000 }),
    sized(100_000, { floor: 5_000, aim: 15_000 }),
  ],
  setup(side, { components }) {
    const company = new Company(side, new side.library.Room())
    const author = company.join('author')
    for (const frame of creationFrames(components)) company.hand(author, frame)
    for (let change = 0; change < MISSED; change += 1) {
      company.hand(
        author,
        patchFrame(`edit-${change}`, [{ [shapeKey(change)]: { x: change + 0.5 } }]),
      )
    }
    const returner = company.join('returner')
    const { timestamp } = company.room.getSnapshot()
    return { company, returner, frame: reconnectFrame(timestamp - MISSED), asked: 0 }
  },
  check: (world) =>
    world.company.witness(() => {
      world.company.hand(world.returner, world.frame)
      world.returner.socket.count = 0
    }),
  operate(world) {
    world.company.hand(world.returner, world.frame)
    world.asked += 1
  },
  async settle({ returner, asked }) {
    while (returner.socket.count < asked * FRAMES) await turn()
  },
  received: ({ returner }) => returner.socket.count,
}
