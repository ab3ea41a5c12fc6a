import { EventEmitter } from 'node:events'
import { inspect } from 'node:util'
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import {
  type AcceptConnectionOptions,
  type AuthorizeResult,
  acceptConnection,
  ConnectionClosedError,
  HeddleError,
  RoomManager,
  type RoomManagerOptions,
} from '../index.js'
import { connect } from './harness/connecting.js'
import { create } from './harness/room.js'
import { PlainSocket } from './harness/sockets.js'
import { deferred } from './harness/stores.js'

const SECRET = 's3cret-t0ken'
const URL_OF_ANN = `/?roomId=r&clientId=ann&token=${SECRET}`

type Options = Partial<AcceptConnectionOptions> & { limits?: RoomManagerOptions['limits'] }

/** An attempt to connect, and all that could be left behind by it. */
function attempt(authorize: unknown, { limits, ...options }: Options = {}) {
  const left = vi.fn()
  const errors: unknown[] = []
  const manager = new RoomManager({
    limits,
    onSessionRemoved: left,
    onError: (error) => errors.push(error),
  })
  onTestFinished(() => manager.closeAll())
  const socket = new PlainSocket()
  const conn = acceptConnection({
    socket,
    url: URL_OF_ANN,
    manager,
    authorize: authorize as AcceptConnectionOptions['authorize'],
    ...options,
  })
  return { conn, manager, socket, left, errors }
}

const microtasks = async () => {
  for (let tick = 0; tick < 30; tick += 1) await Promise.resolve()
}

const thrower = () => {
  throw new Error('boom')
}
const revoked = () => {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}
const hangs = () => new Promise<never>(() => {})

/** Gives each of these, with what `ready` rejects with. */
const GARBAGE: [string, () => unknown, unknown][] = [
  ...[undefined, null, true, 0, 1n, 'readwrite', Symbol('readwrite'), [], ['readwrite'], {}].map(
    (value): [string, () => unknown, object] => [
      Array.isArray(value)
        ? `array ${value}`
        : typeof value === 'object'
          ? 'an empty object'
          : `${String(value)}`,
      () => value,
      { code: 'HEDDLE_BAD_AUTHORIZATION' },
    ],
  ),
  ['a function', () => () => ({ permissions: 'readwrite' }), { code: 'HEDDLE_BAD_AUTHORIZATION' }],
  [
    'a function with permissions',
    () => Object.assign(() => {}, { permissions: 'readwrite' }),
    { code: 'HEDDLE_BAD_AUTHORIZATION' },
  ],
  ['an error', () => new Error('no'), { code: 'HEDDLE_BAD_AUTHORIZATION' }],
  ['a map', () => new Map([['permissions', 'readwrite']]), { code: 'HEDDLE_BAD_AUTHORIZATION' }],
  ['a promise of nothing', () => Promise.resolve(), { code: 'HEDDLE_BAD_AUTHORIZATION' }],
  [
    'permissions that throw',
    () => ({
      get permissions() {
        return thrower()
      },
    }),
    { message: 'boom' },
  ],
  [
    'metadata that throws',
    () => ({
      permissions: 'readwrite',
      get metadata() {
        return thrower()
      },
    }),
    { message: 'boom' },
  ],
  [
    'a then that throws when it is read',
    () => ({
      permissions: 'readwrite',
      // biome-ignore lint/suspicious/noThenProperty: that is what it is about.
      get then() {
        return thrower()
      },
    }),
    { message: 'boom' },
  ],
  [
    'a then that throws when it is called',
    // biome-ignore lint/suspicious/noThenProperty: that is what it is about.
    () => ({ permissions: 'readwrite', then: thrower }),
    { message: 'boom' },
  ],
  ['a proxy that throws', () => new Proxy({}, { get: thrower, has: thrower }), { message: 'boom' }],
  ['a proxy that hides what it has', () => new Proxy({}, { has: thrower }), { message: 'boom' }],
  ['a revoked proxy', revoked, { name: 'TypeError' }],
  ['a throw of nothing', () => Promise.reject(undefined), undefined],
  ['a throw of a text', () => Promise.reject('no'), 'no'],
  [
    'a thenable that rejects, then resolves',
    () => ({
      // biome-ignore lint/suspicious/noThenProperty: that is what it is about.
      then: (resolve: (value: unknown) => void, reject: (error: unknown) => void) => {
        reject(new Error('boom'))
        resolve({ permissions: 'readwrite' })
      },
    }),
    { message: 'boom' },
  ],
]

