// SPEC.md section 26.

/** @type {import('../../mutants.mjs').Mutant[]} */
export const fastPaths = [
  {
    rule: 'FP1',
    file: 'src/node/rooms.rs',
    find: 'self.free.push(index);',
    replace: 'self.free.extend([index, index]);',
    why: 'gives two rooms one number, by which fast calls find them',
  },
  {
    rule: 'FP2',
    file: 'lib/fast-paths.js',
    find: 'if (!NAMES.some((known) => known === name)) {',
    replace: 'if (NAMES.length === 0) {',
    why: 'leaves names alone that are none',
  },
]
