// How many times less than the peer, on a logarithmic scale, with marks for floor and aim.
import { sane, verdict } from '../frame/table.mjs'
import { grouped } from './groups.mjs'
import { bar, drawing, line, logScale, text } from './svg.mjs'

/** @typedef {import('../frame/contest.mjs').Row} Row */

const WIDTH = 860
const LEFT = 340
const RIGHT = 80
const TOP = 64
const BAR = 12
const GAP = 8

/** @param {Row} row */
export const titleOf = ({ scenario, case: name, figure }) =>
  `${scenario}: ${name}${figure === 'cpu' ? '' : `, ${figure}`}`

/** @param {Row} row */
export const ratioOf = ({ contestants }) => contestants.heddle?.ratio.median ?? Number.NaN

/**
 * Whether there is anything that this chart can show of it.
 * @param {Row} row
 */
export const isRatio = (row) => !row.goal?.absolute && ratioOf(row) > 0

/**
 * @param {string} title
 * @param {Row[]} rows
 */
export function ratioChart(title, rows) {
  const lines = grouped(rows, titleOf)
  const marks = rows
    .flatMap(({ goal }) => [goal?.floor, goal?.aim])
    .filter((mark) => mark !== undefined)
  const scale = logScale([1, ...rows.map(ratioOf), ...marks], LEFT, WIDTH - RIGHT)
  const bars = rows.length * BAR + lines.size * GAP
  const bottom = TOP + bars

  const parts = scale.decades.flatMap((decade) => [
    line(scale.place(decade), TOP - 8, scale.place(decade), bottom, decade === 1 ? 'one' : 'grid'),
    text(scale.place(decade), bottom + 16, `${decade.toLocaleString('en')}x`, 'quiet', 'middle'),
  ])
  let y = TOP
  for (const [name, group] of lines) {
    parts.push(text(LEFT - 10, y + (group.length * BAR) / 2 + 4, name, '', 'end'))
    for (const row of group) {
      parts.push(...barOf(row, y, scale.place))
      y += BAR
    }
    y += GAP
  }
  parts.push(...legend(rows))
  return drawing(WIDTH, bottom + 30, title, parts)
}

/**
 * @param {Row} row
 * @param {number} y
 * @param {(value: number) => number} place
 */
function barOf(row, y, place) {
  const { goal, runtime } = row
  const [one, end] = [place(1), place(ratioOf(row))]
  const style = `${runtime} ${verdict(row).startsWith('BELOW') ? 'missed' : ''}`
  /** @param {number} value @param {string} kind */
  const mark = (value, kind) => line(place(value), y - 1, place(value), y + BAR - 1, kind)
  return [
    bar(Math.min(one, end), y, Math.abs(end - one), BAR - 2, style),
    ...(goal ? [mark(goal.floor, 'floor')] : []),
    ...(goal?.aim ? [mark(goal.aim, 'aim')] : []),
    text(WIDTH - 12, y + BAR - 2, `${sane(ratioOf(row))}x`, 'quiet', 'end'),
  ]
}

/** @param {Row[]} rows */
function legend(rows) {
  const runtimes = [...new Set(rows.map(({ runtime }) => runtime))]
  let x = 16
  const parts = []
  for (const runtime of runtimes) {
    parts.push(bar(x, 38, 14, 8, runtime), text(x + 19, 46, runtime === 'bun' ? 'Bun' : 'Node'))
    x += 70
  }
  for (const [kind, says] of /** @type {const} */ ([
    ['floor', 'floor'],
    ['aim', 'aim'],
  ])) {
    parts.push(line(x, 36, x, 47, kind), text(x + 7, 46, says))
    x += 60
  }
  parts.push(text(x, 46, 'times less than the peer (pale: below the floor)', 'quiet'))
  return parts
}
