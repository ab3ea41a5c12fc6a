// Needs strace, which `npm test` does not ask for: `npm run check` runs it.
import { describe, expect, it } from 'vitest'
import { compare, compareRun } from '../scripts/durability/disk-log.mjs'
import { checkOrder } from '../scripts/durability/order.mjs'

describe('the order of system calls', () => {
  it('is told from that of a server without a journal', async () => {
    const { violations } = await checkOrder({ level: 'none', edits: 40, rooms: 2 })

    expect(violations).toHaveLength(40)
    expect(violations[0]).toContain('never written')
  }, 30_000)

  it('is told from that of a server that reveals first', async () => {
    const late = await checkOrder({ level: 'reference', fault: 'late', edits: 40, rooms: 2 })

    expect(late.violations).toHaveLength(40)
    expect(late.violations[0]).toContain('before it was written')
  }, 30_000)

  it('is told from that of a server that does not sync', async () => {
    const manners = { syncs: true, fault: 'unsynced' } as const
    const unsynced = await checkOrder({ level: 'reference', edits: 40, rooms: 2, ...manners })

    expect(unsynced.violations).toHaveLength(40)
    expect(unsynced.violations[0]).toContain('before it was synced')
  }, 30_000)

  it('is believed where every edit is written and synced first', async () => {
    const good = await checkOrder({ level: 'reference', syncs: true, edits: 40, rooms: 2 })

    expect(good).toMatchObject({ edits: 40, acked: 40, violations: [] })
  }, 30_000)
})

describe.each(['process', 'disk'] as const)("what a room reveals at '%s'", (level) => {
  it.each([
    { rooms: 1, plain: false, sockets: 'ws sockets of one room' },
    { rooms: 8, plain: false, sockets: 'ws sockets of many rooms' },
    { rooms: 2, plain: true, sockets: 'sockets of an unknown kind' },
  ])(
    '[DU21] is stored before it is written to $sockets',
    async ({ rooms, plain }) => {
      const found = await checkOrder({ level, edits: 120, rooms, plain })

      expect(found).toMatchObject({ edits: 120, acked: 120, violations: [] })
      expect(found.journalWrites).toBeGreaterThan(0)
    },
    30_000,
  )
})

describe('what a room does with files', () => {
  it('is what its log of file operations says', async () => {
    const { traced, differences } = await compareRun({ level: 'disk', edits: 400, rooms: 3 })

    expect(differences).toEqual([])
    expect(traced).toBeGreaterThan(50)
  }, 30_000)
})

describe('a trace beside the log of the file operations', () => {
  const trace = [
    '7 openat(AT_FDCWD</>, "/data/a.tmp", O_RDWR|O_CREAT|O_EXCL, 0644) = 21</data/a.tmp>',
    '7 pwrite64(21</data/a.tmp>, "{}", 2, 0 <unfinished ...>',
    '8 pwrite64(9</elsewhere/log>, "x", 1, 0) = 1',
    '7 <... pwrite64 resumed>)           = 2',
    '7 rename("/data/a.tmp", "/data/a.json") = 0',
    '7 pwrite64(21</data/a.json>, "!", 1, 2) = 1',
    '7 fdatasync(21</data/a.json>)       = 0',
  ].join('\n')
  const log = [
    'create /data/a.tmp',
    'write-at /data/a.tmp 0 2',
    'rename /data/a.tmp /data/a.json',
    'write-at /data/a.json 2 1',
    'sync-data /data/a.json',
  ]

  it('is equal to it', () => {
    expect(compare(trace, log.join('\n'), '/data').differences).toEqual([])
  })

  it('shows what went past the log, and what the log made up', () => {
    const lines = [...log.slice(0, 4), 'remove /data/a.json']

    expect(compare(trace, lines.join('\n'), '/data').differences).toEqual([
      'sync /data/a.json: 1 traced, 0 logged',
      'remove /data/a.json: 0 traced, 1 logged',
    ])
  })
})
