// Frames that are hard to read: broken JSON, bytes that are no text, depth, numbers, names that repeat.
import { Buffer } from 'node:buffer'
import { each, nested, patchOf, presenceOf, reconnectOf } from './values.mjs'

/** @typedef {import('./values.mjs').HostileFrame} HostileFrame */

const FRAME =
  '{"type":"patch","messageId":"m\\u0041","documentPatches":[{"a/Box":{"x":-1.5e1,"t":[true,null,"\\n"]}}]}'

/** What is put in the place of one character, or before it. */
const INTRUDERS = ['', '"', '{', ']', ',', '\\', '\u0000', ' ', '0', '\ud800', 'é']

/** @returns {HostileFrame[]} */
export const cuts = () =>
  Array.from({ length: FRAME.length }, (_, at) => ({
    name: `cut after ${at} characters`,
    data: FRAME.slice(0, at),
  }))

/** @returns {HostileFrame[]} */
export const spoilt = () =>
  Array.from({ length: FRAME.length }, (_, at) =>
    INTRUDERS.flatMap((intruder) => [
      {
        name: `${JSON.stringify(intruder)} in place of character ${at}`,
        data: FRAME.slice(0, at) + intruder + FRAME.slice(at + 1),
      },
      {
        name: `${JSON.stringify(intruder)} before character ${at}`,
        data: FRAME.slice(0, at) + intruder + FRAME.slice(at),
      },
    ]),
  )
    .flat()
    .filter(({ data }) => data !== FRAME)

/** Bytes that no UTF-8 text holds. */
const NO_UTF8 = [
  [0x80],
  [0xff],
  [0xfe, 0xff],
  [0xc0, 0x80],
  [0xc1, 0xbf],
  [0xc3],
  [0xc3, 0x28],
  [0xe0, 0x80, 0xaf],
  [0xe2, 0x82],
  [0xed, 0xa0, 0x80],
  [0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80],
  [0xf0, 0x80, 0x80, 0x80],
  [0xf0, 0x9f, 0x98],
  [0xf4, 0x90, 0x80, 0x80],
  [0xf8, 0x88, 0x80, 0x80, 0x80],
  [0xfc, 0x84, 0x80, 0x80, 0x80, 0x80],
]

/** @returns {HostileFrame[]} */
export const bytes = () => [
  ...NO_UTF8.flatMap((sequence) => {
    const middle = Buffer.from(sequence)
    const name = middle.toString('hex')
    const around = (/** @type {string} */ template) => {
      const [before = '', after = ''] = template.split('%')
      return Buffer.concat([Buffer.from(before), middle, Buffer.from(after)])
    }
    return [
      { name: `bytes ${name}`, data: middle },
      { name: `bytes ${name} in a value`, data: around(patchOf('[{"a/Box":{"x":"%"}}]')) },
      { name: `bytes ${name} in a key`, data: around(patchOf('[{"%":{"_exists":true}}]')) },
      { name: `bytes ${name} behind the frame`, data: around(`${FRAME}%`) },
      { name: `bytes ${name} in a reconnect`, data: around(reconnectOf('[{"%":7}]')) },
    ]
  }),
  { name: 'a byte order mark', data: Buffer.from(`\ufeff${FRAME}`) },
  { name: 'a byte order mark, as text', data: `\ufeff${FRAME}` },
  { name: 'UTF-16, little end first', data: Buffer.from(FRAME, 'utf16le') },
  { name: 'UTF-16, big end first', data: Buffer.from(FRAME, 'utf16le').swap16() },
  { name: 'no bytes', data: new Uint8Array() },
  { name: 'no text', data: '' },
  { name: 'NUL behind the frame', data: `${FRAME}\0` },
  { name: '100,000 NULs', data: '\0'.repeat(100_000) },
  { name: 'every byte', data: Uint8Array.from({ length: 256 }, (_, byte) => byte) },
  { name: 'a surrogate in a value', data: patchOf('[{"a/Box":{"x":"\ud800"}}]') },
  { name: 'surrogates the wrong way round', data: patchOf('[{"a/Box":{"x":"\udc00\ud800"}}]') },
  { name: 'a surrogate in a key', data: patchOf('[{"\udfff":{"_exists":true}}]') },
  { name: 'a surrogate in messageId', data: '{"type":"patch","messageId":"\ud800"}' },
  { name: 'a surrogate in type', data: '{"type":"patch\ud800"}' },
  { name: 'a surrogate alone', data: '\ud800' },
  { name: 'the replacement character itself', data: patchOf('[{"a/Box":{"x":"\ufffd"}}]') },
  { name: 'a surrogate beside it', data: patchOf('[{"a/Box":{"x":"\ufffd\ud800\ufffd"}}]') },
]

const DEPTHS = [57, 58, 59, 60, 61, 62, 63, 64, 65, 66, 200, 10_000]

