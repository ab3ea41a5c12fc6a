// A pen draws on: a delta that changes 16 numbers of an array of 10,000.
import { patchFrame } from '../jobs/documents.mjs'
import { cpuFigure, editing, editingCases, startEditing } from '../jobs/editing.mjs'

const KEY = 'stroke-1/Pen'
const NUMBERS = 10_000
const ADDED = 16

/** @param {number} index */
const coordinate = (index) => ((index * 7919) % 409_600) / 100

const line = patchFrame('create', [
  { [KEY]: { _exists: true, points: Array.from({ length: NUMBERS }, (_, at) => coordinate(at)) } },
])

/** @param {number} index */
const draw = (index) => {
  const numbers = Array.from({ length: ADDED }, (_, at) => coordinate(index * ADDED + at + 1))
  const offset = NUMBERS - ADDED * (1 + (index % 32))
  return patchFrame(`author-${100_000 + index}`, [
    { [KEY]: { points: { __buf: 1, len: NUMBERS, runs: [[offset, numbers]] } } },
  ])
}

const goals = { node: { floor: 18, aim: 28 }, bun: { floor: 12, aim: 20 } }

/** @type {import('../frame/scenario.mjs').Scenario<import('../jobs/editing.mjs').Editing, import('../jobs/editing.mjs').EditingParams>} */
export const scenario = {
  name: 'engine-stroke',
  measures: 'one delta of 16 numbers onto an array of 10,000, fake sockets',
  figures: cpuFigure,
  cases: editingCases({ 1: goals, 10: goals, 100: goals }),
  setup: (side, params) => startEditing(side, params, [line], draw),
  ...editing,
}
