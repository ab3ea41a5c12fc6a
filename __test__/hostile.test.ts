import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { families } from './harness/hostile/families.mjs'
import { type Fingerprint, fingerprint, touchedSince } from './harness/hostile/globals.mjs'
import { sizes } from './harness/hostile/sizes.mjs'
import { ENTRANCES, type Entrance, problemsOf } from './harness/hostile/stage.js'
import type { HostileFrame } from './harness/hostile/values.mjs'

/** Families of which the later entrances get only so many frames. */
const SAMPLE = 150

const MIB = 1024 * 1024

/** How many frames are shown that a room got wrong. */
const SHOWN = 10

let before: Fingerprint
beforeEach(() => {
  before = fingerprint()
})
afterEach(() => {
  expect(touchedSince(before)).toEqual([])
})

/** Plays each frame in a room of its own and gives what was wrong, by frame. */
async function play(entrance: Entrance, frames: Iterable<HostileFrame>): Promise<string[]> {
  const failures: string[] = []
  for (const { name, data } of frames) {
    try {
      const stage = await entrance.enter(data)
      const problems = await problemsOf(data, stage)
      failures.push(...problems.map((problem) => `${name}: ${problem}`))
      stage.close()
    } catch (error) {
      failures.push(`${name}: threw ${error instanceof Error ? error.stack : error}`)
    }
  }
  return failures.slice(0, SHOWN)
}

function sampled(frames: HostileFrame[], entrance: Entrance): HostileFrame[] {
  if (entrance === ENTRANCES[0]) return frames
  const step = Math.ceil(frames.length / SAMPLE)
  return frames.filter((_, index) => index % step === 0)
}

describe.each(ENTRANCES)('$name', (entrance) => {
  it.each(Object.keys(families))(
    '[AB1, AB2, AB3, AB4] %s: nothing throws, no global is touched, state is as the model says',
    async (family) => {
      const frames = families[family]?.() ?? []

      const failures = await play(entrance, sampled(frames, entrance))

      expect(frames.length).toBeGreaterThan(20)
      expect(failures).toEqual([])
    },
  )
})

it('[AB1, AB3, AB4] frames of every size up to the limit and over it', async () => {
  const [entrance] = ENTRANCES

  const failures = entrance ? await play(entrance, sizes(MIB)) : ['no entrance']

  expect(failures).toEqual([])
}, 60_000)
