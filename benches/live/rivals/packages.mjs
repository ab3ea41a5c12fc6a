// The servers that stand beside heddle, and their clients' libraries: packages of this folder's own package.json, which are no
// dependencies of heddle. They are installed when the comparison is run for the first time. Only this folder sees them, so that
// all servers get their sockets from the same `ws`.
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { runNpm } from '../../../scripts/run.mjs'

const folder = fileURLToPath(new URL('.', import.meta.url))
const require = createRequire(import.meta.url)

/** Installs exactly what the lock file says, unless it is there. */
export function installRivals() {
  if (existsSync(new URL('node_modules/.package-lock.json', import.meta.url))) return
  const flags = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']
  if (runNpm(['ci', ...flags], folder) !== 0) {
    throw new Error('the other servers could not be installed from npm: npm says why, above')
  }
}

/**
 * Loads one of them; their types are not installed where heddle is checked.
 * @param {string} name
 * @returns {any}
 */
export function rival(name) {
  return require(name)
}

/** @param {string} name */
export function versionOfRival(name) {
  /** @type {{ packages: Record<string, { version: string }> }} */
  const lock = require('./package-lock.json')
  return lock.packages[`node_modules/${name}`]?.version ?? 'unknown'
}
