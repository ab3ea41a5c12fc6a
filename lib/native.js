'use strict'

/**
 * Loads the native engine. The generated `native.js` picks the binary for this platform; when there
 * is none, what reaches the user is one error that names what is missing and how to get it.
 */

const { existsSync } = require('node:fs')
const { join } = require('node:path')
const { HeddleError, messageOf } = require('./errors.js')

const ROOT = join(__dirname, '..')

/** @returns {typeof import('../native')} */
function load() {
  try {
    return require('../native.js')
  } catch (cause) {
    throw new HeddleError('HEDDLE_NO_NATIVE', explain(cause), { cause })
  }
}

/**
 * @param {unknown} cause
 * @returns {string}
 */
function explain(cause) {
  const { version, napi } = require('../package.json')
  const libc = libcOfThisProcess()
  const target = [process.platform, process.arch, libc].filter(Boolean).join('-')
  const file = `${napi.binaryName}.${target}.node`
  const packageName = `${napi.packageName}-${target}`
  const start = `heddle has no native engine for ${target}:`
  if (!existsSync(join(ROOT, 'native.js'))) {
    return `${start} native.js is missing, this checkout is not built. Run \`npm run build\` (needs Rust).`
  }
  if (existsSync(join(ROOT, file)) || isInstalled(packageName)) {
    return `${start} it is there but does not load. Reinstall heddle here. ${loadFailure(cause)}`
  }
  return (
    `${start} neither ${file} nor the package ${packageName} is installed. ` +
    `Run \`npm install ${packageName}@${version}\`; if it goes missing again, a lock file or ` +
    'node_modules made on another platform, or `--omit=optional`, leaves it out. Where no such ' +
    'package exists, build heddle from its sources with `npm run build` (needs Rust).'
  )
}

/**
 * Why the system refused the binary: of the attempts that the generated loader made, each the cause
 * of the next, only one found something to load.
 * @param {unknown} error
 * @returns {string}
 */
function loadFailure(error) {
  let reason = messageOf(error)
  for (let attempt = error; attempt instanceof Error; attempt = attempt.cause) {
    if (!attempt.message.startsWith('Cannot find')) reason = attempt.message
  }
  return reason
}

/**
 * The part of the file name that tells C libraries apart; empty where a platform has only one.
 * @returns {string}
 */
function libcOfThisProcess() {
  if (process.platform === 'win32') return 'msvc'
  if (process.platform !== 'linux') return ''
  const report = /** @type {{ header?: { glibcVersionRuntime?: string } } | undefined} */ (
    process.report?.getReport()
  )
  return report?.header?.glibcVersionRuntime === undefined ? 'musl' : 'gnu'
}

/**
 * @param {string} packageName
 * @returns {boolean}
 */
function isInstalled(packageName) {
  try {
    require.resolve(`${packageName}/package.json`)
    return true
  } catch {
    return false
  }
}

const native = load()

module.exports = {
  NativeFileStore: native.NativeFileStore,
  NativeMailbox: native.NativeMailbox,
  NativeNotifier: native.NativeNotifier,
  NativeRooms: native.NativeRooms,
  NativeSnapshot: native.NativeSnapshot,
  forgetRoom: native.forgetRoom,
  inspectRoom: native.inspectRoom,
  openFiles: native.openFiles,
  PROTOCOL_VERSION: native.PROTOCOL_VERSION,
  rawCalls: native.rawCalls,
  roomName: native.roomName,
  salvageRoom: native.salvageRoom,
  surveyRooms: native.surveyRooms,
}
