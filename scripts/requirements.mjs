// What a machine must bring: Node and Rust. First of the modules that the commands of package.json load, so that an
// old Node ends with a sentence and not with a syntax error: this file keeps to the language of old versions.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'

/** Least version of Node for development: the library runs on 20.0, its build and test tools do not. */
const LEAST_NODE = '20.19.0'

/** A problem that the reader can solve: shown as its message alone, without a stack. */
export class SetupError extends Error {}

/**
 * Prints what is wrong and ends the process; what is no SetupError is a bug and shows its stack.
 * @param {unknown} error
 */
export function fail(error) {
  console.error(error instanceof SetupError ? `\n${error.message}\n` : error)
  process.exit(1)
}

/**
 * @param {string} version
 * @param {string} least
 */
function isOlder(version, least) {
  const a = version.split('.').map(Number)
  const b = least.split('.').map(Number)
  const at = [0, 1, 2].find((index) => (a[index] || 0) !== (b[index] || 0))
  return at !== undefined && (a[at] || 0) < (b[at] || 0)
}

/** Throws unless this Node is new enough. */
export function requireNode() {
  if (isOlder(process.versions.node, LEAST_NODE)) {
    throw new SetupError(
      `Node ${process.versions.node} is too old: heddle's build and tests need Node ${LEAST_NODE} or newer.\n` +
        'Install it from https://nodejs.org (the LTS release is fine) and run the command again.',
    )
  }
}

/** Throws unless cargo and rustc are there and as new as Cargo.toml's `rust-version`. */
export function requireRust() {
  const manifest = readFileSync(new URL('../Cargo.toml', import.meta.url), 'utf8')
  const least = (/^rust-version = "([^"]+)"$/m.exec(manifest) || [])[1] || ''
  const install = `Install Rust ${least} or newer from https://rustup.rs (it brings cargo), open a new terminal and run the command again.`

  findRustupFolder()
  for (const tool of ['cargo', 'rustc']) {
    const probe = spawnSync(tool, ['--version'], { encoding: 'utf8' })
    if (probe.error && 'code' in probe.error && probe.error.code === 'ENOENT') {
      throw new SetupError(
        `Rust is missing: \`${tool}\` was not found, and heddle's engine is compiled on this machine.\n${install}`,
      )
    }
    const version = (/(\d+\.\d+\.\d+)/.exec(probe.stdout || '') || [])[1]
    if (probe.status !== 0 || !version) {
      const said = String(probe.error || probe.stderr).trim()
      throw new SetupError(`Rust does not work: \`${tool} --version\` said: ${said}\n${install}`)
    }
    if (isOlder(version, least)) {
      throw new SetupError(
        `Rust ${version} is too old: heddle's engine needs Rust ${least} or newer.\n` +
          'Run `rustup update stable` (or install Rust from https://rustup.rs) and run the command again.',
      )
    }
  }
}

/**
 * What the Rust at hand compiles for unless it is told otherwise, and its version.
 * @returns {{ host: string, release: string }}
 */
export function compiler() {
  const { stdout } = spawnSync('rustc', ['-vV'], { encoding: 'utf8' })
  const host = (/^host: (.+)$/m.exec(stdout) || [])[1]
  const release = (/^release: (.+)$/m.exec(stdout) || [])[1]
  if (!host || !release) {
    throw new SetupError('`rustc -vV` does not say which compiler and platform this is.')
  }
  return { host, release }
}

/** A shell that was open before Rust was installed does not have its folder on the PATH yet. */
function findRustupFolder() {
  const folder = join(process.env.CARGO_HOME || join(homedir(), '.cargo'), 'bin')
  const paths = (process.env.PATH || '').split(delimiter)
  if (existsSync(folder) && !paths.includes(folder)) {
    process.env.PATH = [...paths, folder].join(delimiter)
  }
}

try {
  requireNode()
} catch (error) {
  fail(error)
}
