// Buffer deltas: short texts that ask for much, or for what makes no sense.
import { each, patchOf, presenceOf, reconnectOf, VALUES } from './values.mjs'

/** @typedef {import('./values.mjs').HostileFrame} HostileFrame */

const LENGTHS = [
  ...VALUES,
  '2',
  '3',
  '65536',
  '65539',
  '100000',
  '1048576',
  '1048577',
  '4e9',
  '4294967295',
  '4294967296',
  '9007199254740992',
  '18446744073709551615',
  '18446744073709551616',
  '1e300',
  '2.5',
  '2.0',
  '20e-1',
  '1e-7',
]

const RUNS = [
  '[]',
  '[[0,[]]]',
  '[[0,[9]]]',
  '[[2,[9,8,7,6]]]',
  '[[0,[1,2,3]],[1,[4,5]],[0,[6]]]',
  '[[4294967295,[1]]]',
  '[[18446744073709551615,[1,2]]]',
  '[[1e300,[1]]]',
  '[[1e400,[1]]]',
  '[[-1,[1]]]',
  '[[0.5,[1]]]',
  '[[1.0,[1]]]',
  '[["0",[1]]]',
  '[[null,[1]]]',
  '[[0]]',
  '[[0,[1],2]]',
  '[[0,1]]',
  '[[0,[1],[2]]]',
  '[[]]',
  '[0,[1]]',
  '[[0,{"0":1,"length":1}]]',
  '[[0,[1e400]]]',
  '[[0,[-1e400]]]',
  '[[0,[null]]]',
  '[[0,["1"]]]',
  '[[0,[true]]]',
  '[[0,[[1]]]]',
  '[[0,[-0,1e-400,5e-324,1.7976931348623157e308]]]',
  `[${'[0,[1]],'.repeat(5_000)}[0,[2]]]`,
  `[[0,[${'1,'.repeat(20_000)}2]]]`,
]

/** The fields that a delta meets: numbers, other arrays, other values, nothing, nobody. */
const BASES = ['points', 'empty', 'mixed', 'text', 'nested', 'x', 'missing']

/** @returns {HostileFrame[]} */
export const deltas = () => [
  ...each('len', patchOf('[{"a/Box":{"points":{"__buf":1,"len":%,"runs":[]}}}]'), LENGTHS),
  ...each('runs', patchOf('[{"a/Box":{"points":{"__buf":1,"len":4,"runs":%}}}]'), [
    ...VALUES,
    ...RUNS,
  ]),
  ...each('a run', patchOf('[{"a/Box":{"points":{"__buf":1,"len":4,"runs":[%]}}}]')),
  ...each('an offset', patchOf('[{"a/Box":{"points":{"__buf":1,"len":4,"runs":[[%,[1]]]}}}]')),
  ...each('numbers', patchOf('[{"a/Box":{"points":{"__buf":1,"len":4,"runs":[[0,%]]}}}]')),
  ...each('a number', patchOf('[{"a/Box":{"points":{"__buf":1,"len":4,"runs":[[0,[%]]]}}}]')),
  ...each('__buf', patchOf('[{"a/Box":{"points":{"__buf":%,"len":4,"runs":[]}}}]')),
  ...each('a delta without', patchOf('[{"a/Box":{"points":{%}}}]'), [
    '"__buf":1',
    '"__buf":1,"len":1',
    '"__buf":1,"runs":[]',
    '"len":1,"runs":[]',
    '"__buf":1.0,"len":1,"runs":[]',
    '"__buf":1,"len":1,"runs":[],"more":{}',
  ]),
  ...BASES.flatMap((base) => [
    ...each(`a delta on ${base}`, patchOf(`[{"a/Box":{"${base}":%}}]`), [
      '{"__buf":1,"len":2,"runs":[[1,[9]]]}',
      '{"__buf":1,"len":0,"runs":[]}',
      '{"__buf":1,"len":4e9,"runs":[]}',
    ]),
    ...each(`a delta on ${base} of`, patchOf('[{"%":{"v":{"__buf":1,"len":2,"runs":[]}}}]'), [
      'gone/Box',
      'never/Seen',
    ]),
  ]),
  ...each('a delta in presence', presenceOf('[{"c":{"_exists":true,"p":%}}]'), [
    '{"__buf":1,"len":2,"runs":[]}',
    '{"__buf":1,"len":4e9,"runs":[]}',
    '{"__buf":1,"len":-1,"runs":[]}',
  ]),
  ...each('a delta in a reconnect', reconnectOf('[{"a/Box":{"points":%}}]'), [
    '{"__buf":1,"len":2,"runs":[]}',
    '{"__buf":1,"len":4e9,"runs":[]}',
    '{"__buf":1,"len":null,"runs":[]}',
  ]),
  ...each('deltas one after the other', patchOf('[%]'), [
    '{"a/Box":{"points":{"__buf":1,"len":1,"runs":[]}}},{"a/Box":{"points":{"__buf":1,"len":3,"runs":[]}}}',
    '{"a/Box":{"points":"t"}},{"a/Box":{"points":{"__buf":1,"len":3,"runs":[]}}}',
    '{"a/Box":{"points":{"__buf":1,"len":3,"runs":[]}}},{"a/Box":{"points":"t"}}',
    '{"a/Box":{"_exists":false}},{"a/Box":{"text":{"__buf":1,"len":3,"runs":[]}}}',
    '{"a/Box":{"_exists":false}},{"a/Box":{"_exists":true,"text":{"__buf":1,"len":3,"runs":[]}}}',
    '{"n/B":{"_exists":true,"v":[1]}},{"n/B":{"v":{"__buf":1,"len":2,"runs":[[0,[5]]]}}}',
    '{"n/B":{"_exists":true,"v":[1,null]}},{"n/B":{"v":{"__buf":1,"len":2,"runs":[]}}}',
    Array.from(
      { length: 500 },
      (_, index) => `{"a/Box":{"points":{"__buf":1,"len":${(index % 2) * 90_000},"runs":[]}}}`,
    ).join(','),
    Array.from(
      { length: 500 },
      (_, index) => `{"a/Box":{"points":{"__buf":1,"len":${(index % 2) * 300},"runs":[]}}}`,
    ).join(','),
  ]),
]
