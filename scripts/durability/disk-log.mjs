// Holds a trace of system calls against the log that the addon keeps of its file operations: what one has and the other lacks
// went past the one trait through which all files are reached, and which the simulated disk of the tests implements.
//
//   node scripts/durability/disk-log.mjs                  runs a server and compares
//   node scripts/durability/disk-log.mjs <trace> <log> <dir>
//
// A line of the log is `operation path [offset length]` or `operation path new-path`, written before the operation, whatever becomes
// of it, with the name that an open file has by then: `HEDDLE_DISK_LOG` names the file it goes to.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { converse } from './conversation.mjs'
import { ServerProcess } from './server-process.mjs'
import { descriptorOf, hasStrace, NO_STRACE, parseTrace, straceCommand } from './strace.mjs'

/** @typedef {import('./strace.mjs').Call} Call */

/**
 * What changes files or makes changes last, by what it does. The trait's names, and the system calls that do it. `create` and `open`
 * are one system call; a directory is synced by a handle of its own.
 * @type {Record<string, { logged: string[], calls: string[] }>}
 */
const OPERATIONS = {
  write: {
    logged: ['write-at'],
    calls: ['pwrite64', 'write', 'pwritev', 'writev'],
  },
  sync: {
    logged: ['sync-data', 'sync-all', 'sync-file', 'sync-dir'],
    calls: ['fdatasync', 'fsync'],
  },
  rename: {
    logged: ['rename', 'rename-to-free'],
    calls: ['rename', 'renameat', 'renameat2'],
  },
  link: { logged: ['link'], calls: ['link', 'linkat'] },
  remove: { logged: ['remove'], calls: ['unlink', 'unlinkat'] },
  create: { logged: ['create'], calls: ['openat+O_CREAT'] },
  'create a directory': { logged: ['create-dir'], calls: ['mkdir', 'mkdirat'] },
  lock: { logged: ['lock'], calls: ['flock'] },
  truncate: { logged: [], calls: ['ftruncate', 'truncate'] },
}

/** What reads is held to a weaker rule: a path that was read by one was read by the other, however often. */
const READS = {
  logged: ['read', 'read-at'],
  calls: ['read', 'pread64', 'readv', 'preadv'],
}

/** @typedef {{ operation: string, path: string, detail: string }} Event */

/**
 * Compares the two; gives what one has and the other lacks.
 * @param {string} trace
 * @param {string} log
 * @param {string} dir the folder whose files are compared
 */
export function compare(trace, log, dir) {
  const calls = parseTrace(trace)
  const lines = log.split('\n').filter((line) => line !== '')
  const traced = calls.flatMap((call) => eventsOf(call)).filter(({ path }) => isInside(path, dir))
  const logged = lines.flatMap((line) => eventOf(line)).filter(({ path }) => isInside(path, dir))
  const differences = []
  for (const operation of [...Object.keys(OPERATIONS), 'read']) {
    const ofTrace = counted(traced, operation)
    const ofLog = counted(logged, operation)
    for (const event of new Set([...ofTrace.keys(), ...ofLog.keys()])) {
      const [inTrace, inLog] = [ofTrace.get(event) ?? 0, ofLog.get(event) ?? 0]
      const isSame = operation === 'read' ? inTrace > 0 === inLog > 0 : inTrace === inLog
      if (!isSame) differences.push(`${operation} ${event}: ${inTrace} traced, ${inLog} logged`)
    }
  }
  return { traced: traced.length, logged: logged.length, differences }
}

/**
 * @param {string} path
 * @param {string} dir
 */
function isInside(path, dir) {
  return path === dir || path.startsWith(`${dir}/`)
}

/**
 * @param {Event[]} events
 * @param {string} operation
 */
function counted(events, operation) {
  /** @type {Map<string, number>} */
  const counts = new Map()
  for (const event of events) {
    if (event.operation !== operation) continue
    const name = `${event.path}${event.detail}`
    counts.set(name, (counts.get(name) ?? 0) + 1)
  }
  return counts
}

/**
 * @param {Call} call
 * @returns {Event[]}
 */
