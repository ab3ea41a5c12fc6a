// The documents and edits that scenarios work on: shapes of a canvas, the same on every side and in every run.

/** @typedef {import('../../index.js').Patch} Patch */

/** @param {number} index */
export const shapeKey = (index) => `shape-${index}/Shape`

/**
 * What a shape holds: about 120 bytes as JSON.
 * @param {number} index
 */
export function shape(index) {
  return {
    _exists: true,
    x: (index * 7919) % 4096,
    y: (index * 104729) % 4096,
    width: 120.5,
    height: 80.25,
    rotation: 0,
    color: '#3b82f6',
    text: `shape ${index}`,
  }
}

/**
 * @param {string} messageId
 * @param {Patch[]} documentPatches
 */
export function patchFrame(messageId, documentPatches) {
  return JSON.stringify({ type: 'patch', messageId, documentPatches })
}

/** @param {number} lastTimestamp */
export function reconnectFrame(lastTimestamp) {
  return JSON.stringify({ type: 'reconnect', lastTimestamp, protocolVersion: 2 })
}

const SHAPES_PER_FRAME = 1_000

/**
 * The frames that create shapes.
 * @param {number} components
 */
export function* creationFrames(components) {
  for (let from = 0; from < components; from += SHAPES_PER_FRAME) {
    const keys = Math.min(SHAPES_PER_FRAME, components - from)
    const entries = Array.from({ length: keys }, (_, offset) => [
      shapeKey(from + offset),
      shape(from + offset),
    ])
    yield patchFrame(`create-${from}`, [Object.fromEntries(entries)])
  }
}

/**
 * A document of shapes as storages keep it.
 * @param {number} components
 */
export function largeSnapshot(components) {
  const keys = Array.from({ length: components }, (_, index) => shapeKey(index))
  const clocks = Object.fromEntries(Object.keys(shape(0)).map((field) => [field, 1]))
  return {
    timestamp: 1,
    state: Object.fromEntries(keys.map((key, index) => [key, shape(index)])),
    timestamps: Object.fromEntries(keys.map((key) => [key, { ...clocks }])),
  }
}
