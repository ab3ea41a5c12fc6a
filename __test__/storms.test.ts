import { beforeEach, describe, expect, it } from 'vitest'
import {
  acceptConnection,
  ConnectionClosedError,
  Room,
  RoomManager,
  type RoomSnapshot,
  type ServerMessage,
  type StoredChange,
} from '../index.js'
import { PausableSocket } from './harness/patient-sockets.js'
import { create, Member, openRoom, type TestRoom, update } from './harness/room.js'
import { eventually, serve } from './harness/server.js'
import { PlainSocket } from './harness/sockets.js'
import { deferred } from './harness/stores.js'
import { StrictStorage } from './harness/strict-storage.js'

/** Above what a socket of any kind may be answered with out of turn. */
const LARGE_TEXT = 'x'.repeat(300_000)

/** Catch-ups of such a document that one turn has room for. */
const PER_TURN = 7

/** A socket of a kind that is written once per turn. */
class QueuedSocket extends PlainSocket {
  cork(write: () => void): void {
    write()
  }

  getBufferedAmount(): number {
    return 0
  }
}

/** Waits for the next turn of the event loop to be over. */
function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}

// Each test begins with the whole budget.
beforeEach(turn)

function largeRoom(): TestRoom {
  const room = openRoom()
  room.room.applyPatch(create('a/Box', { text: LARGE_TEXT }))
  return room
}

function crowd(room: TestRoom, size: number, name = 'c'): Member[] {
  return Array.from({ length: size }, (_, index) => room.join(`${name}${index}`))
}

function isSynced(member: Member): boolean {
  return member.received().some((frame) => frame.type === 'synced')
}

function types(frames: ServerMessage[]): string[] {
  return frames.map((frame) => frame.type)
}

it('[RT10] catch-ups over the budget of a turn come in later turns, in order of arrival', async () => {
  const room = largeRoom()
  const members = crowd(room, 3 * PER_TURN)
  room.forget()

  for (const member of members) member.reconnect(0)
  const order: boolean[][] = [members.map(isSynced)]
  while (order.flat().filter(Boolean).length < members.length) {
    await turn()
    order.push(members.map(isSynced))
  }

  expect(order[0]).toEqual(members.map((_, index) => index < PER_TURN))
  expect(order.length).toBeGreaterThanOrEqual(3)
  const turns = members.map((_, index) => order.findIndex((synced) => synced[index]))
  expect(turns).toEqual(turns.toSorted((a, b) => a - b))
})

it('[RT10] rooms take turns, so that a crowd in one does not hold up another', async () => {
  const crowded = largeRoom()
  const quiet = largeRoom()
  const members = crowd(crowded, 4 * PER_TURN)
  const [ann] = crowd(quiet, 1, 'ann')
  let syncedBefore: number | undefined
  if (ann) {
    ann.socket.onSend = (frame) => {
      if (frame.type === 'synced') syncedBefore = members.filter(isSynced).length
    }
  }
  for (const member of members) member.reconnect(0)
  ann?.reconnect(0)
  await eventually(() => expect(syncedBefore).toBeDefined())

  expect(syncedBefore).toBeLessThan(3 * PER_TURN)
  await eventually(() => expect(crowded.room.getSessionCount()).toBe(members.length))
})

it('[RT10] [PA8] what a session sends behind its reconnect waits with it, in order', async () => {
  const room = largeRoom()
  crowd(room, PER_TURN).forEach((member) => {
    member.reconnect(0)
  })
  const ann = room.join('ann')
  room.forget()

  ann.reconnect(0)
  ann.patch(update('a/Box', { x: 1 }))
  ann.patch(update('a/Box', { x: 2 }))
  expect([ann.received(), room.clock]).toEqual([[], 1])
  // What it sends from inside an answer is behind what it has sent before.
  ann.socket.onSend = (frame) => {
    if (frame.type === 'synced') ann.patch(update('a/Box', { x: 3 }))
  }
  await eventually(() => expect(room.clock).toBe(4))

  const frames = ann.received()
  expect(types(frames)).toEqual(['patch', 'synced', 'ack', 'ack', 'ack'])
  expect(frames.slice(2)).toMatchObject([1, 2, 3].map((n) => ({ messageId: `ann-${n}` })))
  expect(room.state['a/Box']).toMatchObject({ x: 3 })
})

