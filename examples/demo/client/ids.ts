const ADJECTIVES = [
  'Amber',
  'Brisk',
  'Calm',
  'Dapper',
  'Early',
  'Fabled',
  'Gentle',
  'Hushed',
  'Ivory',
  'Jolly',
  'Kind',
  'Lively',
  'Mellow',
  'Nimble',
  'Opal',
  'Plucky',
  'Quiet',
  'Rustic',
  'Sunny',
  'Tidy',
]
const ANIMALS = [
  'Badger',
  'Crane',
  'Dormouse',
  'Egret',
  'Fox',
  'Gecko',
  'Heron',
  'Ibis',
  'Jackdaw',
  'Kestrel',
  'Lynx',
  'Marten',
  'Newt',
  'Otter',
  'Plover',
  'Quail',
  'Robin',
  'Stoat',
  'Tern',
  'Wren',
]
const NAME_LETTERS = 24

// `crypto.randomUUID` exists only on https and localhost; the store needs it, on a plain-http LAN address too.
if (!crypto.randomUUID) {
  crypto.randomUUID = () => {
    const bytes = crypto.getRandomValues(new Uint8Array(16))
    const hex = Array.from(bytes, (byte, index) => {
      const value = index === 6 ? (byte & 0x0f) | 0x40 : index === 8 ? (byte & 0x3f) | 0x80 : byte
      return value.toString(16).padStart(2, '0')
    }).join('')
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
  }
}

export const randomId = (): string => crypto.randomUUID()

const pick = (words: string[]): string => words[Math.floor(Math.random() * words.length)] ?? ''

export const randomName = (): string => `${pick(ADJECTIVES)} ${pick(ANIMALS)}`

/** What a name is shown as, whoever sent it: one short line of printable text. */
export function tidyName(name: string): string {
  const line = name.replace(/[\p{C}\p{Z}]+/gu, ' ').trim()
  return [...line].slice(0, NAME_LETTERS).join('') || 'Somebody'
}
