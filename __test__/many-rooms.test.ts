import { setImmediate as turn } from 'node:timers/promises'
import { afterEach, describe, expect, it, vi } from 'vitest'
import {
  FileStorage,
  MemoryStorage,
  type Room,
  RoomManager,
  type RoomSnapshot,
  type Storage,
} from '../index.js'
import { runProgram } from './harness/processes.js'
import { create, Member, openRoom, update } from './harness/room.js'
import { deferred, temporaryFolder } from './harness/stores.js'

const ROOMS = 300
const PER_TURN = 32
const ids = Array.from({ length: ROOMS }, (_, index) => `room-${index}`)

/** What happened in each turn of the event loop until `count()` reaches its end. */
async function turnsUntil(end: number, count: () => number): Promise<number[]> {
  const steps: number[] = []
  for (let last = count(); last !== end; last = count()) {
    expect(steps.length).toBeLessThan(1_000)
    await turn()
    steps.push(Math.abs(count() - last))
  }
  return steps
}

/** Holds up the event loop. */
function blockFor(ms: number) {
  const end = performance.now() + ms
  while (performance.now() < end);
}

/** A manager with rooms, and what of it was made and saved. */
async function openMany(options: { idleTimeout?: number } = {}) {
  const counts = { made: 0, saved: 0 }
  class Counting extends MemoryStorage {
    override async save(snapshot: RoomSnapshot) {
      counts.saved += 1
      await super.save(snapshot)
    }
  }
  const createStorage = () => {
    counts.made += 1
    return new Counting()
  }
  const manager = new RoomManager({ createStorage, ...options })
  await turn()
  const opening = Promise.all(ids.map((id) => manager.getRoom(id)))
  return { manager, counts, opening }
}

describe('very many rooms', () => {
  afterEach(() => {
    vi.useRealTimers()
  })

  it('[LC18] a turn opens no more than its share of the rooms that are asked for', async () => {
    const { manager, counts, opening } = await openMany()

    expect(counts.made).toBe(PER_TURN)
    const steps = await turnsUntil(ROOMS, () => counts.made)

    expect(Math.max(...steps)).toBe(PER_TURN)
    await opening
    expect(manager.getRoomIds()).toEqual(ids)
    await manager.closeAll()
  })

  it('[LC18] idle rooms are closed in turns, and one that is visited meanwhile stays', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] })
    const { manager, opening } = await openMany({ idleTimeout: 1_000 })
    await opening
    await turn()

    vi.advanceTimersByTime(1_000)
    expect(manager.getRoomIds()).toHaveLength(ROOMS - PER_TURN)
    const last = ids.at(-1) ?? ''
    const room = await manager.getRoom(last)
    const steps = await turnsUntil(1, () => manager.getRoomIds().length)

    expect(Math.max(...steps)).toBeLessThanOrEqual(PER_TURN)
    expect(manager.getExistingRoom(last)).toBe(room)
    await manager.closeAll()
  })

  it('[LC18] closeAll() ends all sessions at once, and saves in turns', async () => {
    const { manager, counts, opening } = await openMany()
    const rooms = await opening
    const members = rooms.map((room) => new Member(room, 'ann'))
    for (const member of members) member.patch(create('a/Box'))
    await turn()

    const closing = manager.closeAll()

    expect(members.filter(({ socket }) => socket.closes.length === 1)).toHaveLength(ROOMS)
    expect(manager.getRoomIds()).toEqual([])
    expect(counts.saved).toBe(PER_TURN)
    const steps = await turnsUntil(ROOMS, () => counts.saved)
    expect(Math.max(...steps)).toBe(PER_TURN)
    await closing
  })

  it('[LC18] [LC8] [LC6] after closeAll() every room counts as closed, whether it has been told or not', async () => {
    const { manager, opening } = await openMany()
    const rooms = await opening
    const last = rooms.at(-1) as Room
    await turn()

    const closing = manager.closeAll()

    const join = () => new Member(last, 'ann')
    expect(join).toThrow(expect.objectContaining({ code: 'HEDDLE_ROOM_CLOSED' }))
    const edit = () => last.applyPatch(create('a/Box'))
    expect(edit).toThrow(expect.objectContaining({ code: 'HEDDLE_ROOM_CLOSED' }))
    expect(manager.getExistingRoom('room-299')).toBeUndefined()
    expect(manager.getStats()).toMatchObject({ rooms: 0, roomsOpened: ROOMS })
    await closing
  })

  it('[LC18] what became of files is heard in turns', async () => {
    const dir = await temporaryFolder()
    const manager = new RoomManager({
      createStorage: (roomId) => new FileStorage({ dir, roomId }),
    })
    const rooms = await Promise.all(ids.map((id) => manager.getRoom(id)))
    for (const room of rooms) room.applyPatch(create('a/Box'))
    await turn()
    let heard = 0
    const flushing = rooms.map((room) =>
      room.flush().then(() => {
        heard += 1
      }),
    )

    // The other threads are done with most of them before this one hears of any.
    blockFor(800)
    let [most, last] = [0, 0]
    while (heard < rooms.length) {
      await turn()
      most = Math.max(most, heard - last)
      last = heard
    }

    await Promise.all(flushing)
    // Who looks once a turn sees what this turn heard, and what the ones before and behind it did.
    expect(most).toBeLessThanOrEqual(3 * PER_TURN)
    await manager.closeAll()
  })

  it('[LC18] [LC6] opens that have not had their turn reject', async () => {
    const { manager, counts, opening } = await openMany()

    const closing = manager.closeAll()

    await expect(opening).rejects.toMatchObject({ code: 'HEDDLE_MANAGER_CLOSED' })
    await closing
    expect(counts.made).toBe(PER_TURN)
  })

  it('[LC19] [LC5] idle rooms share a timer, whenever they became idle', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] })
    const { manager, opening } = await openMany({ idleTimeout: 1_000 })
    const rooms = await opening

    expect(vi.getTimerCount()).toBe(1)
    vi.advanceTimersByTime(500)
    for (const room of rooms.slice(1)) new Member(room, 'ann').leave()
    expect(vi.getTimerCount()).toBe(1)
    vi.advanceTimersByTime(500)
    expect(manager.getRoomIds()).toHaveLength(ROOMS - 1)
    vi.advanceTimersByTime(500)
    await turnsUntil(0, () => manager.getRoomIds().length)

    expect(vi.getTimerCount()).toBe(0)
    await manager.closeAll()
  })

  it.each([
    ['none', 'new', 0],
    ['files', 'new', 1],
    ['none', 'left', 0],
    ['files', 'left', 1],
  ])(
    '[LC20] an idle room costs little (%s, %s)',
    async (kind, fate, files) => {
      const ended = await runProgram('idle-rooms.mjs', [kind, fate], ['--expose-gc'])

      expect(ended).toMatchObject({ code: 0, stderr: '' })
      const costs = JSON.parse(ended.stdout)
      expect(costs.files ?? files).toBe(files)
      expect(costs.bytes).toBeLessThan(2_048)
    },
    60_000,
  )
})

