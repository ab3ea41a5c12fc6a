import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { expect, it, onTestFinished } from 'vitest'
import { FileStorage, type Patch, Room } from '../index.js'
import { textOfState } from './harness/hostile/model.mjs'
import { NAMES } from './harness/hostile/values.mjs'
import { Member } from './harness/room.js'

/** Any UTF-16 at all: pairs of surrogates, halves of pairs, and what is hard for other reasons. */
const text = fc.oneof(
  fc.constantFrom(...NAMES),
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc
    .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 8 })
    .map((units) => String.fromCharCode(...units)),
  fc.string({ unit: 'grapheme', maxLength: 4 }),
)

const value = fc.oneof(
  text,
  fc.array(text, { maxLength: 3 }),
  fc.dictionary(text, text, { maxKeys: 3 }),
)

/** A patch of any names. `fromEntries` takes `__proto__` for a name like others. */
const patch = fc
  .array(fc.tuple(text, fc.array(fc.tuple(text, value), { maxLength: 4 })), {
    minLength: 1,
    maxLength: 4,
  })
  .map(
    (components): Patch =>
      Object.fromEntries(
        components.map(([key, fields]) => [
          key,
          Object.fromEntries([...fields.filter(([name]) => name !== '_exists'), ['_exists', true]]),
        ]),
      ),
  )

it('[CV6, AB4] keys, fields and values of any text come back as they went in, everywhere', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'heddle-names-'))
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
  let rooms = 0

  await fc.assert(
    fc.asyncProperty(patch, text, async (written, clientId) => {
      rooms += 1
      const storage = () => new FileStorage({ dir, roomId: `room-${rooms}` })
      const expected = textOfState(written)
      const room = new Room({ storage: storage() })
      await room.load()
      const [ann, bob] = [new Member(room, clientId), new Member(room, `not ${clientId}`)]
      bob.received()

      ann.patch(written)

      const [broadcast] = bob.received()
      expect(broadcast).toMatchObject({ type: 'patch', clientId })
      expect(broadcast?.type === 'patch' && stateOf(broadcast.documentPatches)).toBe(expected)
      bob.reconnect(0)
      const [catchUp] = bob.received()
      expect(catchUp?.type === 'patch' && stateOf(catchUp.documentPatches)).toBe(expected)
      expect(textOfState(room.getSnapshot().state)).toBe(expected)

      await room.flush()
      room.close({ flush: false })
      const reopened = new Room({ storage: storage() })
      await reopened.load()
      expect(textOfState(reopened.getSnapshot().state)).toBe(expected)
      reopened.close({ flush: false })
    }),
    { numRuns: Number(process.env.HEDDLE_NAMES_RUNS ?? 150), seed: 4 },
  )
}, 30_000)

/** The state that the patches of one frame make, where there is one patch. */
const stateOf = (patches: Patch[] | undefined) => textOfState(patches?.[0] ?? {})
