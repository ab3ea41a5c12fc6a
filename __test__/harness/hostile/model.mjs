// What a room must make of a frame, from `JSON.parse` and the rules of merging alone. It shares no code with heddle, and is
// as simple as it can be: whoever reads it should see that it is right.
import { Buffer } from 'node:buffer'

const DEPTH = 64
const FRAME_BYTES = 16 * 1024 * 1024
const KEYS = 100_000
const NAME_BYTES = 16 * 1024
const BUFFER_NUMBERS = 1_048_576

/**
 * @typedef {Map<string, any>} Fields
 * @typedef {{ clock: number, components: Map<string, Fields> }} Document tombstones have `_exists: false` only
 *
 * What the sender is answered:
 * - `nothing`; `ack`; `mismatch`
 * - `error`: and its socket is closed
 * - `served`: perhaps a catch-up, then `synced`
 * - `served with error`: the same behind an `error`
 * @typedef {object} Verdict
 * @property {'nothing' | 'ack' | 'mismatch' | 'error' | 'served' | 'served with error'} answer
 * @property {Set<string>} codes why it may be refused
 * @property {unknown} [messageId]
 * @property {boolean} [isToken] a token that its handler gets
 * @property {boolean} [isShown] others are told
 * @property {Document} document afterwards
 */

/** A frame must be refused, for one of these reasons at least. */
class Refused extends Error {
  /** @param {Iterable<string>} codes */
  constructor(codes) {
    super([...codes].join())
    this.codes = new Set(codes)
  }
}

/**
 * @param {string | Uint8Array} data
 * @param {Document} document stays as it is
 * @param {{ isReadonly?: boolean, presence?: Map<string, Fields> }} [session]
 * @returns {Verdict}
 */
export function judge(data, document, { isReadonly = false, presence = new Map() } = {}) {
  /** @type {any} */
  let messageId
  try {
    const frame = parse(data)
    messageId = frame.type === 'patch' ? frame.messageId : undefined
    if (frame.type === 'patch') return judgePatch(frame, document, presence, isReadonly, frame.size)
    if (frame.type === 'reconnect') {
      return judgeReconnect(frame, document, presence, isReadonly, frame.size)
    }
    if (frame.isTooDeep) throw new Refused(['too-deep'])
    if (frame.type !== 'auth-refresh') return { answer: 'nothing', codes: new Set(), document }
    if (typeof frame.token !== 'string') throw new Refused(['bad-frame'])
    return { answer: 'nothing', codes: new Set(), isToken: true, document }
  } catch (error) {
    if (!(error instanceof Refused)) throw error
    return { answer: 'error', codes: error.codes, messageId, document }
  }
}

/**
 * @param {any} frame
 * @param {Document} document
 * @param {Map<string, Fields>} presence
 * @param {boolean} isReadonly
 * @param {number} size
 * @returns {Verdict}
 */
function judgePatch(frame, document, presence, isReadonly, size) {
  const next = merged(frame, document, presence, size)
  const isEmpty = next.documentCount + next.presenceCount === 0
  const answer = isEmpty ? 'nothing' : 'ack'
  const isShown = !isEmpty && !isReadonly
  const after = isShown && next.documentCount > 0 ? next.document : document
  return { answer, codes: new Set(), messageId: frame.messageId, isShown, document: after }
}

/**
 * @param {any} frame
 * @param {Document} document
 * @param {Map<string, Fields>} presence
 * @param {boolean} isReadonly
 * @param {number} size
 * @returns {Verdict}
 */
