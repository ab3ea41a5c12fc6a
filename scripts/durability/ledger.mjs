// Everything that a room revealed to its clients, and what that obliges it to hold when it is opened again.
//
// Each edit also writes its number to a component of its client's own, its *mark*. A client's edits are taken in the order in
// which they were sent, so that the marks of a recovered room tell exactly which edits it holds: those that were revealed must
// be among them, those that were sent and not revealed may be. The rest follows: the clock must have counted just these, and
// each component must be what they make of it.
import { changed, fingerprint } from './document.mjs'

/** @typedef {import('../../index.js').Patch} Patch */
/** @typedef {import('../../index.js').ComponentData} ComponentData */
/** @typedef {import('./document.mjs').Held} Held */

/**
 * One edit of one client, as it was sent.
 * @typedef {object} Edit
 * @property {string} client
 * @property {number} number the client's edits are numbered from 1 on
 * @property {Patch[]} patches
 * @property {number | undefined} clock known once it is revealed
 * @property {boolean} isAcked
 */

/**
 * What a room says about itself when it was opened again.
 * @typedef {object} Found
 * @property {number} clock
 * @property {Map<string, ComponentData>} alive
 * @property {Set<string>} tombstones
 */

/** What a run found, in numbers. All but the first four must be 0. */
export class Findings {
  acked = 0
  shown = 0
  deletes = 0
  /** Edits that were neither acked nor shown, and are there all the same: they may be. */
  storedUnseen = 0
  lostAcked = 0
  lostShown = 0
  resurrected = 0
  tombstonesLost = 0
  clocksReused = 0
  clocksSetBack = 0
  wrongComponents = 0
  otherFailures = 0
  /** What went wrong, in words, up to a limit. */
  stories = /** @type {string[]} */ ([])

  /** @param {string} story */
  tell(story) {
    if (this.stories.length < 20) this.stories.push(story)
  }

  /** @param {string} story */
  fail(story) {
    this.otherFailures += 1
    this.tell(story)
  }

  get failures() {
    return (
      this.lostAcked +
      this.lostShown +
      this.resurrected +
      this.tombstonesLost +
      this.clocksReused +
      this.clocksSetBack +
      this.wrongComponents +
      this.otherFailures
    )
  }
}

/** How many orders of unseen edits are tried before a component is left undecided. */
const MOST_ORDERS = 500

export class Ledger {
  /** The clock of the last check: what came before it is settled. */
  #clock = 0
  /** @type {Map<string, Held>} */
  #base = new Map()
  /** @type {Set<string>} */
  #tombstones = new Set()
  /** @type {Map<string, Edit[]>} */
  #sent = new Map()
  /** @type {Map<number, Edit>} */
  #revealed = new Map()
  /** @type {Map<string, number>} */
  #numbers = new Map()

  /**
   * @param {string} name
   * @param {Findings} findings
   */
  constructor(name, findings) {
    this.name = name
    this.findings = findings
  }

  /**
   * Notes an edit that is about to be sent; `patches` is to hold its mark.
   * @param {string} client
   * @param {(number: number) => Patch[]} patchesOf
   * @returns {Edit}
   */
  sends(client, patchesOf) {
    const number = (this.#numbers.get(client) ?? 0) + 1
    this.#numbers.set(client, number)
    const edit = { client, number, patches: patchesOf(number), clock: undefined, isAcked: false }
    const sent = this.#sent.get(client)
    if (sent === undefined) this.#sent.set(client, [edit])
    else sent.push(edit)
    return edit
  }

  /**
   * The edit that a broadcast carries, told by its mark.
   * @param {string} client
   * @param {Patch[]} patches
   */
  editOf(client, patches) {
    const number = patches.map((patch) => patch[markOf(client)]?.n).find((n) => n !== undefined)
    return this.#sent.get(client)?.find((edit) => edit.number === number)
  }

  /**
   * Notes that a client was acked its edit.
   * @param {Edit} edit
   * @param {number} clock
   */
  acked(edit, clock) {
    this.findings.acked += 1
    this.findings.deletes += deletesOf(edit)
    edit.isAcked = true
    this.#reveal(edit, clock)
  }

  /**
   * Notes that a client was shown another's edit.
   * @param {Edit} edit
   * @param {number} clock
   */
  shown(edit, clock) {
    this.findings.shown += 1
    this.#reveal(edit, clock)
  }

  /**
   * @param {Edit} edit
   * @param {number} clock
   */
  #reveal(edit, clock) {
    const other = this.#revealed.get(clock)
    if (clock <= this.#clock || (other !== undefined && other !== edit)) {
      this.findings.clocksReused += 1
      this.findings.tell(`${this.name}: clock ${clock} was given again, to ${nameOf(edit)}`)
    } else if (edit.clock !== undefined && edit.clock !== clock) {
      this.findings.clocksReused += 1
      this.findings.tell(`${this.name}: ${nameOf(edit)} has the clocks ${edit.clock}, ${clock}`)
    } else {
      edit.clock = clock
      this.#revealed.set(clock, edit)
    }
  }

