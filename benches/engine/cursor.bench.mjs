// A cursor moves: presence only, nothing of the document.
import { cpuFigure, editing, editingCases, startEditing } from '../jobs/editing.mjs'

const KEY = 'author/Cursor'

/** @param {string} messageId @param {object} fields */
const presence = (messageId, fields) =>
  JSON.stringify({ type: 'patch', messageId, ephemeralPatches: [{ [KEY]: fields }] })

const arrival = presence('arrive', { _exists: true, x: 0, y: 0, color: '#a855f7', name: 'author' })

/** @param {number} index */
const point = (index) =>
  presence(`author-${100_000 + index}`, { x: 512.5 + index, y: 384.25 + index / 2 })

const goals = { node: { floor: 9, aim: 13 }, bun: { floor: 2.3, aim: 3.3 } }

/** @type {import('../frame/scenario.mjs').Scenario<import('../jobs/editing.mjs').Editing, import('../jobs/editing.mjs').EditingParams>} */
export const scenario = {
  name: 'engine-cursor',
  measures: 'one cursor moved, fake sockets',
  figures: cpuFigure,
  cases: editingCases({ 1: goals, 10: goals, 100: goals }),
  setup: (side, params) => startEditing(side, params, [arrival], point),
  ...editing,
}
