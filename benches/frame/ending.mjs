// How a child process ends.

/** How long it may take, in milliseconds. */
const DEADLINE_MS = 5_000

/**
 * Lets a child end by itself, as its runtime ends, because what it leaves at its end may be wanted; kills one that does not.
 * @param {import('node:child_process').ChildProcess} child
 * @param {Promise<unknown>} exited
 * @param {() => void} bid tells it to end
 */
export async function letEnd(child, exited, bid) {
  const deadline = setTimeout(() => child.kill('SIGKILL'), DEADLINE_MS)
  bid()
  await exited
  clearTimeout(deadline)
}
