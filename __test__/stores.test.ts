import { chmod, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { FileStorage as PeerFileStorage, Room as PeerRoom } from '@woven-ecs/canvas-store-server'
import { describe, expect, it } from 'vitest'
import { FileStorage, MemoryStorage, Room, RoomManager, type RoomSnapshot } from '../index.js'
import { create, openRoom, remove, update } from './harness/room.js'
import { temporaryFolder } from './harness/stores.js'

const SNAPSHOT: RoomSnapshot = {
  timestamp: 7,
  state: { 'a/Box': { _exists: true, x: 1.5, label: 'é🎨' }, 'gone/Box': { _exists: false } },
  timestamps: { 'a/Box': { _exists: 2, x: 7, label: 3 }, 'gone/Box': { _exists: 5 } },
}
const EMPTY: RoomSnapshot = { timestamp: 0, state: {}, timestamps: {} }

const atClock = (timestamp: number): RoomSnapshot => ({ ...EMPTY, timestamp })

describe.each([
  ['FileStorage', async () => new FileStorage({ dir: await temporaryFolder(), roomId: 'room' })],
  ['MemoryStorage', async () => new MemoryStorage()],
])('%s', (_, makeStorage) => {
  it('[ST1] load gives null before the first save, then what the last one got', async () => {
    const storage = await makeStorage()

    expect(await storage.load()).toBeNull()
    await storage.save(SNAPSHOT)
    expect(await storage.load()).toEqual(SNAPSHOT)
    await storage.save(EMPTY)
    expect(await storage.load()).toEqual(EMPTY)
  })

  it('[ST1] what save got may be changed after the call', async () => {
    const storage = await makeStorage()
    const snapshot = structuredClone(SNAPSHOT)

    const saving = storage.save(snapshot)
    snapshot.timestamp = 99
    snapshot.state['a/Box'] = { hacked: true }
    await saving

    expect(await storage.load()).toEqual(SNAPSHOT)
  })

  it('[ST1] what load gave may be changed', async () => {
    const storage = await makeStorage()
    await storage.save(SNAPSHOT)

    const first = await storage.load()
    if (first !== null) first.state['a/Box'] = { hacked: true }

    expect(await storage.load()).toEqual(SNAPSHOT)
  })

  it('[ST1] a room is what it was when it opens again', async () => {
    const storage = await makeStorage()
    const before = new Room({ storage })
    await before.load()
    before.applyPatch(create('a/Box', { x: 1 }))
    before.applyPatch([update('a/Box', { x: 2 }), remove('b/Box')])
    const snapshot = structuredClone(before.getSnapshot())
    await before.flush()
    before.close()

    const after = openRoom({ storage })
    await after.room.load()

    expect(after.snapshot).toEqual(snapshot)
    expect(after.room.applyPatch(update('a/Box', { x: 3 }))).toBe(3)
  })

  it('[ST3] saves finish in the order in which they were called', async () => {
    const storage = await makeStorage()
    const finished: number[] = []

    await Promise.all(
      Array.from({ length: 20 }, (_unused, clock) =>
        storage.save(atClock(clock)).then(() => finished.push(clock)),
      ),
    )

    expect(finished).toEqual(Array.from({ length: 20 }, (_unused, clock) => clock))
    expect(await storage.load()).toEqual(atClock(19))
  })
})

it('[ST2] keeps one JSON file, and a completed save leaves no other', async () => {
  const dir = await temporaryFolder()
  const storage = new FileStorage({ dir, roomId: 'my-room_1' })

  await storage.save(EMPTY)
  await Promise.all([storage.save(atClock(3)), storage.save(SNAPSHOT)])

  expect(await readdir(dir)).toEqual(['my-room_1.json'])
  expect(JSON.parse(await readFile(join(dir, 'my-room_1.json'), 'utf8'))).toEqual({
    ...SNAPSHOT,
    checksum: expect.stringMatching(/^crc32c:[0-9a-f]{8}$/),
  })
})

it('[ST2] makes a folder that is missing', async () => {
  const dir = join(await temporaryFolder(), 'not', 'there')

  await new FileStorage({ dir, roomId: 'room' }).save(SNAPSHOT)

  expect(await readdir(dir)).toEqual(['room.json'])
})

it('[ST2] a save that fails leaves the file and the folder as they were', async () => {
  const dir = await temporaryFolder()
  const storage = new FileStorage({ dir, roomId: 'room' })
  await storage.save(SNAPSHOT)

  await expect(storage.save('garbage' as unknown as RoomSnapshot)).rejects.toMatchObject({
    code: 'HEDDLE_BAD_SNAPSHOT',
  })

  expect(await readdir(dir)).toEqual(['room.json'])
  expect(await storage.load()).toEqual(SNAPSHOT)
})

const PLAIN_IDS = ['a', 'room-1', '__proto__', '0', '-', '_', 'x'.repeat(128), 'console', 'com10']

const STRANGE_IDS = [
  '',
  '.',
  '..',
  '../x',
  '../../x',
  '/x',
  '/etc/passwd',
  'a/b',
  'a\\b',
  'a:b',
  'C:\\x',
  'a\0b',
  'a b',
  ' a',
  'a ',
  'a.',
  'a.b',
  'room-1.json',
  '.json',
  'a%2fb',
  '%61',
  'A',
  'ROOM-1',
  'Room-1',
  'con',
  'CON',
  'nul',
  'aux',
  'prn',
  'com1',
  'lpt9',
  'con.txt',
  '\u00e9',
  'e\u0301',
  '\u00c9',
  '\u212a',
  'k\u0307',
  'ß',
  'ss\u200d',
  '\ud800',
  '\ud801',
  '\ufffd',
  '🎨',
  'x'.repeat(129),
  'x'.repeat(130),
  'X'.repeat(128),
  'x'.repeat(5_000),
  `${'x'.repeat(5_000)}y`,
  'é'.repeat(200),
  '*?"<>|',
  '~',
  '$HOME',
  '\n',
]

it('[ST4] no id leads out of the folder, and no two share a file', async () => {
  const outside = await temporaryFolder()
  const dir = join(outside, 'rooms')
  await mkdir(dir)
  const ids = [...PLAIN_IDS, ...STRANGE_IDS]

  for (const [clock, roomId] of ids.entries()) {
    await new FileStorage({ dir, roomId }).save(atClock(clock))
  }

  expect(await readdir(outside)).toEqual(['rooms'])
  const names = await readdir(dir)
  const folded = new Set(names.map((name) => name.normalize('NFKC').toLowerCase()))
  expect(folded.size).toBe(ids.length)
  for (const [clock, roomId] of ids.entries()) {
    expect(await new FileStorage({ dir, roomId }).load()).toEqual(atClock(clock))
  }
})

it('[ST4] file names are short, lower-case ASCII that every file system takes', async () => {
  const dir = await temporaryFolder()

  for (const roomId of STRANGE_IDS) await new FileStorage({ dir, roomId }).save(EMPTY)

  for (const name of await readdir(dir)) {
    expect(name).toMatch(/^[!-~]{1,200}\.json$/)
    expect(name).toBe(name.toLowerCase())
    expect(name).not.toMatch(/[<>:"/\\|?*]|^(con|prn|aux|nul|com\d|lpt\d)\./)
  }
})

it.each(PLAIN_IDS)('[ST5] the id %s is its own file name', async (roomId) => {
  const dir = await temporaryFolder()

  await new FileStorage({ dir, roomId }).save(SNAPSHOT)

  expect(await readdir(dir)).toEqual([`${roomId}.json`])
})

it.each(['con', 'com1', 'nul', 'x'.repeat(129), 'a.b', 'A'])(
  '[ST5] the id %s is not its own file name',
  async (roomId) => {
    const dir = await temporaryFolder()

    await new FileStorage({ dir, roomId }).save(SNAPSHOT)

    expect(await readdir(dir)).not.toContain(`${roomId}.json`)
  },
)

it.each(['My Room', 'a.b', 'Ünïcode', 'con', 'x'.repeat(150)])(
  '[ST6] a file that the peer wrote for %s is found',
  async (roomId) => {
    const dir = await temporaryFolder()
    await new PeerFileStorage({ dir, roomId }).save(SNAPSHOT)

    const storage = new FileStorage({ dir, roomId })
    expect(await storage.load()).toEqual(SNAPSHOT)

    await storage.save(atClock(9))
    expect(await storage.load()).toEqual(atClock(9))
    expect(await new FileStorage({ dir, roomId }).load()).toEqual(atClock(9))
  },
)

it('[ST6] only a file of the very same name is the peer’s', async () => {
  const dir = await temporaryFolder()
  await new PeerFileStorage({ dir, roomId: 'My Room' }).save(SNAPSHOT)

  for (const roomId of ['my room', 'MY ROOM', 'My  Room']) {
    expect(await new FileStorage({ dir, roomId }).load()).toBeNull()
  }
})

it('[ST6] [ST4] an id that spells another’s file name does not get its file', async () => {
  const dir = await temporaryFolder()
  for (const roomId of STRANGE_IDS) await new FileStorage({ dir, roomId }).save(SNAPSHOT)

  for (const name of await readdir(dir)) {
    const roomId = name.slice(0, -'.json'.length)
    if (STRANGE_IDS.includes(roomId)) continue
    expect(await new FileStorage({ dir, roomId }).load()).toBeNull()
  }
})

it('[ST6] [ST4] the peer’s file for an id outside the folder is not found', async () => {
  const outside = await temporaryFolder()
  const dir = join(outside, 'rooms')
  await mkdir(dir)
  await writeFile(join(outside, 'x.json'), JSON.stringify(SNAPSHOT))

  expect(await new FileStorage({ dir, roomId: '../x' }).load()).toBeNull()
})

it('[ST7] a missing file and a missing folder are an empty room', async () => {
  const dir = await temporaryFolder()

  expect(await new FileStorage({ dir, roomId: 'room' }).load()).toBeNull()
  expect(await new FileStorage({ dir: join(dir, 'none'), roomId: 'room' }).load()).toBeNull()
})

it('[ST7] what cannot be read is an error, and stays as it is', async () => {
  const dir = await temporaryFolder()
  await mkdir(join(dir, 'room.json'))

  await expect(new FileStorage({ dir, roomId: 'room' }).load()).rejects.toMatchObject({
    name: 'HeddleError',
    code: 'HEDDLE_STORAGE',
  })

  expect((await stat(join(dir, 'room.json'))).isDirectory()).toBe(true)
})

it('[ST7] a folder that is a file is an error, for both', async () => {
  const dir = join(await temporaryFolder(), 'file')
  await writeFile(dir, 'text')
  const storage = new FileStorage({ dir, roomId: 'room' })

  await expect(storage.load()).rejects.toMatchObject({ code: 'HEDDLE_STORAGE' })
  await expect(storage.save(SNAPSHOT)).rejects.toMatchObject({ code: 'HEDDLE_STORAGE' })

  expect(await readFile(dir, 'utf8')).toBe('text')
})

const DAMAGED: [what: string, content: string][] = [
  ['nothing', ''],
  ['half of it', JSON.stringify(SNAPSHOT).slice(0, 40)],
  ['zeros', '\0'.repeat(200)],
  ['other text', 'hello'],
]

it.each(DAMAGED)(
  '[ST7] [ST8] a file of %s: null alone, an error for a room',
  async (_, content) => {
    const dir = await temporaryFolder()
    const file = join(dir, 'room.json')
    await writeFile(file, content)

    expect(await new FileStorage({ dir, roomId: 'room' }).load()).toBeNull()
    const room = new Room({ storage: new FileStorage({ dir, roomId: 'room' }), onError: () => {} })
    await expect(room.load()).rejects.toMatchObject({
      name: 'HeddleError',
      code: 'HEDDLE_DAMAGED_FILE',
    })
    room.close()

    expect(await readdir(dir)).toEqual(['room.json'])
    expect(await readFile(file, 'utf8')).toBe(content)
  },
)

it.each([
  ['a list', '[]'],
  ['a state of text', '{"timestamp":1,"state":"x","timestamps":{}}'],
])('[ST7] a room does not open on a file that is JSON but %s', async (_, content) => {
  const dir = await temporaryFolder()
  const file = join(dir, 'room.json')
  await writeFile(file, content)
  const room = new Room({ storage: new FileStorage({ dir, roomId: 'room' }), onError: () => {} })

  await expect(room.load()).rejects.toMatchObject({
    code: expect.stringMatching(/^HEDDLE_(DAMAGED_FILE|BAD_SNAPSHOT)$/),
  })
  room.close()

  expect(await readFile(file, 'utf8')).toBe(content)
})

it('[ST8] a manager gets the error for a damaged file, each time', async () => {
  const dir = await temporaryFolder()
  await writeFile(join(dir, 'room.json'), 'hello')
  const manager = new RoomManager({
    createStorage: (roomId) => new FileStorage({ dir, roomId }),
    onError: () => {},
  })

  await expect(manager.getRoom('room')).rejects.toMatchObject({ code: 'HEDDLE_DAMAGED_FILE' })
  await expect(manager.getRoom('room')).rejects.toMatchObject({ code: 'HEDDLE_DAMAGED_FILE' })
  await manager.closeAll()

  expect(await readFile(join(dir, 'room.json'), 'utf8')).toBe('hello')
})

it('[ST9] save puts aside a file that load could not read', async () => {
  const dir = await temporaryFolder()
  const file = join(dir, 'room.json')
  await writeFile(file, 'first')
  const storage = new FileStorage({ dir, roomId: 'room' })
  await storage.load()

  await storage.save(SNAPSHOT)
  await storage.save(EMPTY)

  expect((await readdir(dir)).sort()).toEqual(['room.json', 'room.json.damaged-1'])
  expect(await readFile(`${file}.damaged-1`, 'utf8')).toBe('first')
  expect(await storage.load()).toEqual(EMPTY)
})

it('[ST9] damaged files are kept beside each other', async () => {
  const dir = await temporaryFolder()
  const file = join(dir, 'room.json')
  for (const content of ['first', 'second']) {
    await writeFile(file, content)
    const storage = new FileStorage({ dir, roomId: 'room' })
    await storage.load()
    await storage.save(SNAPSHOT)
  }

  const damaged = (await readdir(dir)).filter((name) => name !== 'room.json')

  expect(damaged).toHaveLength(2)
  const contents = await Promise.all(damaged.map((name) => readFile(join(dir, name), 'utf8')))
  expect(contents.sort()).toEqual(['first', 'second'])
  expect(await readFile(file, 'utf8')).toBe(
    JSON.stringify(JSON.parse(await readFile(file, 'utf8'))),
  )
})

it('[ST10] reads what the peer’s room saved, and the peer reads ours', async () => {
  const dir = await temporaryFolder()
  const peer = new PeerRoom({ createStorage: () => new PeerFileStorage({ dir, roomId: 'room' }) })
  const session = peer.handleSocketConnect({
    socket: { send: () => {}, close: () => {} },
    clientId: 'ann',
    permissions: 'readwrite',
  })
  const documentPatches = [create('a/Box', { x: 1, points: [1, 2] }), remove('gone/Box')]
  peer.handleSocketMessage(
    session,
    JSON.stringify({ type: 'patch', messageId: 'm', documentPatches }),
  )
  await peer.flush()

  const ours = openRoom({ storage: new FileStorage({ dir, roomId: 'room' }) })
  await ours.room.load()
  expect(ours.snapshot).toEqual(peer.getSnapshot())
  ours.room.applyPatch(update('a/Box', { x: 2 }))
  await ours.room.flush()

  const again = new PeerRoom({ createStorage: () => new PeerFileStorage({ dir, roomId: 'room' }) })
  await again.load()
  expect(again.getSnapshot()).toEqual({
    timestamp: 2,
    state: {
      'a/Box': { _exists: true, x: 2, points: [1, 2] },
      'gone/Box': { _exists: false },
    },
    timestamps: { 'a/Box': { _exists: 1, x: 2, points: 1 }, 'gone/Box': { _exists: 1 } },
  })
})

it('[ST10] reads a file of older peers, without tombstones', async () => {
  const dir = await temporaryFolder()
  // Older peers left tombstones out of `state` and their clocks in `timestamps`.
  const old = {
    timestamp: 5,
    state: { 'a/Box': { _exists: true, x: 1 } },
    timestamps: { 'a/Box': { _exists: 1, x: 3 }, 'gone/Box': { _exists: 5 } },
  }
  await writeFile(join(dir, 'room.json'), JSON.stringify(old, null, 2))
  const room = openRoom({ storage: new FileStorage({ dir, roomId: 'room' }) })

  await room.room.load()
  const ann = room.join('ann')
  ann.received()
  ann.reconnect(0)

  expect(room.state).toEqual({ 'a/Box': { _exists: true, x: 1 } })
  expect(ann.received()).toEqual([
    {
      type: 'patch',
      clientId: '',
      documentPatches: [{ 'a/Box': { _exists: true, x: 1 } }],
      timestamp: 5,
    },
    { type: 'synced', timestamp: 5 },
  ])
})

it('[ST2] a file keeps every name and text exactly', async () => {
  const dir = await temporaryFolder()
  const storage = new FileStorage({ dir, roomId: 'room' })
  const text =
    '{"__proto__":{"_exists":true,"":"\\ud800","\\u0000":[1e-7,0.1]},"🎨":{"_exists":false}}'
  const before = openRoom({ storage })
  await before.room.load()
  before.room.applyPatch(JSON.parse(text))
  await before.room.flush()
  before.room.close()

  const after = openRoom({ storage: new FileStorage({ dir, roomId: 'room' }) })
  await after.room.load()

  expect(after.snapshot).toEqual(before.snapshot)
  expect(JSON.parse(JSON.stringify(after.state))).toEqual(JSON.parse(text))
})

it('[ST2] a stored file is not readable by more than its folder lets on', async () => {
  const dir = await temporaryFolder()
  await chmod(dir, 0o700)

  await new FileStorage({ dir, roomId: 'room' }).save(SNAPSHOT)

  expect((await stat(join(dir, 'room.json'))).mode & 0o7022).toBe(0)
})
