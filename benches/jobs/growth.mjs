/** @typedef {{ size: number }} Size */

/**
 * The same at 1x, 10x and 100x.
 * @param {number[]} sizes
 * @param {string} what
 * @returns {import('../frame/scenario.mjs').Case<Size>[]}
 */
export function sizedCases(sizes, what) {
  return sizes.map((size, index) => ({
    name: `${size.toLocaleString('en')} ${what}`,
    params: { size },
    quick: index < 2,
  }))
}
