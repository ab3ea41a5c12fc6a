import { describe, expect, it, vi } from 'vitest'
import { acceptConnection, RoomManager, type Storage } from '../index.js'
import { connect } from './harness/connecting.js'
import { type Manner, manners, type Scene } from './harness/misbehaving.js'
import { create } from './harness/room.js'
import { PlainSocket } from './harness/sockets.js'

/** Lets promises, and what is done at the end of a turn, come to rest. */
const rest = async () => {
  for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve))
}

/** Calls back at most this often, so that what calls itself comes to an end. */
const MOST_CALLS = 3

const sites = [
  'authorize',
  'roomOptions',
  'createStorage',
  'storage.load',
  'storage.loadChanges',
] as const
type Site = (typeof sites)[number]

/** A connection to a room that has never been open, one callback of which misbehaves. */
function open(manner: Manner, site: Site, scene: Scene) {
  let calls = 0
  const at = (here: Site, given: readonly unknown[], otherwise: unknown) => {
    if (here !== site) return otherwise
    calls += 1
    if (manner.callsBack && calls > MOST_CALLS) return otherwise
    return manner.act({ ...scene, given }) ?? otherwise
  }
  const storage = {
    load: (...given: unknown[]) => at('storage.load', given, Promise.resolve(null)),
    save: async () => {},
    append: async () => {},
    loadChanges: (...given: unknown[]) => at('storage.loadChanges', given, []),
  }
  const socket = new PlainSocket()
  const conn = acceptConnection({
    socket,
    url: '/?roomId=other&clientId=mallory&token=t',
    manager: scene.manager,
    authorize: (info) => at('authorize', [info], { permissions: 'readwrite' }) as never,
    roomOptions: (...given) =>
      at('roomOptions', given, {
        createStorage: (...none: unknown[]) => at('createStorage', none, storage) as Storage,
      }) as object,
  })
  conn.onMessage('{"type":"reconnect","lastTimestamp":0,"protocolVersion":2}')
  return { conn, socket, calls: () => calls }
}

const usable = manners.filter(({ closes, title }) => !closes || title === 'closes the manager')

describe.each(sites)('a connection whose %s', (site) => {
  it.each(usable)(
    '[CC15] [LC3] [LC10] $title: live or refused, the others are served',
    async (manner) => {
      const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
      const manager = new RoomManager({ saveThrottleMs: 0 })
      const ann = await connect(manager, 'ann')
      const bob = await connect(manager, 'bob')
      for (const member of [ann, bob]) member.reconnect(0)
      const scene: Scene = { manager, room: undefined, mallory: undefined, given: [] }

      const { conn, socket, calls } = open(manner, site, scene)
      await rest()
      const outcome = await Promise.race([
        conn.ready.then(
          ({ room }) => room.getSessionCount(),
          () => 'refused',
        ),
        rest().then(() => 'pending'),
      ])
      conn.onClose()
      await rest()

      expect(calls()).toBeGreaterThan(0)
      expect([1, 'refused', 'pending']).toContain(outcome)
      await expect(Promise.race([conn.ready.catch(() => 'over'), rest()])).resolves.toBeDefined()
      expect(manager.getExistingRoom('other')?.getSessionCount() ?? 0).toBe(0)
      const texts = socket.texts().length
      for (const member of [ann, bob]) member.received()
      for (const member of [ann, bob]) member.patch(create(`${member.clientId}/Box`))
      const exchanged = [ann, bob].map((member) => member.received().map(({ type }) => type))
      const served = [
        ['ack', 'patch'],
        ['patch', 'ack'],
      ]
      expect(exchanged).toEqual(manner.closes ? [[], []] : served)
      expect(socket.texts()).toHaveLength(0)
      expect(outcome === 'refused' ? texts : 0).toBe(0)
      await manager.closeAll()
      expect(manager.getStats()).toMatchObject({ rooms: 0, sessions: 0 })
      warn.mockRestore()
    },
  )
})
