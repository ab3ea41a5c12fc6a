// Shows that the storage keeps the contract of heddle's `Storage`: `node --test examples/sqlite-storage.test.mjs`.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import it from 'node:test'
import { storageContract } from 'heddle/testing'
import { openRooms } from './sqlite-storage.mjs'

async function makeFixture() {
  const folder = await mkdtemp(join(tmpdir(), 'heddle-sqlite-'))
  const path = join(folder, 'rooms.db')
  let rooms = openRooms(path)
  return {
    storage: rooms.createStorage('room'),
    another: () => rooms.createStorage('another room'),
    reopen() {
      rooms.close()
      rooms = openRooms(path)
      return rooms.createStorage('room')
    },
    async cleanUp() {
      rooms.close()
      await rm(folder, { recursive: true })
    },
  }
}

for (const { name, run } of await storageContract(makeFixture)) it(name, run)
