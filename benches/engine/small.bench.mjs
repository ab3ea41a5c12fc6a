// A shape is moved: a patch of 180 bytes.
import { creationFrames } from '../jobs/documents.mjs'
import { cpuFigure, editing, editingCases, move, startEditing } from '../jobs/editing.mjs'

const COMPONENTS = 1_000

/** @type {import('../frame/scenario.mjs').Scenario<import('../jobs/editing.mjs').Editing, import('../jobs/editing.mjs').EditingParams>} */
export const scenario = {
  name: 'engine-small',
  measures: 'one small patch into a room of 1,000 components, fake sockets',
  figures: cpuFigure,
  cases: editingCases({
    1: { node: { floor: 8, aim: 11 }, bun: { floor: 3, aim: 4.5 } },
    10: { node: { floor: 7, aim: 10 }, bun: { floor: 3, aim: 4.5 } },
    100: { node: { floor: 4, aim: 6 }, bun: { floor: 3, aim: 4.5 } },
  }),
  setup: (side, params) =>
    startEditing(side, params, creationFrames(COMPONENTS), (index) => move(index, COMPONENTS)),
  ...editing,
}
