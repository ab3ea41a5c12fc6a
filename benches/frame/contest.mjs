// Runs one case of a scenario on one runtime: first everybody has to do the same, then they take turns, round after round.
import { relative } from 'node:path'
import { root } from '../../scripts/run.mjs'
import { contestantsOf } from './contestants.mjs'
import { difference, digest } from './evidence.mjs'
import { Host } from './host.mjs'
import { median, ratio } from './statistics.mjs'

const ROUNDS = { full: 45, quick: 7 }

/**
 * @typedef {object} Setting
 * @property {import('./scenario.mjs').Found} found
 * @property {number} caseIndex
 * @property {import('./scenario.mjs').Runtime} runtime
 * @property {string} program
 * @property {readonly string[]} columns
 * @property {boolean} quick
 * @property {number | undefined} rounds
 */

/** @typedef {{ median: number, samples: number[], ratio: ReturnType<typeof ratio> }} Standing */

/**
 * @typedef {object} Row one figure of one case on one runtime
 * @property {string} scenario
 * @property {string} about what the scenario measures
 * @property {string} group
 * @property {string} script its path in the repository
 * @property {string} case
 * @property {boolean} isHeadline whether `--quick` runs it
 * @property {unknown} params
 * @property {string} figure
 * @property {string} unit
 * @property {string} measures
 * @property {boolean} isDelay
 * @property {string} runtime
 * @property {import('./scenario.mjs').Goal | undefined} goal
 * @property {Record<string, Standing>} contestants `ratio` is how many times less than the peer
 */

/** A scenario whose sides did not do the same. */
export class NotEquivalent extends Error {}

/** @typedef {import('./contestants.mjs').Contestant} Contestant */
/** @typedef {Record<string, number>[][]} Samples of each contestant, in their order */

/**
 * @param {Setting} setting
 * @returns {Promise<Row[]>}
 */
export async function compete(setting) {
  const { scenario } = setting.found
  const contestants = contestantsOf(setting.columns, scenario.others)
  const rounds = setting.rounds ?? (scenario.rounds ?? ROUNDS)[setting.quick ? 'quick' : 'full']
  const take = scenario.open ? takeTurnsOutside : scenario.fresh ? takeTurnsFresh : takeTurns
  return rowsOf(setting, contestants, await take(setting, contestants, rounds))
}

/**
 * All live at once, idle while another one is sampled.
 * @param {Setting} setting
 * @param {Contestant[]} contestants
 * @param {number} rounds
 */
async function takeTurns(setting, contestants, rounds) {
  const hosts = contestants.map((contestant) => hostOf(setting, contestant))
  try {
    const digests = []
    for (const host of hosts) digests.push(await host.ask('check'))
    compare(setting, contestants, digests)
    for (const host of hosts) await host.ask('warm')
    const samples = await inTurns(hosts, rounds, (host) => host.ask('sample'))
    /** @type {unknown[]} */
    const received = []
    for (const host of hosts) received.push(await host.ask('received'))
    const odd = received.findIndex((count) => count !== received[0])
    if (odd >= 0) {
      const [theirs, ours] = [received[0], received[odd]]
      throw new NotEquivalent(`${hosts[odd]?.contestant.name}: ${ours} frames, the peer ${theirs}`)
    }
    return samples
  } finally {
    for (const host of hosts) await host.end()
  }
}

/**
 * A process for each sample, and one for the comparison.
 * @param {Setting} setting
 * @param {Contestant[]} contestants
 * @param {number} rounds
 */
async function takeTurnsFresh(setting, contestants, rounds) {
  /** @param {Contestant} contestant @param {'check' | 'sample'} order */
  const once = async (contestant, order) => {
    const host = hostOf(setting, contestant)
    try {
      return await host.ask(order)
    } finally {
      await host.end()
    }
  }
  const digests = []
  for (const contestant of contestants) digests.push(await once(contestant, 'check'))
  compare(setting, contestants, digests)
  return inTurns(contestants, rounds, (contestant) => once(contestant, 'sample'))
}

