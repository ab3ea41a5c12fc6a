import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Patch, Room, type SessionPermission } from '../index.js'
import { Member } from './harness/room.js'
import { type Deferred, deferred } from './harness/stores.js'

const CLIENTS = ['ann', 'bob', 'viewer'] as const
type ClientId = (typeof CLIENTS)[number]
type Rights = SessionPermission
type Answer = Rights | 'refused'

/** What can happen to a room, as far as rights go. */
type Step = { who: ClientId } & (
  | { does: 'patch'; document: boolean; presence: boolean }
  | { does: 'reconnect'; document: boolean; presence: boolean; ahead: boolean }
  | { does: 'malformed'; text: string }
  | { does: 'refresh' }
  | { does: 'answer'; answer: Answer }
  | { does: 'set'; rights: Rights }
)

/** What a session may do, worked out from what happened to it and nothing else. */
class Right {
  /** The refresh that is under way, and the latest after it; each is the number of sets it was sent after. */
  underWay: number | undefined
  waiting: number | undefined
  sets = 0

  constructor(public rights: Rights) {}

  refresh(): void {
    if (this.underWay === undefined) this.underWay = this.sets
    else this.waiting = this.sets
  }

  set(rights: Rights): void {
    this.rights = rights
    this.sets += 1
  }

  /** Tells whether the session stays. */
  answer(answer: Answer): boolean {
    const sentAfter = this.underWay
    if (sentAfter === undefined) return true
    const isSuperseded = this.waiting !== undefined
    this.underWay = this.waiting
    this.waiting = undefined
    if (isSuperseded) return true
    if (answer === 'refused') return false
    if (sentAfter === this.sets) this.rights = answer
    return true
  }
}

