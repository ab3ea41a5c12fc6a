// The runtimes that tests run on: this Node, Bun from its npm package, and other Node versions, fetched from npm into target/.
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { SetupError } from './requirements.mjs'
import { root, runNpm } from './run.mjs'

/** The releases that stand for the supported lines of Node. */
const NODE_RELEASES = { 20: '20.20.2', 22: '22.23.3', 24: '24.21.0' }

/** The lines of Node that heddle runs on. */
export const nodeLines = /** @type {const} */ ([20, 22, 24])

/** The oldest release of Bun that heddle runs on. */
const OLDEST_BUN = '1.2.0'

const executableSuffix = process.platform === 'win32' ? '.exe' : ''
const runtimesFolder = join(root, 'target', 'runtimes')

/**
 * The path of a Node of the line `major`: this one if it is of that line, else a fetched one.
 * @param {keyof typeof NODE_RELEASES} major
 */
export function nodeOfLine(major) {
  const here = process.versions.node.split('.')[0]
  if (here === String(major) && !process.versions.bun) return process.execPath

  const release = NODE_RELEASES[major]
  const system = process.platform === 'win32' ? 'win' : process.platform
  const name = `node-${system}-${process.arch}`
  return join(fetchPackage(name, release), 'bin', `node${executableSuffix}`)
}

/** The path of the oldest supported Bun, fetched. */
export function oldestBunPath() {
  const system = process.platform === 'win32' ? 'windows' : process.platform
  const machine = process.arch === 'arm64' ? 'aarch64' : process.arch
  const home = fetchPackage(`@oven/bun-${system}-${machine}`, OLDEST_BUN)
  return join(home, 'bin', `bun${executableSuffix}`)
}

/** Fetches all of them ahead, so that no test waits for it. */
export function fetchRuntimes() {
  for (const line of nodeLines) nodeOfLine(line)
  oldestBunPath()
}

/**
 * Gives the folder of a package, fetched unless it was before. Several processes may do so at once: the first to finish
 * wins.
 * @param {string} name
 * @param {string} version
 */
function fetchPackage(name, version) {
  const home = join(runtimesFolder, `${name.replace('/', '-')}-${version}`)
  if (!existsSync(home)) {
    mkdirSync(runtimesFolder, { recursive: true })
    const draft = mkdtempSync(join(runtimesFolder, 'fetching-'))
    const flags = ['--no-save', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']
    if (runNpm(['install', '--prefix', draft, ...flags, `${name}@${version}`], draft) !== 0) {
      rmSync(draft, { recursive: true })
      throw new SetupError(`${name} could not be fetched from npm: npm says why, above.`)
    }
    if (existsSync(home)) {
      rmSync(draft, { recursive: true })
    } else {
      renameSync(draft, home)
    }
  }
  return join(home, 'node_modules', name)
}

/**
 * The path of Bun's program. Its npm package moves the program into place in a postinstall script; where npm was told to
 * run no scripts, the program is still in the package of the platform.
 */
export function bunPath() {
  const require = createRequire(import.meta.url)
  const moved = join(require.resolve('bun/package.json'), '..', 'bin', 'bun.exe')
  if (isProgram(moved)) return moved

  const scope = join(root, 'node_modules', '@oven')
  const packages = existsSync(scope) ? readdirSync(scope) : []
  const found = packages
    .map((folder) => join(scope, folder, 'bin', `bun${executableSuffix}`))
    .find(isProgram)
  if (!found) {
    throw new SetupError('Bun is missing: its npm package has no build for this platform.')
  }
  return found
}

/**
 * Until the postinstall script ran, a short text that says so is in the program's place.
 * @param {string} path
 */
function isProgram(path) {
  return existsSync(path) && statSync(path).size > 1_000_000
}
