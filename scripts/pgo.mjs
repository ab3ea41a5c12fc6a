// `npm run pgo`: makes the profile that `npm run build` compiles the addon with, for the compiler at hand. An addon that counts
// which ways are taken plays the quick benchmark, and LLVM's `llvm-profdata` puts together what it counted.
//
// To be made anew when the hot path has changed, or the compiler: the guard's border half goes red where the old one is of no use.
import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'
import { buildAddon, profilePath } from './build.mjs'
import { fail, requireRust, SetupError } from './requirements.mjs'
import { root, run } from './run.mjs'

/** Those of LLVM that read what this Rust writes; newer ones will, and Debian has the first. */
const LLVM_VERSIONS = [19, 20, 21, 22, 23]

const folder = join(root, 'target', 'pgo')
const counts = join(folder, 'counts')

try {
  requireRust()
  const merge = findMerger()
  rmSync(counts, { recursive: true, force: true })
  mkdirSync(counts, { recursive: true })

  const addon = buildCounting()
  const { code } = await run(
    process.execPath,
    ['benches/bench.mjs', '--quick', '--out', join(folder, 'training.json')],
    { NAPI_RS_NATIVE_LIBRARY_PATH: addon, LLVM_PROFILE_FILE: join(counts, '%m.profraw') },
  )
  if (code !== 0) throw new SetupError('The benchmark did not run to its end.')

  merge(
    readdirSync(counts).map((name) => join(counts, name)),
    profilePath(),
  )
  const kib = (statSync(profilePath()).size / 1_024).toFixed(0)
  console.log(`${relative(root, profilePath())}: ${kib} KiB. Build again to use it.`)
} catch (error) {
  fail(error)
}

/** Gives the path of an addon that writes its counts when its process ends. */
function buildCounting() {
  const output = join(folder, 'addon')
  rmSync(output, { recursive: true, force: true })
  const places = ['--target-dir', join(folder, 'cargo'), '--output-dir', output]
  buildAddon(places, [`-Cprofile-generate=${counts}`])
  const name = readdirSync(output).find((file) => file.endsWith('.node'))
  if (name === undefined) throw new SetupError('The build ended without an addon.')
  return join(output, name)
}

/**
 * Gives the function that puts counts together as a profile.
 * @returns {(paths: string[], profile: string) => void}
 */
function findMerger() {
  const names = ['llvm-profdata', ...LLVM_VERSIONS.map((version) => `llvm-profdata-${version}`)]
  const program = names.find((name) => LLVM_VERSIONS.includes(versionOf(name)))
  if (program === undefined) {
    throw new SetupError(
      `\`llvm-profdata\` was not found, or is older than LLVM ${LLVM_VERSIONS[0]}: on Debian, \`apt-get install llvm-${LLVM_VERSIONS[0]}\`.`,
    )
  }
  return (paths, profile) => {
    mkdirSync(join(root, 'pgo'), { recursive: true })
    const { status } = spawnSync(program, ['merge', '--sparse', '-o', profile, ...paths], {
      stdio: 'inherit',
    })
    if (status !== 0) throw new SetupError(`${program} could not read the counts.`)
  }
}

/** @param {string} program */
function versionOf(program) {
  const { stdout } = spawnSync(program, ['--version'], { encoding: 'utf8' })
  return Number(/LLVM version (\d+)/.exec(stdout ?? '')?.[1])
}
