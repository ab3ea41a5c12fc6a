import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { Room, RoomManager, type RoomOptions, type StoredChange } from '../index.js'
import { create, keepEditing, type Member, openRoom, TestRoom, update } from './harness/room.js'
import { deferred } from './harness/stores.js'
import { StrictStorage } from './harness/strict-storage.js'

/** A strict storage whose appends a test can hold up or have fail. */
class ScriptedAppends extends StrictStorage {
  onAppend: (changes: readonly StoredChange[]) => unknown = () => undefined
  readonly appends: number[][] = []

  override async append(changes: readonly StoredChange[]): Promise<void> {
    this.appends.push(changes.map(({ timestamp }) => timestamp))
    await this.onAppend(changes)
    await super.append(changes)
  }
}

let storage: ScriptedAppends

beforeEach(() => {
  storage = new ScriptedAppends(new Map(), 'room')
})

async function open(options: RoomOptions = {}): Promise<TestRoom> {
  const room = openRoom({ storage, ...options })
  await room.room.load()
  return room
}

/** Gives the types of the frames that came, with the clock of those that have one. */
function heard(member: Member): string[] {
  return member
    .received()
    .map((frame) => ('timestamp' in frame ? `${frame.type} ${frame.timestamp}` : frame.type))
}

const settled = () => new Promise((resolve) => setTimeout(resolve, 20))

it('[DU22] shows nothing before append has resolved', async () => {
  const gate = deferred()
  storage.onAppend = () => gate.promise
  const changed = vi.fn()
  const room = await open({ onDataChange: changed })
  const [ann, bob] = [room.join('ann'), room.join('bob')]
  room.forget()

  ann.patch(create('a/Box'))
  await settled()
  expect([heard(ann), heard(bob), changed.mock.calls]).toEqual([[], [], []])
  gate.resolve()

  await vi.waitFor(() => expect(changed).toHaveBeenCalledOnce())
  expect([heard(ann), heard(bob)]).toEqual([['ack 1'], ['patch 1']])
})

it('[DU22] opens on the snapshot and the changes after it', async () => {
  const first = await open()
  const ann = first.join('ann')
  ann.patch(create('a/Box', { p: [1, 2] }))
  await vi.waitFor(() => expect(heard(ann)).toContain('ack 1'))
  await first.room.flush()
  ann.patch(update('a/Box', { p: { __buf: 1, len: 3, runs: [[2, [3]]] } }))
  await vi.waitFor(() => expect(heard(ann)).toContain('ack 2'))
  first.room.close({ flush: false })

  const second = await open()

  expect(second.snapshot).toEqual(first.snapshot)
  expect(second.clock).toBe(2)
})

it('[DU22] tells the storage who changed what, and when', async () => {
  const before = Date.now()
  const changes: StoredChange[] = []
  storage.onAppend = (appended) => changes.push(...appended)
  const room = await open()

  room.join('ann "the artist"').patch(create('a/Box', { x: 1 }), create('b/Box'))
  room.room.applyPatch(update('a/Box', { x: 2 }))
  await room.room.flush()

  expect(changes).toEqual([
    {
      timestamp: 1,
      time: expect.any(Number),
      clientId: 'ann "the artist"',
      patches: [create('a/Box', { x: 1 }), create('b/Box')],
    },
    {
      timestamp: 2,
      time: expect.any(Number),
      clientId: '',
      patches: [update('a/Box', { x: 2 })],
    },
  ])
  expect(changes[0]?.time).toBeGreaterThanOrEqual(before)
  expect(changes[1]?.time).toBeLessThanOrEqual(Date.now())
})

it('[DU31] one append is under way, and takes all that has come meanwhile', async () => {
  const gate = deferred()
  storage.onAppend = () => gate.promise
  const room = await open()
  const ann = room.join('ann')

  for (let x = 0; x < 5; x += 1) ann.patch(create('a/Box', { x }))
  await settled()
  expect(storage.appends).toEqual([[1]])
  gate.resolve()
  await room.room.flush()

  expect(storage.appends).toEqual([[1], [2, 3, 4, 5]])
})

