import * as peer from '@woven-ecs/canvas-store-server'
import * as fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import type { Patch, ServerMessage } from '../index.js'
import * as heddle from '../index.js'
import { PlainSocket } from './harness/sockets.js'

/** What both servers offer and a conversation needs. */
interface Server {
  handleSocketConnect(options: {
    socket: PlainSocket
    clientId: string
    permissions: 'readonly' | 'readwrite'
  }): string
  handleSocketMessage(sessionId: string, data: string): void
  handleSocketClose(sessionId: string): void
  getSnapshot(): heddle.RoomSnapshot
}

/** A room of one of the servers, and the sockets that ever joined it, by session name. */
class Side {
  readonly #sockets = new Map<string, PlainSocket>()
  readonly #sessionIds = new Map<string, string>()

  constructor(readonly room: Server) {}

  join(session: string, clientId = session, permissions: 'readonly' | 'readwrite' = 'readwrite') {
    const socket = new PlainSocket()
    this.#sockets.set(session, socket)
    this.#sessionIds.set(session, this.room.handleSocketConnect({ socket, clientId, permissions }))
  }

  says(session: string, message: unknown) {
    this.saysText(session, JSON.stringify(message))
  }

  saysText(session: string, text: string) {
    this.room.handleSocketMessage(this.#sessionIds.get(session) ?? '', text)
  }

  patch(session: string, ...documentPatches: Patch[]) {
    this.says(session, { type: 'patch', messageId: `${session}-m`, documentPatches })
  }

  presence(session: string, ...ephemeralPatches: Patch[]) {
    this.says(session, { type: 'patch', messageId: `${session}-p`, ephemeralPatches })
  }

  reconnect(session: string, lastTimestamp: number, content: object = {}) {
    this.says(session, { type: 'reconnect', lastTimestamp, protocolVersion: 2, ...content })
  }

  leave(session: string) {
    this.room.handleSocketClose(this.#sessionIds.get(session) ?? '')
  }

  /** The frames that a session got since the last look. */
  received(session: string): ServerMessage[] {
    return this.#sockets.get(session)?.received() ?? []
  }

  closed(session: string): boolean {
    return (this.#sockets.get(session)?.closes.length ?? 0) > 0
  }

  forget() {
    for (const socket of this.#sockets.values()) socket.texts()
  }

  /** The frames of everybody since the last look. */
  everything(): Record<string, ServerMessage[]> {
    return Object.fromEntries([...this.#sockets].map(([name, socket]) => [name, socket.received()]))
  }
}

type Grant = { permissions: 'readonly' | 'readwrite' }
type Refresh = (room: unknown, info: { token: string }) => Promise<Grant>

function bothSides(onTokenRefresh?: Refresh): { ours: Side; theirs: Side } {
  const options = onTokenRefresh ? { onTokenRefresh } : {}
  return { ours: new Side(new heddle.Room(options)), theirs: new Side(new peer.Room(options)) }
}

/** Runs the same conversation on both sides and gives what `session` got in the end. */
function frames(session: string, talk: (side: Side) => void) {
  const { ours, theirs } = bothSides()
  talk(ours)
  talk(theirs)
  return { ours: ours.received(session), theirs: theirs.received(session) }
}

const create = (key: string, fields: object = {}): Patch => ({
  [key]: { _exists: true, ...fields },
})

describe('a conversation gives the same frames on both servers', () => {
  it('[PA1, PA3, PA7, RC1, RC2, JN1, JN2, PR3] in a scripted session of four', () => {
    const { ours, theirs } = bothSides()

    for (const side of [ours, theirs]) {
      side.join('alice')
      side.join('bob')
      side.patch('alice', create('e1/Shape', { x: 1, y: 2, tags: ['a', { b: null }] }))
      side.presence('alice', create('alice/Cursor', { x: 5 }))
      side.says('bob', {
        type: 'patch',
        messageId: 'both',
        documentPatches: [{ 'e1/Shape': { x: 3 } }, create('e2/Pen', { points: [1, 2, 3, 4] })],
        ephemeralPatches: [create('bob/Cursor', { x: 6 })],
      })
      side.join('viewer', 'viewer', 'readonly')
      side.patch('viewer', { 'e1/Shape': { x: 99 } })
      side.patch('alice', {
        'e2/Pen': {
          points: {
            __buf: 1,
            len: 5,
            runs: [
              [4, [5]],
              [0, [9]],
            ],
          },
        },
      })
      side.reconnect('viewer', 1)
      side.patch('bob', { 'e1/Shape': { _exists: false } })
      side.join('carol')
      side.reconnect('carol', 2, {
        documentPatches: [create('e3/Note', { text: 'hi' })],
        ephemeralPatches: [create('carol/Cursor')],
      })
      side.reconnect('alice', 77)
      side.leave('alice')
      side.leave('bob')
    }

    expect(ours.everything()).toEqual(theirs.everything())
    expect(ours.room.getSnapshot()).toEqual(theirs.room.getSnapshot())
  })

  it('[MG1, MG2, MG3, MG4, MG7, TB1, TB2, PR1, RC3, RC4] in generated ones', async () => {
    const runs = Number(process.env.HEDDLE_DIFFERENTIAL_RUNS ?? 400)

    await fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 40, size: 'max' }), (steps) => {
        const { ours, theirs } = bothSides()
        converse([...everybodyComes, ...steps], [ours, theirs])
        expect(ours.everything()).toEqual(theirs.everything())
        expect(ours.room.getSnapshot()).toEqual(theirs.room.getSnapshot())
      }),
      { numRuns: runs, seed: 20 },
    )
  })
})

/** Sessions by name, with their clients: the second of alice stays, or her presence would go with either (D4). */
const CLIENTS = { alice: 'alice', alice2: 'alice', bob: 'bob', viewer: 'viewer' }
const session = fc.constantFrom('alice', 'alice2', 'bob', 'viewer')
const key = fc.constantFrom(
  'e1/Shape',
  'e2/Shape',
  'e3/Pen',
  '',
  '0',
  'a\u0000"b',
  '\ud800/\ud83d\ude00',
)
const points = fc.array(fc.integer({ min: -9, max: 9 }), { maxLength: 6 })
const delta = fc.record({
  __buf: fc.constant(1),
  len: fc.nat(8),
  runs: fc.array(fc.tuple(fc.nat(9), points), { maxLength: 3 }),
})
const fields = fc.record(
  {
    x: fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.constant(null)),
    text: fc.string({ unit: 'binary' }),
    nested: fc.jsonValue({ maxDepth: 3 }),
    points: fc.oneof(points, delta),
  },
  { requiredKeys: [] },
)
const step = fc.oneof(
  fc.record({ does: fc.constant('write' as const), session, key, fields, creates: fc.boolean() }),
  fc.record({ does: fc.constant('delete' as const), session, key }),
  fc.record({ does: fc.constant('show' as const), session, fields }),
  fc.record({ does: fc.constant('show part' as const), session, fields }),
  fc.record({ does: fc.constant('write twice' as const), session, key, fields, more: fields }),
  fc.record({ does: fc.constant('reconnect' as const), session, since: fc.nat(30) }),
  fc.record({ does: fc.constant('return' as const), session, since: fc.nat(30), key, fields }),
  fc.record({ does: fc.constant('come' as const), session }),
  fc.record({ does: fc.constant('go' as const), session }),
)
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never

const everybodyComes: Step[] = [
  { does: 'come', session: 'alice' },
  { does: 'come', session: 'bob' },
]

/** Plays steps on both sides, but for what is a listed deviation. */
function converse(steps: Step[], sides: Side[]) {
  const here = new Set<string>()
  const tombstones = new Set<string>()
  for (const step of steps) {
    if (step.does === 'come') {
      if (here.has(step.session)) continue
      here.add(step.session)
      const permissions = step.session === 'viewer' ? 'readonly' : 'readwrite'
      const client = CLIENTS[step.session]
      for (const side of sides) side.join(step.session, client, permissions)
      continue
    }
    if (!here.has(step.session)) continue
    const writes = step.session !== 'viewer'
    switch (step.does) {
      case 'go':
        // D4: the presence of a client goes with its last session.
        if (CLIENTS[step.session] === 'alice' && here.has('alice') && here.has('alice2')) break
        here.delete(step.session)
        for (const side of sides) side.leave(step.session)
        break
      case 'reconnect':
        // D3: who has seen nothing is told of tombstones by the peer only.
        for (const side of sides) side.reconnect(step.session, Math.max(step.since, 1))
        break
      case 'return':
        if (writes) tombstones.delete(step.key)
        for (const side of sides) {
          side.reconnect(step.session, Math.max(step.since, 1), {
            documentPatches: [create(step.key, step.fields)],
            ephemeralPatches: [create(`${step.session}/Cursor`, step.fields)],
          })
        }
        break
      case 'write twice':
        if (writes) tombstones.delete(step.key)
        for (const side of sides) {
          side.patch(step.session, create(step.key, step.fields), { [step.key]: step.more })
        }
        break
      case 'show part':
        // D5: only the peer remembers presence that was deleted.
        for (const side of sides) {
          side.presence(step.session, { [`${step.session}/Ghost`]: step.fields })
        }
        break
      case 'show':
        for (const side of sides)
          side.presence(step.session, create(`${step.session}/Cursor`, step.fields))
        break
      case 'delete':
        if (writes) tombstones.add(step.key)
        for (const side of sides) side.patch(step.session, { [step.key]: { _exists: false } })
        break
      case 'write': {
        // D2: late updates are left out of our broadcasts only.
        if (tombstones.has(step.key) && !step.creates) continue
        if (writes && step.creates) tombstones.delete(step.key)
        const patch = step.creates ? create(step.key, step.fields) : { [step.key]: step.fields }
        for (const side of sides) side.patch(step.session, patch)
        break
      }
    }
  }
}

describe('deviations from the peer are these and no others', () => {
  it('[D1] a refused frame gets an error and its session is closed; the peer goes on', () => {
    const { ours, theirs } = bothSides()

    for (const side of [ours, theirs]) {
      side.join('alice')
      side.saysText('alice', '{not json')
    }

    expect(ours.received('alice').at(1)).toMatchObject({ type: 'error', code: 'bad-json' })
    expect(theirs.received('alice')).toEqual([{ type: 'clientCount', count: 1 }])
    expect([ours.closed('alice'), theirs.closed('alice')]).toEqual([true, false])
  })

  it('[D2] an update to a tombstone is broadcast by the peer only', () => {
    const { ours, theirs } = frames('bob', (side) => {
      side.join('alice')
      side.join('bob')
      side.patch('alice', { 'e1/A': { _exists: false } })
      side.forget()
      side.patch('alice', { 'e1/A': { x: 1 } })
    })

    expect(ours).toEqual([
      { type: 'patch', clientId: 'alice', documentPatches: [{}], timestamp: 2 },
    ])
    expect(theirs).toEqual([
      { type: 'patch', clientId: 'alice', documentPatches: [{ 'e1/A': { x: 1 } }], timestamp: 2 },
    ])
  })

  it('[D3] who has seen nothing is told of deletions by the peer only', () => {
    const { ours, theirs } = frames('alice', (side) => {
      side.join('alice')
      side.patch('alice', { 'e1/A': { _exists: false } })
      side.forget()
      side.reconnect('alice', 0)
    })

    expect(ours).toEqual([{ type: 'synced', timestamp: 1 }])
    expect(theirs).toEqual([
      {
        type: 'patch',
        clientId: '',
        documentPatches: [{ 'e1/A': { _exists: false } }],
        timestamp: 1,
      },
      { type: 'synced', timestamp: 1 },
    ])
  })

  it('[D4] presence outlives one of two sessions of a client; at the peer it does not', () => {
    const { ours, theirs } = frames('bob', (side) => {
      side.join('first', 'alice')
      side.join('second', 'alice')
      side.join('bob')
      side.presence('first', create('alice/Cursor'))
      side.forget()
      side.leave('first')
    })

    expect(ours).toEqual([{ type: 'clientCount', count: 2 }])
    expect(theirs).toEqual([
      {
        type: 'patch',
        clientId: 'alice',
        ephemeralPatches: [{ 'alice/Cursor': { _exists: false } }],
      },
      { type: 'clientCount', count: 2 },
    ])
  })

  it('[D5] deleted presence is deleted once; at the peer again on leave', () => {
    const { ours, theirs } = frames('bob', (side) => {
      side.join('alice')
      side.join('bob')
      side.presence('alice', create('alice/Cursor'))
      side.presence('alice', { 'alice/Cursor': { _exists: false } })
      side.forget()
      side.leave('alice')
    })

    expect(ours).toEqual([{ type: 'clientCount', count: 1 }])
    expect(theirs).toHaveLength(2)
  })

  it('[D6] version 1 is served; at the peer it is a mismatch', () => {
    const { ours, theirs } = frames('alice', (side) => {
      side.join('alice')
      side.forget()
      side.reconnect('alice', 0, { protocolVersion: 1 })
    })

    expect(ours).toEqual([{ type: 'synced', timestamp: 0 }])
    expect(theirs).toEqual([{ type: 'version-mismatch', serverProtocolVersion: 2 }])
  })

  it('[D7] after a mismatch a session is mute; at the peer it goes on', () => {
    const { ours, theirs } = frames('alice', (side) => {
      side.join('alice')
      side.reconnect('alice', 0, { protocolVersion: 3 })
      side.forget()
      side.patch('alice', create('e1/A'))
      side.join('bob')
    })

    expect(ours).toEqual([])
    expect(theirs).toEqual([
      { type: 'ack', messageId: 'alice-m', timestamp: 1 },
      { type: 'clientCount', count: 2 },
    ])
  })

  it('[D8] a connection gets no document before its first frame; at the peer at once', async () => {
    const seen = async (
      manager: { getOrCreateRoom(id: string): Promise<Server> },
      accept: (socket: PlainSocket) => Promise<unknown>,
    ) => {
      const side = new Side(await manager.getOrCreateRoom('room'))
      const socket = new PlainSocket()
      await accept(socket)
      socket.texts()
      side.join('bob')
      side.patch('bob', create('e1/A'))
      return socket.received().map((frame) => frame.type)
    }
    const url = '/?roomId=room&clientId=alice&token=t'
    const authorize = () => ({ permissions: 'readwrite' as const })
    const ours = new heddle.RoomManager()
    const theirs = new peer.RoomManager()

    const ourFrames = await seen(
      ours,
      (socket) => heddle.acceptConnection({ socket, url, manager: ours, authorize }).ready,
    )
    const theirFrames = await seen(
      theirs,
      (socket) => peer.acceptConnection({ socket, url, manager: theirs, authorize }).ready,
    )

    expect(ourFrames).toEqual(['clientCount'])
    expect(theirFrames).toEqual(['clientCount', 'patch'])
    await Promise.all([ours.closeAll(), theirs.closeAll()])
  })

  it('[D9] a deletion forgets the fields that came with it; the peer keeps their clocks', () => {
    const { ours, theirs } = bothSides()

    for (const side of [ours, theirs]) {
      side.join('alice')
      side.patch('alice', { 'e1/A': { _exists: false, x: 1 } })
    }

    expect(ours.room.getSnapshot().timestamps).toEqual({ 'e1/A': { _exists: 1 } })
    expect(theirs.room.getSnapshot().timestamps).toEqual({ 'e1/A': { _exists: 1, x: 1 } })
  })

  it('[D10] __proto__ is a key like others; at the peer it is lost', () => {
    const frame =
      '{"type":"patch","messageId":"m","documentPatches":[{"__proto__":{"_exists":true}}]}'
    const { ours, theirs } = bothSides()

    for (const side of [ours, theirs]) {
      side.join('alice')
      side.saysText('alice', frame)
    }

    expect(Object.keys(ours.room.getSnapshot().state)).toEqual(['__proto__'])
    expect(Object.keys(theirs.room.getSnapshot().state)).toEqual([])
  })

  it('[D11] the last refresh sent decides; at the peer the last one to resolve', async () => {
    let answers = 0
    // The old token takes longer than the new one.
    const verify: Refresh = async (_room, { token }) => {
      if (token === 'old') await new Promise((resolve) => setTimeout(resolve, 5))
      answers += 1
      return { permissions: token === 'old' ? 'readwrite' : 'readonly' }
    }
    const afterRefreshes = async (side: Side) => {
      answers = 0
      side.join('alice')
      side.says('alice', { type: 'auth-refresh', token: 'old' })
      side.says('alice', { type: 'auth-refresh', token: 'new' })
      await vi.waitUntil(() => answers === 2)
      await new Promise((resolve) => setImmediate(resolve))
      side.forget()
      side.patch('alice', create('e1/A'))
      return side.room.getSnapshot().timestamp
    }
    const { ours, theirs } = bothSides(verify)

    expect(await afterRefreshes(ours)).toBe(0)
    expect(await afterRefreshes(theirs)).toBe(1)
  })

  it('[D12] hooks run after the ack, and one that throws costs none; at the peer before it', () => {
    const told: string[] = []
    const socketThatTells = (name: string) => {
      const socket = new PlainSocket()
      socket.onSend = (frame) => {
        if (frame.type === 'ack') told.push(`${name} acks`)
      }
      return socket
    }
    for (const [name, Room] of [
      ['ours', heddle.Room],
      ['theirs', peer.Room],
    ] as const) {
      const room = new Room({
        onDocumentPatch: () => {
          told.push(`${name} tells`)
          throw new Error('a hook that throws')
        },
        onError: () => {},
      })
      const id = room.handleSocketConnect({
        socket: socketThatTells(name),
        clientId: 'alice',
        permissions: 'readwrite',
      })
      try {
        room.handleSocketMessage(
          id,
          JSON.stringify({ type: 'patch', messageId: 'm', documentPatches: [create('a')] }),
        )
      } catch {
        told.push(`${name} throws`)
      }
    }

    expect(told).toEqual(['ours acks', 'ours tells', 'theirs tells', 'theirs throws'])
  })

  it('[D13] a delta on what is no array is refused; the peer makes up a base', () => {
    const { ours, theirs } = bothSides()

    for (const side of [ours, theirs]) {
      side.join('alice')
      side.patch('alice', create('e1/A', { p: 'text' }))
      side.patch('alice', { 'e1/A': { p: { __buf: 1, len: 2, runs: [[1, [5]]] } } })
    }

    expect(ours.room.getSnapshot().state).toEqual({ 'e1/A': { _exists: true, p: 'text' } })
    expect(theirs.room.getSnapshot().state).toEqual({ 'e1/A': { _exists: true, p: ['t', 5] } })
  })

  it('[D14] concurrent first opens share one room; at the peer each gets its own', async () => {
    const ours = new heddle.RoomManager()
    const theirs = new peer.RoomManager()

    const [one, other] = await Promise.all([ours.getOrCreateRoom('r'), ours.getOrCreateRoom('r')])
    const [theirOne, theirOther] = await Promise.all([
      theirs.getOrCreateRoom('r'),
      theirs.getOrCreateRoom('r'),
    ])

    expect(one === other).toBe(true)
    expect(theirOne === theirOther).toBe(false)
    await Promise.all([ours.closeAll(), theirs.closeAll()])
  })
})
