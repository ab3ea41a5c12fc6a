import { spawn } from 'node:child_process'
import { cp, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, vi } from 'vitest'
import { FileStorage, Room } from '../../index.js'
import { create, remove, update } from './room.js'
import { temporaryFolder } from './stores.js'

/** Where the records of a journal begin. */
export const RECORDS_START = 1536

/**
 * Leaves a room as a killed process would: a snapshot at clock 3, and a synced journal with the changes 4 and 5. `stem` is
 * how its files' names begin.
 */
export async function crashRoom(dir: string, roomId: string, stem = roomId): Promise<void> {
  const room = new Room({ storage: new FileStorage({ dir, roomId }) })
  await room.load()
  room.applyPatch(create('a/Box', { x: 1 }))
  room.applyPatch(create('b/Box'))
  room.applyPatch(remove('b/Box'))
  await room.flush()
  room.applyPatch(create('c/Box', { x: 1 }))
  room.applyPatch(update('c/Box', { x: 2 }))
  const journal = join(dir, `${stem}.journal`)
  await vi.waitFor(async () => expect(await syncedClock(journal)).toBe(5), 5_000)
  room.close({ flush: false })
  await vi.waitFor(async () => expect(await readdir(dir)).not.toContain(`${stem}.lock`))
}

/** The clock up to which a journal says that it was synced. */
async function syncedClock(path: string): Promise<number> {
  const bytes = await readFile(path)
  const slots = [512, 1024].map((at) => bytes.subarray(at, at + 24))
  slots.sort((one, other) => Number(other.readBigUInt64LE(0) - one.readBigUInt64LE(0)))
  return Number(slots[0]?.readBigUInt64LE(16))
}

/** A folder with a copy of what is in another. */
export async function copyOf(dir: string): Promise<string> {
  const copy = await temporaryFolder()
  await mkdir(copy, { recursive: true })
  await cp(dir, copy, { recursive: true })
  return copy
}

/** Turns one bit of a file, counted from its end where `at` is negative. */
export async function flip(path: string, at: number): Promise<void> {
  const bytes = await readFile(path)
  const offset = at < 0 ? bytes.length + at : at
  bytes.writeUInt8(bytes.readUInt8(offset) ^ 1, offset)
  await writeFile(path, bytes)
}

/** Every file of a folder: its name, its bytes, and when it was written. */
export async function everythingIn(dir: string): Promise<unknown[]> {
  const names = (await readdir(dir)).sort()
  return Promise.all(
    names.map(async (name) => {
      const { mtimeMs } = await stat(join(dir, name))
      return { name, mtimeMs, bytes: await readFile(join(dir, name), 'latin1') }
    }),
  )
}

/** Starts a process that has rooms open and edits them; it is killed when the test ends. Gives its id. */
export async function openElsewhere(
  dir: string,
  pauseMs: number,
  ...roomIds: string[]
): Promise<number | undefined> {
  const program = fileURLToPath(new URL('programs/open-rooms.mjs', import.meta.url))
  const child = spawn(process.execPath, [program, dir, `${pauseMs}`, ...roomIds], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { PATH: process.env.PATH },
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  await new Promise((resolve, reject) => {
    child.stdout.once('data', resolve)
    child.once('error', reject).once('exit', reject)
  })
  return child.pid
}
