// `node scripts/mutants.mjs [rule…]`: breaks each rule of SPEC.md in turn, in a copy, and names the test that notices.
// Without rules all of them; `--list` only prints the mutants, `--compile` only compiles them, which takes ten minutes and not hours: one
// that does not compile proves nothing.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { chapters } from './mutants/chapters/index.mjs'
import { Copy } from './mutants/copy.mjs'
import { failingWithout, judge } from './mutants/judge.mjs'
import { buildAddon, compilerError } from './mutants/runners.mjs'
import { fail, requireRust } from './requirements.mjs'
import { root } from './run.mjs'
import { setup } from './setup.mjs'

/**
 * A small edit that breaks rules.
 * @typedef {object} Mutant
 * @property {string | string[]} rule the rules that it breaks, each of which a test must notice
 * @property {string} file
 * @property {string} find stands in the file exactly once
 * @property {string} replace
 * @property {string} why what the room does then
 */

/** @typedef {import('./mutants/judge.mjs').Verdict} Verdict */

/** @param {Mutant} mutant */
const rulesOf = ({ rule }) => [rule].flat()

/** @param {Mutant} mutant */
const titleOf = (mutant) =>
  `${rulesOf(mutant).join(' ').padEnd(8)} ${mutant.file}: it ${mutant.why}`

const wanted = process.argv.slice(2).filter((argument) => !argument.startsWith('--'))
/** @type {Mutant[]} */
const all = chapters.flat()
const mutants = all.filter(
  (mutant) => wanted.length === 0 || rulesOf(mutant).some((rule) => wanted.includes(rule)),
)

try {
  const problems = [...misplaced(), ...withoutMutant()]
  for (const problem of problems) console.error(problem)
  if (process.argv.includes('--list')) list()
  else if (process.argv.includes('--compile')) await compileAll()
  else await breakAll()
  if (problems.length > 0) process.exitCode = 1
} catch (error) {
  fail(error)
}

function list() {
  for (const mutant of mutants) {
    console.log(titleOf(mutant))
  }
  console.log(`${mutants.length} mutants`)
}

async function compileAll() {
  requireRust()
  const copy = new Copy('compiled')
  const soundly = await compilerError(copy, 'src/lib.rs')
  if (soundly !== undefined) throw new Error(soundly)
  let broken = 0
  for (const mutant of mutants) {
    const error = await copy.with(mutant, () => compilerError(copy, mutant.file))
    if (error === undefined) continue
    broken += 1
    console.log(`${titleOf(mutant)}\n  ${error}`)
  }
  console.log(`mutants: ${mutants.length - broken} compile, ${broken} do not`)
  if (broken > 0) process.exitCode = 1
}

/** Rust and JS are broken side by side, each in a copy of its own. */
async function breakAll() {
  setup()
  requireRust()
  const started = Date.now()
  const [rust, js] = [new Copy('rust'), new Copy('js')]
  js.takeAddon(await buildAddon(rust))
  const unsound = await failingWithout(rust, js, wanted)
  for (const name of unsound) console.log(`fails without any mutant: ${name}`)

  const isRust = (/** @type {Mutant} */ { file }) => file.endsWith('.rs')
  const counts = await Promise.all([
    work(rust, mutants.filter(isRust), unsound),
    work(
      js,
      mutants.filter((mutant) => !isRust(mutant)),
      unsound,
    ),
  ])
  const killed = counts.reduce((sum, count) => sum + count.killed, 0)
  const survived = counts.reduce((sum, count) => sum + count.survived, 0)
  const minutes = ((Date.now() - started) / 60_000).toFixed(1)
  console.log(`mutants: ${killed} killed, ${survived} survived, in ${minutes} minutes`)
  if (survived > 0 || killed === 0 || unsound.size > 0) process.exitCode = 1
}

/**
 * @param {Copy} copy
 * @param {Mutant[]} mutants
 * @param {Set<string>} unsound
 */
async function work(copy, mutants, unsound) {
  const counts = { killed: 0, survived: 0 }
  for (const mutant of mutants) {
    const rules = rulesOf(mutant).filter((rule) => wanted.length === 0 || wanted.includes(rule))
    for (const verdict of await judge(copy, mutant, rules, unsound)) {
      counts[verdict.isKilled ? 'killed' : 'survived'] += 1
      say(mutant, verdict)
    }
  }
  return counts
}

/**
 * @param {Mutant} mutant
 * @param {Verdict} verdict
 */
function say({ file, why }, { rule, isKilled, because }) {
  const mark = isKilled ? 'killed  ' : 'SURVIVED'
  console.log(`${mark} ${rule.padEnd(4)} ${file}: it ${why}\n              ${because}`)
}

/** An edit that does not fit the sources any more would be a mutant that is never tried. */
function misplaced() {
  return all.flatMap(({ rule, file, find, replace }) => {
    const path = join(root, file)
    const found = existsSync(path) ? readFileSync(path, 'utf8').split(find).length - 1 : 0
    if (found === 1 && find !== replace) return []
    return [`The mutant of ${rule} does not fit ${file}: found ${found} times:\n${find}`]
  })
}

function withoutMutant() {
  const covered = new Set(all.flatMap(rulesOf))
  const rules = rulesOfSpec()
  const missing = rules.filter((rule) => !covered.has(rule))
  const unknown = [...covered, ...wanted].filter((rule) => !rules.includes(rule))
  return [
    ...missing.map((rule) => `${rule} has no mutant.`),
    ...unknown.map((rule) => `SPEC.md has no ${rule}.`),
  ]
}

/** Rules are list items, `- **PA1** …`, deviations rows of a table, `| D1 | …`. */
function rulesOfSpec() {
  const spec = readFileSync(join(root, 'SPEC.md'), 'utf8')
  return [...spec.matchAll(/^(?:- \*\*|\| )([A-Z]{1,2}\d{1,2})(?:\*\*| \|)/gm)].map(
    ([, rule = '']) => rule,
  )
}