it('[RT11] [CC4] other frames are answered inside the call, and small catch-ups too', () => {
  const room = largeRoom()
  const small = openRoom()
  small.room.applyPatch(create('a/Box', { text: LARGE_TEXT.slice(0, 200_000) }))
  const ann = room.join('ann')
  const members = crowd(room, PER_TURN)
  room.forget()
  const bobs = crowd(small, 50, 'bob')
  for (const bob of bobs) bob.reconnect(0)
  expect(bobs.every(isSynced)).toBe(true)

  for (const member of members) member.reconnect(0)
  ann.patch(update('a/Box', { x: 1 }))

  expect(types(ann.received())).toEqual(['ack'])
})

it.each([
  ['spelled with escapes', '{"type":"\\u0072econnect","lastTimestamp":0,"protocolVersion":2}'],
  ['in bytes', Buffer.from('{"type":"reconnect","lastTimestamp":0,"protocolVersion":2}')],
])('[RT10] a reconnect %s waits like any other', async (_, frame) => {
  const room = largeRoom()
  for (const member of crowd(room, PER_TURN)) member.reconnect(0)
  const ann = room.join('ann')
  room.forget()

  ann.sendsRaw(frame)
  expect(ann.received()).toEqual([])

  await eventually(() => expect(isSynced(ann)).toBe(true))
})

it('[RT10] who leaves while it waits is forgotten, and the others have their turns', async () => {
  const room = largeRoom()
  const members = crowd(room, 2 * PER_TURN)
  for (const member of members) member.reconnect(0)
  room.forget()
  const [gone, ...rest] = members.slice(PER_TURN)

  gone?.leave()
  const heard = new Set<Member>()
  await eventually(() => {
    for (const member of rest) if (isSynced(member)) heard.add(member)
    expect(heard.size).toBe(rest.length)
  })

  expect(gone?.received()).toEqual([])
})

it('[RT10] a room that closes while sessions wait for their turn closes them', async () => {
  const room = new Room()
  room.applyPatch(create('a/Box', { text: LARGE_TEXT }))
  const members = Array.from({ length: 2 * PER_TURN }, (_, n) => new Member(room, `c${n}`))
  for (const member of members) member.reconnect(0)

  room.close()
  await turn()

  expect(members.map((member) => member.socket.closes)).toEqual(members.map(() => [[]]))
})

it('[RT12] hundreds that are dropped and come back at once are all synced', async () => {
  const server = await serve()
  const components = Object.assign(
    {},
    ...Array.from({ length: 10_000 }, (_, index) => create(`e${index}/Box`, { x: index })),
  )
  const rooms = await Promise.all(['a', 'b'].map((id) => server.manager.getOrCreateRoom(id)))
  for (const room of rooms) room.applyPatch(components)
  const names = Array.from({ length: 30 }, (_, index) => `c${index}`)
  const join = (name: string, index: number) =>
    server.connect(name, { roomId: index % 2 === 0 ? 'a' : 'b' })
  await Promise.all(names.map(join))

  server.cut()
  const back = await Promise.all(names.map(join))
  for (const client of back) client.reconnect(0)

  await eventually(() => {
    const synced = back.filter((client) => client.frames.some(({ type }) => type === 'synced'))
    expect(synced).toHaveLength(names.length)
  })
  for (const client of back) {
    const patches = client.frames.filter((frame) => frame.type === 'patch')
    const known = Object.assign({}, ...patches.flatMap((frame) => frame.documentPatches ?? []))
    expect(Object.keys(known)).toHaveLength(10_000)
  }
})

