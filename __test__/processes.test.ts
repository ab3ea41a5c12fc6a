import { Worker } from 'node:worker_threads'
import { describe, expect, it } from 'vitest'
import { Room } from '../index.js'
import { runProgram } from './harness/processes.js'
import { create } from './harness/room.js'

describe('processes', () => {
  it('[LC13] a process with open rooms and nothing unsaved ends by itself', async () => {
    const ended = await runProgram('quiet-rooms.mjs')

    expect(ended).toEqual({ code: 0, signal: null, stdout: '2 rooms open', stderr: '' })
  })

  it('[LC14] several worker threads use the addon at once', async () => {
    const run = (edits: number) =>
      new Promise((resolve, reject) => {
        const worker = new Worker(new URL('harness/programs/worker.mjs', import.meta.url), {
          workerData: { edits },
        })
        worker.once('message', resolve)
        worker.once('error', reject)
      })

    expect(await Promise.all([run(2_000), run(1_000), run(3_000)])).toEqual([2_000, 1_000, 3_000])
    expect(await run(10)).toBe(10)
    expect(new Room().applyPatch(create('a/Box'))).toBe(1)
  })

  it('[LC13] rooms by the thousand leave no memory and no timers behind', async () => {
    const ended = await runProgram('many-rooms.mjs', [], ['--expose-gc'])

    expect(ended).toMatchObject({ code: 0, stderr: '' })
    const { grownMib, timers } = JSON.parse(ended.stdout)
    // Two thousand rooms that leaked would be 200 MiB.
    expect(grownMib).toBeLessThan(60)
    expect(timers).toBe(0)
  }, 70_000)
})
