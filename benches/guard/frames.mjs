// The frames of `benches/rust/frames.rs`, for the border.

/** Different frames of a kind, one after the other and from the beginning again. */
const ROUND = 64
const STROKE = '0f3c7d52-9e41-4b8a-8c11-5d2e7a90b6f4/Stroke'
const STROKE_NUMBERS = 10_000

/** Each kind of frame; and small ones to sockets that are written once per turn of the event loop. */
export const SCENARIOS = /** @type {const} */ ([
  'small',
  'medium',
  'cursor',
  'stroke',
  'small-per-turn',
])
/** @typedef {typeof SCENARIOS[number]} Scenario */

/**
 * A round of frames of a scenario.
 * @param {Scenario} scenario
 */
export function round(scenario) {
  const kind = scenario === 'small-per-turn' ? 'small' : scenario
  return Array.from({ length: ROUND }, (_, turn) => {
    const frame = { type: 'patch', messageId: `alice-${turn}`, ...PATCHES[kind](turn) }
    return JSON.stringify(frame)
  })
}

/** The first frame of a client who draws and shows a cursor, in a document of 20 shapes. */
export function firstFrame() {
  const created = Object.entries(shapes(0)).map(([key, fields]) => [
    key,
    { _exists: true, ...fields },
  ])
  const stroke = { _exists: true, points: numbers(0, STROKE_NUMBERS) }
  return JSON.stringify({
    type: 'patch',
    messageId: 'alice',
    documentPatches: [{ ...Object.fromEntries(created), [STROKE]: stroke }],
    ephemeralPatches: [{ 'alice/Cursor': { _exists: true, ...position(0) } }],
  })
}

/** @type {Record<Exclude<Scenario, 'small-per-turn'>, (turn: number) => object>} */
const PATCHES = {
  small: (turn) => ({ documentPatches: [{ [shapeKey(turn % 20)]: moved(turn) }] }),
  medium: (turn) => ({ documentPatches: [shapes(turn)] }),
  cursor: (turn) => ({ ephemeralPatches: [{ 'alice/Cursor': position(turn) }] }),
  stroke: (turn) => {
    const runs = [[turn * 8, numbers(turn, 8)]]
    return { documentPatches: [{ [STROKE]: { points: { __buf: 1, len: STROKE_NUMBERS, runs } } }] }
  },
}

/** @param {number} turn */
function shapes(turn) {
  const entries = Array.from({ length: 20 }, (_, index) => {
    const fields = {
      ...position(index + turn),
      width: 80.5 + (turn % 40),
      height: 120,
      rotation: 0,
      color: '#1f77b4',
      label: `shape ${index}`,
      layer: index % 10,
    }
    return [shapeKey(index), fields]
  })
  return Object.fromEntries(entries)
}

/** @param {number} turn */
function moved(turn) {
  const { x, y } = position(turn)
  return { x, y, rotation: number(turn * 5), width: 240, height: 160, color: '#ef4444' }
}

/** @param {number} index */
function shapeKey(index) {
  return `${index.toString(16).padStart(8, '0')}-6d1f-4c02-9a57-b3e84f21d09c/Shape`
}

/** @param {number} turn */
function position(turn) {
  return { x: number(turn), y: number(turn * 7 + 3) }
}

/**
 * @param {number} turn
 * @param {number} count
 */
function numbers(turn, count) {
  return Array.from({ length: count }, (_, at) => number(turn + at))
}

/** @param {number} turn */
function number(turn) {
  return 100.125 + ((turn * 13) % 1_800) + (turn % 4) / 4
}
