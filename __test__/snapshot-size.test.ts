import { createRequire } from 'node:module'
import { expect, it, onTestFinished, vi } from 'vitest'
import { FileStorage, Room } from '../index.js'
import { create, openRoom } from './harness/room.js'
import { temporaryFolder } from './harness/stores.js'

const { NativePast, NativeSnapshot } = createRequire(import.meta.url)('../native.js')
const TOO_LARGE = { name: 'HeddleError', code: 'HEDDLE_SNAPSHOT_TOO_LARGE' }

/**
 * Makes documents longer than a string can be; `scripts/hostile/real-sizes.mjs` has one that really is.
 * @param native what hands out the text
 */
function outgrow(native: { prototype: { text(): string } }): void {
  const text = vi.spyOn(native.prototype, 'text').mockImplementation(() => {
    throw Object.assign(new Error('Failed to convert'), { code: 'GenericFailure' })
  })
  onTestFinished(() => text.mockRestore())
}

it('[LC17] a document longer than a string cannot be had as a snapshot, and the room goes on', () => {
  const test = openRoom()
  const { room } = test
  const ann = test.join('ann')
  ann.patch(create('a/Box'))
  ann.received()
  outgrow(NativeSnapshot)

  expect(() => room.getSnapshot()).toThrow(expect.objectContaining(TOO_LARGE))

  ann.patch(create('b/Box'))
  expect(ann.received()).toMatchObject([{ type: 'ack', timestamp: 2 }])
  expect(room.getStats()).toMatchObject({ sessions: 1, components: 2, errors: 0 })
})

it('[LC17] a storage of the user’s own that reads it gets the error, and the save fails with it', async () => {
  const save = async (snapshot: object) => void JSON.stringify(snapshot)
  const room = new Room({ storage: { load: async () => null, save }, onError: () => {} })
  onTestFinished(() => room.close({ flush: false }))
  await room.load()
  room.applyPatch(create('a/Box'))
  outgrow(NativeSnapshot)

  await expect(room.flush()).rejects.toMatchObject({
    code: 'HEDDLE_SAVE_FAILED',
    cause: TOO_LARGE,
  })

  expect(room.applyPatch(create('b/Box'))).toBe(2)
})

it('[LC17] FileStorage stores it', async () => {
  const storage = new FileStorage({ dir: await temporaryFolder(), roomId: 'room' })
  const room = new Room({ storage, history: { retentionMs: 60_000 } })
  onTestFinished(() => room.close())
  await room.load()
  room.applyPatch(create('a/Box'))
  outgrow(NativeSnapshot)
  outgrow(NativePast)

  await room.flush()

  await expect(room.getSnapshotAt(1)).rejects.toMatchObject(TOO_LARGE)
  expect(room.getStats()).toMatchObject({ unstored: 0, saveErrors: 0 })
})
