import { isDeepStrictEqual } from 'node:util'
import {
  type AuthorizeResult,
  acceptConnection,
  type FrameData,
  Room,
  RoomManager,
  type RoomOptions,
  type ServerMessage,
  type StoredChange,
} from '../../../index.js'
import { Member } from '../room.js'
import { PlainSocket } from '../sockets.js'
import { type Document, judge, textOfDocument, textOfState, type Verdict } from './model.mjs'

/** What is in the room before a hostile frame comes: components of all kinds, and one that is gone. */
const BEFORE = `[{
  "a/Box": {"_exists":true,"x":1,"text":"hello","points":[1,2,3],"empty":[],"mixed":[1,null],"nested":{"x":[{}]}},
  "b/Box": {"_exists":true},
  "gone/Box": {"_exists":false}
}]`.replaceAll(/\s/g, '')

const EMPTY: Document = { clock: 0, components: new Map() }

/** The document that `BEFORE` makes. */
export const DOCUMENT: Document = judge(
  `{"type":"patch","documentPatches":${BEFORE}}`,
  EMPTY,
).document

/** The close code of a refused frame. */
const REFUSED = 4400

/** A room with a healthy pair, ann and bob, and mallory on a plain socket. */
export interface Stage {
  room: Room
  ann: Member
  bob: Member
  socket: PlainSocket
  isReadonly?: boolean
  close(): void
}

/** Adds the healthy pair and the document. */
function furnish(room: Room): { ann: Member; bob: Member } {
  const ann = new Member(room, 'ann')
  const bob = new Member(room, 'bob')
  ann.sendsRaw(`{"type":"patch","messageId":"before","documentPatches":${BEFORE}}`)
  ann.presence({ 'ann/Cursor': { _exists: true, points: [1, 2] } })
  return { ann, bob }
}

export interface Entrance {
  name: string
  /** Lets mallory say something, by this way in. */
  enter(data: FrameData): Stage | Promise<Stage>
}

function bare(name: string, form: (data: FrameData) => FrameData, isReadonly = false): Entrance {
  return {
    name,
    enter(data) {
      const room = new Room({ onError: () => {} })
      const { ann, bob } = furnish(room)
      const mallory = new Member(room, 'mallory', isReadonly ? 'readonly' : 'readwrite')
      for (const member of [ann, bob, mallory]) member.socket.texts()
      mallory.sendsRaw(form(data))
      const close = () => room.close()
      return { room, ann, bob, socket: mallory.socket, isReadonly, close }
    },
  }
}

/** Its UTF-8 bytes; text that has none, because of a lone surrogate, stays text. */
function asBytes(data: FrameData): FrameData {
  if (typeof data !== 'string') return data
  const bytes = Buffer.from(data)
  return String(bytes) === data ? bytes : data
}

/** Its bytes in pieces, cut inside characters too. */
function inPieces(data: FrameData): FrameData {
  const bytes = asBytes(data)
  if (!(bytes instanceof Uint8Array)) return data
  const { length } = bytes
  const cuts = [0, 1, 1, 7, length >> 1, length].map((cut) => Math.min(cut, length)).sort(byNumber)
  return cuts.map((start, index) => Buffer.from(bytes.subarray(start, cuts[index + 1] ?? start)))
}

const byNumber = (a: number, b: number) => a - b

/** Mallory says it while `authorize` still thinks. */
const waiting: Entrance = {
  name: 'before it is ready',
  async enter(data) {
    const manager = new RoomManager({ onError: () => {} })
    const room = await manager.getRoom('room')
    const { ann, bob } = furnish(room)
    const socket = new PlainSocket()
    let allow = () => {}
    const conn = acceptConnection({
      socket,
      url: '/?roomId=room&clientId=mallory&token=t',
      manager,
      authorize: () =>
        new Promise<AuthorizeResult>((resolve) => {
          allow = () => resolve({ permissions: 'readwrite' })
        }),
    })
    conn.onMessage(data)
    // What comes at the join is not looked at: whoever is there gets a `clientCount`, mallory also ann's presence.
    const handleJoin = PlainSocket.prototype.send
    let greeted = 0
    socket.send = (text) => {
      greeted += 1
      if (greeted > 2) handleJoin.call(socket, text)
    }
    for (const member of [ann, bob]) member.socket.texts()
    allow()
    await conn.ready
    for (const member of [ann, bob]) dropCount(member, 3)
    return { room, ann, bob, socket, close: () => void manager.closeAll() }
  },
}

/** Mallory says it while the room loads. */
const loading: Entrance = {
  name: 'while the room loads',
  async enter(data) {
    let loaded = () => {}
    const room = new Room({
      onError: () => {},
      storage: {
        load: () =>
          new Promise((resolve) => {
            loaded = () => resolve(null)
          }),
        save: async () => {},
      },
    })
    const load = room.load()
    const { ann, bob } = furnish(room)
    const mallory = new Member(room, 'mallory')
    mallory.sendsRaw(data)
    for (const member of [ann, bob]) member.socket.texts()
    mallory.socket.texts()
    loaded()
    await load
    const before = bob.socket.texts()
    const start = before.findIndex((text) => text.includes('"ann/Cursor"')) + 1
    bob.socket.returns(before.slice(start))
    ann.socket.returns(ann.socket.texts().filter((text) => !text.includes('"ack"')))
    // Ann's two frames reached mallory too.
    mallory.socket.returns(mallory.socket.texts().filter((text) => !text.includes('"ann"')))
    return { room, ann, bob, socket: mallory.socket, close: () => room.close({ flush: false }) }
  },
}