describe('an authorize that gives no answer', () => {
  it.each(GARBAGE)('[AU13] [CC15] %s refuses, and leaves nothing behind', async (_, give, why) => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    onTestFinished(() => void vi.useRealTimers())
    const { conn, manager, socket, left, errors } = attempt(give)
    conn.onMessage('{"type":"patch"}')

    const outcome = await conn.ready.then(
      () => 'let in',
      (error) => error,
    )

    expect([outcome]).toMatchObject([why])
    expect(manager.getRoomIds()).toEqual([])
    expect(manager.getStats()).toMatchObject({ rooms: 0, sessions: 0 })
    expect([socket.texts(), socket.closes, left.mock.calls, errors]).toEqual([[], [], [], []])
    expect(vi.getTimerCount()).toBe(0)
  })

  it.each(GARBAGE)('[AU13] [AU4] at a refresh %s refuses, too', async (_, give) => {
    const errors: unknown[] = []
    const manager = new RoomManager({ onError: (error) => errors.push(error) })
    onTestFinished(() => manager.closeAll())
    const ann = await connect(manager, 'ann', {
      authorize: ({ token }) =>
        token === SECRET ? (give() as AuthorizeResult) : { permissions: 'readwrite' },
    })

    ann.refresh(SECRET)
    await microtasks()

    expect(ann.socket.closeCode).toBe(4401)
    expect(ann.room.getSessionCount()).toBe(0)
    for (const error of errors) {
      expect(error).toMatchObject({ code: 'HEDDLE_BAD_AUTHORIZATION' })
    }
  })

  it('[AU13] what it gives is read once', async () => {
    const reads: PropertyKey[] = []
    const answer = new Proxy(
      { permissions: 'readwrite', metadata: { name: 'Ann' } },
      {
        get: (target, name, receiver) => {
          reads.push(name)
          return Reflect.get(target, name, receiver)
        },
      },
    )

    const { room, sessionId } = await attempt(() => answer).conn.ready

    expect(reads).toEqual(['then', 'permissions', 'metadata'])
    expect(room.getSessionPermissions(sessionId)).toBe('readwrite')
  })

  it('[AU13] of a thenable that settles twice the first outcome counts', async () => {
    const { conn } = attempt(() => ({
      // biome-ignore lint/suspicious/noThenProperty: that is what it is about.
      then: (resolve: (value: unknown) => void, reject: (error: unknown) => void) => {
        resolve({ permissions: 'readonly' })
        resolve({ permissions: 'readwrite' })
        reject(new Error('boom'))
        throw new Error('boom')
      },
    }))

    const { room, sessionId } = await conn.ready

    expect(room.getSessionPermissions(sessionId)).toBe('readonly')
    expect(room.getSessionCount()).toBe(1)
  })

  it.each([
    ['admin'],
    [undefined],
    [null],
    [1],
    [['readwrite']],
    [{ toString: () => 'readwrite' }],
  ])('[AU1] permissions %j are readonly', async (permissions) => {
    const { room, sessionId } = await attempt(() => ({ permissions })).conn.ready

    expect(room.getSessionPermissions(sessionId)).toBe('readonly')
  })
})

