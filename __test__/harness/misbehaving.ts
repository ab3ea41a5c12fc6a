import type { Room, RoomManager } from '../../index.js'
import { type Connected, connect } from './connecting.js'
import { create } from './room.js'

/** Where a callback finds itself when it misbehaves. */
export interface Scene {
  manager: RoomManager
  /** The room, as soon as there is one. */
  room: Room | undefined
  /** Who misbehaves, as soon as it is there. */
  mallory: Connected | undefined
  /** What the callback was given. */
  given: readonly unknown[]
}

/** One way to misbehave: what a callback does, throws or gives. */
export interface Manner {
  title: string
  act(scene: Scene): unknown
  /** Whether the room, or the manager, is closed by it. */
  closes?: boolean
  /** Whether it calls back, which must end some time. */
  callsBack?: boolean
}

/** Things that are thrown, of which reading some throws again. */
function thrown(): [string, () => unknown][] {
  const unreadable = (name: string) =>
    Object.defineProperty(new Error('boom'), name, {
      get() {
        throw new Error('unreadable')
      },
    })
  return [
    ['an error', () => new Error('boom')],
    ['nothing', () => undefined],
    ['a text', () => 'boom'],
    ['a symbol', () => Symbol('boom')],
    ['an object without prototype', () => Object.create(null)],
    ['an error without message', () => unreadable('message')],
    ['an error without stack', () => unreadable('stack')],
    ['an error with a message of another kind', () => Object.assign(new Error(), { message: {} })],
    [
      'a revoked proxy',
      () => {
        const { proxy, revoke } = Proxy.revocable({}, {})
        revoke()
        return proxy
      },
    ],
  ]
}

/** Destroys whatever can be reached from a value. */
function ruin(value: unknown, depth = 0): void {
  if (typeof value !== 'object' || value === null || depth > 6) return
  // Rooms are what they are given to be used.
  if ('getSnapshot' in value) return
  for (const [name, inner] of Object.entries(value)) {
    ruin(inner, depth + 1)
    try {
      Object.assign(value, { [name]: 'ruined' })
      Reflect.deleteProperty(value, name)
    } catch {
      // Frozen.
    }
  }
  Reflect.setPrototypeOf(value, null)
}

const calls: [string, (scene: Scene) => unknown][] = [
  ['sends a patch', ({ mallory }) => mallory?.patch(create('mallory/Echo'))],
  ['sends presence', ({ mallory }) => mallory?.presence(create('mallory/Cursor'))],
  ['sends nonsense', ({ mallory }) => mallory?.sendsRaw('null')],
  ['reconnects', ({ mallory }) => mallory?.reconnect(0)],
  ['refreshes its token', ({ mallory }) => mallory?.refresh('again')],
  ['leaves', ({ mallory }) => mallory?.leave()],
  ['edits', ({ room }) => room?.applyPatch(create('echo/Box'))],
  ['flushes', ({ room }) => void room?.flush().catch(() => {})],
  ['loads', ({ room }) => room?.load()],
  ['looks', ({ room }) => [room?.getSnapshot(), room?.getSessions(), room?.getStats()]],
  [
    'takes rights away',
    ({ room, mallory }) => mallory && room?.setSessionPermissions(mallory.sessionId, 'readonly'),
  ],
  ['connects', ({ manager }) => void connect(manager, 'guest').catch(() => {})],
  ['asks for the room', ({ manager }) => void manager.getOrCreateRoom('room').catch(() => {})],
]

const closings: [string, (scene: Scene) => unknown][] = [
  ['closes the room', ({ room }) => room?.close()],
  ['closes the room without saving', ({ room }) => room?.close({ flush: false })],
  ['has the manager close the room', ({ manager }) => manager.closeRoom('room')],
  ['closes the manager', ({ manager }) => void manager.closeAll().catch(() => {})],
]

export const manners: Manner[] = [
  ...thrown().flatMap(([what, make]): Manner[] => [
    {
      title: `throws ${what}`,
      act: () => {
        throw make()
      },
    },
    { title: `rejects with ${what}`, act: () => Promise.reject(make()) },
  ]),
  { title: 'hangs', act: () => new Promise(() => {}) },
  {
    title: 'gives a thenable that throws',
    act: () => ({
      // biome-ignore lint/suspicious/noThenProperty: that is what it is about.
      then: () => {
        throw new Error('boom')
      },
    }),
  },
  {
    title: 'gives a thenable that cannot be read',
    act: () => ({
      // biome-ignore lint/suspicious/noThenProperty: that is what it is about.
      get then() {
        throw new Error('boom')
      },
    }),
  },
  {
    title: 'ruins what it is given',
    act: ({ given }) => {
      for (const value of given) ruin(value)
    },
  },
  ...calls.map(([title, act]) => ({ title, act, callsBack: true })),
  ...closings.map(([title, act]) => ({ title, act, callsBack: true, closes: true })),
]
