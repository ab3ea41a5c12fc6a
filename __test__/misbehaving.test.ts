import { describe, expect, it, vi } from 'vitest'
import {
  type AuthorizeResult,
  RoomManager,
  type RoomOptions,
  type ServerMessage,
} from '../index.js'
import { type Connected, connect } from './harness/connecting.js'
import { type Manner, manners, type Scene } from './harness/misbehaving.js'
import { create, update } from './harness/room.js'
import { CorkedSocket, PlainSocket } from './harness/sockets.js'

/** Lets promises, and what is done at the end of a turn, come to rest. */
const rest = async () => {
  for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve))
}

/** Calls back at most this often, so that what calls itself comes to an end. */
const MOST_CALLS = 3

/** The places where users' code runs, each with what plants a callback of it in the options. */
const sites = [
  'send',
  'close',
  'onDataChange',
  'onDocumentPatch',
  'onSessionRemoved',
  'onError',
  'authorize',
  'storage.save',
] as const
type Site = (typeof sites)[number]

/** Two who do nothing but edit, and one whose callbacks misbehave. */
class Play {
  readonly scene: Scene
  readonly healthy: Connected[] = []
  readonly frames = new Map<Connected, ServerMessage[]>()
  #calls = 0
  #isOn = false

  constructor(
    readonly manner: Manner,
    readonly site: Site,
    readonly makeSocket: () => PlainSocket,
  ) {
    const on = (at: Site) => ({ [at]: (...given: unknown[]) => this.#misbehave(at, given) })
    const options: RoomOptions = {
      onError: () => {},
      ...(site.startsWith('on') && site !== 'onError' && on(site)),
      ...(site === 'onError' && {
        ...on(site),
        onDataChange: () => {
          throw new Error('something to tell')
        },
      }),
    }
    const manager = new RoomManager({
      ...options,
      saveThrottleMs: 0,
      createStorage: () => ({
        load: async () => null,
        save: (...given) => this.#misbehave('storage.save', given) as Promise<void>,
      }),
    })
    this.scene = { manager, room: undefined, mallory: undefined, given: [] }
  }

  async begin(): Promise<void> {
    for (const name of ['ann', 'bob']) {
      const member = await connect(this.scene.manager, name, { socket: this.makeSocket() })
      this.scene.room = member.room
      this.healthy.push(member)
      this.frames.set(member, [])
      member.reconnect(0)
    }
    const mallory = await connect(this.scene.manager, 'mallory', {
      socket: this.makeSocket(),
      authorize: (info) =>
        (this.#misbehave('authorize', [info]) as AuthorizeResult | undefined) ?? {
          permissions: 'readwrite',
        },
    })
    this.scene.mallory = mallory
    mallory.reconnect(0)
    const { socket } = mallory
    for (const at of ['send', 'close'] as const) {
      const original: (...args: never[]) => void = socket[at].bind(socket)
      socket[at] = (...args: unknown[]) => {
        original(...(args as never[]))
        return this.#misbehave(at, args) as undefined
      }
    }
    for (const member of this.healthy) member.received()
  }

  /** Everybody does what can be done in a room. */
  async run(): Promise<void> {
    const [ann, bob] = this.healthy
    const { mallory } = this.scene
    this.#isOn = true
    ann?.patch(create('a/Box'))
    mallory?.patch(create('m/Box'))
    mallory?.presence(create('mallory/Cursor'))
    mallory?.refresh('token')
    bob?.patch(update('a/Box', { x: 1 }), create('b/Box'))
    await rest()
    // It fails, or hangs, where the storage does.
    void this.scene.room?.flush().catch(() => {})
    ann?.patch(update('a/Box', { x: 2 }))
    mallory?.sendsRaw('null')
    bob?.patch(update('b/Box', { y: 1 }))
    await rest()
    mallory?.leave()
    ann?.patch(update('a/Box', { x: 3 }))
    await rest()
    this.#isOn = false
    bob?.patch(update('b/Box', { y: 2 }))
    await rest()
    for (const member of this.healthy) this.frames.get(member)?.push(...member.received())
  }

  get calls(): number {
    return this.#calls
  }

  #misbehave(at: Site, given: readonly unknown[]): unknown {
    if (!this.#isOn || at !== this.site) return undefined
    this.#calls += 1
    if (this.manner.callsBack && this.#calls > MOST_CALLS) return undefined
    return this.manner.act({ ...this.scene, given })
  }
}

/** The numbers of the changes that somebody was told of, its own included, in the order in which it was. */
function clocksIn(frames: readonly ServerMessage[]): number[] {
  return frames.flatMap((frame) => {
    if (frame.type === 'ack') return frame.timestamp
    return frame.type === 'patch' && frame.timestamp !== undefined ? frame.timestamp : []
  })
}

const acksIn = (frames: readonly ServerMessage[]) =>
  frames.flatMap((frame) => (frame.type === 'ack' ? frame.messageId : []))

const firstOnes = (count: number) => Array.from({ length: count }, (_, index) => index + 1)

const staying = manners.filter(({ closes }) => !closes)
const closing = manners.filter(({ closes }) => closes)

const kinds: [string, () => PlainSocket][] = [
  ['sent to at once', () => new PlainSocket()],
  ['written once per turn', () => new CorkedSocket()],
]
/** What is known to be written once per turn is known to give no promises, too. */
const fits = ({ title }: Manner, site: Site, makeSocket: () => PlainSocket) =>
  site !== 'send' || !title.startsWith('rejects') || !(makeSocket() instanceof CorkedSocket)

const rooms = sites.flatMap((site) => kinds.map(([kind, make]) => [site, kind, make] as const))

describe.each(rooms)('a room whose %s, with sockets that are %s', (site, _, makeSocket) => {
  it.each(staying.filter((manner) => fits(manner, site, makeSocket)))(
    '[LC10] [PA12] [CC3] $title: the others are served as ever',
    async (manner) => {
      const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
      const play = new Play(manner, site, makeSocket)
      await play.begin()
      const { room, manager } = play.scene

      await play.run()

      const seen = play.healthy.map((member) => play.frames.get(member) ?? [])
      expect(play.calls).toBeGreaterThan(0)
      const head = room?.getSnapshot().timestamp ?? 0
      expect(seen.map(clocksIn)).toEqual([firstOnes(head), firstOnes(head)])
      expect(seen.map(acksIn)).toEqual([
        ['ann-1', 'ann-2', 'ann-3'],
        ['bob-1', 'bob-2', 'bob-3'],
      ])
      expect(room?.getSnapshot().state).toMatchObject({ 'a/Box': { x: 3 }, 'b/Box': { y: 2 } })
      expect(play.healthy.map(({ socket }) => socket.closes)).toEqual([[], []])
      const closed = manager.closeAll()
      // A save that hangs leaves open whether everything is saved.
      if (manner.title !== 'hangs' || site !== 'storage.save') await closed
      expect(manager.getStats()).toMatchObject({ rooms: 0, sessions: 0 })
      warn.mockRestore()
    },
  )

  it.each(closing)(
    '[LC10] [PA12] $title: what was acked is in order, nothing is left',
    async (manner) => {
      const play = new Play(manner, site, makeSocket)
      await play.begin()
      const { room, manager } = play.scene

      await play.run()

      const seen = play.healthy.map((member) => play.frames.get(member) ?? [])
      expect(play.calls).toBeGreaterThan(0)
      const head = room?.getSnapshot().timestamp ?? 0
      expect(seen.map(clocksIn)).toEqual([firstOnes(head), firstOnes(head)])
      expect(play.healthy.map(({ socket }) => socket.closes)).toEqual([[[]], [[]]])
      expect([room?.getSessionCount(), manager.getRoomIds()]).toEqual([0, []])
      await manager.closeAll()
      expect(manager.getStats()).toMatchObject({ rooms: 0, sessions: 0 })
    },
  )
})