/** @returns {HostileFrame[]} */
export const depths = () => [
  ...DEPTHS.flatMap((depth) => [
    ...each(`${depth} deep, frame`, '%', [nested(depth)]),
    ...each(`${depth} deep, value`, patchOf('[{"a/Box":{"x":%}}]'), [nested(depth)]),
    ...each(`${depth} deep, objects`, patchOf('[{"a/Box":{"x":%}}]'), [
      nested(depth, '{"a":', '}', '1'),
    ]),
    ...each(`${depth} deep, presence`, presenceOf('[{"c":{"_exists":true,"x":%}}]'), [
      nested(depth >> 1, '{"":[', ']}'),
      nested(depth),
    ]),
    ...each(`${depth} deep, messageId`, '{"type":"patch","messageId":%,"documentPatches":[{}]}', [
      nested(depth),
    ]),
    ...each(`${depth} deep, type`, '{"type":%}', [nested(depth)]),
    ...each(`${depth} deep, token`, '{"type":"auth-refresh","token":%}', [nested(depth)]),
    ...each(`${depth} deep, beside a token`, '{"type":"auth-refresh","token":"t","x":%}', [
      nested(depth),
    ]),
    ...each(`${depth} deep, reconnect`, reconnectOf('[{"a/Box":{"x":%}}]'), [nested(depth)]),
    ...each(
      `${depth} deep, lastTimestamp`,
      '{"type":"reconnect","lastTimestamp":%,"protocolVersion":2}',
      [nested(depth)],
    ),
    ...each(
      `${depth} deep, protocolVersion`,
      '{"type":"reconnect","lastTimestamp":1,"protocolVersion":%}',
      [nested(depth)],
    ),
    ...each(`${depth} deep, unknown type`, '{"type":"hello","x":%}', [nested(depth)]),
    { name: `${depth} opened`, data: '['.repeat(depth) },
    { name: `${depth} objects opened`, data: '{"a":'.repeat(depth) },
    { name: `${depth} closed`, data: ']'.repeat(depth) },
  ]),
  { name: 'a million opened', data: '['.repeat(1_000_000) },
  { name: 'a million objects opened', data: '{"a":'.repeat(1_000_000) },
  { name: 'a million in a value', data: patchOf(`[{"a/Box":{"x":${nested(1_000_000)}}}]`) },
]

/** @returns {HostileFrame[]} */
export const numbers = () =>
  each('number', patchOf('[{"a/Box":{"x":%}}]'), [
    '00',
    '01',
    '-',
    '-01',
    '+1',
    '.5',
    '1.',
    '1.e1',
    '1e',
    '1e+',
    '0x10',
    '1_000',
    '1n',
    'NaN',
    'Infinity',
    '-Infinity',
    'undefined',
    '0e0',
    '-0.0',
    '-0e-5',
    '1e0',
    '1e21',
    '1e-7',
    '123456789012345680000',
    '5e-324',
    '2e-324',
    '1.7976931348623157e308',
    '1.7976931348623159e308',
    '1e99999999999999999999',
    '-1e99999999999999999999',
    '1e-99999999999999999999',
    '0.1e1',
    '100000000000000000000000000000000000000000000',
    '0.30000000000000004',
    '4.35',
    '9'.repeat(400),
    '1'.repeat(100_000),
    `0.${'3'.repeat(100_000)}`,
    `1e${'0'.repeat(100_000)}1`,
    `-${'0'.repeat(1000)}`,
  ])

/** @returns {HostileFrame[]} */
export const duplicates = () => [
  ...each('twice', `{%,"documentPatches":[{"a/Box":{"x":7}}]}`, [
    '"type":"hello","type":"patch"',
    '"type":"patch","type":"hello"',
    '"type":"patch","messageId":1,"messageId":2',
    '"type":"patch","documentPatches":7',
    '"type":"patch","documentPatches":[{"a/Box":{"x":8}}]',
    '"type":"patch","\\u0064ocumentPatches":[{"a/Box":{"x":9}}]',
  ]),
  ...each('keys twice', patchOf('[{%}]'), [
    '"a/Box":{"x":7},"a/Box":{"y":8}',
    '"a/Box":{"x":7},"a\\/Box":{"y":8}',
    '"a/Box":7,"a/Box":{"y":8}',
    '"a/Box":{"y":8},"a/Box":7',
    '"__proto__":{"_exists":true},"__proto__":{"_exists":true,"x":1}',
  ]),
  ...each('fields twice', patchOf('[{"a/Box":{%}}]'), [
    '"x":1,"x":2',
    '"x":1,"\\u0078":2',
    '"_exists":false,"_exists":true',
    '"_exists":true,"_exists":false',
    '"_exists":7,"_exists":true',
    '"_exists":true,"_exists":null',
    '"x":{"a":1,"a":{"b":1,"b":2},"c":0}',
    '"points":{"__buf":1,"len":1,"len":2,"runs":[]}',
    '"points":{"__buf":2,"__buf":1,"len":2,"runs":[]}',
    '"points":{"__buf":1,"__buf":2,"len":-2,"runs":[]}',
    `"x":{${'"a":1,'.repeat(5_000)}"a":2}`,
    `"x":${nested(50, '{"a":1,"a":', '}', '0')}`,
    Array.from({ length: 5_000 }, (_, index) => `"f${index % 2_500}":${index}`).join(','),
  ]),
]
