// What a document becomes by its changes, in the simplest words: the model that a ledger and its clients hold against heddle.

/** @typedef {import('../../index.js').Patch} Patch */
/** @typedef {import('../../index.js').ComponentData} ComponentData */
/**
 * A component that is alive, or `null`: it was never there, or is a tombstone.
 * @typedef {ComponentData | null} Held
 */

/**
 * What a component is after one change of it.
 * @param {Held} held
 * @param {ComponentData} data
 * @returns {Held}
 */
export function changed(held, data) {
  if (data._exists === false) return null
  if (held === null && data._exists !== true) return null
  const next = { ...held }
  for (const [field, value] of Object.entries(data)) next[field] = written(next[field], value)
  return next
}

/**
 * What a field is after a value or a buffer delta was written to it.
 * @param {unknown} current
 * @param {unknown} value
 */
function written(current, value) {
  const delta = /** @type {{ __buf?: 1, len: number, runs: [number, number[]][] } | null} */ (value)
  if (typeof delta !== 'object' || delta === null || delta.__buf !== 1) return value
  const base = Array.isArray(current) ? current : []
  const array = Array.from({ length: delta.len }, (_, index) => base[index] ?? 0)
  for (const [offset, numbers] of delta.runs) {
    for (const [index, number] of numbers.entries()) {
      if (offset + index < delta.len) array[offset + index] = number
    }
  }
  return array
}

/**
 * Applies patches to a document: key -> what is alive.
 * @param {Map<string, ComponentData>} document
 * @param {readonly Patch[]} patches
 */
export function apply(document, patches) {
  for (const patch of patches) {
    for (const [key, data] of Object.entries(patch)) {
      const next = changed(document.get(key) ?? null, data)
      if (next === null) document.delete(key)
      else document.set(key, next)
    }
  }
}

/**
 * A text that is the same for the same component, whatever the order of its fields.
 * @param {Held} held
 */
export function fingerprint(held) {
  if (held === null) return 'none'
  return JSON.stringify(Object.entries(held).sort(([a], [b]) => (a < b ? -1 : 1)))
}

/**
 * The keys whose components differ.
 * @param {Map<string, ComponentData>} one
 * @param {Map<string, ComponentData>} other
 */
export function differences(one, other) {
  const keys = new Set([...one.keys(), ...other.keys()])
  return [...keys].filter(
    (key) => fingerprint(one.get(key) ?? null) !== fingerprint(other.get(key) ?? null),
  )
}
