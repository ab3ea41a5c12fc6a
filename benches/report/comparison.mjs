// What `live/comparison.mjs` measured of other servers, as tables and a chart.
import { inUnit, sane } from '../frame/table.mjs'
import { grouped } from './groups.mjs'
import { bar, drawing, text } from './svg.mjs'

/**
 * @typedef {{ layout: string, subject: string, cpuMicros: number, bytes: number, p50Ms: number, p99Ms: number, mib: number }} Cost
 * @typedef {{ layout: string, subject: string, carries: number, because: string }} Capacity
 * @typedef {object} Comparison
 * @property {string} date
 * @property {string} command
 * @property {number} seconds
 * @property {boolean} quick
 * @property {ReturnType<typeof import('../frame/machine.mjs').machine>} machine
 * @property {Record<string, string>} versions
 * @property {Record<string, string>} keeps
 * @property {Cost[]} costs
 * @property {{ layout: string, subject: string, because: string }[]} overloaded those for whom it was too much
 * @property {Capacity[]} capacities
 */

const WIDTH = 640
const LEFT = 190
const RIGHT = 80
const TOP = 50
const LINE = 18

/** @param {Comparison} comparison */
export function costChart({ costs }) {
  const most = Math.max(...costs.map(({ cpuMicros }) => cpuMicros))
  let y = TOP
  const parts = []
  for (const [layout, rows] of grouped(costs, (row) => row.layout)) {
    parts.push(text(16, y + 11, layout))
    for (const { subject, cpuMicros } of rows) {
      const width = (cpuMicros / most) * (WIDTH - LEFT - RIGHT)
      parts.push(text(LEFT - 10, y + 11, subject, '', 'end'))
      parts.push(bar(LEFT, y, width, LINE - 4, subject.startsWith('heddle') ? 'node' : 'other'))
      parts.push(text(LEFT + width + 6, y + 11, `${sane(cpuMicros)} us`, 'quiet'))
      y += LINE
    }
    y += LINE / 2
  }
  return drawing(WIDTH, y + 4, 'CPU of the server per edit that arrives', parts)
}

/** @param {Comparison} comparison */
export function comparisonTables({ costs, overloaded, capacities, keeps }) {
  const cost = costs.map(({ layout, subject, cpuMicros, bytes, p50Ms, p99Ms, mib }) => [
    layout,
    subject,
    `${sane(cpuMicros)} us`,
    sane(bytes),
    inUnit(p50Ms, 'ms'),
    inUnit(p99Ms, 'ms'),
    sane(mib),
  ])
  const tooMuch = overloaded.map(({ layout, subject, because }) => [
    layout,
    subject,
    `too much for it: ${because}`,
    ...['', '', '', ''],
  ])
  const capacity = capacities.map(({ layout, subject, carries, because }) => [
    layout,
    subject,
    `${carries}`,
    because,
  ])
  return [
    '**comparison** (`benches/live/comparison.mjs`): each client moves one shape and one cursor at 30 Hz.',
    table(
      ['rooms', 'server', 'CPU per delivered edit', 'bytes', 'p50', 'p99', 'MiB'],
      [...cost, ...tooMuch],
    ),
    'How many people one core carries:',
    table(['rooms', 'server', 'people', 'bounded by'], capacity),
    'What each keeps with its defaults:',
    table(['server', 'keeps'], Object.entries(keeps)),
  ].join('\n\n')
}

/**
 * @param {string[]} header
 * @param {string[][]} rows
 */
export function table(header, rows) {
  const lines = [header, header.map(() => '---'), ...rows]
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}
