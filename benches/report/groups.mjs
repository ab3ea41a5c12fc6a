/**
 * Groups in the order of their first members, as `Map.groupBy` does from Node 21 on.
 * @template T
 * @param {readonly T[]} all
 * @param {(one: T) => string} keyOf
 */
export function grouped(all, keyOf) {
  /** @type {Map<string, T[]>} */
  const groups = new Map()
  for (const one of all) {
    const key = keyOf(one)
    const group = groups.get(key)
    if (group) group.push(one)
    else groups.set(key, [one])
  }
  return groups
}
