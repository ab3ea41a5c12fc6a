// node scripts/sanitize.mjs [vitest file...]
//
// Builds the addon with AddressSanitizer and runs vitest files on it, in a copy of the checkout below `target`: any use of
// freed or foreign memory ends the test, and what leaked is looked for when a process ends. Of leaks only those count that
// heddle's own code allocated: the runtime leaves much behind on purpose. Linux only; needs the runtime of the sanitizer
// (Debian: `apt-get install libasan8`). Ends with code 1 when a test failed or something was reported.
import { spawnSync } from 'node:child_process'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from 'node:fs'
import { join } from 'node:path'
import { compiler, fail, requireRust, SetupError } from './requirements.mjs'
import { root } from './run.mjs'

const work = join(root, 'target', 'sanitize')
const copy = join(work, 'checkout')
const reports = join(work, 'reports')

/** What takes the addon through most of its border, in one process: others would inherit the sanitizer and say so. */
const DEFAULT_FILES = [
  'patches',
  'merge',
  'presence',
  'reconnect',
  'refusals',
  'joining',
  'rights',
  'appending',
  'durability',
  'history',
  'tombstones',
  'reentrancy',
  'closing',
]

function buildAddon() {
  const { host } = compiler()
  const env = {
    ...process.env,
    // What the flag is called is not stable; that is all the first variable is for.
    RUSTC_BOOTSTRAP: '1',
    RUSTFLAGS: '-Zsanitizer=address -Cforce-frame-pointers',
    CARGO_PROFILE_RELEASE_LTO: 'off',
    CARGO_PROFILE_RELEASE_CODEGEN_UNITS: '16',
    CARGO_PROFILE_RELEASE_STRIP: 'none',
    CARGO_PROFILE_RELEASE_DEBUG: 'line-tables-only',
  }
  const args = ['build', '--release', '--lib', '--locked', '--target', host, '--target-dir', work]
  const { status } = spawnSync('cargo', args, { cwd: root, stdio: 'inherit', env })
  if (status !== 0) throw new SetupError('The addon does not build with AddressSanitizer.')
  return join(work, host, 'release', 'libheddle.so')
}

/**
 * Everything but the addon is the checkout's own.
 * @param {string} addon
 */
function makeCopy(addon) {
  rmSync(copy, { recursive: true, force: true })
  rmSync(reports, { recursive: true, force: true })
  for (const folder of [copy, reports]) mkdirSync(folder, { recursive: true })
  for (const name of [
    'index.js',
    'native.js',
    'testing.js',
    'package.json',
    'vitest.config.mts',
    'tsconfig.json',
    'biome.json',
  ]) {
    copyFileSync(join(root, name), join(copy, name))
  }
  for (const folder of ['lib', '__test__', 'bin', 'examples', 'scripts']) {
    spawnSync('cp', ['-r', join(root, folder), copy])
  }
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'))
  const name = readdirSync(root).find((file) => /^heddle\..+\.node$/.test(file))
  if (name === undefined) throw new SetupError('Run `npm run build` first.')
  copyFileSync(addon, join(copy, name))
}

function runtime() {
  const { stdout } = spawnSync('gcc', ['-print-file-name=libasan.so'], { encoding: 'utf8' })
  const found = [
    '/usr/lib/x86_64-linux-gnu/libasan.so.8',
    '/usr/lib/aarch64-linux-gnu/libasan.so.8',
    stdout?.trim() ?? '',
  ]
  const path = found.find((file) => file.includes('/') && existsSync(file))
  if (path === undefined) throw new SetupError('There is no libasan: `apt-get install libasan8`.')
  return path
}

/** The parts of the reports that heddle's code is to blame for. */
function blamed() {
  const found = []
  for (const file of readdirSync(reports)) {
    const text = readFileSync(join(reports, file), 'utf8')
    for (const part of text.split(/\n\n+/)) {
      const isLeak = /^(Direct|Indirect) leak/m.test(part)
      const isError = part.includes('ERROR: AddressSanitizer')
      if (isError || (isLeak && /heddle[^ ]*\.node/.test(part))) found.push(part)
    }
  }
  return found
}

try {
  if (process.platform !== 'linux') throw new SetupError('This needs Linux.')
  requireRust()
  makeCopy(buildAddon())
  const files = process.argv.slice(2)
  const tests = files.length > 0 ? files : DEFAULT_FILES.map((name) => `__test__/${name}.test.ts`)
  const script = join(root, 'node_modules', 'vitest', 'vitest.mjs')
  const args = [
    script,
    'run',
    '--typecheck.enabled=false',
    '--pool=forks',
    '--no-file-parallelism',
    '--testTimeout=120000',
    ...tests,
  ]
  const env = {
    ...process.env,
    LD_PRELOAD: runtime(),
    ASAN_OPTIONS: `log_path=${join(reports, 'asan')}:detect_leaks=1:exitcode=0:fast_unwind_on_malloc=1:malloc_context_size=20`,
  }
  const { status } = spawnSync(process.execPath, args, { cwd: copy, stdio: 'inherit', env })
  const found = blamed()
  for (const part of found) console.error(`\n${part}`)
  console.log(
    `\nsanitize: ${readdirSync(reports).length} reports, ${found.length} of heddle's making`,
  )
  process.exitCode = status === 0 && found.length === 0 ? 0 : 1
} catch (error) {
  fail(error)
}
