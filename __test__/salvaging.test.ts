import { exec } from 'node:child_process'
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { FileStorage, Room } from '../index.js'
import { heddle } from './harness/command-line.js'
import {
  AT_CLOCK_3,
  AT_CLOCK_4,
  AT_CLOCK_5,
  board,
  crashedBoard,
  SECOND_RECORD,
} from './harness/crashed-board.js'
import {
  copyOf,
  crashRoom,
  everythingIn,
  flip,
  openElsewhere,
  RECORDS_START,
} from './harness/spoiling.js'
import { temporaryFolder } from './harness/stores.js'

const crashed = crashedBoard()

/** What a room has that is opened on these files. */
async function opened(dir: string, roomId: string) {
  const room = new Room({ storage: new FileStorage({ dir, roomId }) })
  await room.load()
  const { timestamp, state } = room.getSnapshot()
  room.close({ flush: false })
  return { timestamp, state }
}

describe('heddle salvage', () => {
  it('[CK7, CK12] writes what can be read beside the damaged files, and says how to put it in place', async () => {
    const dir = await copyOf(crashed.dir)
    await flip(board(dir, 'journal'), SECOND_RECORD + 20)
    const before = await everythingIn(dir)

    const { code, out, err } = await heddle('salvage', dir, 'board')

    const moves = [
      `  mv ${dir}/board.json ${dir}/board.json.damaged-1`,
      `  mv ${dir}/board.journal ${dir}/board.journal.damaged-1`,
      `  mv ${dir}/board.salvaged-1.json ${dir}/board.json`,
    ]
    expect(out).toEqual([
      'board.journal at byte 1599, good up to clock 4: a record does not have the checksum it says',
      `Written: ${dir}/board.salvaged-1.json`,
      'It holds: clock 4, 2 components, 1 tombstone, from the snapshot file and 1 change of the journal',
      'Lost: the last 48 bytes of board.journal, from byte 1599 on, which went up to clock 5 at least',
      'The damaged files are as they were. To put the new one in their place, while no server has the room:',
      ...moves,
    ])
    expect([code, err]).toEqual([0, []])
    const written = 'board.salvaged-1.json'
    expect(await everythingIn(dir)).toEqual([...before, expect.objectContaining({ name: written })])
    expect(await readFile(join(dir, written), 'utf8')).toMatch(/,"checksum":"crc32c:[0-9a-f]{8}"}$/)

    await promisify(exec)(moves.join('\n'))
    expect(await opened(dir, 'board')).toEqual({ timestamp: 4, state: AT_CLOCK_4 })
    expect((await heddle('check', dir)).code).toBe(0)
  })

  it.each<{ what: string; clock: number; state: object; spoil: (dir: string) => Promise<void> }>([
    {
      what: 'a journal whose header is damaged',
      clock: 5,
      state: AT_CLOCK_5,
      spoil: (dir) => flip(board(dir, 'journal'), 40),
    },
    {
      what: 'a journal of another room',
      clock: 3,
      state: AT_CLOCK_3,
      spoil: async (dir) => {
        await crashRoom(dir, 'other')
        await rename(join(dir, 'other.journal'), board(dir, 'journal'))
      },
    },
    {
      what: 'a journal whose first record is damaged',
      clock: 3,
      state: AT_CLOCK_3,
      spoil: (dir) => flip(board(dir, 'journal'), RECORDS_START),
    },
    {
      what: 'a snapshot whose checksum is damaged',
      clock: 5,
      state: AT_CLOCK_5,
      spoil: (dir) => flip(board(dir, 'json'), -3),
    },
  ])('[CK8] rescues what it can of $what', async ({ clock, state, spoil }) => {
    const dir = await copyOf(crashed.dir)
    await spoil(dir)

    const { code } = await heddle('salvage', dir, 'board')

    expect(code).toBe(0)
    const copy = await temporaryFolder()
    await rename(join(dir, 'board.salvaged-1.json'), board(copy, 'json'))
    expect(await opened(copy, 'board')).toEqual({ timestamp: clock, state })
  })

  it('[CK9] doubts a snapshot that reads and has another checksum', async () => {
    const dir = await copyOf(crashed.dir)
    const text = await readFile(board(dir, 'json'), 'utf8')
    await writeFile(board(dir, 'json'), text.replace('"x":1', '"x":9'))

    const { code, out } = await heddle('salvage', dir, 'board')

    expect(out.slice(1, 6)).toEqual([
      `Written: ${dir}/board.salvaged-1.json`,
      'It holds: clock 5, 2 components, 1 tombstone, from the snapshot file and 2 changes of the journal',
      'Doubtful: the snapshot file is not as heddle wrote it; values in it may be wrong',
      'Doubtful: only clocks tell that the changes of the journal were made on this snapshot',
      'Lost: nothing that is known of',
    ])
    expect(code).toBe(0)
  })

  it('[CK10] says that nothing can be rescued, and writes nothing', async () => {
    const dir = await copyOf(crashed.dir)
    await writeFile(board(dir, 'json'), '{"timestamp":3,"st')
    const before = await everythingIn(dir)

    expect(await heddle('salvage', dir, 'board')).toEqual({
      code: 1,
      out: [],
      err: [
        'heddle: board.json at byte 18: no valid JSON at byte 18',
        'heddle: nothing of board can be rescued: a backup is needed. Nothing was written.',
      ],
    })
    expect(await everythingIn(dir)).toEqual(before)
  })

  it('[CK11] writes nothing for a good room, and refuses one that is open', async () => {
    const dir = await copyOf(crashed.dir)
    const before = await everythingIn(dir)

    expect(await heddle('salvage', dir, 'board')).toEqual({
      code: 0,
      out: ['board is good, its clock is 5: nothing to salvage, nothing written'],
      err: [],
    })
    expect(await everythingIn(dir)).toEqual(before)
    const pid = await openElsewhere(dir, 1_000_000, 'board')
    expect(await heddle('salvage', dir, 'board')).toEqual({
      code: 1,
      out: [],
      err: [`heddle: ${board(dir, 'json')} is in use by process ${pid}`],
    })
  })

  it('[CK11] ends with 2 for a room that is not there', async () => {
    const dir = await copyOf(crashed.dir)

    for (const [args, name] of [
      [['bord'], 'bord'],
      [['--file', 'x.json'], 'x.json'],
      [['--', '--x'], '--x'],
    ] as const) {
      expect(await heddle('salvage', dir, ...args)).toEqual({
        code: 2,
        out: [],
        err: [`heddle: there is no room ${name} in ${dir}`],
      })
    }
    expect((await readdir(dir)).sort()).toEqual(['board.journal', 'board.json'])
    expect((await heddle('salvage', join(dir, 'x'), 'board')).code).toBe(2)
  })

  it('[CK12] finds a room by its file, and quotes what a shell would not take', async () => {
    const dir = join(await temporaryFolder(), "Bob's rooms")
    await mkdir(dir)
    const name = '~~aa20c23e3201834050679e1d88941b9a6fed0557c9a705cb2c315e2e63fd486d'
    await writeFile(
      join(dir, `${name}.json`),
      '{"timestamp":3,"state":{},"timestamps":{},"checksum":"crc32c:00000000"}',
    )

    const { code, out } = await heddle('salvage', dir, '--file', `${name}.json`)

    expect(code).toBe(0)
    await promisify(exec)(out.filter((line) => line.startsWith('  mv ')).join('\n'))
    expect(await opened(dir, 'x'.repeat(200))).toEqual({ timestamp: 3, state: {} })
  })
})
