// What all protocols have in common for the comparison: clients that each move one shape and one cursor.

/**
 * One client, in its protocol. Positions tell who moved what when: see `positionOf`.
 * @typedef {object} Mover
 * @property {string} path of the connect URL
 * @property {() => Payload[]} greet what it says as soon as its socket is open
 * @property {(frame: Buffer) => Payload[] | undefined} hear
 * what it answers to a frame while it joins; nothing once it has joined
 * @property {(x: number) => Payload[]} create its shape and its cursor
 * @property {(x: number) => Payload[]} move both of them
 * @property {(frame: Buffer) => Seen} read
 *
 * @typedef {string | Uint8Array} Payload
 * @typedef {{ shapes: number[], cursors: number[] }} Seen where others moved theirs, in order
 * @typedef {(room: string, index: number) => Mover} Dialect
 */

/** Clients of one room are fewer than this. */
const INDICES = 10_000

/**
 * The x coordinate of the move number `sequence`, from 1 on, of a client.
 * @param {number} index of the client in its room
 * @param {number} sequence
 */
export function positionOf(index, sequence) {
  return sequence * INDICES + index
}

/**
 * Who moved there, and with which of its moves.
 * @param {number} position
 */
export function moveOf(position) {
  return { index: position % INDICES, sequence: Math.floor(position / INDICES) }
}

/** @type {Record<string, () => Promise<Dialect>>} */
export const dialects = {
  heddle: async () => (await import('./canvas.mjs')).canvasMover,
  'heddle-16-ms': async () => (await import('./canvas.mjs')).canvasMover,
  peer: async () => (await import('./canvas.mjs')).canvasMover,
  tldraw: async () => (await import('./tldraw.mjs')).tldrawMover,
  hocuspocus: async () => (await import('./yjs.mjs')).yjsMover,
}
