// `npm run check`: what CI asks for beside the tests: formatting, lints, types, docs, generated files, what a frame costs, and
// the tests on the other lines of Node.
import { join } from 'node:path'
import { guardSteps } from '../benches/guard/halves.mjs'
import { NAMES as fastPaths } from '../lib/fast-paths.js'
import { fail, requireRust } from './requirements.mjs'
import { root, run } from './run.mjs'
import { nodeLines, nodeOfLine } from './runtimes.mjs'
import { setup } from './setup.mjs'
import { command, runSteps, vitest } from './steps.mjs'

const clippy = ['clippy', '--all-targets', '--locked']
const denyWarnings = ['--', '-D', 'warnings']
/** What starts runtimes of its own choice, and the type tests, have run in `npm test`; traces are a step of their own. */
const runtimeTestsOnly = [
  '--typecheck.enabled=false',
  ...['package', 'examples', 'order'].flatMap((name) => ['--exclude', `__test__/${name}.test.ts`]),
]

/** Needs strace, and so Linux. */
const traces = vitest(
  'vitest under strace',
  process.execPath,
  [],
  ['__test__/order.test.ts', '--typecheck.enabled=false'],
)

/**
 * Where the plain way has most to show.
 * @type {Record<import('../lib/fast-paths.js').FastPath, string[]>}
 */
const suites = {
  'raw-functions': ['border', 'patches', 'reentrancy', 'hostile.', 'limits', 'callbacks', 'broken'],
  'joined-writes': ['joined-writes', 'ws-innards', 'sockets', 'slow-readers', 'closing', 'storms'],
  'fast-decoder': [
    'canvas',
    'differential',
    'deviations',
    'merge',
    'patches',
    'refusals',
    'hostile.',
    'limits',
  ],
}

/** FP1: everything without any fast path, and what concerns each without that one. */
const withoutFastPaths = [
  vitestWithout(fastPaths, runtimeTestsOnly),
  ...fastPaths.map((name) => vitestWithout([name], [...runtimeTestsOnly, ...suites[name]])),
]

/**
 * @param {readonly string[]} names
 * @param {string[]} flags
 */
function vitestWithout(names, flags) {
  const env = { HEDDLE_WITHOUT: names.join(',') }
  return vitest(`vitest without ${names.join(', ')}`, process.execPath, [], flags, env)
}

/** Needs valgrind, and so Linux; the figures are of this kind of processor. */
const isGuarded = process.platform === 'linux' && process.arch === 'x64'

/** The set-up has built the addon: what the build writes must be what is committed. */
const generatedFilesAreCommitted = {
  title: 'generated files are committed',
  async run() {
    const files = ['native.js', 'native.d.ts', 'Cargo.lock', 'package-lock.json']
    const { code, output } = await run('git', ['status', '--porcelain', '--', ...files])
    const isClean = code === 0 && output === ''
    return { passed: Number(isClean), failed: Number(!isClean), skipped: 0 }
  },
}

/**
 * @param {string} title
 * @param {string} path
 * @param {string[]} args
 */
function tool(title, path, args) {
  return command(title, process.execPath, [join(root, 'node_modules', path), ...args])
}

try {
  setup()
  requireRust()
  await runSteps('checks', [
    command('rustfmt', 'cargo', ['fmt', '--check']),
    command('clippy without Node', 'cargo', [...clippy, '--no-default-features', ...denyWarnings]),
    command('clippy with the bindings', 'cargo', [...clippy, ...denyWarnings]),
    command('rustdoc', 'cargo', ['doc', '--no-deps', '--document-private-items'], {
      RUSTDOCFLAGS: '-D warnings',
    }),
    tool('biome', '@biomejs/biome/bin/biome', ['ci', '--error-on-warnings', '.']),
    tool('types', 'typescript/bin/tsc', ['-p', '.']),
    tool('types of the Bun example', 'typescript/bin/tsc', ['-p', 'examples']),
    generatedFilesAreCommitted,
    ...(process.platform === 'linux' ? [traces] : []),
    ...withoutFastPaths,
    ...(isGuarded ? guardSteps : []),
    ...nodeLines
      .filter((line) => nodeOfLine(line) !== process.execPath)
      .map((line) => vitest(`vitest on Node ${line}`, nodeOfLine(line), [], runtimeTestsOnly)),
  ])
} catch (error) {
  fail(error)
}
