// What all code of a process shares, and no frame may touch.

/** The objects that everything inherits from or calls, by name. */
function shared() {
  const named = new Map()
  /**
   * @param {string} name
   * @param {unknown} value
   */
  const add = (name, value) => {
    const isObject = (typeof value === 'object' && value !== null) || typeof value === 'function'
    if (!isObject || [...named.values()].includes(value)) return
    named.set(name, value)
  }
  const globals = ['Object', 'Function', 'Array', 'String', 'Number', 'Boolean', 'Symbol', 'BigInt']
  globals.push('Map', 'Set', 'WeakMap', 'WeakSet', 'WeakRef', 'Promise', 'Proxy', 'Reflect', 'JSON')
  globals.push('Math', 'Date', 'RegExp', 'Error', 'TypeError', 'RangeError', 'SyntaxError')
  globals.push('ArrayBuffer', 'SharedArrayBuffer', 'DataView', 'Uint8Array', 'Float64Array')
  globals.push('Buffer', 'URL', 'URLSearchParams', 'TextEncoder', 'TextDecoder', 'EventTarget')
  for (const name of globals) {
    const value = /** @type {Record<string, any>} */ (globalThis)[name]
    add(name, value)
    add(`${name}.prototype`, value?.prototype)
  }
  add('TypedArray', Object.getPrototypeOf(Uint8Array))
  add('TypedArray.prototype', Object.getPrototypeOf(Uint8Array.prototype))
  add('the prototype of iterators', Object.getPrototypeOf(Object.getPrototypeOf([].values())))
  add('the prototype of array iterators', Object.getPrototypeOf([].values()))
  add(
    'the prototype of generators',
    Object.getPrototypeOf(function* () {}),
  )
  add(
    'the prototype of async functions',
    Object.getPrototypeOf(async () => {}),
  )
  return named
}

const SHARED = shared()

/**
 * What they hold, as a list that can be compared.
 * @typedef {{ where: string, is: unknown[] }[]} Fingerprint
 */

/** @returns {Fingerprint} */
export function fingerprint() {
  const prints = [{ where: 'the names of globals', is: Reflect.ownKeys(globalThis) }]
  for (const [name, object] of SHARED) {
    /** @type {any[]} */
    const is = [Object.getPrototypeOf(object), Object.isExtensible(object)]
    for (const key of Reflect.ownKeys(object)) {
      const property = /** @type {PropertyDescriptor} */ (
        Reflect.getOwnPropertyDescriptor(object, key)
      )
      const { value, get, set, writable, enumerable, configurable } = property
      is.push(key, value, get, set, writable, enumerable, configurable)
    }
    prints.push({ where: name, is })
  }
  return prints
}

/**
 * What has changed since a fingerprint was taken.
 * @param {Fingerprint} before
 * @returns {string[]}
 */
export function touchedSince(before) {
  const after = fingerprint()
  return before
    .filter(({ is }, index) => {
      const now = after[index]?.is ?? []
      return now.length !== is.length || is.some((item, at) => !Object.is(item, now[at]))
    })
    .map(({ where }) => where)
}
