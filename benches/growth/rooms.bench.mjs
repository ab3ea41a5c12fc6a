// Does a patch cost more the more rooms the process has?
import { Company } from '../jobs/company.mjs'
import { creationFrames } from '../jobs/documents.mjs'
import { cpuFigure, editing, move, sayNext, startEditing } from '../jobs/editing.mjs'
import { sizedCases } from '../jobs/growth.mjs'

const COMPONENTS = 20

/** So many rooms are worked in, whatever the number of others: what grows must not be the cache. */
const BUSY_ROOMS = 10

/** @typedef {{ busy: import('../jobs/editing.mjs').Editing[], idle: Company[] }} World */

/** @type {import('../frame/scenario.mjs').Scenario<World, import('../jobs/growth.mjs').Size>} */
export const scenario = {
  name: 'growth-rooms',
  measures: `one small patch into one of ${BUSY_ROOMS} rooms while the process has this many, one receiver`,
  figures: cpuFigure,
  cases: sizedCases([100, 1_000, 10_000], 'rooms'),
  setup(side, { size }) {
    const params = { receivers: 1, input: /** @type {const} */ ('string') }
    const busy = Array.from({ length: BUSY_ROOMS }, () =>
      startEditing(side, params, creationFrames(COMPONENTS), (index) => move(index, COMPONENTS)),
    )
    const idle = Array.from({ length: size - BUSY_ROOMS }, () => {
      const company = new Company(side, new side.library.Room())
      const author = company.join('author')
      for (const frame of creationFrames(COMPONENTS)) company.hand(author, frame)
      return company
    })
    return { busy, idle }
  },
  check: ({ busy }) =>
    editing.check(/** @type {import('../jobs/editing.mjs').Editing} */ (busy[0])),
  operate({ busy }, index) {
    sayNext(/** @type {import('../jobs/editing.mjs').Editing} */ (busy[index % BUSY_ROOMS]), index)
  },
  received: ({ busy }) => busy.reduce((sum, world) => sum + editing.received(world), 0),
}
