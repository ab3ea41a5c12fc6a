// One process of the border half: prints the ratios that it measured, as JSON. `node border-process.mjs <planted percent>`
import { round, SCENARIOS } from './frames.mjs'
import { inTurnsOf, playerOf, TURN_FRAMES } from './playing.mjs'

const SLICES = 150
const SLICE_MS = 1
/** Of the slices of one kind: below it is what nothing disturbed. */
const QUANTILE = 0.1

/** @typedef {import('./playing.mjs').Play} Play */

/**
 * What there is to compare with: JSON read and written.
 * @param {string[]} texts
 * @returns {Play}
 */
function yardstick(texts) {
  let turn = 0
  let length = 0
  return (count) => {
    for (let played = 0; played < count; played += 1) {
      length += JSON.stringify(JSON.parse(texts[turn++ % texts.length] ?? '')).length
    }
    if (length === 0) throw new Error('there was nothing to read')
  }
}

/**
 * @param {Play} play
 * @param {number} frames
 */
async function millisecondsOf(play, frames) {
  const started = performance.now()
  const playing = play(frames)
  if (playing !== undefined) await playing
  return performance.now() - started
}

/**
 * How many frames fill a slice.
 * @param {Play} play
 */
async function framesOfSlice(play) {
  for (let frames = TURN_FRAMES; ; frames *= 2) {
    let least = Number.POSITIVE_INFINITY
    for (let round = 0; round < 9; round += 1) {
      least = Math.min(least, await millisecondsOf(play, frames))
    }
    if (least >= SLICE_MS / 3) return Math.ceil((frames * SLICE_MS) / least)
  }
}

/**
 * The milliseconds of one frame of each, by slices that take turns.
 * @param {Play[]} plays
 */
async function race(plays) {
  const runners = []
  for (const play of plays) {
    runners.push({ play, frames: await framesOfSlice(play), slices: /** @type {number[]} */ ([]) })
  }
  for (let slice = 0; slice < SLICES; slice += 1) {
    for (const { play, frames, slices } of runners) {
      slices.push((await millisecondsOf(play, frames)) / frames)
    }
  }
  return runners.map(({ slices }) => {
    slices.sort((a, b) => a - b)
    return slices[Math.floor(QUANTILE * slices.length)] ?? Number.NaN
  })
}

const planted = Number(process.argv[2] ?? 0)
/** @type {{ plain: Record<string, number>, planted: Record<string, number> }} */
const ratios = { plain: {}, planted: {} }

for (const scenario of SCENARIOS) {
  const json = inTurnsOf(scenario, yardstick(round(scenario)))
  const plays = [json, playerOf(scenario, 0), playerOf(scenario, planted)]
  const [perJson = Number.NaN, asIs = Number.NaN, withMore = Number.NaN] = await race(plays)
  ratios.plain[scenario] = asIs / perJson
  ratios.planted[scenario] = withMore / perJson
}
console.log(JSON.stringify(ratios))
