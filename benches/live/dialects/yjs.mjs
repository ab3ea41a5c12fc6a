// Hocuspocus's protocol around Yjs: the shape is a map in the shared document, the cursor is the client's awareness, and a tick
// is one message of each. Its own document holds only its own shape: what others do it reads, but does not merge.
import { rival } from '../rivals/packages.mjs'

const Y = rival('yjs')
const decoding = rival('lib0/decoding')
const encoding = rival('lib0/encoding')

const SYNC = 0
const AWARENESS = 1
const AUTH = 2
const SYNC_STEP_1 = 0
const SYNC_STEP_2 = 1
const UPDATE = 2
const TOKEN = 0

/**
 * @param {string} room
 * @param {number} index
 * @returns {import('./dialect.mjs').Mover}
 */
export function yjsMover(room, index) {
  const name = `c${index}`
  const doc = new Y.Doc()
  const shape = new Y.Map()
  let clock = 0
  let update = /** @type {Uint8Array} */ (new Uint8Array())
  doc.on('update', (/** @type {Uint8Array} */ made) => {
    update = made
  })

  /** @param {number} type @param {(encoder: any) => void} write */
  const message = (type, write) => {
    const encoder = encoding.createEncoder()
    encoding.writeVarString(encoder, room)
    encoding.writeVarUint(encoder, type)
    write(encoder)
    return /** @type {Uint8Array} */ (encoding.toUint8Array(encoder))
  }
  /** @param {number} step @param {Uint8Array} bytes */
  const sync = (step, bytes) =>
    message(SYNC, (encoder) => {
      encoding.writeVarUint(encoder, step)
      encoding.writeVarUint8Array(encoder, bytes)
    })
  /** @param {number} x */
  const awareness = (x) =>
    message(AWARENESS, (encoder) => {
      clock += 1
      encoding.writeVarUint8Array(encoder, awarenessUpdate(doc.clientID, clock, { name, x, y: -1 }))
    })
  /** @param {() => void} edit @param {number} x */
  const tick = (edit, x) => {
    doc.transact(edit)
    return [sync(UPDATE, update), awareness(x)]
  }
  return {
    path: '/',
    greet: () => [
      message(AUTH, (encoder) => {
        encoding.writeVarUint(encoder, TOKEN)
        encoding.writeVarString(encoder, 'editor')
      }),
      sync(SYNC_STEP_1, Y.encodeStateVector(doc)),
    ],
    hear(frame) {
      const { type, decoder } = open(frame)
      const step = type === AUTH ? -1 : decoding.readVarUint(decoder)
      if (step === SYNC_STEP_1) return [sync(SYNC_STEP_2, Y.encodeStateAsUpdate(doc))]
      return step === SYNC_STEP_2 ? undefined : []
    },
    create: (x) =>
      tick(() => {
        doc.getMap('shapes').set(name, shape)
        shape.set('x', x)
        shape.set('y', -1)
      }, x),
    move: (x) =>
      tick(() => {
        shape.set('x', x)
        shape.set('y', -x)
      }, x),
    read(frame) {
      const { type, decoder } = open(frame)
      if (type === AWARENESS) {
        return { shapes: [], cursors: cursorsOf(decoding.readVarUint8Array(decoder)) }
      }
      const isUpdate = type === SYNC && decoding.readVarUint(decoder) === UPDATE
      const bytes = isUpdate ? decoding.readVarUint8Array(decoder) : undefined
      return { shapes: bytes === undefined ? [] : shapesOf(bytes), cursors: [] }
    },
  }
}

/** @param {Buffer} frame */
function open(frame) {
  const decoder = decoding.createDecoder(frame)
  decoding.readVarString(decoder)
  return { type: decoding.readVarUint(decoder), decoder }
}

/**
 * As `encodeAwarenessUpdate` of y-protocols writes one state.
 * @param {number} clientId
 * @param {number} clock
 * @param {object} state
 */
function awarenessUpdate(clientId, clock, state) {
  const encoder = encoding.createEncoder()
  encoding.writeVarUint(encoder, 1)
  encoding.writeVarUint(encoder, clientId)
  encoding.writeVarUint(encoder, clock)
  encoding.writeVarString(encoder, JSON.stringify(state))
  return encoding.toUint8Array(encoder)
}

/**
 * @param {Uint8Array} update
 * @returns {number[]}
 */
function cursorsOf(update) {
  const decoder = decoding.createDecoder(update)
  const count = decoding.readVarUint(decoder)
  return Array.from({ length: count }, () => {
    decoding.readVarUint(decoder)
    decoding.readVarUint(decoder)
    return JSON.parse(decoding.readVarString(decoder))?.x ?? -1
  }).filter((x) => x >= 0)
}

/**
 * The x coordinates, which are those above zero.
 * @param {Uint8Array} update
 * @returns {number[]}
 */
function shapesOf(update) {
  /** @type {{ structs: { content?: { arr?: unknown[] } }[] }} */
  const { structs } = Y.decodeUpdate(update)
  return structs
    .flatMap(({ content }) => content?.arr ?? [])
    .filter((value) => typeof value === 'number')
    .filter((value) => value > 0)
}
