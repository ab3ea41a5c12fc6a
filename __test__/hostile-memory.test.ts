import { expect, it } from 'vitest'
import { runProgram } from './harness/processes.js'

it('[AB5] what hostile frames took is free again', async () => {
  const ended = await runProgram('hostile-memory.mjs', [], ['--expose-gc'])

  expect(ended).toMatchObject({ code: 0, stderr: '' })
  const { grownMib, grownRssMib } = JSON.parse(ended.stdout)
  // One round of the list is over 100 MiB: frames that stay would be twice that.
  expect(grownMib).toBeLessThan(16)
  // Allocators keep some pages, but not more with every round.
  expect(grownRssMib).toBeLessThan(96)
}, 60_000)
