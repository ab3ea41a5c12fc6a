import { appendFile, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { FileStorage, Room } from '../index.js'
import { heddle } from './harness/command-line.js'
import { board, crashedBoard, SECOND_RECORD } from './harness/crashed-board.js'
import { copyOf, crashRoom, everythingIn, flip, openElsewhere } from './harness/spoiling.js'
import { temporaryFolder } from './harness/stores.js'

const crashed = crashedBoard()

/** What spoils the files of `board`, and what `check` then says is wrong. */
const DAMAGES: {
  what: string
  spoil: (dir: string) => Promise<void>
  problems: Record<string, unknown>[]
}[] = [
  {
    what: 'a flipped byte in the snapshot',
    spoil: (dir) => flip(board(dir, 'json'), 60),
    problems: [
      {
        code: 'HEDDLE_DAMAGED_FILE',
        file: 'board.json',
        offset: null,
        clock: null,
        reason: expect.stringMatching(/^its content has the checksum crc32c:[0-9a-f]{8}, not the/),
      },
    ],
  },
  {
    what: 'a flipped byte in the synced part of the journal',
    spoil: (dir) => flip(board(dir, 'journal'), SECOND_RECORD + 20),
    problems: [
      {
        code: 'HEDDLE_DAMAGED_FILE',
        file: 'board.journal',
        offset: SECOND_RECORD,
        clock: 4,
        reason: 'a record does not have the checksum it says',
      },
    ],
  },
  {
    what: "a flipped byte in the journal's header",
    spoil: (dir) => flip(board(dir, 'journal'), 40),
    problems: [
      {
        code: 'HEDDLE_DAMAGED_FILE',
        file: 'board.journal',
        offset: 0,
        clock: null,
        reason: 'its header has another checksum than it says',
      },
    ],
  },
  {
    what: 'a journal that ends before what was synced',
    spoil: async (dir) => {
      const bytes = await readFile(board(dir, 'journal'))
      await writeFile(board(dir, 'journal'), bytes.subarray(0, SECOND_RECORD))
    },
    problems: [
      {
        code: 'HEDDLE_DAMAGED_FILE',
        file: 'board.journal',
        offset: SECOND_RECORD,
        clock: 4,
        reason: 'the file ends before what was synced',
      },
    ],
  },
  {
    what: "another room's journal",
    spoil: async (dir) => {
      await crashRoom(dir, 'other')
      await rename(join(dir, 'other.journal'), board(dir, 'journal'))
    },
    problems: [
      {
        code: 'HEDDLE_DAMAGED_FILE',
        file: 'board.journal',
        offset: 0,
        clock: null,
        reason: 'it is the journal of another room, other.json',
      },
    ],
  },
  {
    what: 'a snapshot that the journal does not continue',
    spoil: (dir) => writeFile(board(dir, 'json'), '{"timestamp":9,"state":{},"timestamps":{}}\n'),
    problems: [
      {
        code: 'HEDDLE_DAMAGED_FILE',
        file: 'board.journal',
        offset: 0,
        clock: 9,
        reason:
          'it continues a snapshot with the clock 3, but board.json is another one, with the clock 9',
      },
    ],
  },
  {
    what: 'a snapshot that is none',
    spoil: (dir) => writeFile(board(dir, 'json'), 'null'),
    problems: [
      {
        code: 'HEDDLE_DAMAGED_FILE',
        file: 'board.json',
        offset: null,
        clock: null,
        reason: 'a snapshot must be an object',
      },
    ],
  },
  {
    what: 'a directory in the way of the snapshot',
    spoil: async (dir) => {
      await rm(board(dir, 'json'))
      await mkdir(board(dir, 'json'))
    },
    problems: [
      {
        code: 'HEDDLE_STORAGE',
        file: 'board.json',
        offset: null,
        clock: null,
        reason: 'could not read it: is a directory',
      },
    ],
  },
]

describe('heddle check', () => {
  it('[CK1, CK4] tells the state of every room, one line each', async () => {
    const dir = await copyOf(crashed.dir)
    await crashRoom(dir, 'My Room', '~4dy~20~52oom')
    const closed = new Room({ storage: new FileStorage({ dir, roomId: 'x'.repeat(200) }) })
    await closed.load()
    closed.applyPatch({ 'a/Box': { _exists: true } })
    await closed.flush()
    closed.close()
    await vi.waitFor(async () =>
      expect((await readdir(dir)).filter((name) => name.startsWith('~~'))).toHaveLength(1),
    )
    await writeFile(
      join(dir, 'From The Peer.json'),
      '{"timestamp":2,"state":{"a/Box":{"_exists":true}},"timestamps":{"a/Box":{"_exists":2}}}',
    )

    const { code, out, err } = await heddle('check', dir)

    expect(out).toEqual([
      'good        board  clock 5, 2 components, 1 tombstone, snapshot 176 bytes, journal 1647 bytes with 2 changes',
      'good        "From The Peer"  clock 2, 1 component, 0 tombstones, snapshot 87 bytes',
      'good        "My Room"  clock 5, 2 components, 1 tombstone, snapshot 176 bytes, journal 1647 bytes with 2 changes',
      'good        ~~aa20c23e3201834050679e1d88941b9a6fed0557c9a705cb2c315e2e63fd486d.json  clock 1, 1 component, 0 tombstones, snapshot 116 bytes',
      '4 rooms: 4 good',
    ])
    expect([code, err]).toEqual([0, []])
  })

  it('[CK1] counts what is torn, and what a room never synced', async () => {
    const dir = await copyOf(crashed.dir)
    await appendFile(board(dir, 'journal'), 'torn off')
    const young = new Room({ storage: new FileStorage({ dir, roomId: 'young' }) })
    await young.load()
    young.applyPatch({ 'a/Box': { _exists: true } })
    young.close({ flush: false })

    const { code, out } = await heddle('check', dir)

    expect(out[0]).toMatch(/journal 1655 bytes with 2 changes and 8 torn bytes$/)
    expect(out[1]).toMatch(
      /^good {8}young {2}clock 1, 1 component, 0 tombstones, no snapshot, journal \d+ bytes with 1 change$/,
    )
    expect(code).toBe(0)
  })

  it.each(DAMAGES)('[CK3, CK4] tells of $what', async ({ spoil, problems }) => {
    const dir = await copyOf(crashed.dir)
    await spoil(dir)

    const { code, out } = await heddle('check', dir, '--json')

    const isDamaged = problems.some((problem) => problem.code === 'HEDDLE_DAMAGED_FILE')
    const board = out.map((line) => JSON.parse(line)).find(({ room }) => room === 'board')
    expect(board).toMatchObject({ status: isDamaged ? 'damaged' : 'unreadable', problems })
    expect(code).toBe(1)
  })

  it('[CK3] tells people on one line, too, and what to do', async () => {
    const dir = await copyOf(crashed.dir)
    await flip(board(dir, 'journal'), SECOND_RECORD + 20)

    expect((await heddle('check', dir)).out).toEqual([
      'damaged     board  board.journal at byte 1599, good up to clock 4: a record does not have the checksum it says',
      '1 room: 1 damaged',
      `To rescue what is left of one: npx heddle salvage ${dir} <roomId>`,
    ])
  })

  it('[CK6] prints one JSON object per line for programs', async () => {
    const dir = await copyOf(crashed.dir)
    await writeFile(board(dir, 'json.damaged-1'), '')

    const { out } = await heddle('check', '--json', dir)

    expect(out.map((line) => JSON.parse(line))).toEqual([
      {
        type: 'room',
        room: 'board',
        file: 'board.json',
        status: 'good',
        owner: null,
        clock: 5,
        components: 2,
        tombstones: 1,
        snapshotBytes: 176,
        journalBytes: 1647,
        changes: 2,
        tornBytes: 0,
        isChanging: false,
        problems: [],
      },
      { type: 'leftover', file: 'board.json.damaged-1', kind: 'set-aside' },
    ])
  })

  it('[CK2] tells who has a room open, changes nothing, and does not take what is written for damaged', async () => {
    const dir = await copyOf(crashed.dir)
    const pid = await openElsewhere(dir, 1, 'board', 'busy')

    for (let round = 0; round < 5; round++) {
      const { code, out } = await heddle('check', dir)
      expect(out[0]).toMatch(new RegExp(`^open {8}board {2}open in process ${pid}: `))
      expect(out[1]).toMatch(new RegExp(`^open {8}busy {2}open in process ${pid}: `))
      expect([out.at(-1), code]).toEqual(['2 rooms: 2 open', 0])
    }
  })

  it('[CK2] changes no file', async () => {
    const dir = await copyOf(crashed.dir)
    await flip(board(dir, 'journal'), 40)
    await writeFile(board(dir, 'lock'), '4242')
    const before = await everythingIn(dir)

    await heddle('check', dir)

    expect(await everythingIn(dir)).toEqual(before)
  })

  it('[CK5] lists leftovers, and passes over what is not ours', async () => {
    const dir = await temporaryFolder()
    for (const name of [
      'a.json.0f.heddle-tmp',
      'a.json.damaged-1',
      'a.salvaged-1.json',
      'notes.txt',
      'yarn.lock',
    ]) {
      await writeFile(join(dir, name), '')
    }

    expect(await heddle('check', dir)).toEqual({
      code: 0,
      out: [
        'leftover    a.json.0f.heddle-tmp  on its way to its name, or left by a process that was killed',
        'leftover    a.json.damaged-1  a damaged file that was set aside',
        'leftover    a.salvaged-1.json  was salvaged, and has not been put in place',
        `no rooms in ${dir}`,
      ],
      err: [],
    })
  })

  it('[CK4] ends with 2 when there is no such directory', async () => {
    const dir = join(await temporaryFolder(), 'missing')

    const { code, out, err } = await heddle('check', dir)

    expect([code, out]).toEqual([2, []])
    expect(err).toEqual([expect.stringMatching(/^heddle: could not list .*missing: No such file/)])
  })

  it('[CK1] lets no id write to the terminal', async () => {
    const dir = await temporaryFolder()
    await writeFile(
      join(dir, '~1b~5b2~4a~c2~9b.json'),
      '{"timestamp":0,"state":{"\\u001b[2J":1},"timestamps":{}}',
    )

    const { out } = await heddle('check', dir)

    expect(out[0]).toBe(
      String.raw`damaged     "\u001b[2J\u{9b}"  ~1b~5b2~4a~c2~9b.json: component "\u001b[2J" must be an object`,
    )
  })
})
