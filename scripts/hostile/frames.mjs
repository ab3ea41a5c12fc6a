// `node scripts/hostile/frames.mjs`: how long a room works on hostile frames of full size, and on small ones that make it do
// much: nanoseconds for each byte that came in or went out, beside those of ordinary small frames. Ends with 1 when one costs
// over 20 times as much. What goes out counts because a version 1 client gets whole arrays and a `reconnect` the document: that
// is as much as its sockets take (SR2), and shared with others (RT10).
import { performance } from 'node:perf_hooks'
import { sizes } from '../../__test__/harness/hostile/sizes.mjs'
import { Room } from '../../index.js'

/** How much dearer a byte may be than one of an ordinary frame. */
const MOST = 20

/** @param {string} patches */
const patchOf = (patches) => `{"type":"patch","messageId":"m","documentPatches":${patches}}`

/**
 * @param {number} count
 * @param {(index: number) => string} make
 */
const list = (count, make) => Array.from({ length: count }, (_, index) => make(index)).join()

/**
 * @param {number} count
 * @param {string} value
 * @param {number} [width]
 */
const fields = (count, value, width = 1) =>
  list(count, (index) => `"${String(index).padStart(width, 'n')}":${value}`)

const ORDINARY = patchOf('[{"k":{"x":1}}]')
const NUMBERS = `[${'0,'.repeat(1_048_575)}0]`
const SAME_LENGTH = '{"__buf":1,"len":1048576,"runs":[]}'

/**
 * What is in the room before, and the frame.
 * @type {[name: string, before: string, frame: string][]}
 */
const AMPLIFIED = [
  ['a field beside 9,000 others', fields(9_000, '1', 40), ORDINARY],
  ['a field beside 990 of 16 KB names', fields(990, '1', 16_000), ORDINARY],
  [
    '100 updates of one component of 9,000 fields',
    fields(9_000, '1', 40),
    patchOf(`[${list(100, () => '{"k":{"x":1}}')}]`),
  ],
  [
    '100,000 updates of one component of 990 fields with 16 KB names',
    fields(990, '1', 16_000),
    patchOf(`[${list(100_000, () => '{"k":{"x":1}}')}]`),
  ],
  [
    '100,000 updates of one component of 150 fields',
    fields(150, '1'),
    patchOf(`[${list(100_000, () => '{"k":{"x":1}}')}]`),
  ],
  [
    '9,900 new fields, one in each update',
    '"x":1',
    patchOf(`[${list(9_900, (index) => `{"k":{"f${index}":1}}`)}]`),
  ],
  [
    '9,000 deltas of one component',
    fields(9_000, '[1]'),
    patchOf(`[{"k":{${fields(9_000, '{"__buf":1,"len":2,"runs":[]}')}}}]`),
  ],
  ['a delta of 1,048,576 numbers', `"p":${NUMBERS}`, patchOf(`[{"k":{"p":${SAME_LENGTH}}}]`)],
  [
    '20 deltas of 1,048,576 numbers',
    `"p":${NUMBERS}`,
    patchOf(`[${list(20, () => `{"k":{"p":${SAME_LENGTH}}}`)}]`),
  ],
  [
    'an array that is emptied and filled again',
    '"p":[]',
    patchOf(
      `[${list(1_000, (index) => `{"k":{"p":{"__buf":1,"len":${(index % 2) * 5_000},"runs":[]}}}`)}]`,
    ),
  ],
  [
    'a refused reconnect',
    `"p":${NUMBERS}`,
    '{"type":"reconnect","lastTimestamp":2,"protocolVersion":2,"documentPatches":[{"k":7}]}',
  ],
  [
    'a reconnect from 0',
    `"p":${NUMBERS}`,
    '{"type":"reconnect","lastTimestamp":0,"protocolVersion":2}',
  ],
  ['names twice', '"x":1', patchOf(`[{"k":{"x":{${'"a":1,'.repeat(2_700_000)}"b":1}}}]`)],
  [
    'names twice, 50 deep',
    '"x":1',
    patchOf(`[{"k":{"x":${'{"a":1,"a":'.repeat(50)}"${'x'.repeat(1 << 20)}"${'}'.repeat(50)}}}]`),
  ],
]

/** @param {1 | 2} version of the other session */
function openRoom(version) {
  const room = new Room({ onError: () => {} })
  let sent = 0
  const join = () =>
    room.handleSocketConnect({
      socket: {
        send: (text) => {
          sent += text.length
        },
        close: () => {},
      },
      clientId: 'c',
      permissions: 'readwrite',
    })
  const [one, other] = [join(), join()]
  room.handleSocketMessage(
    other,
    `{"type":"reconnect","lastTimestamp":0,"protocolVersion":${version}}`,
  )
  return {
    /** @param {string | Uint8Array} frame */
    time(frame) {
      const [before, cpu, started] = [sent, process.cpuUsage(), performance.now()]
      room.handleSocketMessage(one, frame)
      const [passed, { user, system }] = [performance.now() - started, process.cpuUsage(cpu)]
      // On a busy machine the time that passed is others', and what is shorter than a tick uses none.
      const used = (user + system) / 1000
      return { ms: used > 1 ? Math.min(passed, used) : passed, sent: sent - before }
    },
    close: () => room.close(),
  }
}

/**
 * The least of several times: what else the machine does counts for nothing.
 * @param {string} before
 * @param {string} frame
 * @param {1 | 2} version
 * @param {number} times
 */
function least(before, frame, version, times) {
  const room = openRoom(version)
  room.time(patchOf(`[{"k":{"_exists":true,${before}}}]`))
  const runs = Array.from({ length: times }, () => room.time(frame))
  room.close()
  return runs.reduce((best, run) => (run.ms < best.ms ? run : best))
}

const perByte = (/** @type {number} */ ms, /** @type {number} */ bytes) => (ms * 1e6) / bytes
const first = least('"x":0', ORDINARY, 2, 20_000)
const ordinary = perByte(first.ms, ORDINARY.length + first.sent)
console.log(`an ordinary frame: ${ordinary.toFixed(0)} ns a byte`)

let worst = 0
/**
 * @param {string} name
 * @param {number} bytes
 * @param {{ ms: number, sent: number }} run
 */
function tell(name, bytes, { ms, sent }) {
  const ratio = perByte(ms, bytes + sent) / ordinary
  worst = Math.max(worst, ratio)
  const mark = ratio > MOST ? 'OVER' : '    '
  console.log(
    `${mark} ${ratio.toFixed(1).padStart(9)} x ${ms.toFixed(1).padStart(9)} ms ${bytes} bytes, ${sent} sent: ${name}`,
  )
}

for (const [name, before, frame] of AMPLIFIED) {
  for (const version of /** @type {const} */ ([2, 1])) {
    tell(`${name}, beside version ${version}`, frame.length, least(before, frame, version, 3))
  }
}
for (const { name, data } of sizes()) {
  const room = openRoom(2)
  room.time(patchOf('[{"a/Box":{"_exists":true}}]'))
  tell(name, data.length, room.time(data))
  room.close()
}
if (worst > MOST) process.exitCode = 1
