// The page around the charts: every figure as a table, with the script that printed it.

import { PEER_AGAIN } from '../frame/contestants.mjs'
import { doubts, inUnit, sane, verdict } from '../frame/table.mjs'
import { comparisonTables, table } from './comparison.mjs'
import { grouped } from './groups.mjs'

/** @typedef {import('../frame/contest.mjs').Row} Row */
/** @typedef {import('./results.mjs').Run} Run */

/**
 * @param {Row[]} rows
 * @param {Run[]} runs
 * @param {import('./comparison.mjs').Comparison | undefined} comparison
 * @param {{ overview: string, groups: Map<string, string[]> }} charts names of files
 */
export function page(rows, runs, comparison, charts) {
  const groups = [...grouped(rows, ({ group }) => group)]
  return [
    '# Benchmarks',
    'Written by `npm run bench:report` from what `npm run bench` measured; how is told in [benches/](../../benches/README.md). The peer is `@woven-ecs/canvas-store-server`; a ratio says how many times less heddle takes.',
    `![How many times less than the peer](${charts.overview})`,
    origin(comparison ? [...runs, comparison] : runs),
    failures(rows, runs),
    ...groups.flatMap(([group, those]) => [
      ...chapter(group, charts.groups),
      ...[...grouped(those, ({ script }) => script)].map(([script, its]) => section(script, its)),
    ]),
    ...(comparison ? [...chapter('comparison', charts.groups), comparisonTables(comparison)] : []),
  ]
    .join('\n\n')
    .concat('\n')
}

/** @param {string} group @param {Map<string, string[]>} charts */
function chapter(group, charts) {
  return [`## ${group}`, ...(charts.get(group) ?? []).map((chart) => `![${group}](${chart})`)]
}

/** @param {(Run | import('./comparison.mjs').Comparison)[]} runs */
function origin(runs) {
  const lines = runs.map(({ date, command, machine, versions, seconds, quick }) => {
    const system = `${machine.cpu}, ${machine.cores} cores, ${machine.memoryGib} GiB, ${machine.kernel}`
    const named = Object.entries(versions).map(([name, version]) => `${name} ${version}`)
    return `- ${date}, \`${command}\`${quick ? ' (short)' : ''}, ${Math.round(seconds)} s: ${system}; ${named.join(', ')}`
  })
  return ['## Taken', ...lines].join('\n')
}

/** @param {Row[]} rows @param {Run[]} runs */
function failures(rows, runs) {
  const below = rows
    .filter((row) => verdict(row).startsWith('BELOW'))
    .map(
      (row) =>
        `- ${row.scenario}, ${row.case}, ${row.figure}, ${row.runtime}: ${standing(row)}, floor ${goalOf(row, 'floor')}`,
    )
  const doubtful = rows.flatMap((row) =>
    doubts(row).map(
      (doubt) => `- ${row.scenario}, ${row.case}, ${row.figure}, ${row.runtime}: ${doubt}`,
    ),
  )
  const failed = runs.flatMap((run) => run.failures.map((failure) => `- ${failure} (${run.date})`))
  return [
    '## Not reached',
    below.length > 0 ? below.join('\n') : 'Every floor is reached.',
    ...(doubtful.length > 0 ? ['Comparisons that cannot be believed:', doubtful.join('\n')] : []),
    ...(failed.length > 0
      ? [
          'Scenarios that failed, because the two sides did not do the same or one died:',
          failed.join('\n'),
        ]
      : []),
  ].join('\n\n')
}

/** @param {Row} row */
function standing({ goal, unit, contestants }) {
  const { heddle } = contestants
  return goal?.absolute
    ? inUnit(heddle?.median, unit)
    : `${sane(heddle?.ratio.median ?? Number.NaN)}x`
}

/** @param {Row} row @param {'floor' | 'aim'} which */
function goalOf({ goal, unit }, which) {
  const value = goal?.[which]
  if (value === undefined) return ''
  return goal?.absolute ? inUnit(value, unit) : `${value}x`
}

/** @param {string} script @param {Row[]} rows */
function section(script, rows) {
  const columns = [...new Set(rows.flatMap(({ contestants }) => Object.keys(contestants)))].filter(
    (name) => name !== 'peer' && name !== 'heddle',
  )
  const figures = new Map(rows.map(({ figure, measures }) => [figure, measures]))
  const header = [
    'case',
    'figure',
    'runtime',
    'peer',
    'heddle',
    'ratio',
    'floor',
    'aim',
    '',
    ...columns,
  ]
  return [
    `**${rows[0]?.scenario}** (\`${script}\`): ${rows[0]?.about}. ${[...figures].map(([name, says]) => `*${name}*: ${says}`).join('; ')}.`,
    table(
      header,
      rows.map((row) => cells(row, columns)),
    ),
  ].join('\n\n')
}

/** @param {Row} row @param {string[]} columns */
function cells(row, columns) {
  const { contestants, unit } = row
  const { peer, heddle } = contestants
  const spread = `${sane(heddle?.ratio.low ?? Number.NaN)} to ${sane(heddle?.ratio.high ?? Number.NaN)}`
  return [
    row.case,
    row.figure,
    row.runtime,
    inUnit(peer?.median, unit),
    inUnit(heddle?.median, unit),
    `**${sane(heddle?.ratio.median ?? Number.NaN)}** (${spread})`,
    goalOf(row, 'floor'),
    goalOf(row, 'aim'),
    judged(row),
    ...columns.map((name) => column(row, name)),
  ]
}

/** @param {Row} row */
function judged(row) {
  const says = verdict(row)
  if (says === '') return ''
  if (says.startsWith('BELOW')) return '**below the floor**'
  return says.startsWith('floor') ? 'floor' : 'aim'
}

/** @param {Row} row @param {string} name */
function column({ contestants, unit }, name) {
  const standing = contestants[name]
  if (standing === undefined) return ''
  if (name === PEER_AGAIN || name.startsWith('without')) return sane(standing.ratio.median)
  if (name.startsWith('planted')) {
    return `x${sane(standing.ratio.median / (contestants.heddle?.ratio.median ?? Number.NaN))}`
  }
  return `${inUnit(standing.median, unit)} (${sane(standing.ratio.median)})`
}
