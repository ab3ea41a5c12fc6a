// Runs the steps of `npm test` and `npm run check` and counts what passed: every test of a runner that counts its own,
// one for any other program. A step that failed or ran nothing never counts as passed.
import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { root, run } from './run.mjs'

/**
 * @typedef {{ passed: number, failed: number, skipped: number }} Counts
 * @typedef {{ title: string, run(): Promise<Counts> }} Step
 */

const reportsFolder = join(root, 'target', 'reports')

/**
 * A step whose exit code is its verdict.
 * @param {string} title
 * @param {string} program
 * @param {string[]} args
 * @param {Record<string, string>} env
 * @returns {Step}
 */
export function command(title, program, args, env = {}) {
  return {
    title,
    async run() {
      const { code } = await run(program, args, env)
      return code === 0
        ? { passed: 1, failed: 0, skipped: 0 }
        : { passed: 0, failed: 1, skipped: 0 }
    },
  }
}

/**
 * `cargo test` with these arguments.
 * @param {string} title
 * @param {string[]} args
 * @returns {Step}
 */
export function cargoTest(title, args) {
  return {
    title,
    async run() {
      const { code, output } = await run('cargo', ['test', '--no-fail-fast', ...args])
      const counts = { passed: 0, failed: 0, skipped: 0 }
      for (const line of output.matchAll(
        /^test result:.* (\d+) passed; (\d+) failed; (\d+) ignored/gm,
      )) {
        counts.passed += Number(line[1])
        counts.failed += Number(line[2])
        counts.skipped += Number(line[3])
      }
      return honest(counts, code)
    },
  }
}

/**
 * The vitest suite on the runtime that `program` and `args` start.
 * @param {string} title
 * @param {string} program
 * @param {string[]} args
 * @param {string[]} flags
 * @param {Record<string, string>} env
 * @returns {Step}
 */
export function vitest(title, program, args = [], flags = [], env = {}) {
  return {
    title,
    async run() {
      mkdirSync(reportsFolder, { recursive: true })
      const report = join(reportsFolder, `${title.replaceAll(/\W+/g, '-')}.json`)
      rmSync(report, { force: true })
      const script = join(root, 'node_modules', 'vitest', 'vitest.mjs')
      const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
      const { code } = await run(program, [...args, script, 'run', ...reporters, ...flags], env)
      return honest(readReport(report), code)
    },
  }
}

/**
 * @param {string} path
 * @returns {Counts}
 */
function readReport(path) {
  const report = JSON.parse(readFileSync(path, 'utf8'))
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests,
    skipped: report.numPendingTests + report.numTodoTests,
  }
}

/**
 * A runner may fail without a failed test (a file that does not load, an error outside of tests), or run no test at all.
 * @param {Counts} counts
 * @param {number} code
 */
function honest(counts, code) {
  const ranNone = counts.passed + counts.failed === 0
  const failed = counts.failed === 0 && (code !== 0 || ranNone) ? 1 : counts.failed
  return { ...counts, failed }
}

/**
 * Runs the steps in order, all of them, and ends the process: with code 0 when none failed. In CI a skipped test is a
 * failure. The last line is `<name>: N passed, N failed`.
 * @param {string} name
 * @param {Step[]} steps
 */
export async function runSteps(name, steps) {
  const total = { passed: 0, failed: 0, skipped: 0 }
  const lines = []
  for (const step of steps) {
    console.log(`\n=== ${step.title}`)
    const started = Date.now()
    const counts = await countsOf(step)
    if (process.env.CI) {
      counts.failed += counts.skipped
      counts.skipped = 0
    }
    total.passed += counts.passed
    total.failed += counts.failed
    total.skipped += counts.skipped
    const seconds = ((Date.now() - started) / 1000).toFixed(1)
    lines.push(
      `${counts.failed === 0 ? 'ok  ' : 'FAIL'} ${step.title} (${say(counts)}, ${seconds} s)`,
    )
  }
  console.log(`\n${lines.join('\n')}\n${name}: ${say(total)}`)
  process.exitCode = total.failed === 0 ? 0 : 1
}

/**
 * A step that cannot even be started is one failure; the others still run.
 * @param {Step} step
 */
async function countsOf(step) {
  try {
    return await step.run()
  } catch (error) {
    console.error(error)
    return { passed: 0, failed: 1, skipped: 0 }
  }
}

/** @param {Counts} counts */
function say({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed${skipped ? `, ${skipped} skipped` : ''}`
}
