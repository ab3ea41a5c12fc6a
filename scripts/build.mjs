// Builds the addon of this platform, with a profile of how it is used where there is one. Also a command, `npm run build`: what it is
// given goes to `napi build`.
//
// A profile (PGO) tells the compiler which ways through the code are travelled. It knows functions by names that hold the version of
// the compiler and the target, so it is of use to these alone, and others build without: the same addon, but slower.
// `npm run pgo` makes one.
import { spawnSync } from 'node:child_process'
import { existsSync, realpathSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { compiler, fail, requireRust, SetupError } from './requirements.mjs'
import { root } from './run.mjs'

/** What is between two flags of `CARGO_ENCODED_RUSTFLAGS`. */
const SEPARATOR = '\x1f'

/**
 * The profile for the compiler at hand, whether or not it is there.
 * @param {string} [target] what is built for, where that is not this platform
 */
export function profilePath(target) {
  const { host, release } = compiler()
  return join(root, 'pgo', `${target ?? host}.rust-${release}.profdata`)
}

/**
 * Runs `napi build` with the default arguments of this project and these; throws a SetupError where it fails.
 * @param {string[]} args
 * @param {string[]} flags of the compiler
 */
export function buildAddon(args, flags) {
  const napi = join(root, 'node_modules', '@napi-rs', 'cli', 'dist', 'cli.js')
  const files = ['--js', 'native.js', '--dts', 'native.d.ts']
  const { status } = spawnSync(
    process.execPath,
    [napi, 'build', '--platform', '--release', ...files, ...args],
    { cwd: root, stdio: 'inherit', env: { ...process.env, ...withFlags(flags) } },
  )
  if (status !== 0) throw new SetupError('The addon could not be built: cargo says why, above.')
}

/**
 * Builds with the profile that fits, if there is one.
 * @param {string[]} args of `napi build`
 */
export function buildProfiled(args) {
  const { values } = parseArgs({
    args,
    options: { target: { type: 'string', short: 't' } },
    strict: false,
  })
  const path = profilePath(typeof values.target === 'string' ? values.target : undefined)
  const isThere = existsSync(path)
  if (!isThere) {
    console.log(`heddle: building without a profile, a slower addon: no ${relative(root, path)}`)
  }
  buildAddon(args, isThere ? [`-Cprofile-use=${path}`] : [])
}

/**
 * The environment in which cargo hands these to the compiler, after those that it is given anyway.
 * @param {string[]} flags
 */
function withFlags(flags) {
  if (flags.length === 0) return {}
  const { CARGO_ENCODED_RUSTFLAGS: encoded, RUSTFLAGS: plain = '' } = process.env
  const given = encoded?.split(SEPARATOR) ?? plain.split(/\s+/)
  return { CARGO_ENCODED_RUSTFLAGS: [...given, ...flags].filter(Boolean).join(SEPARATOR) }
}

if (realpathSync(process.argv[1] ?? '') === fileURLToPath(import.meta.url)) {
  try {
    requireRust()
    buildProfiled(process.argv.slice(2))
  } catch (error) {
    fail(error)
  }
}
