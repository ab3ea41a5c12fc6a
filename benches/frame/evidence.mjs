// Reduces what a server did to what has to be equal on both: frames as JSON without the order of members, catch-ups whole
// however they were cut, and a digest where it is long.
import { createHash } from 'node:crypto'

/** Up to this many characters are kept as they are, so that a difference can be shown. */
const SHOWN = 2_000

/**
 * @typedef {{ hash: string, shown: string }} Digest
 * @param {import('./scenario.mjs').Evidence} evidence
 * @returns {Record<string, Digest>}
 */
export function digest({ frames, state }) {
  const receivers = Object.entries(frames).map(([name, texts]) => [
    name,
    reduced(joinPieces(texts.map((text) => JSON.parse(text)))),
  ])
  return { ...Object.fromEntries(receivers), state: reduced(state) }
}

/**
 * heddle may cut a catch-up into several patches with `clientId: ""`, of which the last has the clock; the peer sends one.
 * @param {any[]} frames
 */
function joinPieces(frames) {
  /** @type {any[]} */
  const joined = []
  for (const frame of frames) {
    const before = joined.at(-1)
    if (isCatchUp(frame) && before && isCatchUp(before)) {
      before.timestamp = frame.timestamp
      before.documentPatches = [Object.assign(before.documentPatches[0], ...frame.documentPatches)]
      if (frame.ephemeralPatches) before.ephemeralPatches = frame.ephemeralPatches
    } else {
      joined.push(frame)
    }
  }
  return joined
}

/** @param {any} frame */
function isCatchUp(frame) {
  return frame.type === 'patch' && frame.clientId === '' && frame.documentPatches !== undefined
}

/**
 * @param {unknown} value
 * @returns {Digest}
 */
function reduced(value) {
  const text = JSON.stringify(value, sorted) ?? 'undefined'
  return { hash: createHash('sha256').update(text).digest('hex'), shown: text.slice(0, SHOWN) }
}

/**
 * @param {string} _name
 * @param {unknown} value
 */
function sorted(_name, value) {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

/**
 * Says where two servers differ; `null` where they are equivalent.
 * @param {Record<string, Digest> | null} ours
 * @param {Record<string, Digest> | null} theirs
 */
export function difference(ours, theirs) {
  const names = new Set([...Object.keys(ours ?? {}), ...Object.keys(theirs ?? {})])
  if (names.size === 0) return 'nothing was compared'
  for (const name of names) {
    const [a, b] = [ours?.[name], theirs?.[name]]
    if (a?.hash !== b?.hash) return `${name}:\n  ${around(a?.shown, b?.shown)}`
  }
  return null
}

/** @param {string} [a] @param {string} [b] */
function around(a = 'nothing', b = 'nothing') {
  let at = 0
  while (at < a.length && a[at] === b[at]) at += 1
  const from = Math.max(0, at - 80)
  return `${a.slice(from, at + 160)}\n  ${b.slice(from, at + 160)}`
}
