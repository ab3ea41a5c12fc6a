// The two halves of the guard as steps of `npm run guard` and `npm run check`.
import { measureRatios } from './border.mjs'
import { commit, committed, compare } from './figures.mjs'
import { countInstructions } from './native.mjs'

/**
 * @typedef {import('../../scripts/steps.mjs').Step} Step
 * @typedef {object} Half
 * @property {import('./figures.mjs').Half} name
 * @property {string} title
 * @property {string} unit
 * @property {(planted: number) => Promise<import('./figures.mjs').Reading>} measure
 * @property {number} attempts how often it is measured before it is red
 */

/** What every run must be able to see, in percent. */
const PLANTED = 20

/** @type {readonly Half[]} */
const HALVES = [
  {
    name: 'native',
    title: 'guard, native half',
    unit: 'instructions each time it is played',
    measure: countInstructions,
    attempts: 1,
  },
  {
    name: 'border',
    title: 'guard, border half',
    unit: 'time of a frame as a ratio to reading and writing its JSON',
    measure: measureRatios,
    attempts: 3,
  },
]

/**
 * Each half must be green as it is, and red with more work planted into it.
 * @type {Step[]}
 */
export const guardSteps = HALVES.map((half) => ({
  title: half.title,
  run: () => check(half),
}))

/**
 * Each half with `planted` percent more work.
 * @param {number} planted
 * @returns {Step[]}
 */
export function plantedSteps(planted) {
  return HALVES.map((half) => ({
    title: `${half.title}, ${planted} % planted`,
    async run() {
      const measured = await half.measure(planted)
      const figures = committed(half.name)
      const { isGreen, text } = compare(figures, measured.planted, measured.yardstick)
      console.log(`${half.unit}: committed, measured, change\n${text}`)
      return { passed: Number(isGreen), failed: Number(!isGreen), skipped: 0 }
    },
  }))
}

/** Takes what is measured now as what is compared with. */
export async function update() {
  for (const { name, measure } of HALVES) commit(name, await measure(0))
}

/** @param {Half} half */
async function check(half) {
  let counts = await attempt(half)
  for (let again = 1; again < half.attempts && counts.failed > 0; again += 1) {
    console.log('Once more, because something else may have taken its time.')
    counts = await attempt(half)
  }
  return counts
}

/** @param {Half} half */
async function attempt({ name, unit, measure }) {
  const figures = committed(name)
  const measured = await measure(PLANTED)
  const plain = compare(figures, measured.plain, measured.yardstick)
  // What is planted must be seen whatever the machine makes of the rest.
  const { plain: asIs, yardstick } = measured
  const planted = compare({ ...figures, figures: asIs, yardstick }, measured.planted, yardstick)
  console.log(`${unit}: committed, measured, change\n${plain.text}`)
  if (!plain.isGreen) console.log(whatToDo(figures.tolerance))
  if (!planted.isAllDearer) {
    console.log(
      `${PLANTED} % more work was planted, and not seen (as it is, planted, change):\n${planted.text}`,
    )
  }
  const passed = Number(plain.isGreen) + Number(planted.isAllDearer)
  return { passed, failed: 2 - passed, skipped: 0 }
}

/** @param {number} tolerance */
function whatToDo(tolerance) {
  return (
    `A figure is off by more than ${tolerance * 100} %. What costs more than it did has a reason to be found; if there is a good ` +
    'one, or it costs less, `npm run guard -- --update` takes what is measured now, and its commit says why. Where the whole border ' +
    'is dearer, the addon may have been built without its profile, or with one of older code: `npm run build` says so.'
  )
}
