// A selection is moved and restyled: 20 components of 8 fields.
import { creationFrames, patchFrame, shapeKey } from '../jobs/documents.mjs'
import { cpuFigure, editing, editingCases, startEditing } from '../jobs/editing.mjs'

const COMPONENTS = 1_000
const SELECTED = 20

/** @param {number} index */
const restyle = (index) => {
  const entries = Array.from({ length: SELECTED }, (_, offset) => [
    shapeKey((index * SELECTED + offset) % COMPONENTS),
    {
      x: index + offset * 10.5,
      y: index - offset * 10.5,
      width: 200 + index,
      height: 100 + offset,
      rotation: index / 512,
      color: '#22c55e',
      text: `note ${index} of ${offset}`,
      locked: index % 2 === 0,
    },
  ])
  return patchFrame(`author-${100_000 + index}`, [Object.fromEntries(entries)])
}

const goals = { node: { floor: 7, aim: 12 }, bun: { floor: 4, aim: 6 } }

/** @type {import('../frame/scenario.mjs').Scenario<import('../jobs/editing.mjs').Editing, import('../jobs/editing.mjs').EditingParams>} */
export const scenario = {
  name: 'engine-medium',
  measures: 'one patch of 20 components with 8 fields each, fake sockets',
  figures: cpuFigure,
  cases: editingCases({ 1: goals, 10: goals, 100: goals }),
  setup: (side, params) => startEditing(side, params, creationFrames(COMPONENTS), restyle),
  ...editing,
}
