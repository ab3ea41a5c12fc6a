import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export interface Ended {
  code: number | null
  signal: NodeJS.Signals | null
  stdout: string
  stderr: string
}

/** The programs do without the fast paths that the tests do without. */
const { HEDDLE_WITHOUT = '' } = process.env
const FAST_PATHS = { HEDDLE_WITHOUT }

/** How long a program may take before it counts as hanging, in milliseconds. */
const DEADLINE_MS = 60_000

/**
 * Runs a file of `programs/` in a process of the runtime that runs the tests, until it ends by
 * itself. One that hangs is killed and has the signal SIGKILL.
 */
export function runProgram(
  name: string,
  args: string[] = [],
  flags: string[] = [],
  env: Record<string, string> = {},
): Promise<Ended> {
  const file = fileURLToPath(new URL(`programs/${name}`, import.meta.url))
  const child = spawn(process.execPath, [...flags, file, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: DEADLINE_MS,
    killSignal: 'SIGKILL',
    // What vitest sets for its own workers is no business of the program.
    env: { PATH: process.env.PATH, ...FAST_PATHS, ...env },
  })
  return new Promise((resolve, reject) => {
    let stdout = ''
    let stderr = ''
    child.stdout.on('data', (chunk) => {
      stdout += chunk
    })
    child.stderr.on('data', (chunk) => {
      stderr += chunk
    })
    child.on('error', reject)
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }))
  })
}
