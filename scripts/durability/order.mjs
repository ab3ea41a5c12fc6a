// Shows by a trace of system calls that an edit is written to its room's journal, and at 'disk' synced, before the first socket
// write that reveals it. Every edit carries a token, in its patch and in its message id: it is in the journal's write, in the
// broadcasts and in the ack.
//
//   node scripts/durability/order.mjs [--edits 2000] [--level process|disk] [--runtime node|bun]
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { bunPath } from '../runtimes.mjs'
import { converse } from './conversation.mjs'
import { ServerProcess } from './server-process.mjs'
import {
  descriptorOf,
  hasStrace,
  isFileWrite,
  isSocketWrite,
  isSync,
  NO_STRACE,
  ORDER_CALLS,
  parseTrace,
  straceCommand,
} from './strace.mjs'

/** @typedef {import('./strace.mjs').Call} Call */

/**
 * @typedef {object} OrderOptions
 * @property {import('./server.mjs').ServerOptions['level']} level
 * @property {boolean} [syncs] whether a sync must come in between; so at 'disk'
 * @property {import('./reference.mjs').Fault} [fault]
 * @property {boolean} [plain] serve on sockets whose kind heddle does not know
 * @property {string} [runtime]
 * @property {number} edits
 * @property {number} rooms
 */

/** What the trace showed. */
export class OrderFindings {
  edits = 0
  acked = 0
  journalWrites = 0
  socketWrites = 0
  syncs = 0
  violations = /** @type {string[]} */ ([])
}

/**
 * Runs a server under strace while clients edit, and reads the trace.
 * @param {OrderOptions} options
 */
export async function checkOrder({ edits, rooms, runtime, syncs, ...options }) {
  if (!hasStrace()) throw new Error(NO_STRACE)
  const folder = mkdtempSync(join(tmpdir(), 'heddle-order-'))
  const dir = join(folder, 'rooms')
  mkdirSync(dir)
  const trace = join(folder, 'trace')
  const mustSync = syncs ?? options.level === 'disk'
  const server = new ServerProcess(
    { dir, saveThrottleMs: 100, syncs: mustSync, ...options },
    { runtime, wrapper: straceCommand(trace, ORDER_CALLS) },
  )
  try {
    const conversation = await converse(server, { rooms, edits })
    return judge(conversation, parseTrace(readFileSync(trace, 'utf8')), mustSync)
  } catch (error) {
    throw new Error(`the server said ${server.lastWords}`, { cause: error })
  } finally {
    await server.kill()
    rmSync(folder, { recursive: true })
  }
}

/**
 * @param {import('./conversation.mjs').Conversation} conversation
 * @param {Call[]} calls
 * @param {boolean} mustSync
 */
function judge(conversation, calls, mustSync) {
  const findings = new OrderFindings()
  const tokens = [...conversation.tokens]
  const shown = byToken(calls.filter(isSocketWrite))
  const stored = byToken(calls.filter(isFileWrite))
  const syncs = calls.filter((call) => isSync(call) && call.result === 0)
  findings.edits = tokens.length
  findings.acked = conversation.acked
  findings.journalWrites = new Set(
    [...stored.values()].map((writes) => writes.find(isJournal)),
  ).size
  findings.socketWrites = new Set([...shown.values()].map(([first]) => first)).size
  findings.syncs = syncs.length
  for (const token of tokens) {
    const [first] = shown.get(token) ?? []
    const violation = violationOf(first, stored.get(token) ?? [], mustSync ? syncs : undefined)
    if (violation) findings.violations.push(`${token}: ${violation}`)
  }
  if (findings.acked !== findings.edits) {
    findings.violations.push(`${findings.edits} edits were sent, ${findings.acked} acked`)
  }
  return findings
}

/**
 * @param {Call | undefined} shown the first socket write that reveals the edit
 * @param {Call[]} writes the writes of the edit to files
 * @param {Call[] | undefined} syncs where one must come in between
 */
function violationOf(shown, writes, syncs) {
  if (shown === undefined) return 'nothing revealed it'
  const journal = writes.find(isJournal)
  if (journal === undefined) return 'it was revealed and never written to a journal'
  if (!(journal.result > 0 && journal.ended < shown.began)) {
    return `it was revealed (line ${shown.began + 1}) before it was written (line ${journal.ended + 1})`
  }
  // Its journal is synced, or a log that holds the edit too and that several rooms share.
  const isSynced = syncs?.some((sync) =>
    writes.some((write) => isSyncOf(sync, write) && sync.ended < shown.began),
  )
  return isSynced === false ? 'it was revealed before it was synced' : undefined
}

/**
 * Whether a sync made what was written last.
 * @param {Call} sync
 * @param {Call} write
 */
function isSyncOf(sync, write) {
  const isSameFile = nameOf(descriptorOf(sync).target) === nameOf(descriptorOf(write).target)
  return isSameFile && write.result > 0 && sync.began > write.ended
}

/** @param {Call} call */
function isJournal(call) {
  return descriptorOf(call).target.includes('.journal')
}

/**
 * A journal's path, whether or not it has its final name yet.
 * @param {string} path
 */
function nameOf(path) {
  return path.replace(/-new$/, '')
}

/**
 * The calls that hold a token, in order.
 * @param {Call[]} calls
 */
function byToken(calls) {
  /** @type {Map<string, Call[]>} */
  const found = new Map()
  for (const call of calls) {
    for (const token of new Set(call.args.match(/token-\d+-/g))) {
      found.set(token, [...(found.get(token) ?? []), call])
    }
  }
  return found
}

async function main() {
  const { values } = parseArgs({
    options: {
      edits: { type: 'string', default: '2000' },
      level: { type: 'string' },
      fault: { type: 'string' },
      syncs: { type: 'boolean' },
      runtime: { type: 'string', default: 'node' },
    },
  })
  const levels = /** @type {OrderOptions['level'][]} */ (
    values.level === undefined ? ['process', 'disk'] : [values.level]
  )
  let violations = 0
  for (const level of levels) {
    for (const [rooms, plain] of /** @type {[number, boolean][]} */ ([
      [1, false],
      [20, false],
      [3, true],
    ])) {
      const findings = await checkOrder({
        level,
        rooms,
        plain,
        edits: Number(values.edits),
        .../** @type {any} */ (values.fault === undefined ? {} : { fault: values.fault }),
        ...(values.syncs === undefined ? {} : { syncs: values.syncs }),
        runtime: values.runtime === 'bun' ? bunPath() : process.execPath,
      })
      const { violations: found, ...counts } = findings
      console.log(JSON.stringify({ level, rooms, plain, ...counts, violations: found.length }))
      for (const violation of found.slice(0, 5)) console.log(`  ${violation}`)
      violations += found.length
    }
  }
  console.log(violations === 0 ? 'everything was stored before it was revealed' : 'out of order')
  process.exit(violations === 0 ? 0 : 1)
}

if (realpathSync(process.argv[1] ?? '') === fileURLToPath(import.meta.url)) await main()
