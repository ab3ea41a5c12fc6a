// Starts programs from the checkout's root, on every platform, without a shell.
import { spawn, spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** The checkout's root. */
export const root = fileURLToPath(new URL('..', import.meta.url))

/**
 * The command line that runs npm with the Node at hand. npm names its own script to the scripts it starts; outside of
 * npm, the `npm` on the PATH serves (through a shell on Windows, where it is a batch file).
 * @param {string[]} args
 * @returns {{ command: string, args: string[], shell: boolean }}
 */
export function npmCommand(args) {
  const script = process.env.npm_execpath
  if (script?.endsWith('.js')) {
    return { command: process.execPath, args: [script, ...args], shell: false }
  }
  return { command: 'npm', args, shell: process.platform === 'win32' }
}

/**
 * Runs npm with its output shown; returns its exit code.
 * @param {string[]} args
 */
export function runNpm(args, cwd = root) {
  const npm = npmCommand(args)
  const options = { cwd, shell: npm.shell, stdio: /** @type {const} */ ('inherit') }
  const { status, error } = spawnSync(npm.command, npm.args, options)
  if (error) throw error
  return status ?? 1
}

/** How long one program may take before it counts as hanging, in milliseconds. */
const DEADLINE_MS = 8 * 60_000

/**
 * Runs a program, shows its output as it comes, and resolves to its exit code and what it wrote to stdout. One that hangs
 * is killed with all that it started: a test's worker does not notice that its parent is gone.
 * @param {string} command
 * @param {string[]} args
 * @param {Record<string, string>} env
 * @returns {Promise<{ code: number, output: string }>}
 */
export function run(command, args, env = {}) {
  return new Promise((resolve, reject) => {
    const hasGroups = process.platform !== 'win32'
    const child = spawn(command, args, {
      cwd: root,
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, ...env },
      detached: hasGroups,
    })
    /** @param {NodeJS.Signals} signal */
    const end = (signal) => {
      if (child.pid !== undefined) process.kill(hasGroups ? -child.pid : child.pid, signal)
    }
    const interrupted = () => {
      end('SIGKILL')
      process.exit(130)
    }
    process.once('SIGINT', interrupted).once('SIGTERM', interrupted)
    const deadline = setTimeout(() => {
      console.error(`${command} is killed: it ran for ${DEADLINE_MS / 60_000} minutes.`)
      end('SIGKILL')
    }, DEADLINE_MS)

    let output = ''
    child.stdout.setEncoding('utf8').on('data', (text) => {
      output += text
      process.stdout.write(text)
    })
    child.on('error', reject)
    child.on('close', (code) => {
      clearTimeout(deadline)
      process.off('SIGINT', interrupted).off('SIGTERM', interrupted)
      resolve({ code: code ?? 1, output })
    })
  })
}
