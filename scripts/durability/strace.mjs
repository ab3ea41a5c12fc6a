// Reads what strace wrote (`strace -f -yy -s <large>`): the system calls of a process in the order in which they began and
// returned, also where those of several threads overlap (`<unfinished ...>`, `<... resumed>`).
import { spawnSync } from 'node:child_process'

/**
 * One system call. `began` and `ended` are places in the trace: one that ended at a lower place than another began was over
 * before it.
 * @typedef {object} Call
 * @property {string} name
 * @property {string} args as strace shows them; file descriptors carry their path, `21</data/a.journal>`
 * @property {number} result -1 for an error
 * @property {number} began
 * @property {number} ended
 * @property {string} thread
 */

export const NO_STRACE =
  'strace is not installed (Debian: apt-get install strace), or not allowed here.'

/** Whether strace is here and may trace. */
export function hasStrace() {
  const { status } = spawnSync('strace', ['-qq', '-o', '/dev/null', 'true'], { stdio: 'ignore' })
  return status === 0
}

/**
 * The command line that traces what follows it.
 * @param {string} output the file that the trace goes to
 * @param {readonly string[]} calls names of system calls, or classes of them (`%file`)
 */
export function straceCommand(output, calls) {
  const options = ['-f', '-qq', '-yy', '-s', '1000000', '--seccomp-bpf', '-o', output]
  return ['strace', ...options, '-e', `trace=${calls.join(',')}`, '-e', 'signal=none']
}

/**
 * @param {string} text
 * @returns {Call[]} in the order in which they began
 */
export function parseTrace(text) {
  /** @type {Map<string, Call>} */
  const unfinished = new Map()
  /** @type {Call[]} */
  const calls = []
  for (const [place, line] of text.split('\n').entries()) {
    const [, thread = '', rest = ''] = /^(\d+) +(.*)$/.exec(line) ?? []
    const resumed = /^<\.\.\. (\w+) resumed>(.*)$/.exec(rest)
    const started = /^(\w+)\((.*)$/.exec(rest)
    if (resumed) {
      const call = unfinished.get(thread)
      unfinished.delete(thread)
      if (call !== undefined && call.name === resumed[1]) {
        finish(call, call.args + resumed[2], place)
      }
    } else if (started) {
      const [, name = '', tail = ''] = started
      const call = { name, args: tail, result: Number.NaN, began: place, ended: Infinity, thread }
      calls.push(call)
      const cut = / *<unfinished \.\.\.>$/.exec(tail)
      if (cut) {
        call.args = tail.slice(0, cut.index)
        unfinished.set(thread, call)
      } else {
        finish(call, tail, place)
      }
    }
  }
  return calls
}

/**
 * @param {Call} call
 * @param {string} tail its arguments, the closing parenthesis and the result
 * @param {number} place
 */
function finish(call, tail, place) {
  const end = tail.lastIndexOf(') ')
  const [, result = ''] = /^\)\s*= (-?\d+|\?)/.exec(tail.slice(end)) ?? []
  call.args = end < 0 ? tail : tail.slice(0, end)
  call.result = Number(result)
  call.ended = place
}

/**
 * The file descriptor that is a call's first argument, and what it leads to.
 * @param {Call} call
 */
export function descriptorOf({ args }) {
  const [, number = '', target = ''] = /^(\d+|AT_FDCWD)<([^>]*(?:->[^>]*)?)>/.exec(args) ?? []
  return { number, target: target.replace(/ ?\(deleted\)$/, '') }
}

/**
 * Whether a call writes to a TCP connection.
 * @param {Call} call
 */
export function isSocketWrite(call) {
  return SOCKET_WRITES.has(call.name) && /^(TCP|socket)/.test(descriptorOf(call).target)
}

/** @param {Call} call */
export function isFileWrite(call) {
  return FILE_WRITES.has(call.name) && descriptorOf(call).target.startsWith('/')
}

/** @param {Call} call */
export function isSync(call) {
  return call.name === 'fdatasync' || call.name === 'fsync'
}

const SOCKET_WRITES = new Set(['write', 'writev', 'sendto', 'sendmsg', 'sendmmsg'])
const FILE_WRITES = new Set(['write', 'writev', 'pwrite64', 'pwritev', 'pwritev2'])

/** What the proof of order looks at. */
export const ORDER_CALLS = [
  ...SOCKET_WRITES,
  'pwrite64',
  'pwritev',
  'pwritev2',
  'fsync',
  'fdatasync',
]
