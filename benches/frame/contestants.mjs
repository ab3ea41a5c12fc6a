// Who takes part in a comparison: heddle, the peer, and those that show whether the comparison can be believed.

/**
 * @typedef {object} Contestant
 * @property {string} name
 * @property {string} server `heddle`, `peer`, or one of a scenario's `others`
 * @property {Record<string, string>} env
 * @property {number} planted how much work is added to each call into the room, in percent of the call
 */

/** The fast paths of heddle that can be turned off. */
export const FAST_PATHS = ['raw-functions', 'joined-writes', 'fast-decoder']

/** The peer a second time: how far from 1 its ratio is tells how far the others can be believed. */
export const PEER_AGAIN = 'peer again'

/** @param {number} percent */
export const planted = (percent) => `planted ${percent}`

/** @param {string} fastPath */
export const without = (fastPath) => `without ${fastPath}`

/** The columns of a scenario whose hot path is heddle's own code. */
export const ALL_COLUMNS = [PEER_AGAIN, planted(20), ...FAST_PATHS.map(without)]

/**
 * The peer and heddle, then the columns.
 * @param {readonly string[]} columns
 * @param {readonly string[]} others
 * @returns {Contestant[]}
 */
export function contestantsOf(columns, others = []) {
  return [
    { name: 'peer', server: 'peer', env: {}, planted: 0 },
    { name: 'heddle', server: 'heddle', env: {}, planted: 0 },
    ...columns.map(contestantOf),
    ...others.map((name) => ({ name, server: name, env: {}, planted: 0 })),
  ]
}

/**
 * @param {string} column
 * @returns {Contestant}
 */
function contestantOf(column) {
  const [word, detail = ''] = column.split(' ')
  if (column === PEER_AGAIN) return { name: column, server: 'peer', env: {}, planted: 0 }
  const heddle = { name: column, server: 'heddle', env: {}, planted: 0 }
  if (word === 'planted') return { ...heddle, planted: Number(detail) }
  if (word === 'without') return { ...heddle, env: { HEDDLE_WITHOUT: detail } }
  throw new Error(`unknown column ${column}`)
}
