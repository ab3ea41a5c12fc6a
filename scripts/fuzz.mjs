// node scripts/fuzz.mjs [--seconds 60] [target...]
//
// Builds the fuzz targets with coverage and AddressSanitizer, and runs each so long; all of them where none is named. Needs
// what the build needs and a C++ compiler, no nightly Rust and no cargo-fuzz. What was found is kept below `fuzz/corpus` and is
// where the next run starts; the input of a crash lies below `fuzz/artifacts`. Ends with code 1 when a target crashed.
import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { compiler, fail, requireRust, SetupError } from './requirements.mjs'
import { root } from './run.mjs'

const folder = join(root, 'fuzz')

/** Where AddressSanitizer comes with stable Rust. */
const hasSanitizer = ['linux', 'darwin'].includes(process.platform)

/** What libFuzzer needs to see which ways an input takes; cargo-fuzz sets the same. */
const flags = [
  '--cfg=fuzzing',
  '-Cpasses=sancov-module',
  '-Cllvm-args=-sanitizer-coverage-level=4',
  '-Cllvm-args=-sanitizer-coverage-inline-8bit-counters',
  '-Cllvm-args=-sanitizer-coverage-pc-table',
  '-Cllvm-args=-sanitizer-coverage-trace-compares',
  '-Ccodegen-units=1',
  '-Cforce-frame-pointers',
  ...(hasSanitizer ? ['-Zsanitizer=address'] : []),
]

/** Above this a target has lost control of its memory; no input of a few kilobytes needs it. */
const MEMORY_MB = 1024

/** An input that takes longer, in seconds, is one that would stall the event loop. */
const TIMEOUT_S = 10

const allTargets = readdirSync(join(folder, 'fuzz_targets')).map((file) =>
  file.replace(/\.rs$/, ''),
)

/**
 * Returns the folder of the programs.
 * @param {string} host named, or sanitizers would reach build scripts too
 */
function build(host) {
  const args = ['build', '--release', '--locked', '--bins', '--target', host]
  // What AddressSanitizer and the pass are called is not stable; that is all the variable is for.
  const env = { ...process.env, RUSTC_BOOTSTRAP: '1', RUSTFLAGS: flags.join(' ') }
  const { status, error } = spawnSync('cargo', args, { cwd: folder, stdio: 'inherit', env })
  if (error) throw error
  if (status !== 0) throw new SetupError('The fuzz targets do not build.')
  return join(folder, 'target', host, 'release')
}

/**
 * Whether the target ran without a crash.
 * @param {string} target
 * @param {string} programs
 * @param {number} seconds
 */
function fuzz(target, programs, seconds) {
  const [corpus, seeds] = [join(folder, 'corpus', target), join(folder, 'seeds', target)]
  const artifacts = join(folder, 'artifacts', target, '/')
  for (const path of [corpus, seeds, artifacts]) mkdirSync(path, { recursive: true })
  console.log(`\n=== ${target}, ${seconds} s`)
  const args = [
    `-max_total_time=${seconds}`,
    `-rss_limit_mb=${MEMORY_MB}`,
    `-timeout=${TIMEOUT_S}`,
    `-artifact_prefix=${artifacts}`,
    `-dict=${join(folder, 'frames.dict')}`,
    // What is looked for after each input costs more than the input; `scripts/sanitize.mjs` looks at the end.
    '-detect_leaks=0',
    '-print_final_stats=1',
    corpus,
    seeds,
  ]
  const { status, error } = spawnSync(join(programs, target), args, { stdio: 'inherit' })
  if (error) throw error
  if (status !== 0) console.error(`${target} crashed: its input is the newest file in ${artifacts}`)
  return status === 0
}

try {
  const { values, positionals } = parseArgs({
    options: { seconds: { type: 'string', default: '60' } },
    allowPositionals: true,
  })
  const unknown = positionals.find((target) => !allTargets.includes(target))
  if (unknown) {
    throw new SetupError(`There is no target ${unknown}. There are: ${allTargets.join(', ')}.`)
  }
  requireRust()
  const programs = build(compiler().host)
  const targets = positionals.length > 0 ? positionals : allTargets
  const crashed = targets.filter((target) => !fuzz(target, programs, Number(values.seconds)))
  console.log(`\nfuzz: ${targets.length - crashed.length} passed, ${crashed.length} failed`)
  process.exitCode = crashed.length > 0 ? 1 : 0
} catch (error) {
  fail(error)
}