it('[RT13] of several counts in a row a queued socket gets the last', async () => {
  const room = openRoom()
  const ann = room.join('ann', 'readwrite', new QueuedSocket())
  const members = crowd(room, 100)
  await turn()
  expect(ann.received()).toEqual([{ type: 'clientCount', count: 101 }])

  members[0]?.leave()
  members[1]?.patch(create('a/Box'))
  members[2]?.leave()
  members[3]?.leave()
  await turn()

  expect(ann.received()).toMatchObject([
    { type: 'clientCount', count: 100 },
    { type: 'patch', clientId: 'c1' },
    { type: 'clientCount', count: 98 },
  ])
})

it('[RT13] a room of queued sockets tells each turn one count, before what follows it', async () => {
  const room = openRoom()
  const queued = (name: string) => room.join(name, 'readwrite', new QueuedSocket())
  const [ann, bob] = [queued('ann'), queued('bob')]
  await turn()
  expect([ann, bob].map((member) => member.received())).toEqual(
    [ann, bob].map(() => [{ type: 'clientCount', count: 2 }]),
  )

  const cleo = queued('cleo')
  queued('dora').leave()
  ann.patch(create('a/Box'))
  queued('emil')
  bob.reconnect(1)
  await turn()

  const counted = (...counts: number[]) => counts.map((count) => ({ type: 'clientCount', count }))
  const patch = { type: 'patch', clientId: 'ann' }
  expect(ann.received()).toMatchObject([...counted(3), { type: 'ack' }, ...counted(4)])
  expect(bob.received()).toMatchObject([...counted(3), patch, ...counted(4), { type: 'synced' }])
  expect(cleo.received()).toMatchObject([...counted(3), patch, ...counted(4)])
  cleo.leave()
  room.room.close()
  await turn()
  expect([ann, bob].map((member) => member.received())).toEqual([counted(3), counted(3)])
})

describe('sockets that come at once', () => {
  function arrive(manager: RoomManager, count: number, roomId = 'room') {
    return Array.from({ length: count }, (_, index) => {
      const socket = new PlainSocket()
      const url = `/?roomId=${roomId}&clientId=${roomId}-${index}&token=t`
      const authorize = () => ({ permissions: 'readwrite' as const })
      return { socket, conn: acceptConnection({ socket, url, manager, authorize }) }
    })
  }

  /** Ends a turn, and lets what it set off run. */
  async function turns(manager: RoomManager, until: number): Promise<number[]> {
    const counts: number[] = []
    while (counts.at(-1) !== until) {
      await turn()
      counts.push(manager.getStats().sessions)
    }
    return counts
  }

  it('[RT14] join a few per turn, in order, whatever their rooms', async () => {
    const manager = new RoomManager()
    await manager.getOrCreateRoom('room')
    const others = arrive(manager, 20, 'other')
    const crowd = arrive(manager, 80)
    const documentPatches = [create('a/Box')]
    crowd[79]?.conn.onMessage(JSON.stringify({ type: 'patch', messageId: 'm', documentPatches }))

    const counts = await turns(manager, 100)

    const steps = counts.map((count, at) => count - (counts[at - 1] ?? 0))
    expect(Math.max(...steps)).toBeLessThanOrEqual(32)
    expect(manager.getExistingRoom('other')?.getSessionCount()).toBe(others.length)
    const names = manager.getExistingRoom('room')?.getSessions() ?? []
    expect(names.map(({ clientId }) => clientId)).toEqual(crowd.map((_, at) => `room-${at}`))
    expect(crowd[79]?.socket.received().at(-1)).toMatchObject({ type: 'ack', messageId: 'm' })
    await manager.closeAll()
  })

  it('[RT14] who goes meanwhile takes nobody’s place', async () => {
    const manager = new RoomManager()
    const crowd = arrive(manager, 64)
    await turn()
    for (const { conn } of crowd.slice(32, 63)) conn.onClose()

    await turns(manager, 33)

    await expect(crowd[63]?.conn.ready).resolves.toBeDefined()
    await expect(crowd[40]?.conn.ready).rejects.toBeInstanceOf(ConnectionClosedError)
    await manager.closeAll()
  })

  it('[RT14] [LC1] who waits while the room closes gets it opened again', async () => {
    const manager = new RoomManager()
    const before = await manager.getOrCreateRoom('room')
    const crowd = arrive(manager, 33)
    await crowd[0]?.conn.ready
    manager.closeRoom('room')

    const { room } = (await crowd[32]?.conn.ready) ?? {}

    expect(room).not.toBe(before)
    expect(room?.getSessionCount()).toBe(1)
    await manager.closeAll()
  })
})