  /**
   * Holds what a room that was opened again says against what it had revealed, and takes it as the new base.
   * @param {Found} found
   */
  check(found) {
    const held = this.#heldEdits(found)
    this.#checkClock(found, held)
    const unseen = held.filter((edit) => edit.clock === undefined)
    this.findings.storedUnseen += unseen.length
    this.#checkDeleted(found, new Set(keysOf(unseen)))
    this.#checkComponents(found, held)
    this.#settle(found, held)
  }

  /**
   * The edits since the last check that the room holds; revealed ones that it lacks are lost.
   * @param {Found} found
   */
  #heldEdits(found) {
    const held = []
    for (const [client, edits] of this.#sent) {
      const last = Number(found.alive.get(markOf(client))?.n ?? 0)
      for (const edit of edits) {
        if (edit.number <= last) held.push(edit)
        else if (edit.clock !== undefined) this.#lost(edit)
      }
    }
    return held
  }

  /** @param {Edit} edit */
  #lost(edit) {
    if (edit.isAcked) this.findings.lostAcked += 1
    else this.findings.lostShown += 1
    const how = edit.isAcked ? 'acked' : 'shown'
    this.findings.tell(`${this.name}: ${nameOf(edit)}, ${how} with clock ${edit.clock}, is lost`)
  }

  /**
   * @param {Found} found
   * @param {Edit[]} held
   */
  #checkClock(found, held) {
    const last = this.#lastSeen
    if (found.clock < last) {
      this.findings.clocksSetBack += 1
      this.findings.tell(`${this.name}: the clock went back from ${last} to ${found.clock}`)
    } else if (found.clock - this.#clock !== held.length) {
      const counted = found.clock - this.#clock
      this.findings.fail(
        `${this.name}: the clock counted ${counted} edits, it holds ${held.length}`,
      )
    }
  }

  /** The highest clock that anybody has seen. */
  get #lastSeen() {
    return Math.max(this.#clock, ...this.#revealed.keys())
  }

  /**
   * What was last seen deleted must be gone, and its tombstone there: else a client that was away brings it back.
   * @param {Found} found
   * @param {Set<string>} undecided the keys of edits that nobody has seen
   */
  #checkDeleted(found, undecided) {
    const seen = [...this.#revealed].sort(([a], [b]) => a - b).map(([, edit]) => edit)
    const isDeleted = new Map([...this.#tombstones].map((key) => [key, true]))
    for (const [key, data] of seen.flatMap(entriesOf)) {
      if (data._exists !== undefined) isDeleted.set(key, !data._exists)
    }
    for (const [key, deleted] of isDeleted) {
      if (!deleted || undecided.has(key)) continue
      if (found.alive.has(key)) {
        this.findings.resurrected += 1
        this.findings.tell(`${this.name}: ${key} was deleted and is back`)
      } else if (!found.tombstones.has(key)) {
        this.findings.tombstonesLost += 1
        this.findings.tell(`${this.name}: ${key} was deleted and has no tombstone`)
      }
    }
  }

  /**
   * Each component must be what the edits that the room holds make of it.
   * @param {Found} found
   * @param {Edit[]} held
   */
  #checkComponents(found, held) {
    const seen = held.filter((edit) => edit.clock !== undefined)
    seen.sort((a, b) => Number(a.clock) - Number(b.clock))
    const unseen = held.filter((edit) => edit.clock === undefined)
    const hasGaps = Number(seen.at(-1)?.clock ?? this.#clock) - this.#clock > seen.length
    const seenOf = byKey(seen)
    const unseenOf = byKey(unseen)
    for (const key of new Set([...this.#base.keys(), ...found.alive.keys(), ...keysOf(held)])) {
      const open = unseenOf.get(key) ?? []
      // The place of an unseen edit between seen ones is not known.
      if (hasGaps && open.length > 0) continue
      const settled = (seenOf.get(key) ?? []).reduce(
        (held, edit) => after(held, edit, key),
        this.#base.get(key) ?? null,
      )
      /** @type {Set<string>} */
      const outcomes = new Set()
      const isDecided = collectOutcomes(settled, byClient(open), key, outcomes)
      if (isDecided) this.#checkComponent(key, found, outcomes)
    }
  }

  /**
   * @param {string} key
   * @param {Found} found
   * @param {Set<string>} outcomes
   */
  #checkComponent(key, found, outcomes) {
    const shown = fingerprint(found.alive.get(key) ?? null)
    if (outcomes.has(shown)) return
    this.findings.wrongComponents += 1
    const expected = [...outcomes].join(' or ').slice(0, 200)
    this.findings.tell(`${this.name}: ${key} is ${shown.slice(0, 200)}, not ${expected}`)
  }

  /**
   * @param {Found} found
   * @param {Edit[]} held
   */
  #settle(found, held) {
    const keys = new Set([...this.#base.keys(), ...found.alive.keys(), ...keysOf(held)])
    // A clock that went back gives again what was seen already: that is counted too.
    this.#clock = Math.max(found.clock, this.#lastSeen)
    this.#base = new Map([...keys].map((key) => [key, found.alive.get(key) ?? null]))
    this.#tombstones = found.tombstones
    this.#sent.clear()
    this.#revealed.clear()
  }
}

/**
 * The key of a client's mark.
 * @param {string} client
 */
export function markOf(client) {
  return `${client}/Mark`
}

/** @param {Edit} edit */
function nameOf({ client, number }) {
  return `edit ${number} of ${client}`
}

/** @param {Edit} edit */
function entriesOf({ patches }) {
  return patches.flatMap((patch) => Object.entries(patch))
}

/** @param {Edit} edit */
function deletesOf(edit) {
  return entriesOf(edit).filter(([, data]) => data._exists === false).length
}

/** @param {Edit[]} edits */
function keysOf(edits) {
  return edits.flatMap((edit) => entriesOf(edit).map(([key]) => key))
}

/**
 * @param {Edit[]} edits
 * @returns {Map<string, Edit[]>}
 */
function byKey(edits) {
  /** @type {Map<string, Edit[]>} */
  const groups = new Map()
  for (const edit of edits) {
    for (const key of new Set(keysOf([edit]))) groups.set(key, [...(groups.get(key) ?? []), edit])
  }
  return groups
}

/**
 * @param {Edit[]} edits
 * @returns {Edit[][]}
 */
function byClient(edits) {
  const clients = new Set(edits.map(({ client }) => client))
  return [...clients].map((client) => edits.filter((edit) => edit.client === client))
}

/**
 * @param {Held} held
 * @param {Edit} edit
 * @param {string} key
 */
function after(held, { patches }, key) {
  let next = held
  for (const patch of patches) {
    const data = patch[key]
    if (data !== undefined) next = changed(next, data)
  }
  return next
}

/**
 * What a component may be after queues of edits whose order among each other is not known; `false` when there are too many.
 * @param {Held} held
 * @param {Edit[][]} queues
 * @param {string} key
 * @param {Set<string>} outcomes
 */
function collectOutcomes(held, queues, key, outcomes, budget = { left: MOST_ORDERS }) {
  const waiting = queues.filter((queue) => queue.length > 0)
  if (waiting.length === 0) {
    outcomes.add(fingerprint(held))
    budget.left -= 1
  }
  for (const queue of waiting) {
    const [first, ...rest] = queue
    if (first === undefined || budget.left <= 0) continue
    const others = waiting.map((other) => (other === queue ? rest : other))
    collectOutcomes(after(held, first, key), others, key, outcomes, budget)
  }
  return budget.left > 0
}
