// How many people one core carries: more and more of them, until the server needs nine tenths of a core or edits take too long.
import { moved, TooMuch } from './trial.mjs'

const MOST_LOAD = 0.9
const MOST_P99_MS = 50

/** Halvings of the interval between what is carried and what is not. */
const STEPS = { full: 3, quick: 0 }

/**
 * @typedef {object} Range
 * @property {string} subject
 * @property {number | undefined} perRoom all are in one room without it
 * @property {number} least
 * @property {number} most
 * @property {boolean} quick
 *
 * @typedef {{ carries: number, because: string, trials: { count: number, problem: string | undefined }[] }} Capacity
 */

/**
 * @param {Range} range
 * @returns {Promise<Capacity>}
 */
export async function capacityOf(range) {
  const { least, most, quick, perRoom = 1 } = range
  /** @type {Capacity['trials']} */
  const trials = []
  /** @param {number} count */
  const fails = async (count) => {
    const problem = await problemOf(range, count)
    trials.push({ count, problem })
    return problem !== undefined
  }

  let carries = 0
  let tooMany = least
  while (tooMany <= most && !(await fails(tooMany))) {
    carries = tooMany
    tooMany *= quick ? 4 : 2
  }
  if (tooMany > most) {
    return { carries, because: 'or more: the search ends here', trials }
  }
  for (let step = 0; step < STEPS[quick ? 'quick' : 'full']; step += 1) {
    const middle = Math.floor((carries + tooMany) / 2 / perRoom) * perRoom
    if (middle <= carries) break
    if (await fails(middle)) tooMany = middle
    else carries = middle
  }
  const last = trials.findLast(({ problem }) => problem !== undefined)
  return { carries, because: `with ${last?.count}, ${last?.problem}`, trials }
}

/**
 * Why so many are too many; nothing where they are not.
 * @param {Range} range
 * @param {number} count
 */
async function problemOf({ subject, perRoom, quick }, count) {
  const size = perRoom ?? count
  try {
    const { p99Ms } = await moved({
      subject,
      layout: { rooms: count / size, perRoom: size },
      ms: quick ? 500 : 800,
      mostLoad: MOST_LOAD,
    })
    return p99Ms > MOST_P99_MS ? `p99 was ${p99Ms.toFixed(0)} ms` : undefined
  } catch (error) {
    if (error instanceof TooMuch) return error.message
    return `it broke: ${error instanceof Error ? error.message.split('\n')[0] : error}`
  }
}
