import { Buffer } from 'node:buffer'
import { setImmediate as turn } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { describe, expect, it, onTestFinished } from 'vitest'
import {
  acceptConnection,
  type HeddleError,
  type Limits,
  type Patch,
  Room,
  RoomManager,
  type RoomSnapshot,
} from '../index.js'
import { Member } from './harness/room.js'
import { PlainSocket } from './harness/sockets.js'

/** What is in the room, where the entrance has one: 84 bytes as the limits count them. */
const SEED: Patch = { s: { _exists: true } }

/** What an entrance puts around patches, and what is there already. */
interface Around {
  /** The text that counts as the frame. */
  frame(document: string, presence?: string): string
  /** Objects and lists around the value of a field. */
  levels: number
  heldBytes: number
  heldComponents: number
}

/** The texts of lists of patches: of the document, and of presence. */
type Patches = [document: string, presence?: string]

interface Limited {
  rule: string
  limit: keyof Limits
  code: string
  /** The limits of the room; the defaults, where the row has none. */
  limits?: Partial<Limits>
  /** Patches just at the limit, or, with `over` 1, one over it. */
  make(over: 0 | 1, around: Around): Patches
  /** The entrances that have no such limit, and why. */
  not?: Partial<Record<'applyPatch' | 'load', string>>
}

const DELTA = 'a snapshot holds whole arrays'
const PRESENCE = 'the server and its storage have no presence'
const FRAME = 'a snapshot is no frame'

const text = (length: number) => `"${'x'.repeat(length)}"`

/** A list of one patch that creates a component of one field. */
const creating = (value: string, key = 'k', field = 'v') =>
  `[{"${key}":{"_exists":true,"${field}":${value}}}]`

const keys = (count: number) =>
  `[{${Array.from({ length: count }, (_, index) => `"${index}":{"_exists":true}`).join()}}]`

const fields = (count: number) =>
  `[{"k":{"_exists":true,${Array.from({ length: count - 1 }, (_, index) => `"${index}":1`).join()}}}]`

const delta = (len: number | string) => `{"__buf":1,"len":${len},"runs":[]}`

/** A delta that grows by as much as its frame may, which says how much in five digits. */
function growing({ frame }: Around, over: number, perByte: number, base: number): string {
  const bytes = Buffer.byteLength(frame(creating(delta('00000'))))
  return creating(delta(perByte * bytes + base + over))
}

/** Every limit of what a frame may ask for. One row is tested at every entrance. */
const LIMITED: Limited[] = [
  {
    rule: 'LM2',
    limit: 'frameBytes',
    code: 'frame-too-large',
    make: (over, { frame }) => {
      const room = 16 * 1024 * 1024 - frame(creating('""')).length
      // The component has a limit of its own.
      return [`[{"k":{"_exists":true,"v":"${'x'.repeat(room + over)}"}}]`]
    },
    not: { load: FRAME },
  },
  {
    rule: 'LM3',
    limit: 'nesting',
    code: 'too-deep',
    make: (over, { levels }) => {
      const depth = 64 - levels + over
      return [creating('['.repeat(depth) + ']'.repeat(depth))]
    },
  },
  {
    rule: 'LM4',
    limit: 'keysPerFrame',
    code: 'too-many-keys',
    make: (over) => [keys(100_000 + over)],
    not: { load: FRAME },
  },
  {
    rule: 'LM5',
    limit: 'nameBytes',
    code: 'name-too-long',
    make: (over) => [creating('1', 'k'.repeat(16 * 1024 + over))],
  },
  {
    rule: 'LM5',
    limit: 'nameBytes',
    code: 'name-too-long',
    make: (over) => [creating('1', 'k', 'f'.repeat(16 * 1024 + over))],
  },
  {
    rule: 'LM8',
    limit: 'fieldsPerComponent',
    code: 'too-many-fields',
    make: (over) => [fields(10_000 + over)],
  },
  {
    rule: 'LM9',
    limit: 'componentBytes',
    code: 'component-too-large',
    limits: { componentBytes: 1_000 },
    make: (over) => [creating(text(985 + over))],
  },
  {
    rule: 'LM10',
    limit: 'documentBytes',
    code: 'document-too-large',
    limits: { documentBytes: 1_000 },
    make: (over, { heldBytes }) => [creating(text(905 - heldBytes + over))],
  },
  {
    rule: 'LM11',
    limit: 'components',
    code: 'too-many-components',
    limits: { components: 4 },
    make: (over, { heldComponents }) => [keys(4 - heldComponents + over)],
  },
  {
    rule: 'LM6',
    limit: 'bufferNumbers',
    code: 'buffer-too-large',
    make: (over) => [
      `[{"k":{"_exists":true,"pad":${text(20_000)},"v":${delta(1_048_576 + over)}}}]`,
    ],
    not: { load: DELTA },
  },
  {
    rule: 'LM6',
    limit: 'bufferGrowthBase',
    code: 'buffer-too-large',
    make: (over, around) => [growing(around, over, 64, 65_536)],
    not: { load: DELTA },
  },
  {
    rule: 'LM6',
    limit: 'bufferGrowthPerByte',
    code: 'buffer-too-large',
    limits: { bufferGrowthPerByte: 200, bufferGrowthBase: 1 },
    make: (over, around) => [growing(around, over, 200, 1)],
    not: { load: DELTA },
  },
  {
    rule: 'LM12',
    limit: 'presenceBytes',
    code: 'presence-too-large',
    make: (over) => ['[]', creating(text(1024 * 1024 - 95 + over))],
    not: { applyPatch: PRESENCE, load: PRESENCE },
  },
]

