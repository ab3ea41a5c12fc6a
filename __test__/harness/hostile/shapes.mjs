// Frames of the wrong shape: every member with every kind of value.
import { each, NAMES, patchOf, presenceOf, reconnectOf, VALUES } from './values.mjs'

/** @typedef {import('./values.mjs').HostileFrame} HostileFrame */

const GOOD = '[{"a/Box":{"x":7}}]'

/** @returns {HostileFrame[]} */
export const tops = () => [
  ...each('the frame', '%'),
  ...each('a list of frames', `[%,${patchOf(GOOD)}]`),
  ...each('an unknown member', `{"type":"patch","messageId":"m","%":1,"documentPatches":${GOOD}}`, [
    '__proto__',
    'constructor',
    '\\u0074ype',
    'Type',
    '',
  ]),
  ...each('the value of an unknown member', `{"type":"patch","extra":%,"documentPatches":${GOOD}}`),
]

/** @returns {HostileFrame[]} */
export const types = () => [
  ...each('type', `{"type":%,"messageId":"m","documentPatches":${GOOD}}`),
  ...each('type', `{"type":%,"messageId":"m","documentPatches":${GOOD}}`, [
    '"PATCH"',
    '"patch "',
    '"p\\u0061tch"',
    '"ack"',
    '"error"',
    '"synced"',
    '"resync"',
    '"clientCount"',
    '"version-mismatch"',
    '"constructor"',
    '"patch\\u0000"',
  ]),
  ...each('type twice', `{"type":"patch","type":%,"documentPatches":${GOOD}}`),
  { name: 'no type', data: `{"messageId":"m","documentPatches":${GOOD}}` },
]

/** @returns {HostileFrame[]} */
export const messageIds = () => [
  ...each('messageId', `{"type":"patch","messageId":%,"documentPatches":${GOOD}}`),
  ...each('messageId', `{"type":"patch","messageId":%,"documentPatches":${GOOD}}`, [
    ...NAMES.map((name) => JSON.stringify(name)),
    JSON.stringify('m'.repeat(100_000)),
    `[${'0,'.repeat(20_000)}0]`,
  ]),
  ...each('messageId of what is refused', '{"type":"patch","messageId":%,"documentPatches":[7]}'),
  ...each('messageId of nothing', '{"type":"patch","messageId":%}'),
]

/** @returns {HostileFrame[]} */
export const patches = () => [
  ...each('documentPatches', patchOf('%')),
  ...each('ephemeralPatches', presenceOf('%')),
  ...each('a document patch', patchOf('[%]')),
  ...each('a document patch behind a good one', patchOf('[{"a/Box":{"x":7}},%]')),
  ...each('a presence patch', presenceOf('[%]')),
  ...each('a component', patchOf('[{"a/Box":%}]')),
  ...each('a component that is new', patchOf('[{"new/Box":%}]')),
  ...each('a presence component', presenceOf('[{"mallory/Cursor":%}]')),
  ...each('_exists', patchOf('[{"a/Box":{"x":7,"_exists":%}}]')),
  ...each('_exists of a new one', patchOf('[{"new/Box":{"_exists":%,"x":7}}]')),
  ...each('_exists of what is gone', patchOf('[{"gone/Box":{"x":7,"_exists":%}}]')),
  ...each('_exists of presence', presenceOf('[{"mallory/Cursor":{"_exists":%}}]')),
  ...each('a field', patchOf('[{"a/Box":{"x":%}}]')),
  ...each('a field of a new one', patchOf('[{"new/Box":{"_exists":true,"x":%}}]')),
  ...each('a field of an unknown one', patchOf('[{"never/Seen":{"x":%}}]')),
  ...each('a field of one that is gone', patchOf('[{"gone/Box":{"x":%}}]')),
  ...each(
    'good document patches beside presence',
    `{"type":"patch","messageId":"m","documentPatches":${GOOD},"ephemeralPatches":%}`,
  ),
  ...each(
    'good presence beside documentPatches',
    '{"type":"patch","documentPatches":%,"ephemeralPatches":[{"c":{"_exists":true}}]}',
  ),
]

/** @returns {HostileFrame[]} */
export const reconnects = () => [
  ...each('lastTimestamp', `{"type":"reconnect","lastTimestamp":%,"protocolVersion":2}`),
  ...each('lastTimestamp', '{"type":"reconnect","lastTimestamp":%,"protocolVersion":2}', [
    '1e21',
    '18446744073709551616',
    '1e-7',
    '0.9',
    '3',
    '4',
    '-9007199254740993',
    '1e308',
    '"3"',
  ]),
  ...each('protocolVersion', '{"type":"reconnect","lastTimestamp":1,"protocolVersion":%}'),
  ...each('protocolVersion', '{"type":"reconnect","lastTimestamp":1,"protocolVersion":%}', [
    '2',
    '2.0',
    '20e-1',
    '3',
    '"2"',
    '1e0',
  ]),
  ...each('documentPatches of a reconnect', reconnectOf('%')),
  ...each('a patch of a reconnect', reconnectOf('[%]')),
  ...each('a component of a reconnect', reconnectOf('[{"a/Box":%}]')),
  ...each(
    'ephemeralPatches of a reconnect',
    '{"type":"reconnect","lastTimestamp":1,"protocolVersion":2,"ephemeralPatches":%}',
  ),
  { name: 'no lastTimestamp', data: '{"type":"reconnect","protocolVersion":2}' },
  { name: 'no protocolVersion', data: '{"type":"reconnect","lastTimestamp":0}' },
  { name: 'nothing but a type', data: '{"type":"reconnect"}' },
]

/** @returns {HostileFrame[]} */
export const tokens = () => [
  ...each('token', '{"type":"auth-refresh","token":%}'),
  ...each('token', '{"type":"auth-refresh","token":%}', [
    ...NAMES.map((name) => JSON.stringify(name)),
    JSON.stringify('t'.repeat(1_000_000)),
  ]),
  ...each('a member beside the token', '{"type":"auth-refresh","token":"t","clientId":%}', VALUES),
  { name: 'no token', data: '{"type":"auth-refresh"}' },
]

/** @returns {HostileFrame[]} */
export const names = () =>
  NAMES.flatMap((name) => {
    const text = JSON.stringify(name)
    return [
      { name: `key ${text}`, data: patchOf(`[{${text}:{"_exists":true,"x":1}}]`) },
      { name: `key ${text}, gone`, data: patchOf(`[{${text}:{"_exists":false}}]`) },
      { name: `field ${text}`, data: patchOf(`[{"a/Box":{${text}:[${text}]}}]`) },
      { name: `field ${text}, new`, data: patchOf(`[{"new/Box":{"_exists":true,${text}:true}}]`) },
      { name: `presence ${text}`, data: presenceOf(`[{${text}:{"_exists":true,${text}:1}}]`) },
      { name: `inside ${text}`, data: patchOf(`[{"a/Box":{"x":{${text}:{${text}:1}}}}]`) },
      {
        name: `delta in ${text}`,
        data: patchOf(`[{"a/Box":{${text}:{"__buf":1,"len":2,"runs":[]}}}]`),
      },
    ]
  })
