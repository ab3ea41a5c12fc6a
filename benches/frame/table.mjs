// Prints what a case showed, as it comes.
import { PEER_AGAIN } from './contestants.mjs'

/** @typedef {import('./contest.mjs').Row} Row */

/** @param {Row} row */
export function printRow(row) {
  const { contestants } = row
  const heddle = contestants.heddle
  if (heddle === undefined) return
  const columns = Object.entries(contestants)
    .filter(([name]) => name !== 'peer' && name !== 'heddle')
    .map(([name, { ratio }]) =>
      name.startsWith('planted')
        ? `${name}: x${sane(ratio.median / heddle.ratio.median)}`
        : `${name}: ${sane(ratio.median)}`,
    )
  const { unit } = row
  console.log(
    `${row.scenario.padEnd(16)} ${row.case.padEnd(22)} ${row.runtime.padEnd(4)} ${row.figure.padEnd(8)} ` +
      `peer ${inUnit(contestants.peer?.median, unit).padStart(9)}  heddle ${inUnit(heddle.median, unit).padStart(9)}  ` +
      `ratio ${sane(heddle.ratio.median).padStart(6)} (${sane(heddle.ratio.low)} to ${sane(heddle.ratio.high)})  ` +
      `${verdict(row).padEnd(24)} ${columns.join('  ')}`,
  )
}

/**
 * @param {number | undefined} value
 * @param {string} unit
 */
export function inUnit(value, unit) {
  if (value === undefined || Number.isNaN(value)) return '-'
  const [scaled, name] = scale(value, unit)
  return `${sane(scaled)} ${name}`
}

/**
 * @param {number} value
 * @param {string} unit
 * @returns {[number, string]}
 */
function scale(value, unit) {
  if (unit === 'ns' && value >= 1e6) return [value / 1e6, 'ms']
  if (unit === 'ns' && value >= 1e3) return [value / 1e3, 'us']
  if (unit === 'bytes' && value >= 2 ** 20) return [value / 2 ** 20, 'MiB']
  if (unit === 'bytes' && value >= 2 ** 10) return [value / 2 ** 10, 'KiB']
  return [value, unit]
}

/**
 * Three digits, whatever the size.
 * @param {number} value
 */
export function sane(value) {
  if (!Number.isFinite(value)) return '-'
  if (value === 0) return '0'
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en')
  return value.toPrecision(3)
}

/** @param {Row} row */
export function verdict({ goal, contestants }) {
  const { heddle } = contestants
  if (goal === undefined || heddle === undefined) return ''
  const value = goal.absolute ? heddle.median : heddle.ratio.median
  /** @param {number} mark */
  const reaches = (mark) => (goal.absolute ? value <= mark : value >= mark)
  if (!reaches(goal.floor)) return `BELOW THE FLOOR of ${goal.floor}`
  if (goal.aim !== undefined && !reaches(goal.aim))
    return `floor ${goal.floor}, not aim ${goal.aim}`
  return `aim ${goal.aim ?? goal.floor}`
}

/**
 * Whether the comparison itself can be believed; says why not. Of a delay it says nothing that more work does not show: what waits, waits
 * for others most of the time.
 * @param {Row} row
 */
export function doubts({ contestants, isDelay }) {
  const again = contestants[PEER_AGAIN]?.ratio.median
  const heddle = contestants.heddle?.ratio.median ?? Number.NaN
  const doubts = []
  if (again !== undefined && (again < 0.9 || again > 1.1)) {
    doubts.push(`the peer is ${sane(again)} times itself`)
  }
  for (const [name, { ratio }] of Object.entries(contestants)) {
    const percent = name.startsWith('planted ') ? Number(name.split(' ')[1]) : 0
    if (percent === 0 || isDelay) continue
    const kept = ratio.median / heddle
    const expected = 100 / (100 + percent)
    if (kept > (1 + expected) / 2) doubts.push(`${percent} % more work shows as x${sane(kept)}`)
  }
  return doubts
}
