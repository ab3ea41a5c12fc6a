import { expect, it, onTestFinished, vi } from 'vitest'
import { hotCalls } from './harness/native.js'
import { create, openRoom } from './harness/room.js'

/** The engine has no known bug that a test could use, so one is put into its next call. */
function breakNextFrame(): void {
  const spy = vi.spyOn(hotCalls(), 'receiveText').mockImplementationOnce(() => {
    throw Object.assign(new Error('the engine panicked'), { code: 'HEDDLE_ROOM_BROKEN' })
  })
  onTestFinished(() => spy.mockRestore())
}

it('[LC12] [CC1] a room whose engine fails is closed, and the others live', async () => {
  const errors: unknown[] = []
  const broken = openRoom({ onError: (error) => errors.push(error) })
  const ann = broken.join('ann')
  const bob = broken.join('bob')
  const sound = openRoom()
  const carol = sound.join('carol')

  breakNextFrame()
  ann.patch(create('a/Box'))
  bob.patch(create('a/Box'))
  carol.patch(create('a/Box'))

  expect([ann.socket.closeCode, bob.socket.closeCode]).toEqual([4450, 4450])
  expect(errors).toMatchObject([{ code: 'HEDDLE_ROOM_BROKEN' }])
  expect(broken.room.getSessions()).toEqual([])
  await expect(broken.room.flush()).rejects.toMatchObject({ code: 'HEDDLE_ROOM_BROKEN' })
  expect(sound.state).toEqual({ 'a/Box': { _exists: true } })
})

it('[LC12] a broken room saves nothing: what it holds may be half an edit', async () => {
  const saves: unknown[] = []
  const storage = {
    load: async () => null,
    save: async (snapshot: unknown) => void saves.push(snapshot),
  }
  const broken = openRoom({ storage, saveThrottleMs: 0, onError: () => {} })
  const ann = broken.join('ann')
  broken.room.applyPatch(create('a/Box'))

  breakNextFrame()
  ann.patch(create('b/Box'))
  await new Promise((resolve) => setTimeout(resolve, 20))

  expect(saves).toEqual([])
})