function judgeReconnect(frame, document, presence, isReadonly, size) {
  if (frame.protocolVersion !== 2 && frame.protocolVersion !== 1) {
    return { answer: 'mismatch', codes: new Set(), document }
  }
  const { lastTimestamp } = frame
  if (typeof lastTimestamp !== 'number' && lastTimestamp !== null) {
    throw new Refused(frame.isTooDeep ? ['too-deep'] : ['bad-frame'])
  }
  try {
    const next = merged(frame, document, presence, size)
    const isShown = next.documentCount + next.presenceCount > 0 && !isReadonly
    const after = isShown && next.documentCount > 0 ? next.document : document
    return { answer: 'served', codes: new Set(), isShown, document: after }
  } catch (error) {
    if (!(error instanceof Refused)) throw error
    return { answer: 'served with error', codes: error.codes, document }
  }
}

/**
 * @param {string | Uint8Array} data
 * @returns {any}
 */
function parse(data) {
  const size = typeof data === 'string' ? Buffer.byteLength(data) : data.length
  if (size > FRAME_BYTES) throw new Refused(['frame-too-large'])
  const text = textOf(data)
  const isTooDeep = depthOf(text) > DEPTH
  let frame
  try {
    frame = JSON.parse(text)
  } catch {
    // What is cut for its depth is not looked at.
    throw new Refused(isTooDeep ? ['bad-json', 'too-deep'] : ['bad-json'])
  }
  if (typeof frame !== 'object' || frame === null || Array.isArray(frame)) {
    throw new Refused(isTooDeep ? ['bad-frame', 'too-deep'] : ['bad-frame'])
  }
  // What is beyond a double's range is written as null.
  for (const name of ['documentPatches', 'ephemeralPatches', 'lastTimestamp']) {
    if (typeof frame[name] === 'number' && !Number.isFinite(frame[name])) frame[name] = null
  }
  return Object.assign(Object.create(null), frame, { size, isTooDeep })
}

/** @param {string | Uint8Array} data */
function textOf(data) {
  if (typeof data === 'string') return data
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(data)
  } catch {
    throw new Refused(['bad-json'])
  }
}

/**
 * How deep containers are nested; of text that is no JSON some number.
 * @param {string} text
 */
function depthOf(text) {
  let deepest = 0
  let depth = 0
  let isText = false
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at]
    if (isText) {
      if (character === '\\') at += 1
      else if (character === '"') isText = false
    } else if (character === '"') isText = true
    else if (character === '[' || character === '{') depth += 1
    else if (character === ']' || character === '}') depth -= 1
    deepest = Math.max(deepest, depth)
  }
  return deepest
}

/**
 * @param {any} frame
 * @param {Document} document
 * @param {Map<string, Fields>} presence
 * @param {number} size
 */
function merged(frame, document, presence, size) {
  /** @type {Set<string>} */
  const codes = new Set(frame.isTooDeep ? ['too-deep'] : [])
  const documentPatches = frame.documentPatches ?? []
  const ephemeralPatches = frame.ephemeralPatches ?? []
  const budget = { keys: KEYS }
  for (const list of [documentPatches, ephemeralPatches]) findFaults(list, budget, codes)
  if (codes.size > 0) throw new Refused(codes)
  const components = merge(documentPatches, document.components, size)
  // Presence of one client has no tombstones, which make no difference to what may be merged.
  merge(ephemeralPatches, presence, size)
  return {
    document: { clock: document.clock + 1, components },
    documentCount: documentPatches.length,
    presenceCount: ephemeralPatches.length,
  }
}

/**
 * Adds everything that is wrong with a list of patches, whatever it is applied to.
 * @param {any} list
 * @param {{ keys: number }} budget
 * @param {Set<string>} codes
 */
function findFaults(list, budget, codes) {
  if (!Array.isArray(list)) {
    codes.add('bad-patch')
    return
  }
  for (const patch of list) {
    if (!isObject(patch)) {
      codes.add('bad-patch')
      continue
    }
    for (const [key, component] of Object.entries(patch)) {
      budget.keys -= 1
      if (budget.keys < 0) codes.add('too-many-keys')
      if (nameBytes(key) > NAME_BYTES) codes.add('name-too-long')
      if (!isObject(component)) {
        codes.add('bad-patch')
        continue
      }
      for (const [name, value] of Object.entries(component)) {
        if (nameBytes(name) > NAME_BYTES) codes.add('name-too-long')
        if (name === '_exists' && typeof value !== 'boolean') codes.add('bad-patch')
        if (!isDelta(value)) continue
        if (!isSoundDelta(value)) codes.add('bad-delta')
        if (typeof value.len === 'number' && value.len > BUFFER_NUMBERS) {
          codes.add('buffer-too-large')
        }
      }
    }
  }
}

