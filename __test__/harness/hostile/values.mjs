// What hostile frames are made of: every kind of JSON value where another is expected, and names that mean something to
// JavaScript.

/**
 * A frame and what is special about it.
 * @typedef {{ name: string, data: string | Uint8Array }} HostileFrame
 */

/** JSON texts of every kind of value, valid ones that `JSON.stringify` would write otherwise included. */
export const VALUES = [
  'null',
  'true',
  'false',
  '0',
  '-0',
  '1',
  '-1',
  '1.0',
  '1.5',
  '-1e-400',
  '1e400',
  '-1e400',
  '9007199254740993',
  '1E5',
  '""',
  '"text"',
  '"1"',
  '"true"',
  '"__proto__"',
  '"\\u0000"',
  '"\\ud800"',
  '"\\/"',
  '[]',
  '[null]',
  '[[]]',
  '[[[]]]',
  '[{}]',
  '[1,2]',
  '["x"]',
  '[{"x":{}}]',
  '{}',
  '{"x":1}',
  '{"x":{}}',
  '{"x":{"_exists":true}}',
  '{"__proto__":{"polluted":true}}',
  '{"constructor":{"prototype":{"polluted":true}}}',
  '{"length":4294967295}',
  '{"then":1}',
  '{"toJSON":1}',
  '{"__buf":1}',
  '{"x":1,"x":2}',
]

/** Names that mean something to JavaScript, to JSON or to the protocol, or are hard to carry. */
export const NAMES = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'valueOf',
  'hasOwnProperty',
  'toJSON',
  'then',
  '__defineGetter__',
  'length',
  'type',
  'messageId',
  'documentPatches',
  '_exists',
  '_version',
  '__buf',
  '',
  ' ',
  '0',
  '-1',
  '4294967295',
  'null',
  'undefined',
  '\u0000',
  'a\u0000b',
  '"',
  '\\',
  '\\u0000',
  '/',
  '\n',
  '\u007f',
  '\u2028',
  '\ufeff',
  '\ufffd',
  '\uffff',
  '\ud83d\ude00',
  '\ud800',
  '\udc00',
  '\ude00\ud83d',
  '\ud800\ud800\udc00',
  'e\u0301',
  '../../etc/passwd',
  '$&',
  '%00',
  '<script>',
]

/**
 * A `patch` frame around the text of its list of document patches.
 * @param {string} patches
 */
export const patchOf = (patches) => `{"type":"patch","messageId":"m","documentPatches":${patches}}`

/**
 * A `patch` frame around the text of its list of presence patches.
 * @param {string} patches
 */
export const presenceOf = (patches) =>
  `{"type":"patch","messageId":"m","ephemeralPatches":${patches}}`

/**
 * A `reconnect` frame around the text of its list of document patches.
 * @param {string} patches
 */
export const reconnectOf = (patches) =>
  `{"type":"reconnect","lastTimestamp":1,"protocolVersion":2,"documentPatches":${patches}}`

/**
 * One frame for each value, which takes the place of `%` in `template`.
 * @param {string} name
 * @param {string} template
 * @param {readonly string[]} [values]
 * @returns {HostileFrame[]}
 */
export function each(name, template, values = VALUES) {
  return values.map((value) => {
    const shown = value.length > 60 ? `${value.slice(0, 60)}… (${value.length})` : value
    return { name: `${name}: ${shown}`, data: template.split('%').join(value) }
  })
}

/**
 * `depth` containers around `inside`.
 * @param {number} depth
 * @param {string} [open]
 * @param {string} [close]
 * @param {string} [inside]
 */
export const nested = (depth, open = '[', close = ']', inside = '') =>
  open.repeat(depth) + inside + close.repeat(depth)