/** A storage whose appends wait until they are let through. */
class HeldAppends extends StrictStorage {
  gate = deferred()
  appends = 0

  /** Ends the append that waits; the next one waits again. */
  letThrough(): void {
    const { gate } = this
    this.gate = deferred()
    gate.resolve()
  }

  override async append(changes: readonly StoredChange[]): Promise<void> {
    this.appends += 1
    await this.gate.promise
    await super.append(changes)
  }
}

it('[RT20] a room whose store takes nothing takes no more than four frames of full size', async () => {
  const storage = new HeldAppends(new Map(), 'room')
  const room = openRoom({ storage, limits: { frameBytes: 10_000 } })
  await room.room.load()
  const sockets = [new PausableSocket(), new PausableSocket()]
  const [ann, bob] = sockets.map((socket, n) => room.join(`c${n}`, 'readwrite', socket))
  room.forget()

  const text = 'x'.repeat(5_000)
  for (let edit = 1; edit <= 12; edit++) ann?.patch(create(`e${edit}/Box`, { text }))
  const taken = room.clock
  expect(taken).toBeLessThan(6)
  expect(sockets.map((socket) => socket.isPaused)).toEqual([true, true])
  bob?.patch(create('b/Box'))
  const cleo = room.join('cleo')
  cleo.patch(create('c/Box'))
  expect(room.clock).toBe(taken)

  storage.gate.resolve()
  await eventually(() => expect(room.clock).toBe(14))
  await eventually(() => {
    const acks = [ann, bob, cleo].flatMap((member) => member?.received() ?? [])
    expect(acks.some((frame) => frame.type === 'ack' && frame.timestamp === 14)).toBe(true)
  })
  expect(sockets.map((socket) => socket.isPaused)).toEqual([false, false])
})

it('[RT20] what waited in one session may be too much again for the others', async () => {
  const storage = new HeldAppends(new Map(), 'room')
  const room = openRoom({ storage, limits: { frameBytes: 10_000 } })
  await room.room.load()
  // None of them can be paused, so that each has much waiting.
  const members = Array.from({ length: 5 }, (_, n) => room.join(`c${n}`))
  const text = 'x'.repeat(5_000)
  for (let edit = 0; edit < 60; edit++) {
    members[edit % 5]?.patch(create(`${edit}/Box`, { text }))
  }
  // The first append has one change, the second all that was taken meanwhile.
  for (const appends of [1, 2]) {
    expect(storage.appends).toBe(appends)
    storage.letThrough()
    await eventually(() => expect(storage.appends).toBe(appends + 1))
  }

  expect(room.room.getStats().unstored).toBeLessThan(6)
  storage.letThrough()
  storage.gate.resolve()
  await eventually(() => expect(room.clock).toBe(60))
})

it('[RT10] catch-ups that wait for a store count in the turn that encodes them', async () => {
  const storage = new HeldAppends(new Map(), 'room')
  const room = openRoom({ storage, initialSnapshot: largeSnapshot() })
  storage.gate.resolve()
  await room.room.load()
  const held = deferred()
  storage.gate = held
  const members = crowd(room, 2 * PER_TURN)
  members[0]?.patch(create('b/Box'))
  members[0]?.patch(create('c/Box'))
  await turn()
  room.forget()

  for (const member of members) member.reconnect(0)
  members.at(-1)?.patch(create('d/Box'))
  expect(room.clock).toBe(2)
  held.resolve()

  await eventually(() => expect(room.clock).toBe(3))
})

function largeSnapshot(): RoomSnapshot {
  const state = { 'a/Box': { _exists: true, text: LARGE_TEXT } }
  return { timestamp: 0, state, timestamps: { 'a/Box': { _exists: 0, text: 0 } } }
}
