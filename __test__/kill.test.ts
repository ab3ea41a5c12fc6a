import { rmSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { runKills } from '../scripts/durability/kill.mjs'

/** A few rounds in which a server is killed under load; `scripts/durability/kill.mjs` has the long run. */
function kills(options: Partial<Parameters<typeof runKills>[0]>) {
  // Long enough for many edits on a busy machine too.
  const longestLoadMs = 200
  const small = { rooms: 2, editors: 2, canvases: 2, longestLoadMs, seed: 1, rounds: 8 }
  return runKills({ ...small, ...options })
}

/** Rounds of a server that is to fail them; what it leaves is of no interest. */
async function failingKills(options: Partial<Parameters<typeof runKills>[0]>) {
  const { findings, kept } = await kills(options)
  for (const folder of kept) rmSync(folder, { recursive: true })
  return findings
}

describe('a server that is killed', () => {
  it('is told from one that keeps nothing but snapshots', async () => {
    const findings = await failingKills({ level: 'none' })

    expect(findings.lostAcked + findings.lostShown).toBeGreaterThan(0)
    expect(findings.clocksSetBack).toBeGreaterThan(0)
  }, 30_000)

  it('is told from one that stores what it has revealed already', async () => {
    const findings = await failingKills({ level: 'reference', fault: 'late' })

    expect(findings.lostAcked + findings.lostShown).toBeGreaterThan(0)
  }, 30_000)

  it('is told from one that forgets deletions', async () => {
    const findings = await failingKills({ level: 'reference', fault: 'forgetful' })

    expect(findings.resurrected).toBeGreaterThan(0)
  }, 30_000)

  it('is told from one that gives a clock twice', async () => {
    const findings = await failingKills({ level: 'reference', fault: 'repetitive' })

    expect(findings.clocksSetBack).toBeGreaterThan(0)
    expect(findings.clocksReused).toBeGreaterThan(0)
    expect(findings.lostAcked).toBe(0)
  }, 30_000)

  it('is believed when it stores every edit before it reveals it', async () => {
    const { tally, findings } = await kills({ level: 'reference', rounds: 4 })

    // The stories name the seed and the folder, which is kept.
    expect(findings.stories.join('\n')).toBe('')
    expect(findings.failures).toBe(0)
    expect(tally.rounds).toBe(4)
  }, 30_000)

  it.each(['process', 'disk'] as const)(
    "[DU20] loses nothing that it acked or showed, at '%s'",
    async (level) => {
      const { tally, findings } = await kills({ level })

      // The stories name the seed and the folder, which is kept.
      expect(findings.stories.join('\n')).toBe('')
      expect(findings.failures).toBe(0)
      expect(tally.rounds).toBe(8)
      expect(findings.acked).toBeGreaterThan(50)
    },
    60_000,
  )
})