/** A room, and beside it what it should hold. */
class Check {
  readonly #asked = new Map<string, Deferred<{ permissions: Rights }>>()
  readonly #members = new Map<ClientId, Member>()
  readonly #rights = new Map<ClientId, Right>()
  readonly #presence = new Map<ClientId, number>()
  #edits = 0
  #clock = 0
  #document: Record<string, unknown> = {}
  readonly #room = new Room({
    onTokenRefresh: (_room, { clientId }) => {
      const answer = deferred<{ permissions: Rights }>()
      expect(this.#asked.has(clientId)).toBe(false)
      this.#asked.set(clientId, answer)
      return answer.promise
    },
  })

  constructor() {
    for (const who of CLIENTS) this.#join(who)
  }

  async take(step: Step): Promise<void> {
    const { who } = step
    const member = this.#members.get(who) ?? expect.unreachable()
    const right = this.#rights.get(who) ?? expect.unreachable()
    switch (step.does) {
      case 'patch':
        this.#write(step, right, (patches) => member.send(patches))
        break
      case 'reconnect':
        this.#write(step, right, (patches) =>
          member.reconnect(step.ahead ? this.#clock + 5 : 0, patches),
        )
        break
      case 'malformed':
        member.sendsRaw(step.text)
        this.#replace(who)
        break
      case 'refresh':
        member.refresh('token')
        right.refresh()
        await microtasks()
        break
      case 'set':
        this.#room.setSessionPermissions(member.sessionId, step.rights)
        right.set(step.rights)
        break
      case 'answer':
        await this.#answer(who, step.answer)
        if (!right.answer(step.answer)) this.#replace(who)
        break
    }
    this.#compare()
  }

  end(): void {
    this.#room.close()
  }

  #join(who: ClientId): void {
    const rights = who === 'viewer' ? 'readonly' : 'readwrite'
    this.#members.set(who, new Member(this.#room, who, rights))
    this.#rights.set(who, new Right(rights))
  }

  /** The room has closed a session; its client comes back. */
  #replace(who: ClientId): void {
    expect(this.#members.get(who)?.socket.closes).toHaveLength(1)
    this.#asked.delete(who)
    this.#presence.delete(who)
    this.#join(who)
  }

  #write(
    { who, document, presence }: { who: ClientId; document: boolean; presence: boolean },
    { rights }: Right,
    send: (patches: { documentPatches?: Patch[]; ephemeralPatches?: Patch[] }) => void,
  ): void {
    this.#edits += 1
    const edit = { _exists: true as const, edit: this.#edits }
    send({
      ...(document && { documentPatches: [{ [`${who}/Box`]: edit }] }),
      ...(presence && { ephemeralPatches: [{ [`${who}/Cursor`]: edit }] }),
    })
    if (rights === 'readonly') return
    if (presence) this.#presence.set(who, this.#edits)
    if (!document) return
    this.#clock += 1
    this.#document = { ...this.#document, [`${who}/Box`]: edit }
  }

  async #answer(who: ClientId, answer: Answer): Promise<void> {
    const asked = this.#asked.get(who)
    this.#asked.delete(who)
    if (answer === 'refused') asked?.reject(new Error('refused'))
    else asked?.resolve({ permissions: answer })
    await microtasks()
  }

  #compare(): void {
    const { timestamp, state } = this.#room.getSnapshot()
    expect({ timestamp, state }).toEqual({ timestamp: this.#clock, state: this.#document })
    expect(this.#presenceSeen()).toEqual(Object.fromEntries(this.#presence))
    for (const [who, { sessionId }] of this.#members) {
      expect(this.#room.getSessionPermissions(sessionId)).toBe(this.#rights.get(who)?.rights)
    }
  }

  /** What somebody who comes in is told of the others' presence. */
  #presenceSeen(): Record<string, unknown> {
    const probe = new Member(this.#room, 'probe', 'readonly')
    const [first] = probe.received()
    probe.leave()
    const patches = first?.type === 'patch' ? (first.ephemeralPatches ?? []) : []
    const components = patches.flatMap((patch) => Object.entries(patch))
    return Object.fromEntries(components.map(([key, { edit }]) => [key.split('/')[0], edit]))
  }
}

async function microtasks(): Promise<void> {
  for (let tick = 0; tick < 12; tick += 1) await Promise.resolve()
}

const rights = fc.constantFrom<Rights>('readonly', 'readwrite')
const who = fc.constantFrom(...CLIENTS)
const content = { who, document: fc.boolean(), presence: fc.boolean() }
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ does: fc.constant('patch' as const), ...content }) },
  {
    weight: 2,
    arbitrary: fc.record({
      does: fc.constant('reconnect' as const),
      ahead: fc.boolean(),
      ...content,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      does: fc.constant('malformed' as const),
      who,
      text: fc.constantFrom(
        'null',
        '{"type":"patch","messageId":"m","documentPatches":[7]}',
        '{"type":"patch","messageId":"m","ephemeralPatches":[{"a/B":{"_exists":1}}]}',
        '{"type":"auth-refresh","token":7}',
        '{"type":"reconnect","lastTimestamp":"0","protocolVersion":2,"documentPatches":[]}',
      ),
    }),
  },
  { weight: 3, arbitrary: fc.record({ does: fc.constant('refresh' as const), who }) },
  {
    weight: 4,
    arbitrary: fc.record({
      does: fc.constant('answer' as const),
      who,
      answer: fc.oneof(rights, fc.constant('refused' as const)),
    }),
  },
  { weight: 2, arbitrary: fc.record({ does: fc.constant('set' as const), who, rights }) },
)

describe('rights, checked against a model', () => {
  it('[AU14] [AU5] [AU9] [AU10] only what may write changes anything', async () => {
    let writes = 0
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 1, maxLength: 40, size: 'max' }),
        async (steps) => {
          const check = new Check()
          for (const taken of steps) await check.take(taken)
          check.end()
          writes += steps.filter(({ does }) => does === 'patch').length
        },
      ),
      { numRuns: 200, seed: 4 },
    )
    expect(writes).toBeGreaterThan(200)
  })
})