const patchFrame = (document: string, presence = '[]') =>
  `{"type":"patch","messageId":"m","documentPatches":${document},"ephemeralPatches":${presence}}`

const reconnectFrame = (document: string, presence = '[]') =>
  `{"type":"reconnect","lastTimestamp":0,"protocolVersion":2,"documentPatches":${document},"ephemeralPatches":${presence}}`

const OF_FRAMES: Around = { frame: patchFrame, levels: 4, heldBytes: 84, heldComponents: 1 }

interface Outcome {
  /** Why it was refused. */
  code: string | undefined
  /** What became of the sender. */
  sender: 'closed' | 'served' | 'told' | 'HEDDLE_BAD_PATCH' | 'HEDDLE_BAD_SNAPSHOT'
  /** Where it came into a room that goes on. */
  room?: { room: Room; before: RoomSnapshot; bob: Member }
}

interface Entrance {
  name: string
  around: Around
  /** What becomes of who is refused. */
  refused: Outcome['sender']
  skips?: 'applyPatch' | 'load'
  enter(limits: Partial<Limits> | undefined, patches: Patches): Promise<Outcome>
}

function furnished(limits: Partial<Limits> | undefined) {
  const room = new Room({ limits, onError: () => {} })
  onTestFinished(() => room.close())
  room.applyPatch(SEED)
  const bob = new Member(room, 'bob')
  const mallory = new Member(room, 'mallory')
  for (const { socket } of [bob, mallory]) socket.texts()
  return { room, bob, mallory, before: room.getSnapshot() }
}

/** What a socket says of its refusal. */
function outcomeOf(socket: PlainSocket): Pick<Outcome, 'code' | 'sender'> {
  const error = socket.received().find((frame) => frame.type === 'error')
  const code = error?.type === 'error' ? error.code : undefined
  const sender = socket.closeCode === 4400 ? 'closed' : code === undefined ? 'served' : 'told'
  return { code, sender }
}

/** What a call throws or rejects with. */
function outcomeOfError(error: unknown): Pick<Outcome, 'code' | 'sender'> {
  const { code, refusal } = error as HeddleError
  return { code: refusal, sender: code as 'HEDDLE_BAD_PATCH' | 'HEDDLE_BAD_SNAPSHOT' }
}