describe('when the storage fails', () => {
  const errors: unknown[] = []
  let isDown: boolean
  let room: TestRoom
  let ann: Member
  let bob: Member

  beforeEach(async () => {
    errors.length = 0
    isDown = false
    storage.onAppend = () => {
      if (isDown) throw new Error('database is down')
    }
    room = await open({ onError: (error) => errors.push(error) })
    ann = room.join('ann')
    bob = room.join('bob')
    ann.patch(create('a/Box', { x: 1 }))
    await room.room.flush()
    room.forget()
    isDown = true
    ann.patch(update('a/Box', { x: 2 }))
    await vi.waitFor(() => expect(errors).toHaveLength(1))
  })

  it('[DU14] [DU15] it is as if the edit had not come, and the rest goes on', async () => {
    expect(room.clock).toBe(1)
    expect(room.state).toEqual({ 'a/Box': { _exists: true, x: 1 } })

    bob.presence(create('bob/Cursor'))
    const cleo = room.join('cleo')
    cleo.reconnect(0)

    expect(heard(ann)).toEqual(['patch', 'clientCount'])
    expect(heard(bob)).toEqual(['ack 1', 'clientCount'])
    expect(heard(cleo)).toEqual(['patch', 'clientCount', 'patch 1', 'synced 1'])
  })

  it('[DU27] the error comes once, and through flush()', async () => {
    await expect(room.room.flush()).rejects.toMatchObject({
      code: 'HEDDLE_SAVE_FAILED',
      cause: { message: 'database is down' },
    })
    bob.patch(create('b/Box'))
    await settled()

    expect(errors).toEqual([expect.objectContaining({ code: 'HEDDLE_SAVE_FAILED' })])
  })

  it('[DU17] [DU27] it goes on by itself, and acks what has waited', async () => {
    bob.patch(create('b/Box'))
    isDown = false

    await vi.waitFor(() => expect(room.clock).toBe(3))
    await room.room.flush()

    expect(heard(ann)).toEqual(['ack 2', 'patch 3'])
    expect(heard(bob)).toEqual(['patch 2', 'ack 3'])
    expect(errors).toHaveLength(1)
    ann.patch(update('a/Box', { x: 3 }))
    isDown = true
    ann.patch(update('a/Box', { x: 4 }))
    await vi.waitFor(() => expect(errors).toHaveLength(2))
  })

  it('[DU18] applyPatch throws', () => {
    expect(() => room.room.applyPatch(create('c/Box'))).toThrow(
      expect.objectContaining({ code: 'HEDDLE_STORE_FAILED' }),
    )
  })

  it('[DU11] a closed room gives up after five attempts', async () => {
    const attempts = storage.appends.length
    room.room.close()

    await vi.waitFor(() => expect(errors).toHaveLength(2), { timeout: 10_000 })
    expect(storage.appends.length - attempts).toBeLessThanOrEqual(5)
    expect(String(errors[1])).toContain('what it held is lost')
  })
})

it('[DU29] what an append that does not settle holds up goes on after two seconds', async () => {
  const gate = deferred()
  let isHanging = true
  storage.onAppend = () => (isHanging ? gate.promise : undefined)
  const errors: unknown[] = []
  const room = await open({ onError: (error) => errors.push(error) })
  const [ann, bob] = [room.join('ann'), room.join('bob')]
  room.forget()

  ann.patch(create('a/Box'))
  bob.presence(create('bob/Cursor'))
  await settled()
  expect(heard(ann)).toEqual([])
  await vi.waitFor(() => expect(heard(ann)).toEqual(['patch']), { timeout: 4_000 })
  expect(errors).toEqual([expect.objectContaining({ code: 'HEDDLE_SAVE_FAILED' })])
  expect(storage.appends).toEqual([[1]])

  isHanging = false
  gate.resolve()
  await vi.waitFor(() => expect(heard(ann)).toEqual(['ack 1']))
  expect(storage.appends).toEqual([[1], [1]])
  expect((await storage.loadChanges(0)).map(({ timestamp }) => timestamp)).toEqual([1])
})

it('[DU29] flush() rejects at once where an append does not settle', async () => {
  const gate = deferred()
  const room = await open({ onError: () => {} })
  storage.onAppend = () => gate.promise
  room.join('ann').patch(create('a/Box'))
  await vi.waitFor(() => expect(room.clock).toBe(0), { timeout: 4_000 })

  await expect(room.room.flush()).rejects.toMatchObject({ code: 'HEDDLE_SAVE_FAILED' })
  gate.resolve()
})

it('[DU12] all that one append lets go is sent', async () => {
  const gate = deferred()
  storage.onAppend = () => gate.promise
  const room = await open()
  const ann = room.join('ann')

  for (let x = 0; x < 300; x += 1) ann.patch(create('a/Box', { x }))
  gate.resolve()

  const frames: string[] = []
  await vi.waitFor(() => {
    frames.push(...heard(ann))
    expect(frames).toContain('ack 300')
  })
})

