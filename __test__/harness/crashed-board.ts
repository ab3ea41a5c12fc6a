import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll } from 'vitest'
import { crashRoom, RECORDS_START } from './spoiling.js'

export const AT_CLOCK_3 = { 'a/Box': { _exists: true, x: 1 }, 'b/Box': { _exists: false } }
export const AT_CLOCK_4 = { ...AT_CLOCK_3, 'c/Box': { _exists: true, x: 1 } }
export const AT_CLOCK_5 = { ...AT_CLOCK_3, 'c/Box': { _exists: true, x: 2 } }

/** Where the second record of the journal begins. */
export const SECOND_RECORD = RECORDS_START + 63

/** The path of a file of the room `board`. */
export const board = (dir: string, extension: string) => join(dir, `board.${extension}`)

/** A folder with the room `board`, whose process was killed. The tests of a file spoil copies of it. */
export function crashedBoard(): { readonly dir: string } {
  const crashed = { dir: '' }
  beforeAll(async () => {
    crashed.dir = await mkdtemp(join(tmpdir(), 'heddle-crashed-'))
    await crashRoom(crashed.dir, 'board')
  })
  afterAll(() => rm(crashed.dir, { recursive: true }))
  return crashed
}
