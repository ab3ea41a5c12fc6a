import { afterEach, describe, expect, it, vi } from 'vitest'
import { HeddleError, type RoomOptions, type SessionPermission } from '../index.js'
import { create, type Member, openRoom } from './harness/room.js'
import { type Deferred, deferred } from './harness/stores.js'

type Answer = { permissions: SessionPermission; metadata?: unknown }

/** Lets everything run that this turn still has to do. */
const endOfTurn = () => new Promise((resolve) => setImmediate(resolve))

/** A room that is asked about tokens, and gives its answers when the test does. */
function roomWithAnswers(options: RoomOptions = {}) {
  const asked: string[] = []
  const answers = new Map<string, Deferred<Answer>>()
  const answerTo = (token: string) => {
    const answer = answers.get(token) ?? deferred<Answer>()
    answers.set(token, answer)
    return answer
  }
  const room = openRoom({
    ...options,
    onTokenRefresh: (_room, { token }) => {
      asked.push(token)
      return answerTo(token).promise
    },
  })
  return {
    room,
    asked,
    grant: (token: string, permissions: SessionPermission, metadata?: unknown) => {
      answerTo(token).resolve({ permissions, metadata })
      return endOfTurn()
    },
    refuse: (token: string) => {
      answerTo(token).reject(new Error('expired'))
      return endOfTurn()
    },
    rightsOf: ({ sessionId }: Member) => room.room.getSessionPermissions(sessionId),
  }
}

afterEach(() => {
  vi.useRealTimers()
})

describe('one refresh at a time', () => {
  it('[AU10] asks about one token at a time, then about the latest that came meanwhile', async () => {
    const { room, asked, grant } = roomWithAnswers()
    const ann = room.join('ann')

    for (const token of ['1', '2', '3', '4']) ann.refresh(token)
    await endOfTurn()
    expect(asked).toEqual(['1'])

    await grant('1', 'readonly')
    expect(asked).toEqual(['1', '4'])
    ann.refresh('5')
    await grant('4', 'readonly')

    expect(asked).toEqual(['1', '4', '5'])
  })

  it('[AU10] [AU5] 10,000 refreshes ask twice, and the last one decides', async () => {
    const { room, asked, grant, rightsOf } = roomWithAnswers()
    const ann = room.join('ann')

    for (let count = 1; count <= 10_000; count += 1) ann.refresh(`${count}`)
    await grant('1', 'readwrite')
    await grant('10000', 'readonly')

    expect(asked).toEqual(['1', '10000'])
    expect(rightsOf(ann)).toBe('readonly')
  })

  it('[AU10] sessions do not wait for each other', async () => {
    const { room, asked } = roomWithAnswers()
    const ann = room.join('ann')
    const bob = room.join('bob')

    ann.refresh('for ann')
    bob.refresh('for bob')
    await endOfTurn()

    expect(asked).toEqual(['for ann', 'for bob'])
  })

  it('[AU5] a superseded refresh neither gives rights nor metadata, nor closes', async () => {
    const { room, grant, refuse, rightsOf } = roomWithAnswers()
    const ann = room.join('ann', 'readonly')
    const bob = room.join('bob')
    for (const member of [ann, bob]) {
      for (const token of ['1', '2']) member.refresh(`${member.clientId} ${token}`)
    }

    await grant('ann 1', 'readwrite', 'stale')
    await refuse('bob 1')
    expect(rightsOf(ann)).toBe('readonly')
    expect(room.room.getSessionMetadata(ann.sessionId)).toBeUndefined()
    expect(rightsOf(bob)).toBe('readwrite')

    await grant('ann 2', 'readonly', 'new')
    await grant('bob 2', 'readonly')
    expect(room.room.getSessionMetadata(ann.sessionId)).toBe('new')
    expect(rightsOf(bob)).toBe('readonly')
    expect([ann.socket.closes, bob.socket.closes]).toEqual([[], []])
  })

  it('[AU10] a session that has left is not asked about any more', async () => {
    const { room, asked, grant } = roomWithAnswers()
    const ann = room.join('ann')
    ann.refresh('1')
    ann.refresh('2')
    await endOfTurn()

    ann.leave()
    await grant('1', 'readwrite')

    expect(asked).toEqual(['1'])
  })

  it('[AU12] a refusal closes in the turn in which it came', async () => {
    const { room, refuse } = roomWithAnswers()
    const ann = room.join('ann')
    const bob = room.join('bob')
    ann.refresh('1')
    ann.refresh('2')
    await refuse('1')
    room.forget()

    const closed = vi.fn()
    ann.socket.close = (...args) => void closed(...args)
    await refuse('2')

    expect(closed).toHaveBeenCalledExactlyOnceWith(4401, expect.any(String))
    expect(bob.received()).toEqual([{ type: 'clientCount', count: 1 }])
  })
})

