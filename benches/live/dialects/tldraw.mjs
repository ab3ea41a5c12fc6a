// tldraw's sync protocol, version 8: a push carries the diff of the shape and of the presence of a tick together. The server
// gathers what it sends to a client for a sixtieth of a second.
import { rival } from '../rivals/packages.mjs'

const { createTLSchema, InstancePresenceRecordType } = rival('@tldraw/tlschema')
const { getTlsyncProtocolVersion } = rival('@tldraw/sync-core')
const schema = createTLSchema().serialize()

/**
 * @typedef {['put', Record<string, any>] | ['patch', Record<string, ['put', any]>] | ['remove']} RecordOperation
 * @typedef {Record<string, RecordOperation>} Diff
 */

/**
 * @param {string} roomId
 * @param {number} index
 * @returns {import('./dialect.mjs').Mover}
 */
export function tldrawMover(roomId, index) {
  const clientId = `c${index}`
  const shapeId = `shape:${clientId}`
  let clientClock = 0

  /** @param {Diff} diff @param {RecordOperation} presence */
  const push = (diff, presence) => {
    clientClock += 1
    return JSON.stringify({ type: 'push', clientClock, diff, presence })
  }
  return {
    path: `/?${new URLSearchParams({ roomId, clientId, token: 'editor' })}`,
    greet: () => [
      JSON.stringify({
        type: 'connect',
        connectRequestId: clientId,
        lastServerClock: -1,
        protocolVersion: getTlsyncProtocolVersion(),
        schema,
      }),
    ],
    hear: (frame) => (JSON.parse(String(frame)).type === 'connect' ? undefined : []),
    create: (x) => [
      push({ [shapeId]: ['put', shapeAt(shapeId, x)] }, ['put', presenceAt(clientId, x)]),
    ],
    move: (x) => [
      push({ [shapeId]: ['patch', { x: ['put', x], y: ['put', -clientClock] }] }, [
        'patch',
        { cursor: ['put', cursorAt(x)], lastActivityTimestamp: ['put', Date.now()] },
      ]),
    ],
    read: (frame) => readFrame(JSON.parse(String(frame))),
  }
}

/** @param {{ type: string, data?: { type: string, diff?: Diff }[] }} frame */
function readFrame({ data = [] }) {
  const seen = { shapes: /** @type {number[]} */ ([]), cursors: /** @type {number[]} */ ([]) }
  for (const { type, diff = {} } of data) {
    if (type !== 'patch') continue
    for (const [id, [, change]] of Object.entries(diff)) {
      if (change === undefined) continue
      if (id.startsWith('shape:')) seen.shapes.push(...value(change.x))
      else seen.cursors.push(...value(change.cursor).map(({ x }) => x))
    }
  }
  return seen
}

/**
 * A member of a record that was put, or of the patch of one.
 * @param {any} member
 * @returns {any[]}
 */
function value(member) {
  if (member === undefined) return []
  return Array.isArray(member) ? [member[1]] : [member]
}

/** @param {number} x */
function cursorAt(x) {
  return { x, y: -1, type: 'default', rotation: 0 }
}

/** @param {string} clientId @param {number} x */
function presenceAt(clientId, x) {
  return InstancePresenceRecordType.create({
    id: InstancePresenceRecordType.createId(clientId),
    userId: `user:${clientId}`,
    userName: clientId,
    currentPageId: 'page:page',
    cursor: cursorAt(x),
    lastActivityTimestamp: Date.now(),
  })
}

/** @param {string} id @param {number} x */
function shapeAt(id, x) {
  return {
    id,
    typeName: 'shape',
    type: 'group',
    parentId: 'page:page',
    index: 'a1',
    x,
    y: 0,
    rotation: 0,
    isLocked: false,
    opacity: 1,
    meta: {},
    props: {},
  }
}