const ENTRANCES: Entrance[] = [
  {
    name: 'handleSocketMessage',
    around: OF_FRAMES,
    refused: 'closed',
    async enter(limits, patches) {
      const { mallory, ...room } = furnished(limits)
      mallory.sendsRaw(patchFrame(...patches))
      return { ...outcomeOf(mallory.socket), room }
    },
  },
  {
    name: 'handleSocketMessage, as bytes',
    around: OF_FRAMES,
    refused: 'closed',
    async enter(limits, patches) {
      const { mallory, ...room } = furnished(limits)
      mallory.sendsRaw(Buffer.from(patchFrame(...patches)))
      return { ...outcomeOf(mallory.socket), room }
    },
  },
  {
    name: 'a frame before ready',
    around: OF_FRAMES,
    refused: 'closed',
    async enter(limits, patches) {
      const manager = new RoomManager({ limits, onError: () => {} })
      onTestFinished(() => manager.closeAll())
      const room = await manager.getRoom('room')
      room.applyPatch(SEED)
      const bob = new Member(room, 'bob')
      const before = room.getSnapshot()
      const socket = new PlainSocket()
      const conn = acceptConnection({
        socket,
        url: '/?roomId=room&clientId=mallory&token=t',
        manager,
        authorize: async () => ({ permissions: 'readwrite' }),
      })
      conn.onMessage(patchFrame(...patches))
      await conn.ready
      return { ...outcomeOf(socket), room: { room, before, bob } }
    },
  },
  {
    name: 'reconnect',
    around: { ...OF_FRAMES, frame: reconnectFrame },
    refused: 'told',
    async enter(limits, patches) {
      const { mallory, ...room } = furnished(limits)
      // In a turn of its own: the catch-ups of the tests before it have spent what one has (RT10).
      await turn()
      mallory.sendsRaw(reconnectFrame(...patches))
      return { ...outcomeOf(mallory.socket), room }
    },
  },
  {
    name: 'applyPatch',
    skips: 'applyPatch',
    around: { ...OF_FRAMES, frame: (document) => document, levels: 3 },
    refused: 'HEDDLE_BAD_PATCH',
    async enter(limits, [document]) {
      const { mallory: _, ...room } = furnished(limits)
      try {
        room.room.applyPatch(JSON.parse(document))
        return { code: undefined, sender: 'served', room }
      } catch (error) {
        return { ...outcomeOfError(error), room }
      }
    },
  },
  {
    name: 'load',
    skips: 'load',
    around: { frame: (document) => document, levels: 3, heldBytes: 0, heldComponents: 0 },
    refused: 'HEDDLE_BAD_SNAPSHOT',
    async enter(limits, [document]) {
      const state: RoomSnapshot['state'] = Object.assign({}, ...JSON.parse(document))
      const snapshot = { timestamp: 1, state, timestamps: {} }
      const storage = { load: async () => snapshot, save: async () => {} }
      const room = new Room({ storage, limits, onError: () => {} })
      onTestFinished(() => room.close({ flush: false }))
      return await room.load().then(
        () => ({ code: undefined, sender: 'served' as const }),
        (error) => outcomeOfError(error),
      )
    },
  },
]

/** Whether a room is as before, what it counted, and whether bob, who did nothing, can still edit it. */
function roomAfter({ room, before, bob }: NonNullable<Outcome['room']>) {
  const { refused } = room.getStats()
  const isAsBefore = isDeepStrictEqual(room.getSnapshot(), before)
  bob.socket.texts()
  bob.send({ messageId: 'after', documentPatches: [{ s: { x: 1 } }] })
  const { timestamp } = before
  const ack = { type: 'ack', messageId: 'after', timestamp: timestamp + 1 }
  return { isAsBefore, bobIsServed: isDeepStrictEqual(bob.received(), [ack]), refused }
}

const TABLE = LIMITED.flatMap((row) =>
  ENTRANCES.filter(({ skips }) => !skips || !row.not?.[skips]).map((entrance) => ({
    row,
    entrance,
    title: `${row.rule}: ${row.limit} (${row.code}) by ${entrance.name}`,
  })),
)

