import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { MemoryStorage, Room, RoomManager } from '../index.js'
import { listen, published, react } from './harness/channels.js'
import { connect } from './harness/connecting.js'
import { hotCalls } from './harness/native.js'
import { runProgram } from './harness/processes.js'
import { create, Member, openRoom, update } from './harness/room.js'
import { PlainSocket } from './harness/sockets.js'

const failingStorage = {
  load: async () => null,
  save: async () => {
    throw new Error('disk full')
  },
}

describe('the counters of a room', () => {
  it('[OB1] a frame counts when it comes, with its size, and once for each session that it goes to', () => {
    const { room } = openRoom()
    const ann = joined(room, 'ann')
    const bob = joined(room, 'bob')
    // clientCount: one for ann, then one for each.
    expect(room.getStats()).toMatchObject({ framesIn: 0, bytesIn: 0, framesOut: 3 })

    const frame = '{"type":"patch","messageId":"m","documentPatches":[{"a/Box":{"_exists":true}}]}'
    room.handleSocketMessage(ann, frame)
    room.handleSocketMessage(bob, Buffer.from(frame))
    room.handleSocketMessage('nobody', frame)

    // An ack and a broadcast for each of the two.
    expect(room.getStats()).toMatchObject({ framesIn: 2, bytesIn: 158, framesOut: 7 })
  })

  it('[OB2] each session that joined ends once, with the code that its socket was closed with', () => {
    const test = openRoom({ onError: () => {} })
    const gone = test.join('gone')
    const refused = test.join('refused')
    const lost = test.join('lost')
    const last = test.join('last')

    gone.leave()
    gone.leave()
    refused.sendsRaw('no frame')
    lost.socket.onSend = () => {
      throw new Error('EPIPE')
    }
    last.patch(create('a/Box'))
    expect(test.room.getStats()).toMatchObject({
      sessions: 1,
      sessionsOpened: 4,
      sessionsClosed: { 0: 2, 4400: 1 },
    })

    test.room.close()
    expect(last.socket.closes).toEqual([[]])
    expect(test.room.getStats()).toMatchObject({
      sessions: 0,
      sessionsOpened: 4,
      sessionsClosed: { 0: 2, 4400: 1, 1005: 1 },
    })
  })

  it('[OB1] [OB8] a refused frame counts by its code, and is told of', async () => {
    const seen = listen('heddle:frame:refused')
    const test = openRoom()
    const frames = ['no frame', '[]', 'no frame']
    const sessionIds = frames.map((frame, index) => {
      const member = test.join(`client ${index}`)
      member.sendsRaw(frame)
      return member.sessionId
    })
    await published()

    const { room } = test
    expect(room.getStats()).toMatchObject({
      framesIn: 3,
      refused: { 'bad-json': 2, 'bad-frame': 1 },
      sessionsClosed: { 4400: 3 },
    })
    const channel = 'heddle:frame:refused'
    expect(seen).toMatchObject([
      { channel, room, sessionId: sessionIds[0], clientId: 'client 0', code: 'bad-json' },
      { channel, room, sessionId: sessionIds[1], clientId: 'client 1', code: 'bad-frame' },
      { channel, room, sessionId: sessionIds[2], clientId: 'client 2', code: 'bad-json' },
    ])
  })

  it('[OB1] what is reported counts, with and without onError', () => {
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    const onDataChange = () => {
      throw new Error('the hook failed')
    }
    const loud = new Room({ onDataChange, onError: () => {} })
    const silent = new Room({ onDataChange })
    loud.applyPatch(create('a/Box'))
    silent.applyPatch(create('a/Box'))
    warn.mockRestore()

    expect(loud.getStats()).toMatchObject({ errors: 1, saveErrors: 0 })
    expect(silent.getStats()).toMatchObject({ errors: 1, saveErrors: 0 })
  })

  it('[OB1] what is counted of codes is a copy', () => {
    const { room } = openRoom()
    joined(room, 'ann')
    room.close()

    const stats = room.getStats()
    stats.sessionsClosed[1005] = 7
    expect(room.getStats().sessionsClosed).toEqual({ 1005: 1 })
  })
})

