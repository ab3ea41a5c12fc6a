import { describe, expect, it } from 'vitest'
import { FileStorage, MemoryStorage, type Storage } from '../index.js'
import { type StorageCase, type StorageFixture, storageContract } from '../testing.js'
import { DEFECTS_OF_APPENDS } from './harness/broken-appends.js'
import { DEFECTS_OF_SAVES } from './harness/broken-saves.js'
import { type Files, ModelStorage } from './harness/model-storage.js'
import { temporaryFolder } from './harness/stores.js'
import { StrictStorage } from './harness/strict-storage.js'

type MakeFixture = () => Promise<StorageFixture>

const DEFECTS = [...DEFECTS_OF_SAVES, ...DEFECTS_OF_APPENDS]

const makeModel = (Made: typeof ModelStorage) => async (): Promise<StorageFixture> => {
  const files: Files = new Map()
  const open = (roomId: string) => new Made(files, roomId)
  return { storage: open('room'), reopen: () => open('room'), another: () => open('another') }
}

const makeMemory: MakeFixture = async () => {
  const storage = new MemoryStorage()
  return { storage, reopen: () => storage, another: () => new MemoryStorage() }
}

const makeFile: MakeFixture = async () => {
  const dir = await temporaryFolder()
  const open = (roomId: string) => new FileStorage({ dir, roomId })
  return { storage: open('room'), reopen: () => open('room'), another: () => open('another') }
}

const namesOf = (cases: StorageCase[]) => cases.map(({ name }) => name)

/** Runs the cases and gives the errors of those that fail, by name. */
async function failuresOf(cases: StorageCase[]): Promise<Record<string, Error>> {
  const failures: Record<string, Error> = {}
  for (const { name, run } of cases) {
    await run().catch((error: Error) => {
      failures[name] = error
    })
  }
  return failures
}

describe('the cases', () => {
  it('[ST11] are those of load and save for a storage that has no more', async () => {
    const cases = await storageContract(makeMemory)

    expect(new Set(namesOf(cases))).toEqual(new Set(DEFECTS_OF_SAVES.map(({ fails }) => fails)))
    expect(namesOf(cases)).toHaveLength(9)
  })

  it('[ST11] are those of append and loadChanges too for a storage that has them', async () => {
    const cases = await storageContract(makeModel(ModelStorage))

    expect(new Set(namesOf(cases))).toEqual(new Set(DEFECTS.map(({ fails }) => fails)))
    expect(namesOf(cases)).toHaveLength(27)
  })

  it('[ST11] leave two rooms out where the fixture has one', async () => {
    const cases = await storageContract(async () => {
      const { storage, reopen } = await makeModel(ModelStorage)()
      return { storage, reopen }
    })

    expect(namesOf(cases).filter((name) => name.includes('own room'))).toEqual([])
    expect(namesOf(cases)).toHaveLength(25)
  })

  it.each(['append', 'loadChanges'] as const)(
    '[ST11] fail for a storage that lacks %s but has the other',
    async (missing) => {
      const cases = await storageContract(async () => {
        const { storage } = await makeModel(ModelStorage)()
        const half = Object.assign(storage, { [missing]: undefined }) as Storage
        return { storage: half, reopen: () => half }
      })

      const failures = await failuresOf(cases)

      expect(Object.keys(failures)).toEqual(['append and loadChanges are both there'])
      expect(Object.values(failures)[0]?.message).toContain(`${missing} failed`)
    },
  )

  it.each([
    ['MemoryStorage', makeMemory],
    ['FileStorage', makeFile],
    ['a storage with append', makeModel(ModelStorage)],
    ['a storage that rejects what heddle would never do', makeModel(StrictStorage)],
  ])('[ST13] pass for %s', async (_, make) => {
    expect(await failuresOf(await storageContract(make))).toEqual({})
  })

  it.each(DEFECTS.map((defect) => [defect.does, defect.fails, defect] as const))(
    '[ST12] notice a storage that %s: %s',
    async (_, fails, { Storage, invariant }) => {
      const cases = await storageContract(makeModel(Storage))

      const failures = await failuresOf(cases.filter(({ name }) => name === fails))

      expect(failures[fails]?.message).toMatch(
        new RegExp(`^Invariant ${invariant} of Storage is broken: \\S.{10}`),
      )
    },
  )
})

