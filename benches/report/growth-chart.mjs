// The same operation at 1x, 10x and 100x: a line that stays level costs what the work costs.
import { inUnit } from '../frame/table.mjs'
import { grouped } from './groups.mjs'
import { curve, drawing, line, logScale, text } from './svg.mjs'

/** @typedef {import('../frame/contest.mjs').Row} Row */

const WIDTH = 560
const HEIGHT = 340
const LEFT = 80
const RIGHT = 110
const TOP = 64
const BOTTOM = 40
const NAME_HEIGHT = 14

/** @param {Row} row */
export const sizeOf = ({ params }) => /** @type {{ size?: number } | null} */ (params)?.size

/** @param {Row} row @param {string} contestant */
const costOf = ({ contestants }, contestant) => contestants[contestant]?.median ?? Number.NaN

/**
 * @param {string} title
 * @param {Row[]} rows of one scenario
 */
export function growthChart(title, rows) {
  const values = rows.flatMap((row) => [costOf(row, 'peer'), costOf(row, 'heddle')])
  const up = logScale(values, HEIGHT - BOTTOM, TOP)
  const sizes = [...new Set(rows.map((row) => sizeOf(row) ?? 1))]
  const along = logScale(sizes, LEFT, WIDTH - RIGHT)
  const unit = rows[0]?.unit ?? ''

  const parts = up.decades.flatMap((decade) => [
    line(LEFT, up.place(decade), WIDTH - RIGHT, up.place(decade), 'grid'),
    text(LEFT - 8, up.place(decade) + 4, inUnit(decade, unit), 'quiet', 'end'),
  ])
  for (const size of sizes) {
    parts.push(
      text(along.place(size), HEIGHT - BOTTOM + 18, size.toLocaleString('en'), 'quiet', 'middle'),
    )
  }
  const ends = []
  for (const [runtime, those] of grouped(rows, (row) => row.runtime)) {
    for (const contestant of ['peer', 'heddle']) {
      const points = those
        .toSorted((a, b) => (sizeOf(a) ?? 0) - (sizeOf(b) ?? 0))
        .map((row) => ({ x: along.place(sizeOf(row) ?? 1), y: up.place(costOf(row, contestant)) }))
      parts.push(curve(points, `${runtime} ${contestant}`))
      ends.push({
        y: points.at(-1)?.y ?? 0,
        name: `${contestant}, ${runtime === 'bun' ? 'Bun' : 'Node'}`,
      })
    }
  }
  parts.push(text(16, 44, rows[0]?.measures ?? '', 'quiet'), ...namesOf(ends))
  return drawing(WIDTH, HEIGHT, title, parts)
}

/**
 * The names of the curves at their ends, moved apart where curves end close to each other.
 * @param {{ y: number, name: string }[]} ends
 */
function namesOf(ends) {
  let free = 0
  return ends
    .toSorted((a, b) => a.y - b.y)
    .map(({ y, name }) => {
      free = Math.max(free + NAME_HEIGHT, y)
      return text(WIDTH - RIGHT + 9, free + 4, name)
    })
}
