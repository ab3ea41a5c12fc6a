import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bothSides, create, type Side } from './harness/both-sides.js'

describe('a conversation gives the same frames on both servers', () => {
  it('[PA1, PA3, PA7, RC1, RC2, JN1, JN2, PR3] in a scripted session of four', () => {
    const { ours, theirs } = bothSides()

    for (const side of [ours, theirs]) {
      side.join('alice')
      side.join('bob')
      side.patch('alice', create('e1/Shape', { x: 1, y: 2, tags: ['a', { b: null }] }))
      side.presence('alice', create('alice/Cursor', { x: 5 }))
      side.says('bob', {
        type: 'patch',
        messageId: 'both',
        documentPatches: [{ 'e1/Shape': { x: 3 } }, create('e2/Pen', { points: [1, 2, 3, 4] })],
        ephemeralPatches: [create('bob/Cursor', { x: 6 })],
      })
      side.join('viewer', 'viewer', 'readonly')
      side.patch('viewer', { 'e1/Shape': { x: 99 } })
      side.patch('alice', {
        'e2/Pen': {
          points: {
            __buf: 1,
            len: 5,
            runs: [
              [4, [5]],
              [0, [9]],
            ],
          },
        },
      })
      side.reconnect('viewer', 1)
      side.patch('bob', { 'e1/Shape': { _exists: false } })
      side.join('carol')
      side.reconnect('carol', 2, {
        documentPatches: [create('e3/Note', { text: 'hi' })],
        ephemeralPatches: [create('carol/Cursor')],
      })
      side.reconnect('alice', 77)
      side.leave('alice')
      side.leave('bob')
    }

    expect(ours.everything()).toEqual(theirs.everything())
    expect(ours.room.getSnapshot()).toEqual(theirs.room.getSnapshot())
  })

  it('[MG1, MG2, MG3, MG4, MG7, TB1, TB2, PR1, RC3, RC4] in generated ones', async () => {
    const runs = Number(process.env.HEDDLE_DIFFERENTIAL_RUNS ?? 400)

    await fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 40, size: 'max' }), (steps) => {
        const { ours, theirs } = bothSides()
        converse([...everybodyComes, ...steps], [ours, theirs])
        expect(ours.everything()).toEqual(theirs.everything())
        expect(ours.room.getSnapshot()).toEqual(theirs.room.getSnapshot())
      }),
      { numRuns: runs, seed: 20 },
    )
  })
})

/** Sessions by name, with their clients: the second of alice stays, or her presence would go with either (D4). */
const CLIENTS = { alice: 'alice', alice2: 'alice', bob: 'bob', viewer: 'viewer' }
const session = fc.constantFrom('alice', 'alice2', 'bob', 'viewer')
const key = fc.constantFrom(
  'e1/Shape',
  'e2/Shape',
  'e3/Pen',
  '',
  '0',
  'a\u0000"b',
  '\ud800/\ud83d\ude00',
)
const points = fc.array(fc.integer({ min: -9, max: 9 }), { maxLength: 6 })
const delta = fc.record({
  __buf: fc.constant(1),
  len: fc.nat(8),
  runs: fc.array(fc.tuple(fc.nat(9), points), { maxLength: 3 }),
})
const fields = fc.record(
  {
    x: fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.constant(null)),
    text: fc.string({ unit: 'binary' }),
    nested: fc.jsonValue({ maxDepth: 3 }),
    points: fc.oneof(points, delta),
  },
  { requiredKeys: [] },
)
const step = fc.oneof(
  fc.record({ does: fc.constant('write' as const), session, key, fields, creates: fc.boolean() }),
  fc.record({ does: fc.constant('delete' as const), session, key }),
  fc.record({ does: fc.constant('show' as const), session, fields }),
  fc.record({ does: fc.constant('show part' as const), session, fields }),
  fc.record({ does: fc.constant('write twice' as const), session, key, fields, more: fields }),
  fc.record({ does: fc.constant('reconnect' as const), session, since: fc.nat(30) }),
  fc.record({ does: fc.constant('return' as const), session, since: fc.nat(30), key, fields }),
  fc.record({ does: fc.constant('come' as const), session }),
  fc.record({ does: fc.constant('go' as const), session }),
)
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never

const everybodyComes: Step[] = [
  { does: 'come', session: 'alice' },
  { does: 'come', session: 'bob' },
]

/** Plays steps on both sides, but for what is a listed deviation. */
function converse(steps: Step[], sides: Side[]) {
  const here = new Set<string>()
  const tombstones = new Set<string>()
  for (const step of steps) {
    if (step.does === 'come') {
      if (here.has(step.session)) continue
      here.add(step.session)
      const permissions = step.session === 'viewer' ? 'readonly' : 'readwrite'
      const client = CLIENTS[step.session]
      for (const side of sides) side.join(step.session, client, permissions)
      continue
    }
    if (!here.has(step.session)) continue
    const writes = step.session !== 'viewer'
    switch (step.does) {
      case 'go':
        // D4: the presence of a client goes with its last session.
        if (CLIENTS[step.session] === 'alice' && here.has('alice') && here.has('alice2')) break
        here.delete(step.session)
        for (const side of sides) side.leave(step.session)
        break
      case 'reconnect':
        // D3: who has seen nothing is told of tombstones by the peer only.
        for (const side of sides) side.reconnect(step.session, Math.max(step.since, 1))
        break
      case 'return':
        if (writes) tombstones.delete(step.key)
        for (const side of sides) {
          side.reconnect(step.session, Math.max(step.since, 1), {
            documentPatches: [create(step.key, step.fields)],
            ephemeralPatches: [create(`${step.session}/Cursor`, step.fields)],
          })
        }
        break
      case 'write twice':
        if (writes) tombstones.delete(step.key)
        for (const side of sides) {
          side.patch(step.session, create(step.key, step.fields), { [step.key]: step.more })
        }
        break
      case 'show part':
        // D5: only the peer remembers presence that was deleted.
        for (const side of sides) {
          side.presence(step.session, { [`${step.session}/Ghost`]: step.fields })
        }
        break
      case 'show':
        for (const side of sides)
          side.presence(step.session, create(`${step.session}/Cursor`, step.fields))
        break
      case 'delete':
        if (writes) tombstones.add(step.key)
        for (const side of sides) side.patch(step.session, { [step.key]: { _exists: false } })
        break
      case 'write': {
        // D2: late updates are left out of our broadcasts only.
        if (tombstones.has(step.key) && !step.creates) continue
        if (writes && step.creates) tombstones.delete(step.key)
        const patch = step.creates ? create(step.key, step.fields) : { [step.key]: step.fields }
        for (const side of sides) side.patch(step.session, patch)
        break
      }
    }
  }
}