describe('what a room holds', () => {
  it('[OB3] unstored counts the changes that no snapshot holds', async () => {
    const { room } = openRoom({ storage: new MemoryStorage() })
    room.applyPatch(create('a/Box'))
    room.applyPatch([create('b/Box'), create('c/Box')])
    expect(room.getStats()).toMatchObject({ timestamp: 2, unstored: 2, unsaved: true })

    await room.flush()
    expect(room.getStats()).toMatchObject({ timestamp: 2, unstored: 0, unsaved: false })
  })

  it('[OB3] unstored counts the changes that no append has stored', async () => {
    let store = () => {}
    const storage = {
      ...failingStorage,
      append: () => new Promise<void>((resolve) => (store = resolve)),
      loadChanges: async () => [],
    }
    const { room } = openRoom({ storage, durability: 'process' })
    await room.load()
    room.applyPatch(create('a/Box'))
    room.applyPatch(update('a/Box', { x: 1 }))
    expect(room.getStats().unstored).toBe(2)

    store()
    await vi.waitFor(() => expect(room.getStats().unstored).toBe(1))
    store()
    await vi.waitFor(() => expect(room.getStats().unstored).toBe(0))
  })

  it('[OB3] nothing is unstored without a storage', () => {
    const { room } = openRoom()
    room.applyPatch(create('a/Box'))

    expect(room.getStats()).toMatchObject({ timestamp: 1, unstored: 0, unsaved: false })
  })

  it('[OB4] each reported failure to store counts', async () => {
    const errors: unknown[] = []
    const { room } = openRoom({
      storage: failingStorage,
      saveThrottleMs: 1,
      onError: (error) => errors.push(error),
    })
    await room.load()
    room.applyPatch(create('a/Box'))
    await vi.waitFor(() => expect(room.getStats().saveErrors).toBeGreaterThan(1))

    expect(room.getStats()).toMatchObject({ saveErrors: errors.length, errors: errors.length })
    // Who flushes is told himself.
    room.close({ flush: false })
    const { saveErrors } = room.getStats()
    await room.flush().catch(() => {})
    expect(room.getStats().saveErrors).toBe(saveErrors)
  })
})

describe('a session that lags', () => {
  it('[OB1] [OB10] counts as long as it lags, and what waits for it with it', () => {
    vi.useFakeTimers()
    onTestFinished(() => void vi.useRealTimers())
    const { ann, bob, room } = openSlowRoom()
    bob.socket.bufferedAmount = 1_001
    ann.patch(create('a/Box'))
    ann.patch(create('b/Box'))
    expect(room.getStats()).toMatchObject({ sessions: 2, lagging: 1, lags: 1, queuedBytes: 1_001 })

    bob.socket.bufferedAmount = 0
    vi.advanceTimersByTime(100)
    expect(room.getStats()).toMatchObject({ sessions: 2, lagging: 0, lags: 1, queuedBytes: 0 })

    bob.socket.bufferedAmount = 2_000
    ann.patch(create('c/Box'))
    expect(room.getStats()).toMatchObject({ sessions: 2, lagging: 1, lags: 2 })
    room.handleSocketClose(bob.sessionId)
    expect(room.getStats()).toMatchObject({ sessions: 1, lagging: 0, lags: 2, queuedBytes: 0 })
  })

  it('[OB10] need not lag for what waits to count', async () => {
    const manager = new RoomManager()
    for (const [roomId, bufferedAmount] of [
      ['a', 1],
      ['a', 20],
      ['b', 300],
    ] as const) {
      const room = await manager.getRoom(roomId)
      const socket = new TellingSocket()
      new Member(room, 'ann', 'readwrite', socket)
      socket.bufferedAmount = bufferedAmount
    }

    expect(manager.getStats()).toMatchObject({ rooms: 2, lagging: 0, queuedBytes: 321 })
    expect(manager.getExistingRoom('a')?.getStats()).toMatchObject({ lagging: 0, queuedBytes: 21 })
    await manager.closeAll()
  })

  it('[OB10] that is full again with what it was caught up by lags on', () => {
    vi.useFakeTimers()
    onTestFinished(() => void vi.useRealTimers())
    const { ann, bob, room } = openSlowRoom()
    bob.socket.bufferedAmount = 1_001
    ann.patch(create('a/Box'))
    ann.patch(create('b/Box'))

    bob.socket.bufferedAmount = 0
    bob.socket.onSend = () => {
      bob.socket.bufferedAmount = 1_001
    }
    vi.advanceTimersByTime(20)
    expect(room.getStats()).toMatchObject({ lagging: 1, lags: 1 })
  })

  it('[OB8] is told of when it begins to, and when it has drained', async () => {
    const seen = listen('heddle:session:lagging', 'heddle:session:drained')
    const { ann, bob, room } = openSlowRoom()
    bob.socket.bufferedAmount = 1_001
    ann.patch(create('a/Box'))
    ann.patch(create('b/Box'))
    bob.socket.bufferedAmount = 0
    await vi.waitFor(() => expect(room.getStats().lagging).toBe(0))
    await published()

    const ofBob = { room, sessionId: bob.sessionId, clientId: 'bob' }
    expect(seen).toMatchObject([
      { channel: 'heddle:session:lagging', ...ofBob },
      { channel: 'heddle:session:drained', ...ofBob },
    ])
  })
})

