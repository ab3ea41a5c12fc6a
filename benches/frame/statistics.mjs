/** @param {readonly number[]} values */
export function median(values) {
  return quantile(values, 0.5)
}

/**
 * @param {readonly number[]} values
 * @param {number} share
 */
export function quantile(values, share) {
  const sorted = values.toSorted((a, b) => a - b)
  const place = share * (sorted.length - 1)
  const low = sorted[Math.floor(place)] ?? Number.NaN
  const high = sorted[Math.ceil(place)] ?? Number.NaN
  return low + (high - low) * (place - Math.floor(place))
}

/**
 * How many times less `values` are than `base`, round by round, so that what slows the machine for a while slows both.
 * @param {readonly number[]} base
 * @param {readonly number[]} values
 */
export function ratio(base, values) {
  const ratios = values.map((value, round) => (base[round] ?? Number.NaN) / value)
  return { median: median(ratios), low: quantile(ratios, 0.25), high: quantile(ratios, 0.75) }
}
