// Does a patch cost more the more sessions the process has that have nothing to do with it?
import { Company } from '../jobs/company.mjs'
import { creationFrames } from '../jobs/documents.mjs'
import { cpuFigure, editing, move, startEditing } from '../jobs/editing.mjs'
import { sizedCases } from '../jobs/growth.mjs'

const COMPONENTS = 1_000
const SESSIONS_PER_ROOM = 50

/** @typedef {import('../jobs/editing.mjs').Editing & { others: Company[] }} World */

/** @type {import('../frame/scenario.mjs').Scenario<World, import('../jobs/growth.mjs').Size>} */
export const scenario = {
  name: 'growth-sessions',
  measures: `one small patch while this many idle sessions sit in other rooms, ${SESSIONS_PER_ROOM} in each, one receiver`,
  figures: cpuFigure,
  cases: sizedCases([100, 1_000, 10_000], 'sessions'),
  setup(side, { size }) {
    const params = { receivers: 1, input: /** @type {const} */ ('string') }
    const world = startEditing(side, params, creationFrames(COMPONENTS), (index) =>
      move(index, COMPONENTS),
    )
    const others = Array.from({ length: size / SESSIONS_PER_ROOM }, () => {
      const company = new Company(side, new side.library.Room())
      for (let index = 0; index < SESSIONS_PER_ROOM; index += 1) company.join(`idle-${index}`)
      return company
    })
    return { ...world, others }
  },
  ...editing,
}
