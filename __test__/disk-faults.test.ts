// Disks that fail for real, on the systems that let a test make them fail; `scripts/durability/disk-faults.mjs` has all of them.
import { describe, expect, it } from 'vitest'
import { runFault } from '../scripts/durability/disk-faults.mjs'

describe.runIf(process.platform === 'linux')('a disk that fails', () => {
  it('is told from one that nobody minds', async () => {
    const problems = await runFault('limit on file sizes', { level: 'none' })

    expect(problems).toContain("'during-1' was acked and could not be stored")
    expect(problems).toContain("'during-3' was shown and could not be stored")
    expect(problems).toContain("'after' was acked and is lost")
  }, 60_000)

  it.each([
    ['limit on file sizes', 'process'],
    ['limit on file sizes', 'disk'],
    ['folder removed', 'process'],
    ['journal deleted', 'disk'],
  ] as const)(
    "[DU14] [DU17] [DU20] [DU27] is survived: %s, at '%s'",
    async (fault, level) => {
      expect(await runFault(fault, { level })).toEqual([])
    },
    60_000,
  )
})
