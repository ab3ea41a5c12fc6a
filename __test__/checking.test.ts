import { exec, spawn } from 'node:child_process'
import { appendFile, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { FileStorage, Room } from '../index.js'
import manifest from '../package.json' with { type: 'json' }
import {
  copyOf,
  crashRoom,
  everythingIn,
  flip,
  openElsewhere,
  RECORDS_START,
} from './harness/spoiling.js'
import { temporaryFolder } from './harness/stores.js'

interface Ended {
  code: number | null
  out: string[]
  err: string[]
}

/** Runs the command line to its end. */
function heddle(...args: string[]): Promise<Ended> {
  const bin = fileURLToPath(new URL('../bin/heddle.js', import.meta.url))
  const child = spawn(process.execPath, [bin, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH },
  })
  const lines = (text: string) => text.split('\n').slice(0, -1)
  return new Promise((resolve, reject) => {
    let out = ''
    let err = ''
    child.stdout.setEncoding('utf8').on('data', (chunk) => {
      out += chunk
    })
    child.stderr.setEncoding('utf8').on('data', (chunk) => {
      err += chunk
    })
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, out: lines(out), err: lines(err) }))
  })
}

/** What a room has that is opened on these files. */
async function opened(dir: string, roomId: string) {
  const room = new Room({ storage: new FileStorage({ dir, roomId }) })
  await room.load()
  const { timestamp, state } = room.getSnapshot()
  room.close({ flush: false })
  return { timestamp, state }
}

const AT_CLOCK_3 = { 'a/Box': { _exists: true, x: 1 }, 'b/Box': { _exists: false } }
const AT_CLOCK_4 = { ...AT_CLOCK_3, 'c/Box': { _exists: true, x: 1 } }
const AT_CLOCK_5 = { ...AT_CLOCK_3, 'c/Box': { _exists: true, x: 2 } }

/** Where the second record of the journal begins. */
const SECOND_RECORD = RECORDS_START + 63

/** A folder with the room `board`, whose process was killed. Tests spoil copies of it. */
let crashed: string
const board = (dir: string, extension: string) => join(dir, `board.${extension}`)

beforeAll(async () => {
  crashed = join(tmpdir(), `heddle-crashed-${process.pid}`)
  await mkdir(crashed)
  await crashRoom(crashed, 'board')
})

afterAll(() => rm(crashed, { recursive: true }))

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
    const dir = await copyOf(crashed)
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
    const dir = await copyOf(crashed)
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
    const dir = await copyOf(crashed)
    await spoil(dir)

    const { code, out } = await heddle('check', dir, '--json')

    const isDamaged = problems.some((problem) => problem.code === 'HEDDLE_DAMAGED_FILE')
    const board = out.map((line) => JSON.parse(line)).find(({ room }) => room === 'board')
    expect(board).toMatchObject({ status: isDamaged ? 'damaged' : 'unreadable', problems })
    expect(code).toBe(1)
  })

  it('[CK3] tells people on one line, too, and what to do', async () => {
    const dir = await copyOf(crashed)
    await flip(board(dir, 'journal'), SECOND_RECORD + 20)

    expect((await heddle('check', dir)).out).toEqual([
      'damaged     board  board.journal at byte 1599, good up to clock 4: a record does not have the checksum it says',
      '1 room: 1 damaged',
      `To rescue what is left of one: npx heddle salvage ${dir} <roomId>`,
    ])
  })

  it('[CK6] prints one JSON object per line for programs', async () => {
    const dir = await copyOf(crashed)
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
    const dir = await copyOf(crashed)
    const pid = await openElsewhere(dir, 1, 'board', 'busy')

    for (let round = 0; round < 5; round++) {
      const { code, out } = await heddle('check', dir)
      expect(out[0]).toMatch(new RegExp(`^open {8}board {2}open in process ${pid}: `))
      expect(out[1]).toMatch(new RegExp(`^open {8}busy {2}open in process ${pid}: `))
      expect([out.at(-1), code]).toEqual(['2 rooms: 2 open', 0])
    }
  })

  it('[CK2] changes no file', async () => {
    const dir = await copyOf(crashed)
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

describe('heddle salvage', () => {
  it('[CK7, CK12] writes what can be read beside the damaged files, and says how to put it in place', async () => {
    const dir = await copyOf(crashed)
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
    const dir = await copyOf(crashed)
    await spoil(dir)

    const { code } = await heddle('salvage', dir, 'board')

    expect(code).toBe(0)
    const copy = await temporaryFolder()
    await rename(join(dir, 'board.salvaged-1.json'), board(copy, 'json'))
    expect(await opened(copy, 'board')).toEqual({ timestamp: clock, state })
  })

  it('[CK9] doubts a snapshot that reads and has another checksum', async () => {
    const dir = await copyOf(crashed)
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
    const dir = await copyOf(crashed)
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
    const dir = await copyOf(crashed)
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
    const dir = await copyOf(crashed)

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

describe('the command line', () => {
  it('[CK13] says its version and how it is used', async () => {
    const { code, out, err } = await heddle('--help')

    expect(await heddle('--version')).toEqual({ code: 0, out: [manifest.version], err: [] })
    expect([code, err]).toEqual([0, []])
    expect(out.join('\n')).toContain('npx heddle check <dir> [--json]')
    expect(out.join('\n')).toContain('npx heddle salvage <dir> <roomId>')
  })

  it.each<[string[], string]>([
    [[], 'what to do is missing: check or salvage'],
    [['chekc', 'dir'], 'there is no command chekc'],
    [['check'], 'check needs a directory'],
    [['check', 'a', 'b'], 'check takes one directory, and here is b as well'],
    [['check', 'a', '--jsn'], 'there is no option --jsn'],
    [['check', 'a', '--file', 'b'], 'check takes no --file'],
    [['salvage', 'a'], 'salvage needs a room: its id, or --file and the name of its file'],
    [['salvage', 'a', 'b', 'c'], 'salvage takes one room, and here is c as well'],
    [['salvage', 'a', 'b', '--json'], 'salvage takes no --json'],
    [['salvage', 'a', '--file'], '--file needs a file name'],
  ])('[CK13] %j is refused with a reason', async (args, reason) => {
    expect(await heddle(...args)).toEqual({
      code: 2,
      out: [],
      err: [`heddle: ${reason}`, '`npx heddle --help` says what there is.'],
    })
  })
})