describe('rights that are set meanwhile', () => {
  it('[AU9] an old token that verifies late does not give back what was taken', async () => {
    const { room, grant, rightsOf } = roomWithAnswers()
    const ann = room.join('ann')
    ann.refresh('old')
    await endOfTurn()

    room.room.setSessionPermissions(ann.sessionId, 'readonly')
    await grant('old', 'readwrite', { name: 'Ann' })
    ann.patch(create('a/Box'))

    expect(rightsOf(ann)).toBe('readonly')
    expect(room.state).toEqual({})
    expect(room.room.getSessionMetadata(ann.sessionId)).toEqual({ name: 'Ann' })
  })

  it('[AU9] nor does one that was sent before and is asked about afterwards', async () => {
    const { room, grant, rightsOf } = roomWithAnswers()
    const ann = room.join('ann')
    ann.refresh('1')
    ann.refresh('2')

    room.room.setSessionPermissions(ann.sessionId, 'readonly')
    await grant('1', 'readwrite')
    await grant('2', 'readwrite')

    expect(rightsOf(ann)).toBe('readonly')
  })

  it('[AU9] a refresh that is sent afterwards counts again', async () => {
    const { room, grant, rightsOf } = roomWithAnswers()
    const ann = room.join('ann')
    ann.refresh('1')
    room.room.setSessionPermissions(ann.sessionId, 'readonly')
    ann.refresh('2')

    await grant('1', 'readwrite')
    expect(rightsOf(ann)).toBe('readonly')
    await grant('2', 'readwrite')

    expect(rightsOf(ann)).toBe('readwrite')
  })

  it('[AU9] a refusal still closes the session', async () => {
    const { room, refuse } = roomWithAnswers()
    const ann = room.join('ann')
    ann.refresh('t')

    room.room.setSessionPermissions(ann.sessionId, 'readwrite')
    await refuse('t')

    expect(ann.socket.closeCode).toBe(4401)
    expect(room.room.getSessionCount()).toBe(0)
  })
})

describe('answers that do not come', () => {
  const fakeTimers = () => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const microtasks = async () => {
    for (let tick = 0; tick < 20; tick += 1) await Promise.resolve()
  }

  it('[AU11] a refresh without an answer in time is refused, and told', async () => {
    fakeTimers()
    const errors: unknown[] = []
    const { room, rightsOf } = roomWithAnswers({
      limits: { authorizeTimeoutMs: 500 },
      onError: (error, context) => errors.push([error, context.sessionId]),
    })
    const ann = room.join('ann')
    ann.refresh('secret')
    await microtasks()

    vi.advanceTimersByTime(499)
    await microtasks()
    expect(rightsOf(ann)).toBe('readwrite')
    vi.advanceTimersByTime(1)
    await microtasks()

    expect(ann.socket.closeCode).toBe(4401)
    expect(errors).toEqual([[expect.any(HeddleError), ann.sessionId]])
    expect(errors).toMatchObject([[{ code: 'HEDDLE_AUTHORIZE_TIMEOUT' }, ann.sessionId]])
    expect(String((errors as [Error][])[0]?.[0].stack)).not.toContain('secret')
    expect(vi.getTimerCount()).toBe(0)
  })

  it('[AU11] the time is 10 s unless the room’s limits say something else', async () => {
    fakeTimers()
    const { room } = roomWithAnswers({ onError: () => {} })
    const ann = room.join('ann')
    ann.refresh('t')
    await microtasks()

    vi.advanceTimersByTime(9_999)
    await microtasks()
    expect(ann.socket.closes).toEqual([])
    vi.advanceTimersByTime(1)
    await microtasks()

    expect(ann.socket.closeCode).toBe(4401)
  })

  it('[AU11] [AU5] the time of a superseded one is up: the latest is asked about', async () => {
    fakeTimers()
    const errors: unknown[] = []
    const { room, asked, rightsOf } = roomWithAnswers({ onError: (error) => errors.push(error) })
    const ann = room.join('ann')
    ann.refresh('hangs')
    ann.refresh('works')
    await microtasks()

    vi.advanceTimersByTime(10_000)
    await microtasks()

    expect(asked).toEqual(['hangs', 'works'])
    expect(rightsOf(ann)).toBe('readwrite')
    expect(errors).toEqual([])
  })

  it('[AU11] an answer that comes too late counts for nothing', async () => {
    fakeTimers()
    const left = vi.fn()
    const { room, grant } = roomWithAnswers({ onError: () => {}, onSessionRemoved: left })
    const ann = room.join('ann', 'readonly')
    ann.refresh('slow')
    ann.refresh('slower')
    await microtasks()
    vi.advanceTimersByTime(10_000)
    await microtasks()

    await grant('slow', 'readwrite')
    expect(room.room.getSessionPermissions(ann.sessionId)).toBe('readonly')
    vi.advanceTimersByTime(10_000)
    await microtasks()
    await grant('slower', 'readwrite')

    expect(ann.socket.closeCode).toBe(4401)
    expect(left).toHaveBeenCalledOnce()
  })

  it('[AU11] leaves no timer behind a session, whatever becomes of it', async () => {
    fakeTimers()
    const { room, grant } = roomWithAnswers()
    const [ann, bob] = [room.join('ann'), room.join('bob')]
    ann.refresh('for ann')
    bob.refresh('for bob')
    room.join('cleo').refresh('for cleo')
    await microtasks()
    expect(vi.getTimerCount()).toBe(3)

    await grant('for ann', 'readonly')
    bob.leave()
    expect(vi.getTimerCount()).toBe(1)
    room.room.close()

    expect(vi.getTimerCount()).toBe(0)
  })
})