/**
 * The scenario runs its own processes: all live at once, idle while another one is sampled.
 * @param {Setting} setting
 * @param {Contestant[]} contestants
 * @param {number} rounds
 */
async function takeTurnsOutside(setting, contestants, rounds) {
  const { runtime, program, quick, found, caseIndex } = setting
  const { scenario } = found
  const params = scenario.cases[caseIndex]?.params
  /** @type {import('./scenario.mjs').Opened[]} */
  const opened = []
  try {
    for (const contestant of contestants) {
      const one = await scenario.open?.({ contestant, runtime, program, quick, params })
      if (one !== undefined) opened.push(one)
    }
    // Other servers speak other protocols.
    const comparable = contestants.filter(({ server }) => !scenario.others?.includes(server))
    const digests = comparable.map((_, index) => opened[index] && digest(opened[index].evidence))
    compare(setting, comparable, digests)

    /** @type {Samples} */
    let samples = contestants.map(() => Array.from({ length: rounds }, () => ({})))
    for (const phase of scenario.phases ?? []) {
      const taken = await inTurns(opened, rounds, (one) => one.sample(phase))
      samples = samples.map((those, one) =>
        those.map((figures, round) => ({ ...figures, ...taken[one]?.[round] })),
      )
    }
    for (const one of opened) await one.check?.()
    return samples
  } finally {
    for (const one of opened) await one.close?.()
  }
}

/**
 * A B A B: every second round the other way round, so that nobody always comes after the same one.
 * @template T
 * @param {T[]} all
 * @param {number} rounds
 * @param {(one: T) => Promise<any>} sample
 */
async function inTurns(all, rounds, sample) {
  /** @type {Samples} */
  const samples = all.map(() => [])
  const forwards = [...all.entries()]
  for (let round = 0; round < rounds; round += 1) {
    for (const [index, one] of round % 2 === 0 ? forwards : forwards.toReversed()) {
      samples[index]?.push(await sample(one))
    }
  }
  return samples
}

/**
 * @param {Setting} setting
 * @param {Contestant} contestant
 */
function hostOf({ found, program, caseIndex }, contestant) {
  const { path, scenario } = found
  return new Host({ program, flags: scenario.flags ?? [], path, caseIndex, contestant })
}

/**
 * @param {Setting} setting
 * @param {Contestant[]} contestants
 * @param {any[]} digests
 */
function compare({ found }, contestants, digests) {
  for (const [index, contestant] of contestants.entries()) {
    if (index === 0) continue
    const differs = difference(digests[index], digests[0])
    if (differs !== null) {
      throw new NotEquivalent(
        `${found.scenario.name}: ${contestant.name} and the peer differ in ${differs}`,
      )
    }
  }
}

/**
 * @param {Setting} setting
 * @param {Contestant[]} contestants
 * @param {Samples} samples
 * @returns {Row[]}
 */
function rowsOf({ found, caseIndex, runtime }, contestants, samples) {
  const { scenario, group } = found
  const { name = '', params, goals, quick: isHeadline = false } = scenario.cases[caseIndex] ?? {}
  const script = relative(root, found.path)
  const about = {
    scenario: scenario.name,
    about: scenario.measures,
    group,
    script,
    case: name,
    params,
    runtime,
    isHeadline,
  }
  return Object.entries(scenario.figures).map(([figure, { unit, measures, isDelay = false }]) => {
    const taken = samples.map((those) => those.map((sample) => sample[figure] ?? Number.NaN))
    const standings = taken.map((values, index) => [
      contestants[index]?.name,
      { median: median(values), samples: values, ratio: ratio(taken[0] ?? [], values) },
    ])
    const goal = goals?.[figure]?.[runtime]
    return {
      ...about,
      figure,
      unit,
      measures,
      isDelay,
      goal,
      contestants: Object.fromEntries(standings),
    }
  })
}
