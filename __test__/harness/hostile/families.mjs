// The list of hostile frames, by families.
import { deltas } from './deltas.mjs'
import { messageIds, names, patches, reconnects, tokens, tops, types } from './shapes.mjs'
import { bytes, cuts, depths, duplicates, numbers, spoilt } from './texts.mjs'

/** @typedef {import('./values.mjs').HostileFrame} HostileFrame */

/** @type {Record<string, () => HostileFrame[]>} */
export const families = {
  'what is no frame': tops,
  'types of frames': types,
  'message ids': messageIds,
  'shapes of patches': patches,
  reconnects,
  tokens,
  names,
  'frames cut off': cuts,
  'frames with a character too many or too few': spoilt,
  'bytes that are no text': bytes,
  depth: depths,
  numbers,
  'names twice': duplicates,
  'buffer deltas': deltas,
}
