import { describe, expect, it } from 'vitest'
import { runProgram } from './harness/processes.js'

/** By how much the memory of a process that ran this program has grown, in MiB. */
async function grownMib(program: string, args: string[] = []): Promise<number> {
  const ended = await runProgram(program, args, ['--expose-gc'])
  expect(ended).toMatchObject({ code: 0, stderr: '' })
  return JSON.parse(ended.stdout).grownMib
}

describe('memory', () => {
  it('[LC16] closed rooms that nobody refers to leave nothing behind', async () => {
    // A thousand documents of 100 KB that stayed would be 100 MiB.
    expect(await grownMib('closed-rooms.mjs', ['1000', 'forgotten'])).toBeLessThan(60)
  }, 70_000)

  it('[LC16] documents of closed rooms do not wait for what else is garbage', async () => {
    // All of them are 200 MiB as text, and take 420 in memory.
    expect(await grownMib('closed-documents.mjs')).toBeLessThan(300)
  }, 70_000)
})
