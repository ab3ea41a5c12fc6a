import { setFlagsFromString } from 'node:v8'
import { pause } from './event-loop.mjs'

/**
 * Holds the young generation small. It grows to 32 MiB with whatever a process does, and `gc()` does not give it back: without this
 * it would be a part of what is measured, the larger the fewer rooms there are.
 */
export const SMALL_YOUNG_GENERATION = '--max-semi-space-size=1'

/** Collects all that is garbage. On Node it takes `--expose-gc`. */
export async function collectGarbage() {
  const { gc, Bun } = /** @type {{ gc?: () => void, Bun?: { gc(sync: boolean): void } }} */ (
    globalThis
  )
  for (let count = 0; count < 4; count += 1) {
    if (Bun) Bun.gc(true)
    else if (gc) gc()
    else throw new Error('garbage is collected with --expose-gc')
    await pause(50)
  }
}

/**
 * Collects garbage and gives what the process has in memory. V8 moves together what is left, as it does by itself where memory is
 * scarce: else holes count that garbage left, and where those lie is chance.
 */
export async function residentBytes() {
  const isBun = process.versions.bun !== undefined
  if (!isBun) setFlagsFromString('--compact-on-every-full-gc')
  await collectGarbage()
  if (!isBun) setFlagsFromString('--no-compact-on-every-full-gc')
  return process.memoryUsage.rss()
}
