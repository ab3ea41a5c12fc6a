// What the scenarios of the engine share: one member of a company says frames from a ring of prepared ones, the others receive.
import { ALL_COLUMNS, PEER_AGAIN } from '../frame/contestants.mjs'
import { Company } from './company.mjs'
import { patchFrame, shapeKey } from './documents.mjs'

/** How many different frames are said in turn. */
const RING = 256

/** How many of them are compared before time is taken. */
const COMPARED = 64

/** @typedef {{ receivers: number, input: 'string' | 'buffer' }} EditingParams */
/** @typedef {{ company: Company, author: import('./company.mjs').Member, ring: (string | Buffer)[] }} Editing */

/**
 * @param {import('./sides.mjs').Side} side
 * @param {EditingParams} params
 * @param {Iterable<string>} first what makes the document
 * @param {(index: number) => string} frame
 * @returns {Editing}
 */
export function startEditing(side, { receivers, input }, first, frame) {
  const company = new Company(side, new side.library.Room())
  const author = company.join('author')
  for (const creation of first) company.hand(author, creation)
  for (let index = 0; index < receivers; index += 1) company.join(`receiver-${index}`)
  const texts = Array.from({ length: RING }, (_, index) => frame(index))
  const ring = input === 'string' ? texts : texts.map((text) => Buffer.from(text))
  return { company, author, ring }
}

/**
 * @param {Editing} editing
 * @param {number} index
 */
export function sayNext({ company, author, ring }, index) {
  company.hand(author, /** @type {string} */ (ring[index % RING]))
}

/**
 * A shape of a room with so many is moved: a patch of 180 bytes.
 * @param {number} index
 * @param {number} components
 */
export function move(index, components) {
  const key = shapeKey((index * 37) % components)
  const fields = {
    x: 1024.5 + index,
    y: 768.25 + index,
    rotation: index / 512,
    width: 240,
    height: 160,
  }
  return patchFrame(`author-${100_000 + index}`, [{ [key]: { ...fields, color: '#ef4444' } }])
}

/** The members of a scenario that repeats `sayNext`. */
export const editing = {
  /** @param {Editing} world */
  check: (world) =>
    world.company.witness(() => {
      for (let index = 0; index < COMPARED; index += 1) sayNext(world, index)
    }),
  operate: sayNext,
  /** @param {Editing} world */
  received: ({ company }) => company.received(),
}

/** The figure of a scenario that repeats one operation. */
export const cpuFigure = {
  cpu: { unit: 'ns', measures: 'processor time of the process for one frame, all threads' },
}

/** @typedef {import('../frame/scenario.mjs').Goal} Goal */

/**
 * The six cases, with the goals of each number of receivers.
 * @param {Record<number, { node: Goal, bun: Goal }>} goals
 * @returns {import('../frame/scenario.mjs').Case<EditingParams>[]}
 */
export function editingCases(goals) {
  return [1, 10, 100].flatMap((receivers) =>
    /** @type {const} */ (['string', 'buffer']).map((input) => ({
      name: `${receivers} receiver${receivers === 1 ? '' : 's'}, ${input}`,
      params: { receivers, input },
      quick: receivers === 10 && input === 'string',
      columns: receivers === 10 ? ALL_COLUMNS : [PEER_AGAIN],
      goals: { cpu: goals[receivers] ?? {} },
    })),
  )
}
