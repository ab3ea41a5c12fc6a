import { inspect } from 'node:util'
import { expect, it, onTestFinished } from 'vitest'
import {
  type AcceptConnectionOptions,
  acceptConnection,
  HeddleError,
  RoomManager,
  type RoomManagerOptions,
} from '../index.js'
import { listen, published } from './harness/channels.js'
import { PlainSocket } from './harness/sockets.js'
import { deferred } from './harness/stores.js'

const SECRET = 's3cret-t0ken'
const LETS_IN = () => ({ permissions: 'readwrite' as const })

/** What a knocker may say, and how the server that it knocks at is set up. */
type Knock = Partial<AcceptConnectionOptions> & { manager?: never }

function openServer(options: RoomManagerOptions = {}) {
  const manager = new RoomManager({ onError: () => {}, ...options })
  onTestFinished(() => manager.closeAll().catch(() => {}))
  const knock = (options: Knock = {}) => {
    const socket = new PlainSocket()
    const url = `/?roomId=r&clientId=ann&token=${SECRET}`
    return acceptConnection({ socket, url, manager, authorize: LETS_IN, ...options })
  }
  const refused = () => manager.getStats().connectionsRefused
  return { manager, knock, refused }
}

/** Throws something with a code that is not for others to see. */
const throwing = (error: unknown) => () => {
  throw error
}
const coded = Object.assign(new Error(SECRET), { code: SECRET })
const unreadable = () => {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}

const CASES: [string, Knock, RoomManagerOptions?][] = [
  ['origin-not-allowed', { allowedOrigins: ['https://app.example'] }],
  ['HEDDLE_INVALID_ARGUMENT', { maxConnectionsPerIp: 1 }],
  ['missing-room-id', { url: `/?clientId=ann&token=${SECRET}` }],
  ['missing-token', { url: '/?roomId=r&clientId=ann' }],
  ['invalid-url', { url: `http://[${SECRET}` }],
  ['not-authorized', { authorize: throwing(coded) }],
  ['not-authorized', { authorize: () => Promise.reject(undefined) }],
  ['not-authorized', { authorize: throwing(unreadable()) }],
  ['not-authorized', { authorize: throwing(new HeddleError('HEDDLE_ROOM_CLOSED', SECRET)) }],
  ['HEDDLE_BAD_AUTHORIZATION', { authorize: () => undefined as never }],
  [
    'HEDDLE_AUTHORIZE_TIMEOUT',
    { authorize: () => new Promise<never>(() => {}) },
    { limits: { authorizeTimeoutMs: 1 } },
  ],
  ['room-not-opened', { roomOptions: throwing(coded) }],
  ['room-not-opened', { roomOptions: throwing(unreadable()) }],
  ['room-not-opened', {}, { createStorage: throwing(coded) }],
  [
    'HEDDLE_BAD_SNAPSHOT',
    { roomOptions: () => ({ storage: { load: async () => 7 as never, save: async () => {} } }) },
  ],
]

it.each(CASES)('[OB11] %s is counted once and told, case %$', async (code, knock, options) => {
  const seen = listen('heddle:connection:refused')
  const server = openServer(options)

  const conn = server.knock(knock)
  await conn.ready.catch(() => {})
  conn.onClose()
  await published()

  expect(server.refused()).toEqual({ [code]: 1 })
  expect(seen).toMatchObject([{ room: undefined, code }])
  expect(inspect([seen, server.manager.getStats()], { depth: 9 })).not.toContain(SECRET)
  expect(server.manager.metrics()).not.toContain(SECRET)
})

it('[OB11] who comes to a full room, or from an address that has enough, is counted', async () => {
  const { knock, refused } = openServer({ limits: { sessions: 1, rooms: 1 } })
  const from = { ip: '192.0.2.1', maxConnectionsPerIp: 2 }
  await knock(from).ready

  await knock(from).ready.catch(() => {})
  await knock({ url: '/?roomId=other&clientId=ann&token=t' }).ready.catch(() => {})
  knock({ ...from, authorize: () => new Promise<never>(() => {}) })
  await knock(from).ready.catch(() => {})

  expect(refused()).toEqual({
    HEDDLE_TOO_MANY_SESSIONS: 1,
    HEDDLE_TOO_MANY_ROOMS: 1,
    'too-many-connections': 1,
  })
})

it('[OB11] who sends more than may wait is counted', async () => {
  const { knock, refused } = openServer({ limits: { frameBytes: 1_000 } })
  const conn = knock({ authorize: () => new Promise<never>(() => {}) })

  conn.onMessage('x'.repeat(100_000))
  conn.onMessage('x'.repeat(100_000))
  await conn.ready.catch(() => {})

  expect(refused()).toEqual({ 'too-many-frames': 1 })
})

it('[OB11] the event has what was read of the URL, and the token is no part of it', async () => {
  const seen = listen('heddle:connection:refused')
  const { knock } = openServer()

  await knock({ authorize: throwing(coded) }).ready.catch(() => {})
  await knock({ allowedOrigins: [] }).ready.catch(() => {})
  await published()

  const about = { channel: 'heddle:connection:refused', room: undefined, sessionId: undefined }
  expect(seen).toEqual([
    { ...about, roomId: 'r', clientId: 'ann', code: 'not-authorized', error: undefined },
    {
      ...about,
      roomId: undefined,
      clientId: undefined,
      code: 'origin-not-allowed',
      error: undefined,
    },
  ])
})

it('[OB11] nobody is refused who left before, nor who was let in', async () => {
  const { knock, refused } = openServer()
  const answer = deferred<never>()
  const conn = knock({ authorize: () => answer.promise })
  conn.onClose()
  answer.reject(coded)
  await conn.ready.catch(() => {})
  const { ready, onClose } = knock()
  await ready
  onClose()

  expect(refused()).toEqual({})
})