function eventsOf(call) {
  const path = pathOf(call)
  if (READS.calls.includes(call.name)) return [{ operation: 'read', path, detail: '' }]
  const creates = call.name === 'openat' && /O_CREAT/.test(call.args) ? '+O_CREAT' : ''
  const found = Object.entries(OPERATIONS).find(([, { calls }]) =>
    calls.includes(call.name + creates),
  )
  if (found === undefined) return []
  const [operation] = found
  const detail = operation === 'write' ? extentOf(call) : targetOf(call)
  return [{ operation, path, detail }]
}

/**
 * Where a call of `pwrite64` was to write, and how much.
 * @param {Call} call
 */
function extentOf({ name, args }) {
  const [, length, offset] = /, (\d+), (\d+)$/.exec(args) ?? []
  return name === 'pwrite64' ? ` ${offset} ${length}` : ' by another call'
}

/**
 * The new name that a call gives.
 * @param {Call} call
 */
function targetOf({ name, args }) {
  if (!/^(rename|link)/.test(name)) return ''
  const paths = [...args.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, path]) => path)
  return ` ${paths[1]}`
}

/**
 * The path that a call is about: a name among its arguments, or what its descriptor leads to.
 * @param {Call} call
 */
function pathOf(call) {
  const named =
    /^(openat|mkdir|mkdirat|unlink|unlinkat|rename|renameat|renameat2|link|linkat|truncate)$/
  if (!named.test(call.name)) return descriptorOf(call).target
  const [, path = ''] = /"((?:[^"\\]|\\.)*)"/.exec(call.args) ?? []
  return path.startsWith('/') ? path : join(descriptorOf(call).target, path)
}

/**
 * @param {string} line
 * @returns {Event[]}
 */
function eventOf(line) {
  const [name = '', path = '', ...rest] = line.replace(' (deleted)', '').split(' ')
  if (READS.logged.includes(name)) return [{ operation: 'read', path, detail: '' }]
  const found = Object.entries(OPERATIONS).find(([, { logged }]) => logged.includes(name))
  if (found === undefined) return []
  const [operation] = found
  const hasDetail = operation === 'write' || operation === 'rename' || operation === 'link'
  return [{ operation, path, detail: hasDetail ? ` ${rest.join(' ')}` : '' }]
}

/** What the comparison looks at. */
const CALLS = [
  ...Object.values(OPERATIONS).flatMap(({ calls }) => calls),
  ...READS.calls,
  'openat',
].filter((name) => !name.includes('+'))

/**
 * Runs a server that logs its file operations, under strace, while clients edit.
 * @param {{ level: import('./server.mjs').ServerOptions['level'], edits: number, rooms: number }} options
 */
export async function compareRun({ level, edits, rooms }) {
  if (!hasStrace()) throw new Error(NO_STRACE)
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'heddle-disk-log-')))
  const [dir, trace, log] = [join(folder, 'rooms'), join(folder, 'trace'), join(folder, 'log')]
  mkdirSync(dir)
  const server = new ServerProcess(
    { dir, level, saveThrottleMs: 20 },
    { wrapper: straceCommand(trace, CALLS), env: { HEDDLE_DISK_LOG: log } },
  )
  try {
    await converse(server, { rooms, edits })
    if (!existsSync(log)) throw new Error('the addon keeps no log of its file operations')
    return compare(readFileSync(trace, 'utf8'), readFileSync(log, 'utf8'), dir)
  } finally {
    await server.kill()
    rmSync(folder, { recursive: true })
  }
}

async function main() {
  const [trace, log, dir] = process.argv.slice(2)
  const { differences, ...counts } =
    trace && log && dir
      ? compare(readFileSync(trace, 'utf8'), readFileSync(log, 'utf8'), dir)
      : await compareRun({ level: 'disk', edits: 2_000, rooms: 5 })
  console.log(JSON.stringify({ ...counts, differences: differences.length }))
  for (const difference of differences.slice(0, 40)) console.log(`  ${difference}`)
  process.exit(differences.length === 0 ? 0 : 1)
}

if (realpathSync(process.argv[1] ?? '') === fileURLToPath(import.meta.url)) await main()
