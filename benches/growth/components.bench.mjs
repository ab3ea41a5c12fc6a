// Does a patch cost more the more components the room has?

import { creationFrames } from '../jobs/documents.mjs'
import { cpuFigure, editing, move, startEditing } from '../jobs/editing.mjs'
import { sizedCases } from '../jobs/growth.mjs'

/** @type {import('../frame/scenario.mjs').Scenario<import('../jobs/editing.mjs').Editing, import('../jobs/growth.mjs').Size>} */
export const scenario = {
  name: 'growth-components',
  measures: 'one small patch into a room with this many components, one receiver',
  figures: cpuFigure,
  cases: sizedCases([1_000, 10_000, 100_000], 'components'),
  setup(side, { size }) {
    const params = { receivers: 1, input: /** @type {const} */ ('string') }
    return startEditing(side, params, creationFrames(size), (index) => move(index, size))
  },
  ...editing,
}
