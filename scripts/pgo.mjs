// The profile that `npm run build` compiles the addon with, for the compiler at hand.
//
//   npm run pgo                  makes it: an addon that counts which ways are taken plays the quick benchmark, and LLVM's
//                                `llvm-profdata` puts together what it counted
//   npm run pgo -- --compare     what it gains: the border's ratios, without a profile and with it
//
// To be made anew when the hot path has changed, or the compiler: the guard's border half goes red where the old one is of no use.
import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'
import { parseArgs } from 'node:util'
import { measureRatios, medians } from '../benches/guard/border.mjs'
import { buildAddon, profilePath } from './build.mjs'
import { fail, requireRust, SetupError } from './requirements.mjs'
import { root, run } from './run.mjs'

/** Those of LLVM that read what this Rust writes; newer ones will, and Debian has the first. */
const LLVM_VERSIONS = [19, 20, 21, 22, 23]

const folder = join(root, 'target', 'pgo')

/** What a profile gains is asked so many times, in turns. */
const COMPARISONS = 3

const { values } = parseArgs({ options: { compare: { type: 'boolean', default: false } } })

try {
  requireRust()
  await (values.compare ? compare() : make())
} catch (error) {
  fail(error)
}

async function make() {
  const merge = findMerger()
  const counts = join(folder, 'counts')
  rmSync(counts, { recursive: true, force: true })
  mkdirSync(counts, { recursive: true })

  const { code } = await run(
    process.execPath,
    ['benches/bench.mjs', '--quick', '--out', join(folder, 'training.json')],
    {
      NAPI_RS_NATIVE_LIBRARY_PATH: build('counting', [`-Cprofile-generate=${counts}`]),
      LLVM_PROFILE_FILE: join(counts, '%m.profraw'),
    },
  )
  if (code !== 0) throw new SetupError('The benchmark did not run to its end.')

  merge(
    readdirSync(counts).map((name) => join(counts, name)),
    profilePath(),
  )
  const kib = (statSync(profilePath()).size / 1_024).toFixed(0)
  console.log(`${relative(root, profilePath())}: ${kib} KiB. Build again to use it.`)
}

async function compare() {
  const addons = {
    without: build('plain', []),
    with: build('profiled', [`-Cprofile-use=${profilePath()}`]),
  }
  /** @type {Record<keyof typeof addons, Record<string, number>[]>} */
  const ratios = { without: [], with: [] }
  for (let round = 0; round < COMPARISONS; round += 1) {
    for (const name of /** @type {const} */ (['without', 'with'])) {
      process.env.NAPI_RS_NATIVE_LIBRARY_PATH = addons[name]
      ratios[name].push((await measureRatios(0)).plain)
    }
  }
  console.log('| a frame, as a ratio to reading and writing its JSON | without | with | gain |')
  console.log('|---|---:|---:|---:|')
  const [plain, profiled] = [medians(ratios.without), medians(ratios.with)]
  for (const [scenario, ratio] of Object.entries(profiled)) {
    const before = plain[scenario] ?? Number.NaN
    const gain = ((1 - ratio / before) * 100).toFixed(0)
    console.log(`| ${scenario} | ${before.toFixed(2)} | ${ratio.toFixed(2)} | ${gain} % |`)
  }
}

/**
 * Builds beside the addon of the clone; gives the path.
 * @param {string} name
 * @param {string[]} flags
 */
function build(name, flags) {
  const output = join(folder, name)
  rmSync(output, { recursive: true, force: true })
  buildAddon(['--target-dir', join(folder, 'cargo'), '--output-dir', output], flags)
  const addon = readdirSync(output).find((file) => file.endsWith('.node'))
  if (addon === undefined) throw new SetupError('The build ended without an addon.')
  return join(output, addon)
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
