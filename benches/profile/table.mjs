// How a profile is shown.

/** Functions below this share of the whole are not listed. */
const LEAST_SHARE = 0.01

/**
 * Prints what costs most first, with its share.
 * @param {string} unit
 * @param {Iterable<[string, number]>} costs by name
 * @param {number} total
 */
export function printShares(unit, costs, total) {
  console.log(`| ${unit} | share | |\n|---:|---:|---|`)
  for (const [name, cost] of [...costs].sort(([, a], [, b]) => b - a)) {
    if (cost < total * LEAST_SHARE) break
    const figure = cost < 100 ? cost.toFixed(2) : cost.toFixed(0)
    console.log(`| ${figure} | ${((cost / total) * 100).toFixed(1)} % | ${name} |`)
  }
}