describe('rooms that are no more', () => {
  it('[OB5] a closed room keeps its figures, without sessions', () => {
    const { room } = openRoom()
    const ann = joined(room, 'ann')
    room.handleSocketMessage(ann, '{"type":"patch","documentPatches":[{"a/Box":{"_exists":true}}]}')
    const before = room.getStats()
    room.close()

    expect(room.getStats()).toEqual({ ...before, sessions: 0, sessionsClosed: { 1005: 1 } })
  })

  it('[OB5] a broken room has figures too', () => {
    const spy = vi.spyOn(hotCalls(), 'receiveText').mockImplementationOnce(() => {
      throw Object.assign(new Error('the engine panicked'), { code: 'HEDDLE_ROOM_BROKEN' })
    })
    const test = openRoom({ onError: () => {} })
    const ann = test.join('ann')
    test.room.applyPatch(create('a/Box'))
    ann.patch(create('b/Box'))
    spy.mockRestore()

    expect(test.room.getStats()).toMatchObject({
      timestamp: 1,
      sessions: 0,
      components: 1,
      framesIn: 1,
      errors: 1,
      sessionsClosed: { 4450: 1 },
    })
  })
})

describe('the figures of a manager', () => {
  it('[OB6] what closed rooms have counted stays in the sums', async () => {
    const manager = new RoomManager({ onError: () => {} })
    const ann = await connect(manager, 'ann', { roomId: 'a' })
    const bob = await connect(manager, 'bob', { roomId: 'b' })
    ann.patch(create('a/Box'))
    bob.sendsRaw('no frame')
    const before = manager.getStats()
    expect(before).toMatchObject({
      rooms: 2,
      sessions: 1,
      roomsOpened: 2,
      framesIn: 2,
      sessionsOpened: 2,
      sessionsClosed: { 4400: 1 },
    })

    // While it closes, and after it.
    manager.closeRoom('a')
    const closing = manager.getStats()
    await manager.closeAll()
    await connect(new RoomManager(), 'eve')
    const after = manager.getStats()

    const sums = { ...before, sessions: 0, documentBytes: 0, sessionsClosed: { 1005: 1, 4400: 1 } }
    expect(closing).toEqual({ ...sums, rooms: 1 })
    expect(after).toEqual({ ...sums, rooms: 0 })
  })

  it('[OB6] gauges are of the open rooms alone', async () => {
    const manager = new RoomManager({
      createStorage: () => new MemoryStorage(),
      onError: () => {},
    })
    const a = await manager.getRoom('a')
    const b = await manager.getRoom('b')
    a.applyPatch(create('a/Box'))
    b.applyPatch(create('b/Box'))
    b.applyPatch(create('c/Box'))
    const documentBytes = a.getStats().documentBytes + b.getStats().documentBytes
    expect(manager.getStats()).toMatchObject({ rooms: 2, unstored: 3, documentBytes })

    b.close({ flush: false })
    expect(manager.getStats()).toMatchObject({ rooms: 1, unstored: 1 })
    await manager.closeAll()
  })

  it('[OB6] a room that did not load was opened all the same', async () => {
    const manager = new RoomManager({
      createStorage: () => ({
        ...failingStorage,
        load: async () => {
          throw new Error('no network')
        },
      }),
      onError: () => {},
    })
    await manager.getRoom('a').catch(() => {})
    await manager.getRoom('a').catch(() => {})

    expect(manager.getStats()).toMatchObject({ rooms: 0, roomsOpened: 2, sessions: 0 })
  })
})

