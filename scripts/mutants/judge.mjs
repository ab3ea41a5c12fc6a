// Tries one mutant: does a test that cites the broken rule fail?
import { buildAddon, rustTests, vitest } from './runners.mjs'

/** @typedef {import('../mutants.mjs').Mutant} Mutant */
/** @typedef {import('./copy.mjs').Copy} Copy */
/** @typedef {import('./runners.mjs').Outcome} Outcome */

/** @typedef {{ rule: string, isKilled: boolean, because: string }} Verdict */

/**
 * The tests that fail in sound copies: whatever they say about a mutant means nothing.
 * @param {Copy} rust
 * @param {Copy} js
 * @param {string[]} rules none for all
 */
export async function failingWithout(rust, js, rules) {
  const outcomes = await Promise.all([rustTests(rust, rules), vitest(js, rules)])
  for (const { error } of outcomes) if (error !== undefined) throw new Error(error)
  return new Set(outcomes.flatMap(({ failed }) => failed))
}

/**
 * Gives a verdict for each of the rules. A test that fails without the mutant, or that cites other rules only, kills
 * nothing.
 * @param {Copy} copy
 * @param {Mutant} mutant
 * @param {string[]} rules
 * @param {Set<string>} unsound tests that fail anyway
 * @returns {Promise<Verdict[]>}
 */
export function judge(copy, mutant, rules, unsound) {
  return copy.with(mutant, async () => {
    const isRust = mutant.file.endsWith('.rs')
    const failed = new Set()
    /** @type {Map<string, string>} */
    const errors = new Map()
    const killerOf = (/** @type {string} */ rule) => [...failed].find((name) => cites(name, rule))
    const note = (/** @type {string} */ rule, /** @type {Outcome} */ outcome) => {
      for (const name of outcome.failed) if (!unsound.has(name)) failed.add(name)
      if (outcome.error !== undefined) errors.set(rule, outcome.error)
    }

    // The bindings are not part of what Rust tests.
    if (isRust && !mutant.file.startsWith('src/node/')) {
      const outcome = await rustTests(copy, rules)
      for (const rule of rules) note(rule, outcome)
    }
    const open = rules.filter((rule) => killerOf(rule) === undefined && !errors.has(rule))
    if (open.length > 0 && isRust) {
      const failure = await buildAddon(copy).then(() => undefined, String)
      if (failure !== undefined) for (const rule of open) errors.set(rule, failure)
    }
    for (const rule of open.filter((rule) => !errors.has(rule))) {
      note(rule, await vitest(copy, [rule]))
    }

    const verdicts = []
    for (const rule of rules) {
      const killer = killerOf(rule)
      const because = killer ?? errors.get(rule) ?? (await othersThatNotice(copy, isRust))
      verdicts.push({ rule, isKilled: killer !== undefined, because })
    }
    return verdicts
  })
}

/**
 * Who notices a mutant that the tests of its rule do not: a hole in those tests, or in all.
 * @param {Copy} copy
 * @param {boolean} isRust
 */
async function othersThatNotice(copy, isRust) {
  const rust = isRust ? (await rustTests(copy, [])).failed : []
  const names = rust.length > 0 ? rust : (await vitest(copy, [])).failed
  return names.length === 0
    ? 'no test at all notices'
    : `noticed only by tests of other rules: ${names.slice(0, 3).join(' | ')}`
}

/**
 * Whether a test's name cites a rule: `pa3_mg1_…` in Rust, `[PA3, MG1] …` in TypeScript.
 * @param {string} name
 * @param {string} rule
 */
function cites(name, rule) {
  const cited = [...name.matchAll(/\[([^\]]*)\]/g)].flatMap(([, list = '']) => list.split(/[, ]+/))
  if (cited.includes(rule)) return true
  const words = (name.split('::').at(-1) ?? '').split('_')
  const end = words.findIndex((word) => !/^[a-z]{1,2}\d{1,2}$/.test(word))
  return words.slice(0, Math.max(end, 0)).includes(rule.toLowerCase())
}
