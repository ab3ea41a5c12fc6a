// Runs cargo and vitest in a copy and tells which tests failed.
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../run.mjs'
import { cargoTarget } from './copy.mjs'

/** @typedef {import('./copy.mjs').Copy} Copy */

/**
 * What a runner found. `error` is set when it ended otherwise than with passed and failed tests.
 * @typedef {{ failed: string[], passed: number, error: string | undefined }} Outcome
 */

/** A mutant may loop for ever; no run takes nearly as long. */
const DEADLINE_MS = 4 * 60_000

/** What builds quickest: building is most of the time between an edit and its tests. */
const cargoEnvironment = {
  CARGO_TARGET_DIR: cargoTarget,
  CARGO_PROFILE_DEV_OPT_LEVEL: '0',
  CARGO_PROFILE_TEST_OPT_LEVEL: '0',
  CARGO_PROFILE_DEV_DEBUG: '0',
  CARGO_PROFILE_TEST_DEBUG: '0',
  CARGO_INCREMENTAL: '1',
  // A warning about the edit says nothing about it.
  RUSTFLAGS: '-Awarnings',
}

/**
 * Runs the tests of the Rust core whose names cite one of these rules; all of them when there are none.
 * @param {Copy} copy
 * @param {string[]} rules
 * @returns {Promise<Outcome>}
 */
export async function rustTests(copy, rules) {
  const filters = rules.map((rule) => `${rule.toLowerCase()}_`)
  const suites = [
    '--lib',
    ...['rules', 'storage', 'crash', 'store', 'checkup'].flatMap((name) => ['--test', name]),
  ]
  const args = ['--no-default-features', ...suites, '--no-fail-fast', '--quiet']
  const { code, output } = await execute(copy, 'cargo', ['test', ...args, '--', ...filters])
  if (output.includes('error: could not compile')) {
    return { failed: [], passed: 0, error: firstErrorOf(output) }
  }
  const failed = [...output.matchAll(/^ {4}([\w:]+)$/gm)].map(([, name = '']) => name)
  const passed = [...output.matchAll(/^test result:.* (\d+) passed;/gm)]
  return {
    failed: [...new Set(failed)],
    passed: passed.reduce((sum, [, count]) => sum + Number(count), 0),
    error: code === 0 || failed.length > 0 ? undefined : `cargo test ended with ${code}`,
  }
}

/**
 * Builds the addon of a copy, for its own use, and gives its path.
 * @param {Copy} copy
 */
export async function buildAddon(copy) {
  const { code, output } = await execute(copy, 'cargo', ['build', '--lib', '--quiet'])
  if (code !== 0) throw new Error(firstErrorOf(output))
  const names = ['libheddle.so', 'libheddle.dylib', 'heddle.dll']
  const path = names
    .map((name) => join(cargoTarget, 'debug', name))
    .find((name) => existsSync(name))
  if (path === undefined) throw new Error('cargo build left no addon')
  copy.takeAddon(path)
  return path
}

/**
 * Whether what stands in a file of a copy is a program at all; gives what the compiler has against it.
 * @param {Copy} copy
 * @param {string} file
 * @returns {Promise<string | undefined>}
 */
export async function compilerError(copy, file) {
  const { code, output } = file.endsWith('.rs')
    ? await execute(copy, 'cargo', ['check', '--lib', '--quiet'])
    : await execute(copy, process.execPath, ['--check', file])
  return code === 0 ? undefined : firstErrorOf(output)
}

/**
 * Runs the vitest tests whose titles cite one of these rules; all tests when there are none.
 * @param {Copy} copy
 * @param {string[]} rules
 * @returns {Promise<Outcome>}
 */
export async function vitest(copy, rules) {
  const files = copy.testFiles(rules)
  if (files.length === 0) return { failed: [], passed: 0, error: undefined }
  const report = join(cargoTarget, `${copy.name}-vitest.json`)
  mkdirSync(cargoTarget, { recursive: true })
  rmSync(report, { force: true })
  const script = join(root, 'node_modules', 'vitest', 'vitest.mjs')
  const flags = ['run', '--typecheck.enabled=false', '--reporter=json', `--outputFile=${report}`]
  const filter = rules.length === 0 ? [] : ['-t', `\\b(${rules.join('|')})\\b`]
  const { code } = await execute(copy, process.execPath, [script, ...flags, ...filter, ...files])
  if (!existsSync(report)) {
    return { failed: [], passed: 0, error: `vitest ended with ${code} and no report` }
  }
  const { testResults, numPassedTests } = JSON.parse(readFileSync(report, 'utf8'))
  const tests = testResults.flatMap((/** @type {any} */ file) => file.assertionResults)
  const failed = tests
    .filter((/** @type {any} */ { status }) => status === 'failed')
    .map((/** @type {any} */ { fullName }) => fullName)
  const error = code === 0 || failed.length > 0 ? undefined : `vitest ended with ${code}`
  return { failed, passed: numPassedTests, error }
}

/**
 * Runs a program of a copy, silently, and kills it with all that it started when it hangs.
 * @param {Copy} copy
 * @param {string} command
 * @param {string[]} args
 * @returns {Promise<{ code: number, output: string }>}
 */
function execute(copy, command, args) {
  return new Promise((resolve, reject) => {
    const hasGroups = process.platform !== 'win32'
    /** @type {NodeJS.ProcessEnv} */
    const env = { ...process.env, ...cargoEnvironment }
    delete env.CI
    const child = spawn(command, args, {
      cwd: copy.root,
      stdio: ['ignore', 'pipe', 'pipe'],
      env,
      detached: hasGroups,
    })
    const kill = () => {
      if (child.pid !== undefined) process.kill(hasGroups ? -child.pid : child.pid, 'SIGKILL')
    }
    const interrupted = () => {
      kill()
      process.exit(130)
    }
    process.once('SIGINT', interrupted).once('SIGTERM', interrupted)
    const deadline = setTimeout(kill, DEADLINE_MS)
    let output = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => {
        output += text
      })
    }
    child.on('error', reject)
    child.on('close', (code) => {
      clearTimeout(deadline)
      process.off('SIGINT', interrupted).off('SIGTERM', interrupted)
      resolve({ code: code ?? 1, output })
    })
  })
}

/** @param {string} output */
function firstErrorOf(output) {
  const at = output.indexOf('error')
  return `does not compile: ${output.slice(Math.max(at, 0)).split('\n').slice(0, 6).join(' | ')}`
}