describe('channels', () => {
  it('[OB8] rooms and sessions are told of as they come and go', async () => {
    const seen = listen(
      'heddle:room:open',
      'heddle:room:close',
      'heddle:session:open',
      'heddle:session:close',
    )
    const manager = new RoomManager()
    const ann = await connect(manager, 'ann', { roomId: 'a', token: 'secret' })
    const bob = await connect(manager, 'bob', { roomId: 'a' })
    bob.sendsRaw('no frame')
    ann.leave()
    const { room } = ann
    room.close()
    await published()

    const about = { room, roomId: 'a', error: undefined, code: undefined }
    const ofRoom = { ...about, sessionId: undefined, clientId: undefined }
    const ofAnn = { ...about, sessionId: ann.sessionId, clientId: 'ann' }
    const ofBob = { ...about, sessionId: bob.sessionId, clientId: 'bob' }
    expect(seen).toEqual([
      { channel: 'heddle:room:open', ...ofRoom },
      { channel: 'heddle:session:open', ...ofAnn },
      { channel: 'heddle:session:open', ...ofBob },
      { channel: 'heddle:session:close', ...ofBob, code: 4400 },
      { channel: 'heddle:session:close', ...ofAnn, code: 0 },
      { channel: 'heddle:room:close', ...ofRoom },
    ])
    await manager.closeAll()
  })

  it('[OB8] what onError is told is told there too', async () => {
    const seen = listen('heddle:error', 'heddle:room:close')
    const failure = new Error('the hook failed')
    const { room } = openRoom({
      onSessionRemoved: () => {
        throw failure
      },
      storage: { ...failingStorage, load: async () => ({ no: 'snapshot' }) as never },
      onError: () => {},
    })
    const ann = joined(room, 'ann')
    room.handleSocketClose(ann)
    await room.load().catch(() => {})
    await published()

    expect(seen).toMatchObject([
      { channel: 'heddle:error', room, sessionId: ann, error: failure, code: undefined },
      { channel: 'heddle:room:close', room, roomId: undefined, code: 4450 },
    ])
  })

  it('[OB8] a heddle error has its code', async () => {
    const seen = listen('heddle:error')
    const { room } = openRoom({ storage: failingStorage, saveThrottleMs: 1, onError: () => {} })
    await room.load()
    room.applyPatch(create('a/Box'))
    await vi.waitFor(() => expect(seen.length).toBeGreaterThan(0))

    expect(seen[0]).toMatchObject({ code: 'HEDDLE_SAVE_FAILED', error: { name: 'HeddleError' } })
  })

  it('[OB9] a subscriber finds the room as the event left it, and may call it', async () => {
    const { room } = openRoom()
    const found: unknown[] = []
    react('heddle:session:open', ({ sessionId = '' }) => {
      found.push(room.getSessionPermissions(sessionId))
      room.applyPatch(create('a/Box'))
      room.close()
    })
    const socket = new PlainSocket()
    room.handleSocketConnect({ socket, clientId: 'ann', permissions: 'readonly' })
    const during = socket.received()
    await published()

    expect(found).toEqual(['readonly'])
    expect(during).toEqual([{ type: 'clientCount', count: 1 }])
    expect(socket.received()).toMatchObject([{ type: 'patch', timestamp: 1 }])
    expect(socket.closes).toEqual([[]])
  })

  it('[OB9] no subscriber changes what the next one gets', async () => {
    let isFrozen = false
    react('heddle:room:open', (event) => {
      isFrozen = Object.isFrozen(event)
    })
    openRoom()
    await published()

    expect(isFrozen).toBe(true)
  })

  it('[OB9] what a subscriber throws reaches the process, and no room', async () => {
    const ended = await runProgram('throwing-subscriber.mjs')

    expect(ended).toMatchObject({ code: 0, stderr: '' })
    expect(JSON.parse(ended.stdout)).toEqual({
      uncaught: ['the subscriber failed'],
      acks: ['clientCount', 'ack'],
      errors: 0,
    })
  })
})

/** A socket that tells how much waits in it. */
class TellingSocket extends PlainSocket {
  bufferedAmount = 0
}

/** A room whose sessions lag past 1,000 bytes, with ann, and bob on a socket that tells what waits in it. */
function openSlowRoom() {
  const { room } = openRoom({ limits: { queuedBytes: 1_000 } })
  const ann = new Member(room, 'ann')
  const socket = new TellingSocket()
  const bob = new Member(room, 'bob', 'readwrite', socket)
  return { room, ann, bob: { sessionId: bob.sessionId, socket } }
}

/** Joins on a plain socket, and gives the id of the session. */
function joined(room: Room, clientId: string): string {
  const socket = new PlainSocket()
  return room.handleSocketConnect({ socket, clientId, permissions: 'readwrite' })
}