describe('an authorize that hangs', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  const stateOf = async (promise: Promise<unknown>) => {
    let state = 'pending'
    promise.then(
      () => {
        state = 'resolved'
      },
      () => {
        state = 'rejected'
      },
    )
    await microtasks()
    return state
  }

  it.each([
    ['a promise', hangs],
    // biome-ignore lint/suspicious/noThenProperty: that is what it is about.
    ['a thenable', () => ({ then: () => {} })],
  ])('[CC14] [CC15] %s that never settles is refused in time', async (_, authorize) => {
    const { conn, manager, socket } = attempt(authorize)
    conn.onMessage('{"type":"patch"}')

    vi.advanceTimersByTime(9_999)
    expect(await stateOf(conn.ready)).toBe('pending')
    vi.advanceTimersByTime(1)
    expect(await stateOf(conn.ready)).toBe('rejected')

    await expect(conn.ready).rejects.toBeInstanceOf(HeddleError)
    await expect(conn.ready).rejects.toMatchObject({ code: 'HEDDLE_AUTHORIZE_TIMEOUT' })
    expect(socket.closes).toEqual([])
    expect(manager.getRoomIds()).toEqual([])
    expect(vi.getTimerCount()).toBe(0)
  })

  it('[CC14] the manager’s limits say how long it may take', async () => {
    const { conn } = attempt(hangs, { limits: { authorizeTimeoutMs: 50 } })

    vi.advanceTimersByTime(49)
    expect(await stateOf(conn.ready)).toBe('pending')
    vi.advanceTimersByTime(1)

    await expect(conn.ready).rejects.toMatchObject({ code: 'HEDDLE_AUTHORIZE_TIMEOUT' })
  })

  it('[CC14] an answer just in time lets in, and one too late does not', async () => {
    const answers = [deferred<AuthorizeResult>(), deferred<AuthorizeResult>()] as const
    const [intime, late] = answers.map(({ promise }) => attempt(() => promise))

    vi.advanceTimersByTime(9_999)
    answers[0].resolve({ permissions: 'readwrite' })
    await microtasks()
    vi.advanceTimersByTime(1)
    await microtasks()
    answers[1].resolve({ permissions: 'readwrite' })
    await microtasks()

    await expect(intime?.conn.ready).resolves.toBeDefined()
    await expect(late?.conn.ready).rejects.toMatchObject({ code: 'HEDDLE_AUTHORIZE_TIMEOUT' })
    expect(late?.manager.getRoomIds()).toEqual([])
    expect(late?.socket.texts()).toEqual([])
  })

  it('[CC15] a socket that closes meanwhile leaves no timer', async () => {
    const { conn, manager } = attempt(hangs)
    await microtasks()

    conn.onClose()

    await expect(conn.ready).rejects.toBeInstanceOf(ConnectionClosedError)
    expect(vi.getTimerCount()).toBe(0)
    expect(manager.getRoomIds()).toEqual([])
  })

  it('[CC15] an answer for a socket that has closed opens no room', async () => {
    const answer = deferred<AuthorizeResult>()
    const { conn, manager } = attempt(() => answer.promise)
    conn.onClose()

    answer.resolve({ permissions: 'readwrite' })
    await microtasks()

    expect(manager.getRoomIds()).toEqual([])
  })

  it('[CC14] a room that takes its time to load is not what is limited', async () => {
    const loaded = deferred<null>()
    const storage = { load: () => loaded.promise, save: async () => {} }
    const { conn } = attempt(() => ({ permissions: 'readwrite' }), {
      roomOptions: () => ({ storage }),
    })
    await microtasks()

    vi.advanceTimersByTime(60_000)
    loaded.resolve(null)

    await expect(conn.ready).resolves.toBeDefined()
  })
})

describe('frames before authorize has answered', () => {
  const MARGIN = 64 * 1024

  it.each([
    ['16 MiB', undefined, 16 * 1024 * 1024],
    ['the manager’s frame limit', { frameBytes: 1024 }, 1024],
  ])('[LM7] wait up to %s and 64 KiB, not one byte more', async (_, limits, frameBytes) => {
    const answer = deferred<AuthorizeResult>()
    const [under, over] = [0, 1].map((more) => {
      const made = attempt(() => answer.promise, { limits })
      for (const bytes of [frameBytes, MARGIN - 64, 64 + more]) {
        made.conn.onMessage('{"type":"unknown"}'.padEnd(bytes))
      }
      return made
    })

    expect(over?.socket.closes).toEqual([[4413, expect.any(String)]])
    await expect(over?.conn.ready).rejects.toBeInstanceOf(ConnectionClosedError)
    expect(under?.socket.closes).toEqual([])
    answer.resolve({ permissions: 'readwrite' })
    await expect(under?.conn.ready).resolves.toBeDefined()
    expect(over?.manager.getRoomIds()).toEqual([])
  })
})

describe('frames that wait in many inboxes', () => {
  const MIB = 1024 * 1024
  const frameOf = (bytes: number) => '{"type":"unknown"}'.padEnd(bytes)

  it('[RT21] past 1 GiB those that hold more than a little take nothing more', async () => {
    const answer = deferred<AuthorizeResult>()
    const manager = new RoomManager()
    const large = frameOf(16 * MIB)
    const crowd = Array.from({ length: 64 }, () => attempt(hangs, { manager }))
    const [ann, bob] = [0, 1].map(() => attempt(() => answer.promise, { manager }))
    const closed = () => crowd.filter(({ socket }) => socket.closes.length > 0).length
    for (const { conn } of crowd) conn.onMessage(large)
    expect(closed()).toBe(0)

    for (const { conn } of [ann, bob].flatMap((made) => made ?? [])) conn.onMessage(frameOf(8_192))
    ann?.conn.onMessage(frameOf(8_192))
    bob?.conn.onMessage(frameOf(8_193))
    expect([ann, bob].map((made) => made?.socket.closes.length)).toEqual([0, 1])
    crowd[0]?.conn.onMessage(frameOf(64))
    expect([closed(), crowd[0]?.socket.closes]).toEqual([1, [[4413, expect.any(String)]]])

    // What that one held is free again, and so is what others hold that go, and what is handled.
    ann?.conn.onMessage(frameOf(8 * MIB))
    expect(ann?.socket.closes).toEqual([])
    for (const { conn } of crowd.slice(1, 3)) conn.onClose()
    answer.resolve({ permissions: 'readwrite' })
    await expect(ann?.conn.ready).resolves.toBeDefined()
    const later = attempt(hangs, { manager })
    later.conn.onMessage(large)
    for (let rest = 0; rest < 3; rest++) later.conn.onMessage(frameOf(8_192))
    expect(later.socket.closes).toEqual([])
    for (const { conn } of [later, ...crowd]) conn.onClose()
  })
})

