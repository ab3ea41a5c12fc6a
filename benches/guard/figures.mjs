// The figures that the guard compares with, in `benches/guard.json`.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../../scripts/run.mjs'
import { machine } from '../frame/machine.mjs'

/**
 * By scenario.
 * @typedef {Record<string, number>} Figures
 */

/**
 * What a half has measured, as it is and with more work planted. The yardstick is work that is none of heddle's, but costs
 * more or less where heddle's does: as another compiler or C library has it.
 * @typedef {{ plain: Figures, planted: Figures, yardstick: number }} Reading
 * @typedef {{ tolerance: number, figures: Figures, yardstick: number }} Committed
 *
 * Instructions are the same everywhere, but how long ours take beside those of V8 depends on the make of the processor: a small frame
 * at the border is a sixth dearer on AMD's. So a half of times has figures for each make.
 * @typedef {{ tolerance: number, figures?: Figures, makes?: Record<string, Figures>, yardstick: number }} Stored
 * @typedef {'native' | 'border'} Half
 */

const path = join(root, 'benches', 'guard.json')

/**
 * @param {Half} half
 * @returns {Committed}
 */
export function committed(half) {
  const { tolerance, yardstick, figures, makes } = stored()[half]
  const make = makeOfProcessor()
  const those = makes === undefined ? figures : makes[make]
  if (those === undefined) {
    throw new Error(
      `benches/guard.json has no figures of the ${half} half for a processor by ${make}: \`npm run guard -- --update\` adds what it measures here.`,
    )
  }
  return { tolerance, yardstick, figures: those }
}

/**
 * @param {Half} half
 * @param {Reading} reading
 */
export function commit(half, { plain, yardstick }) {
  const all = stored()
  const rounded = Object.entries(plain).map(([name, figure]) => [name, round(figure)])
  const figures = Object.fromEntries(rounded)
  const { makes } = all[half]
  all[half].yardstick = round(yardstick)
  if (makes === undefined) all[half].figures = figures
  else makes[makeOfProcessor()] = figures
  writeFileSync(path, `${JSON.stringify(all, undefined, 2)}\n`)
}

/** @returns {Record<Half, Stored>} */
function stored() {
  return JSON.parse(readFileSync(path, 'utf8'))
}

function makeOfProcessor() {
  const { cpu } = machine()
  return /AMD|Intel|Apple/.exec(cpu)?.[0] ?? cpu
}

/** @param {number} figure */
function round(figure) {
  return figure < 100 ? Number(figure.toFixed(3)) : Math.round(figure)
}

/**
 * What became more expensive, and what cheaper, than the tolerance allows, by the yardstick; and a line about each scenario.
 * @param {Committed} then
 * @param {Figures} measured
 * @param {number} yardstick
 */
export function compare(then, measured, yardstick) {
  const names = Object.keys({ ...then.figures, ...measured })
  const lines = names.map((name) => {
    const was = then.figures[name] ?? Number.NaN
    const is = ((measured[name] ?? Number.NaN) * then.yardstick) / yardstick
    return line(name, was, is, then.tolerance)
  })
  return {
    isGreen: lines.every(({ isRight }) => isRight),
    isAllDearer: lines.every(({ isDearer }) => isDearer),
    text: lines.map(({ text }) => text).join('\n'),
  }
}

/**
 * @param {string} name
 * @param {number} was
 * @param {number} is
 * @param {number} tolerance
 */
function line(name, was, is, tolerance) {
  const change = is / was - 1
  const isRight = Math.abs(change) <= tolerance
  const figures = [was, is].map((figure) => String(round(figure)).padStart(10))
  const percent = `${change < 0 ? '' : '+'}${(change * 100).toFixed(1)} %`.padStart(9)
  const text = `  ${isRight ? ' ' : '!'} ${name.padEnd(18)} ${figures.join(' ')} ${percent}`
  return { isRight, isDearer: change > tolerance, text }
}