it('[DU27] nothing is appended behind an append that failed, whatever onError does', async () => {
  const gate = deferred()
  storage.onAppend = () => gate.promise
  const room = await open({ onError: (_error, { room }) => void room?.getSnapshot() })
  const ann = room.join('ann')
  ann.patch(create('a/Box'))
  ann.patch(create('b/Box'))
  await settled()
  storage.onAppend = () => undefined
  gate.reject(new Error('database is down'))

  await vi.waitFor(() => expect(room.room.getStats().unsaved).toBe(false))
  expect(storage.appends).toEqual([[1], [1, 2]])
})

it('[DU3] flush() settles while edits go on', async () => {
  const room = await open()
  const ann = room.join('ann')
  storage.onAppend = settled
  keepEditing(ann)

  await expect(room.room.flush()).resolves.toBeUndefined()
})

it('[DU25] has stored an initial snapshot that holds nothing but tombstones', async () => {
  const initialSnapshot = {
    timestamp: 7,
    state: { 'a/Box': { _exists: false } },
    timestamps: { 'a/Box': { _exists: 3 } },
  }
  const first = await open({ initialSnapshot })
  first.room.applyPatch(create('b/Box'))
  await settled()
  first.room.close({ flush: false })

  const second = await open()

  expect(second.snapshot).toEqual(first.snapshot)
})

it('[LC2] a closed room is still closing as long as anything is appended', async () => {
  let inFlight = 0
  storage.onAppend = async () => {
    inFlight += 1
    await settled()
    inFlight -= 1
  }
  const manager = new RoomManager({ createStorage: () => storage })
  const room = await manager.getRoom('room')
  const ann = new TestRoom(room).join('ann')
  ann.patch(create('a/Box'))
  ann.patch(create('b/Box'))

  room.close({ flush: false })
  let inFlightAtLoad: number | undefined
  const load = storage.load.bind(storage)
  storage.load = async () => {
    inFlightAtLoad = inFlight
    return load()
  }
  await manager.getRoom('room')

  expect(inFlightAtLoad).toBe(0)
  expect(storage.appends).toEqual([[1], [2]])
})

it('[DU11] a closed room that gave up saves nothing later', async () => {
  const saves = vi.spyOn(storage, 'save')
  const errors: unknown[] = []
  const room = await open({ saveThrottleMs: 2_500, onError: (error) => errors.push(error) })
  const ann = room.join('ann')
  ann.patch(create('a/Box', { text: 'x'.repeat(80_000) }))
  await vi.waitFor(() => expect(heard(ann)).toContain('ack 1'))
  storage.onAppend = () => {
    throw new Error('database is down')
  }
  ann.patch(create('b/Box'))

  room.room.close()
  await vi.waitFor(() => expect(errors).toHaveLength(2), { timeout: 5_000 })
  await new Promise((resolve) => setTimeout(resolve, 2_000))

  expect(saves).not.toHaveBeenCalled()
})

it('[DU30] a snapshot is saved only when the changes outgrow the last one', async () => {
  const saves = vi.spyOn(storage, 'save')
  const room = await open({ saveThrottleMs: 0 })
  const ann = room.join('ann')

  ann.patch(create('a/Box', { text: 'x'.repeat(40_000) }))
  await settled()
  expect(saves).not.toHaveBeenCalled()
  ann.patch(create('b/Box', { text: 'x'.repeat(40_000) }))
  await vi.waitFor(() => expect(saves).toHaveBeenCalledOnce())

  for (let x = 0; x < 10; x += 1) ann.patch(update('a/Box', { x }))
  await settled()
  expect(saves).toHaveBeenCalledOnce()
})

it('[DU30] a snapshot holds nothing that is not stored', async () => {
  const room = await open({ saveThrottleMs: 0 })
  const ann = room.join('ann')
  storage.onAppend = () => new Promise((resolve) => setTimeout(resolve, 1))
  onTestFinished(() => room.room.close({ flush: false }))

  // The strict storage rejects a snapshot that does.
  for (let edit = 0; edit < 200; edit += 1) {
    ann.patch(create(`${edit}/Box`, { text: 'x'.repeat(2_000) }))
    if (edit % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 1))
  }
  await room.room.flush()

  expect((await storage.load())?.timestamp).toBe(200)
})

it("[DU23] durability 'none' reads what was appended before", async () => {
  const first = await open()
  first.room.applyPatch(create('a/Box'))
  await vi.waitFor(() => expect(storage.appends).toHaveLength(1))
  await settled()
  first.room.close({ flush: false })

  const second = await open({ durability: 'none' })

  expect(second.state).toEqual({ 'a/Box': { _exists: true } })
})

it('[LC15] half of the pair append and loadChanges is no storage', () => {
  const half = { load: async () => null, save: async () => {}, append: async () => {} }

  expect(() => new Room({ storage: half })).toThrow(
    expect.objectContaining({ code: 'HEDDLE_INVALID_ARGUMENT' }),
  )
})