describe('sockets that are refused while the caller awaits', () => {
  class EmitterSocket extends EventEmitter {
    send() {}
    close() {}
  }

  it('[CC15] keep only listeners for their end, and an error of theirs ends nothing', async () => {
    const socket = new EmitterSocket()
    const { conn } = attempt(thrower, { socket })
    await expect((async () => await conn)()).rejects.toThrow('boom')

    expect(socket.eventNames().sort()).toEqual(['close', 'error'])
    expect(() => socket.emit('error', new Error('reset'))).not.toThrow()
    expect(socket.eventNames()).toEqual([])
  })

  it('[CC15] has no listeners once it closed, and gets none afterwards', async () => {
    const socket = new EmitterSocket()
    const { conn } = attempt(thrower, { socket })
    const open = conn.then(undefined, (error) => error)
    await open
    socket.emit('close', 1006)

    await conn.then(undefined, () => {})

    expect(socket.eventNames()).toEqual([])
  })
})

describe('tokens', () => {
  it.each([
    ['authorize that throws', thrower, {}],
    ['authorize that gives nothing', () => undefined, {}],
    ['authorize that hangs', hangs, { limits: { authorizeTimeoutMs: 1 } }],
    ['a page that may not connect', () => ({}), { allowedOrigins: [] }],
    ['an address that is not known', () => ({}), { maxConnectionsPerIp: 1 }],
    ['a URL that is none', () => ({}), { url: `ws://[${SECRET}` }],
    ['a URL that lacks something', () => ({}), { url: `/?token=${SECRET}&clientId=${SECRET}` }],
    [
      'a room that does not open',
      () => ({ permissions: 'readwrite' }),
      { roomOptions: () => ({ storage: 7 as never }) },
    ],
  ])(
    '[AU15] %s: no token in what is thrown, reported or warned of',
    async (_, authorize, options) => {
      const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
      const { conn, errors, manager } = attempt(authorize, options as Options)

      const error = await conn.ready.then(
        () => 'let in',
        (why) => why,
      )

      const told = inspect([error, errors, warn.mock.calls, manager.getStats(), conn], {
        depth: 20,
        showHidden: true,
      })
      warn.mockRestore()
      expect(error).toBeInstanceOf(Error)
      expect(told).not.toContain(SECRET)
      expect(`${error.stack}`).not.toContain(SECRET)
    },
  )

  it('[AU15] nor of a refresh that is refused, hangs or gives garbage', async () => {
    const errors: unknown[] = []
    const manager = new RoomManager({
      limits: { authorizeTimeoutMs: 1 },
      onError: (error, context) => errors.push([error, context.sessionId]),
    })
    onTestFinished(() => manager.closeAll())
    const answers = [thrower, hangs, () => undefined, () => ({ permissions: 'readonly' })]
    const members = await Promise.all(
      answers.map((answer, index) =>
        connect(manager, `client ${index}`, {
          authorize: ({ token }) =>
            token.startsWith(SECRET)
              ? (answer() as AuthorizeResult)
              : { permissions: 'readwrite', metadata: { index } },
        }),
      ),
    )
    const { room } = members[0] ?? expect.unreachable()

    for (const member of members) member.refresh(`${SECRET} ${'x'.repeat(100)}`)
    await vi.waitFor(() => expect(room.getSessionCount()).toBe(1))
    members[3]?.patch(create('a/Box'))

    const told = inspect(
      [errors, manager, manager.getStats(), room, room.getStats(), room.getSessions()],
      {
        depth: 20,
        showHidden: true,
      },
    )
    expect(errors).toHaveLength(2)
    expect(told).not.toContain(SECRET)
    for (const member of members) expect(member.socket.texts().join()).not.toContain(SECRET)
  })
})
