// Makes a clone ready: installs the development dependencies and builds the addon, each only when it has to be.
// Also a command: `node scripts/setup.mjs`.

import { existsSync, readdirSync, readFileSync, realpathSync, statSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildProfiled } from './build.mjs'
import { fail, requireRust, SetupError } from './requirements.mjs'
import { root, runNpm } from './run.mjs'

/** What the addon is made of: a change in any of these makes it stale. */
const ADDON_SOURCES = ['src', 'build.rs', 'Cargo.toml', 'Cargo.lock', 'pgo', 'scripts/build.mjs']

/** Installs and builds what is missing or stale; throws a SetupError that says what the reader can do. */
export function setup() {
  if (!areDependenciesCurrent()) {
    console.log('heddle: installing the development dependencies (npm ci)')
    if (runNpm(['ci', '--no-audit', '--no-fund']) !== 0) {
      throw new SetupError(
        'The development dependencies could not be installed: npm says why, above.',
      )
    }
  }
  if (!isAddonCurrent()) {
    requireRust()
    console.log('heddle: building the addon (a minute the first time)')
    const started = new Date()
    buildProfiled([])
    stampAddon(started)
  }
}

/** Whether node_modules holds what package-lock.json asks for (npm records what it installed in a lock file of its own). */
function areDependenciesCurrent() {
  const installedLock = join(root, 'node_modules', '.package-lock.json')
  if (!existsSync(installedLock)) return false
  const wanted = readLock(join(root, 'package-lock.json'))
  const installed = readLock(installedLock)
  return Object.entries(wanted).every(([path, entry]) => {
    if (path === '' || (entry.optional && !installed[path])) return true
    return installed[path]?.integrity === entry.integrity
  })
}

/**
 * @param {string} path
 * @returns {Record<string, { integrity?: string, optional?: boolean }>}
 */
function readLock(path) {
  return JSON.parse(readFileSync(path, 'utf8')).packages
}

function isAddonCurrent() {
  const addon = addonPath()
  if (!addon || !existsSync(join(root, 'native.js'))) return false
  const built = statSync(addon).mtimeMs
  return ADDON_SOURCES.every((source) => newestChange(join(root, source)) <= built)
}

/** The addon of this platform, if it was built: `heddle.<platform>-<arch>[-<abi>].node`. */
function addonPath() {
  const prefix = `heddle.${process.platform}-${process.arch}`
  const name = readdirSync(root).find((file) => file.startsWith(prefix) && file.endsWith('.node'))
  return name && join(root, name)
}

/**
 * Notes on the addon when its build began: a source saved while cargo ran makes it stale, one that cargo ignored does not.
 * @param {Date} started
 */
function stampAddon(started) {
  const addon = addonPath()
  if (!addon) throw new SetupError('The build ended without an addon for this platform.')
  utimesSync(addon, started, started)
}

/**
 * @param {string} path
 * @returns {number}
 */
function newestChange(path) {
  const stat = statSync(path)
  if (!stat.isDirectory()) return stat.mtimeMs
  const inside = readdirSync(path).map((name) => newestChange(join(path, name)))
  return Math.max(stat.mtimeMs, ...inside)
}

if (realpathSync(process.argv[1] ?? '') === fileURLToPath(import.meta.url)) {
  try {
    setup()
  } catch (error) {
    fail(error)
  }
}
