// Frames that are large, at a limit and just over it. Made one by one: all of them together are half a gigabyte at full size.
import { Buffer } from 'node:buffer'
import { patchOf, presenceOf } from './values.mjs'

/** @typedef {import('./values.mjs').HostileFrame} HostileFrame */

const MIB = 1024 * 1024
const FRAME_BYTES = 16 * MIB
const NAME_BYTES = 16 * 1024

/**
 * A frame of exactly so many bytes: `unit` again and again in the middle of `template`, and `x` in the place of its `~`.
 * @param {string} template with `%` where the units and `~` where what is missing goes
 * @param {string} unit
 * @param {number} bytes
 */
function filled(template, unit, bytes) {
  const [before = '', rest = ''] = template.split('%')
  const [between = '', after = ''] = rest.split('~')
  const room = bytes - Buffer.byteLength(before + between + after)
  const count = Math.floor(room / Buffer.byteLength(unit))
  return before + unit.repeat(count) + between + 'x'.repeat(room - count * unit.length) + after
}

/** @param {number} count */
const keys = (count) =>
  patchOf(
    `[{${Array.from({ length: count }, (_, index) => `"${index}":{"_exists":true}`).join()}}]`,
  )

/** @type {[name: string, make: (bytes: number) => string | Uint8Array][]} */
const SIZES = [
  ['nothing but text', (bytes) => filled(patchOf('[{"a/Box":{"x":"%~"}}]'), 'x', bytes)],
  ['a byte over 16 MiB', () => filled(patchOf('[{"a/Box":{"x":"%~"}}]'), 'x', FRAME_BYTES + 1)],
  [
    'a byte over 16 MiB, as bytes',
    () => Buffer.from(filled(patchOf('[{"a/Box":{"x":"%~"}}]'), 'x', FRAME_BYTES + 1)),
  ],
  [
    'nothing but two-byte characters',
    (bytes) => filled(patchOf('[{"a/Box":{"x":"%~"}}]'), 'é', bytes),
  ],
  ['nothing but escapes', (bytes) => filled(patchOf('[{"a/Box":{"x":"%~"}}]'), '\\u0000', bytes)],
  [
    'nothing but loose escapes',
    (bytes) => filled(patchOf('[{"a/Box":{"x":"%~"}}]'), '\\u0041', bytes),
  ],
  [
    'nothing but surrogates',
    (bytes) => filled(patchOf('[{"a/Box":{"x":"%~"}}]'), '\\ud800', bytes),
  ],
  ['nothing but white space', (bytes) => filled(`{"type":"hello"%,"x":"~"}`, ' \n', bytes)],
  ['nothing but open lists', (bytes) => filled('%', '[', bytes)],
  ['nothing but open objects', (bytes) => filled('%', '{"":', bytes)],
  ['nothing but quotes', (bytes) => filled('%', '"', bytes)],
  ['nothing but backslashes', (bytes) => filled('"%', '\\', bytes)],
  ['nothing but digits', (bytes) => filled('%', '7', bytes)],
  ['a number of full size', (bytes) => filled(patchOf('[{"a/Box":{"x":%,"y":"~"}}]'), '7', bytes)],
  [
    'a fraction of full size',
    (bytes) => filled(patchOf('[{"a/Box":{"x":0.%,"y":"~"}}]'), '3', bytes),
  ],
  [
    'nothing but numbers',
    (bytes) => filled(patchOf('[{"a/Box":{"points":[%0],"y":"~"}}]'), '0,', bytes),
  ],
  [
    'nothing but loose numbers',
    (bytes) => filled(patchOf('[{"a/Box":{"points":[%0],"y":"~"}}]'), '1.0,', bytes),
  ],
  [
    'nothing but empty lists',
    (bytes) => filled(patchOf('[{"a/Box":{"x":[%0],"y":"~"}}]'), '[],', bytes),
  ],
  ['nothing but empty patches', (bytes) => filled(patchOf('[%{"a/Box":{"y":"~"}}]'), '{},', bytes)],
  ['nothing but empty presence', (bytes) => filled(presenceOf('[%{"c":{"y":"~"}}]'), '{},', bytes)],
  [
    'nothing but one key',
    (bytes) => filled(patchOf('[{%"a/Box":{"y":"~"}}]'), '"a/Box":{},', bytes),
  ],
  ['nothing but one field', (bytes) => filled(patchOf('[{"a/Box":{%"y":"~"}}]'), '"x":1,', bytes)],
  ['nothing but one member', (bytes) => filled('{%"type":"hello","x":"~"}', '"type":1,', bytes)],
  ['nothing but messageId', (bytes) => filled('{"type":"patch","messageId":"%~"}', 'm', bytes)],
  ['a token of full size', (bytes) => filled('{"type":"auth-refresh","token":"%~"}', 't', bytes)],
  ['100,000 keys', () => keys(100_000)],
  ['a key over 100,000', () => keys(100_001)],
  ['a key name at the limit', () => patchOf(`[{"${'k'.repeat(NAME_BYTES)}":{"_exists":true}}]`)],
  [
    'a key name over the limit',
    () => patchOf(`[{"${'k'.repeat(NAME_BYTES + 1)}":{"_exists":true}}]`),
  ],
  [
    'a key name at the limit, of two-byte characters',
    () => patchOf(`[{"${'é'.repeat(NAME_BYTES / 2)}":{"_exists":true}}]`),
  ],
  [
    'a key name over the limit, of two-byte characters',
    () => patchOf(`[{"${'é'.repeat(NAME_BYTES / 2 + 1)}":{"_exists":true}}]`),
  ],
  ['a field name at the limit', () => patchOf(`[{"a/Box":{"${'f'.repeat(NAME_BYTES)}":1}}]`)],
  ['a field name over the limit', () => patchOf(`[{"a/Box":{"${'f'.repeat(NAME_BYTES + 1)}":1}}]`)],
  [
    'a name over the limit inside a value',
    () => patchOf(`[{"a/Box":{"x":{"${'f'.repeat(NAME_BYTES + 1)}":1}}}]`),
  ],
]

/**
 * The frames one by one; each is gone before the next is made.
 * @param {number} [bytes] the size of those that may have any
 * @returns {Iterable<HostileFrame>}
 */
export function* sizes(bytes = FRAME_BYTES) {
  yield {
    name: 'a frame at the limit',
    data: filled(patchOf('[{"b/Box":{"x":"%~"}}]'), 'x', FRAME_BYTES),
  }
  for (const [name, make] of SIZES) yield { name, data: make(bytes) }
}