describe.each(TABLE)('$title', ({ row, entrance }) => {
  it('[LM2, LM3, LM4, LM5, LM6, LM8, LM9, LM10, LM11, LM12] lets just as much pass', async () => {
    const patches = row.make(0, entrance.around)

    const { code, sender, room } = await entrance.enter(row.limits, patches)

    expect({ code, sender }).toEqual({ code: undefined, sender: 'served' })
    expect(room?.room.getStats().refused ?? {}).toEqual({})
  })

  it('[LM2, LM3, LM4, LM5, LM6, LM8, LM9, LM10, LM11, LM12, LM15, LM17, AB3, AB4] refuses one more, and serves the others', async () => {
    const patches = row.make(1, entrance.around)

    const { code, sender, room } = await entrance.enter(row.limits, patches)

    // RC6: of a frame that is too large nothing is read, not even that it is a reconnect.
    const isRead = row.limit !== 'frameBytes' || entrance.refused !== 'told'
    expect({ code, sender }).toEqual({
      code: row.code,
      sender: isRead ? entrance.refused : 'closed',
    })
    // What the server itself does wrong it is told by an error, and nobody was refused.
    const refused = entrance.name === 'applyPatch' ? {} : { [row.code]: 1 }
    const good = { isAsBefore: true, bobIsServed: true, refused }
    expect(room ? roomAfter(room) : good).toEqual(good)
  })
})

it('the table has every limit of what a frame may ask for', () => {
  const tested = [...new Set(LIMITED.map(({ limit }) => limit))]

  expect(tested).toEqual([
    'frameBytes',
    'nesting',
    'keysPerFrame',
    'nameBytes',
    'fieldsPerComponent',
    'componentBytes',
    'documentBytes',
    'components',
    'bufferNumbers',
    'bufferGrowthBase',
    'bufferGrowthPerByte',
    'presenceBytes',
  ])
})

/** A socket that costs as little as possible. */
const quiet = () => ({ send: () => {}, close: () => {} })

it('[LM19] a room has 10,000 sessions and not one more; who is there is served', () => {
  const room = new Room()
  onTestFinished(() => room.close())
  const joins = (clientId: string) =>
    room.handleSocketConnect({ socket: quiet(), clientId, permissions: 'readwrite' })
  const bob = new Member(room, 'bob')
  for (let count = 1; count < 10_000; count += 1) joins('mallory')

  expect(() => joins('mallory')).toThrow(
    expect.objectContaining({ code: 'HEDDLE_TOO_MANY_SESSIONS' }),
  )

  expect(room.getSessionCount()).toBe(10_000)
  bob.socket.texts()
  bob.patch({ k: { _exists: true } })
  expect(bob.received()).toEqual([{ type: 'ack', messageId: 'bob-1', timestamp: 1 }])
  bob.leave()
  expect(joins('carol')).toEqual(expect.any(String))
}, 30_000)

it('[LM19] [LM20] a manager has so many rooms, and so many sessions in all of them, and not one more', async () => {
  const manager = new RoomManager({ limits: { rooms: 2, totalSessions: 3 } })
  onTestFinished(() => manager.closeAll())
  const accept = (roomId: string) =>
    acceptConnection({
      socket: quiet(),
      url: `/?roomId=${roomId}&clientId=c&token=t`,
      manager,
      authorize: () => ({ permissions: 'readwrite' }),
    }).ready

  const { sessionId, room } = await accept('one')
  await accept('two')
  await expect(accept('three')).rejects.toMatchObject({ code: 'HEDDLE_TOO_MANY_ROOMS' })
  await accept('two')
  await expect(accept('one')).rejects.toMatchObject({ code: 'HEDDLE_TOO_MANY_SESSIONS' })

  expect(manager.getStats()).toMatchObject({
    rooms: 2,
    sessions: 3,
    connectionsRefused: { HEDDLE_TOO_MANY_ROOMS: 1, HEDDLE_TOO_MANY_SESSIONS: 1 },
  })
  room.handleSocketClose(sessionId)
  await accept('two')
  await expect(accept('one')).rejects.toMatchObject({ code: 'HEDDLE_TOO_MANY_SESSIONS' })
})
