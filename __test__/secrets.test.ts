import { expect, it } from 'vitest'
import { safeEqual } from '../index.js'

const LONE = ['\ud800', '\ud801'] as const

it.each([
  ['', ''],
  ['secret', 'secret'],
  ['snow ☃ 😀', 'snow ☃ 😀'],
  ['secret', Buffer.from('secret')],
  [new Uint8Array([0, 255]), Buffer.from([0, 255])],
  ['\0', new Uint8Array([0])],
  ['x'.repeat(1_000_000), 'x'.repeat(1_000_000)],
  [LONE[0], LONE[0]],
])('[AU16] is true for what is equal (%#)', (a, b) => {
  expect(safeEqual(a, b)).toBe(true)
  expect(safeEqual(b, a)).toBe(true)
})

it.each([
  ['secret', 'Secret'],
  ['secret', 'secret '],
  ['secret', ''],
  ['a', 'a'.repeat(1_000_000)],
  ['secret', Buffer.from('secreT')],
  [new Uint8Array([0]), new Uint8Array([0, 0])],
  ['\u00e9', 'e\u0301'],
  // UTF-8 has the same bytes for both.
  [LONE[0], LONE[1]],
  [LONE[0], '\ufffd'],
  [LONE[0], Buffer.from(LONE[0])],
  [LONE[0], Buffer.from(LONE[0], 'utf16le')],
])('[AU16] is false for what is not (%#)', (a, b) => {
  expect(safeEqual(a, b)).toBe(false)
  expect(safeEqual(b, a)).toBe(false)
})

it.each([undefined, null, 90210, ['s3cret'], { length: 6 }, new Uint16Array(2), () => 's3cret'])(
  '[AU16] [LC15] throws for %j, and does not show what it was given',
  (wrong) => {
    for (const [a, b, name] of [
      ['s3cret', wrong, 'b'],
      [wrong, 's3cret', 'a'],
    ]) {
      const call = () => safeEqual(a as string, b as string)
      expect(call).toThrow(TypeError)
      expect(call).toThrow(expect.objectContaining({ code: 'HEDDLE_INVALID_ARGUMENT' }))
      expect(call).toThrow(new RegExp(`^${name} must be`))
      expect(call).not.toThrow(/s3cret|90210/)
    }
  },
)