describe('an error', () => {
  /** What the case says of a storage that does this. */
  const messageOf = async (does: string) => {
    const defect = DEFECTS.find((candidate) => candidate.does === does)
    const cases = await storageContract(makeModel(defect?.Storage ?? ModelStorage))
    const failures = await failuresOf(cases.filter(({ name }) => name === defect?.fails))
    return Object.values(failures)[0]?.message
  }

  it('[ST12] says which numbers came instead of which', async () => {
    expect(await messageOf('replaces change by change')).toBe(
      'Invariant 5 of Storage is broken: after append of 1..3, append of 4..6, append of 4: ' +
        'loadChanges(0) gave 1..6 instead of 1..4',
    )
  })

  it('[ST12] says where a value differs', async () => {
    expect(await messageOf('ends texts at a NUL')).toBe(
      'Invariant 1 of Storage is broken: after save at 2199023255552: load gave another snapshot: ' +
        `["state"]["\\u0000/\\ud800"]["nul"] is 'a' instead of 'a\\x00b'`,
    )
  })

  it('[ST12] has what the storage rejected with', async () => {
    const full = new Error('the disk is full')
    const [first] = await storageContract(async () => {
      const storage = { load: () => Promise.reject(full), save: async () => {} }
      return { storage, reopen: () => storage }
    })

    await expect(first?.run()).rejects.toMatchObject({
      message: 'Invariant 1 of Storage is broken: in an empty room: load failed: the disk is full',
      cause: full,
      invariant: 1,
    })
  })
})

describe('a fixture', () => {
  /** Counts the fixtures that are made and cleaned up; `clean` may reject. */
  function counted(storage: () => Storage) {
    const counts = { made: 0, cleaned: 0 }
    const clean = { up: async () => {} }
    const make = async (): Promise<StorageFixture> => {
      counts.made += 1
      const made = storage()
      const cleanUp = () => {
        counts.cleaned += 1
        return clean.up()
      }
      return { storage: made, reopen: () => made, cleanUp }
    }
    return { counts, clean, make }
  }

  const forgetful = (): Storage => ({ load: async () => null, save: async () => {} })
  const cleaningFails = () => Promise.reject(new Error('cleaning failed'))

  it('[ST14] is made for each run of a case and cleaned up after it', async () => {
    const { counts, make } = counted(() => new MemoryStorage())

    const [first, second] = await storageContract(make)
    expect(counts).toEqual({ made: 1, cleaned: 1 })
    await first?.run()
    expect(counts).toEqual({ made: 2, cleaned: 2 })
    await Promise.all([second?.run(), second?.run()])

    expect(counts).toEqual({ made: 4, cleaned: 4 })
  })

  it('[ST14] is cleaned up once after a case that fails, which says why it failed', async () => {
    const { counts, clean, make } = counted(forgetful)
    const [, lastSave] = await storageContract(make)
    clean.up = cleaningFails

    await expect(lastSave?.run()).rejects.toThrow('Invariant 1 of Storage is broken')

    expect(counts).toEqual({ made: 2, cleaned: 2 })
  })

  it('[ST14] that cannot be cleaned up fails its case', async () => {
    const { counts, clean, make } = counted(forgetful)
    const [empty] = await storageContract(make)
    clean.up = cleaningFails

    await expect(empty?.run()).rejects.toThrow('cleaning failed')

    expect(counts).toEqual({ made: 2, cleaned: 2 })
  })

  it.each([
    ['make', undefined],
    ['the fixture', () => ({ storage: forgetful() })],
    ['storage', () => ({ storage: {}, reopen: forgetful })],
  ])('[ST14] that is none is told: %s', async (name, make) => {
    const making = storageContract(make as unknown as MakeFixture)

    await expect(making).rejects.toThrow(new RegExp(`^${name} must be `))
    await expect(making).rejects.toMatchObject({ code: 'HEDDLE_INVALID_ARGUMENT' })
  })
})