/**
 * @param {any[]} patches
 * @param {Map<string, Fields>} components stay as they are
 * @param {number} size
 */
function merge(patches, components, size) {
  const next = new Map(components)
  let growth = 64 * size + 65_536
  for (const patch of patches) {
    for (const [key, update] of Object.entries(patch)) {
      const old = next.get(key)
      if (update._exists === false) {
        next.set(key, new Map([['_exists', false]]))
        continue
      }
      const isAlive = old !== undefined && old.get('_exists') !== false
      const stays = isAlive || update._exists === true
      /** @type {Fields} */
      const fields = new Map(isAlive ? old : [])
      for (const [name, value] of Object.entries(update)) {
        if (!isDelta(value)) {
          fields.set(name, asJson(value))
          continue
        }
        const base = (stays ? fields.get(name) : []) ?? (fields.has(name) ? null : [])
        if (!isNumbers(base)) throw new Refused(['bad-delta'])
        growth -= Math.max(value.len - base.length, 0)
        if (growth < 0) throw new Refused(['buffer-too-large'])
        fields.set(name, changed(base, value))
      }
      if (stays) next.set(key, fields)
    }
  }
  return next
}

/**
 * @param {number[]} base
 * @param {{ len: number, runs: [number, number[]][] }} delta
 */
function changed(base, { len, runs }) {
  const numbers = base.slice(0, len)
  while (numbers.length < len) numbers.push(0)
  for (const [offset, run] of runs) {
    run.forEach((number, index) => {
      if (offset + index < len) numbers[offset + index] = number
    })
  }
  return asJson(numbers)
}

/** @param {any} value */
const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value)

/** @param {any} value */
const isDelta = (value) => isObject(value) && Object.hasOwn(value, '__buf') && value.__buf === 1

/** @param {any} value */
const isNumbers = (value) =>
  Array.isArray(value) && value.every((item) => typeof item === 'number' && Number.isFinite(item))

/** @param {any} value */
const isLength = (value) => Number.isInteger(value) && value >= 0

/** @param {any} delta */
function isSoundDelta({ len, runs }) {
  if (!isLength(len) || !Array.isArray(runs)) return false
  return runs.every(
    (run) => Array.isArray(run) && run.length === 2 && isLength(run[0]) && isNumbers(run[1]),
  )
}

/**
 * What is left of a value once it was written as JSON: numbers that are none are `null`.
 * @param {unknown} value
 */
const asJson = (value) => JSON.parse(JSON.stringify(value))

/** @param {string} name */
const nameBytes = (name) => Buffer.byteLength(JSON.stringify(name)) - 2

/**
 * A snapshot's state in a form of its own, for comparing: names in order, `__proto__` a name like others.
 * @param {Record<string, any>} state
 */
export function textOfState(state) {
  return JSON.stringify(sorted(state))
}

/** @param {Document} document */
export function textOfDocument({ components }) {
  return JSON.stringify(
    sortedEntries([...components].map(([key, fields]) => [key, sortedEntries([...fields])])),
  )
}

/**
 * @param {any} state
 * @returns {unknown}
 */
function sorted(state) {
  return sortedEntries(
    Object.entries(state).map(([key, fields]) => [key, sortedEntries(Object.entries(fields))]),
  )
}

/** @param {[string, any][]} entries */
const sortedEntries = (entries) => entries.sort(([a], [b]) => (a < b ? -1 : Number(a > b)))