/** A store that keeps changes in memory and takes a turn for it. */
function store(): NonNullable<RoomOptions['storage']> {
  const kept: StoredChange[] = []
  return {
    load: async () => null,
    save: async () => {},
    append: async (changes) => void kept.push(...changes),
    loadChanges: async () => kept,
  }
}

/** Mallory says it in a room that shows nothing before it is stored. */
const journaled: Entrance = {
  name: 'in a room that journals',
  async enter(data) {
    const room = new Room({ onError: () => {}, storage: store(), durability: 'disk' })
    await room.load()
    const { ann, bob } = furnish(room)
    const mallory = new Member(room, 'mallory')
    await stored(room)
    for (const member of [ann, bob, mallory]) member.socket.texts()
    mallory.sendsRaw(data)
    await stored(room)
    return { room, ann, bob, socket: mallory.socket, close: () => room.close({ flush: false }) }
  },
}

async function stored(room: Room): Promise<void> {
  for (let turn = 0; turn < 5 && (turn === 0 || room.getStats().unsaved); turn += 1) {
    await new Promise((resolve) => setImmediate(resolve))
  }
}

function dropCount(member: Member, count: number): void {
  const text = JSON.stringify({ type: 'clientCount', count })
  member.socket.returns(member.socket.texts().filter((other) => other !== text))
}

export const ENTRANCES: Entrance[] = [
  bare('as it is', (data) => data),
  bare('as bytes', asBytes),
  bare('in pieces', inPieces),
  bare('from a readonly session', (data) => data, true),
  waiting,
  loading,
  journaled,
]

/** Says what a room did otherwise than it must. Nothing, when all is well. */
export async function problemsOf(data: string | Uint8Array, stage: Stage): Promise<string[]> {
  const verdict = judge(data, DOCUMENT, { isReadonly: stage.isReadonly === true })
  return [
    ...problemsOfAnswer(verdict, stage),
    ...problemsOfOthers(verdict, stage),
    ...problemsOfDocument(verdict, stage),
    ...(await problemsOfPair(verdict, stage)),
  ]
}

function problemsOfAnswer(verdict: Verdict, { socket }: Stage): string[] {
  const { answer, codes, messageId, document } = verdict
  const frames = socket.received()
  const isClosed = answer === 'error'
  const [first] = frames
  const problems = []
  if (socket.closes.length !== Number(isClosed)) problems.push(`${socket.closes.length} closes`)
  if (isClosed && socket.closeCode !== REFUSED) problems.push(`closed with ${socket.closeCode}`)
  if (isClosed || answer === 'served with error') {
    if (first?.type !== 'error' || !codes.has(first.code)) {
      problems.push(`${JSON.stringify(first)} instead of an error of ${[...codes]}`)
    } else if (!codes.has('too-deep') && !isDeepStrictEqual(first.messageId, asSent(messageId))) {
      problems.push(`messageId ${JSON.stringify(first.messageId)}`)
    }
  }
  const rest = frames.slice(answer === 'served with error' ? 1 : 0)
  const expected: Record<Verdict['answer'], () => boolean> = {
    nothing: () => frames.length === 0,
    mismatch: () => frames.length === 1 && first?.type === 'version-mismatch',
    error: () => frames.length === 1,
    ack: () =>
      isDeepStrictEqual(frames, [
        {
          type: 'ack',
          ...(messageId !== undefined && { messageId: asSent(messageId) }),
          timestamp: document.clock,
        },
      ]),
    served: () => isCatchUp(rest, document.clock),
    'served with error': () => isCatchUp(rest, document.clock),
  }
  if (!expected[answer]()) problems.push(`${JSON.stringify(frames).slice(0, 300)}, not ${answer}`)
  return problems
}

const asSent = (value: unknown) =>
  value === undefined ? undefined : JSON.parse(JSON.stringify(value))

function isCatchUp(frames: ServerMessage[], clock: number): boolean {
  const kinds = frames.map((frame) => frame.type).join(' ')
  const last = frames.at(-1)
  if (last?.type !== 'synced' || last.timestamp !== clock) return false
  return /^(resync )?(patch )?synced$/.test(kinds)
}

function problemsOfOthers(verdict: Verdict, { ann, bob }: Stage): string[] {
  const left = verdict.answer === 'error' ? ['clientCount'] : []
  const kinds = verdict.isShown ? ['patch'] : left
  return [ann, bob].flatMap((member) => {
    const frames = member.received()
    const mine = frames.map((frame) => frame.type).join()
    return mine === kinds.join() ? [] : [`${member.clientId} got ${mine}, not ${kinds}`]
  })
}

function problemsOfDocument({ document }: Verdict, { room }: Stage): string[] {
  const { timestamp, state } = room.getSnapshot()
  const problems = timestamp === document.clock ? [] : [`clock ${timestamp}`]
  const [ours, expected] = [textOfState(state), textOfDocument(document)]
  if (ours !== expected) problems.push(`state ${ours.slice(0, 200)}, not ${expected.slice(0, 200)}`)
  return problems
}

/** Ann edits, and bob hears of it. */
async function problemsOfPair(verdict: Verdict, { room, ann, bob }: Stage): Promise<string[]> {
  const clock = verdict.document.clock + 1
  ann.send({ messageId: 'pair', documentPatches: [{ 'pair/Box': { _exists: true, clock } }] })
  if (room.getStats().durability === 'disk') await stored(room)
  const patch = {
    type: 'patch',
    clientId: 'ann',
    documentPatches: [{ 'pair/Box': { _exists: true, clock } }],
    timestamp: clock,
  }
  const ack = { type: 'ack', messageId: 'pair', timestamp: clock }
  const isWell =
    isDeepStrictEqual(bob.received(), [patch]) && isDeepStrictEqual(ann.received(), [ack])
  return isWell ? [] : ['the healthy pair is disturbed']
}
