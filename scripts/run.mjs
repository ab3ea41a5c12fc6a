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

/**
 * Runs a program, shows its output as it comes, and resolves to its exit code and what it wrote to stdout.
 * @param {string} command
 * @param {string[]} args
 * @param {Record<string, string>} env
 * @returns {Promise<{ code: number, output: string }>}
 */
export function run(command, args, env = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: root,
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, ...env },
    })
    let output = ''
    child.stdout.setEncoding('utf8').on('data', (text) => {
      output += text
      process.stdout.write(text)
    })
    child.on('error', reject)
    child.on('close', (code) => resolve({ code: code ?? 1, output }))
  })
}