describe('large snapshots', () => {
  /** More than is written at a time. */
  const LARGE = {
    timestamp: 1,
    state: Object.fromEntries(
      Array.from({ length: 20_000 }, (_, index) => [`${index}/Box`, { _exists: true, x: index }]),
    ),
    timestamps: {},
  }

  /** Keeps what it is given, and says when it was asked. */
  class Slow implements Storage {
    saved: RoomSnapshot[] = []
    asked = deferred()
    async load() {
      return null
    }
    async save(snapshot: RoomSnapshot) {
      this.saved.push(snapshot)
      this.asked.resolve()
    }
  }

  it('[DU32] [DU3] a large snapshot is of the moment at which it was begun', async () => {
    const storage = new Slow()
    const { room } = openRoom({ storage, initialSnapshot: LARGE })
    room.applyPatch(update('1/Box', { x: -1 }))

    const flushed = room.flush()
    expect(storage.saved).toEqual([])
    room.applyPatch([update('1/Box', { x: -2 }), update('19999/Box', { x: -2 }), create('new/Box')])
    await flushed

    expect(storage.saved).toHaveLength(1)
    expect(storage.saved[0]).toMatchObject({
      timestamp: 2,
      state: { '1/Box': { x: -1 }, '19999/Box': { x: 19_999 } },
    })
    await room.flush()
    expect(storage.saved[1]).toMatchObject({
      timestamp: 3,
      state: { '1/Box': { x: -2 }, '19999/Box': { x: -2 }, 'new/Box': { _exists: true } },
    })
    room.close()
  })

  it('[DU32] [DU4] one that nobody waits for is given up when the room is closed without saving', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const storage = new Slow()
    const { room } = openRoom({ storage, initialSnapshot: LARGE, saveThrottleMs: 10 })
    room.applyPatch(update('1/Box', { x: -1 }))

    vi.advanceTimersByTime(10)
    room.close({ flush: false })
    vi.useRealTimers()
    for (let turns = 0; turns < 50; turns += 1) await turn()

    expect(storage.saved).toEqual([])
  })

  it('[DU32] [DU4] a room that is closed saves what came while the snapshot was written', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const storage = new Slow()
    const { room } = openRoom({ storage, initialSnapshot: LARGE, saveThrottleMs: 10 })
    room.applyPatch(update('1/Box', { x: -1 }))
    vi.advanceTimersByTime(10)
    room.applyPatch(update('2/Box', { x: -2 }))

    room.close()
    vi.useRealTimers()
    await expect.poll(() => storage.saved.at(-1)?.timestamp).toBe(3)

    expect(storage.saved.at(-1)?.state['2/Box']).toMatchObject({ x: -2 })
  })
})
