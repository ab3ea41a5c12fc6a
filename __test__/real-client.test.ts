import { setImmediate as turn } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { FileStorage, MemoryStorage, type Patch, type RoomSnapshot } from '../index.js'
import { agree, Canvas, openCanvas, working } from './harness/canvas.js'
import { PacedSockets } from './harness/paced-sockets.js'
import { eventually, type ServeOptions, serve, type TestServer } from './harness/server.js'
import { ScriptedStorage, temporaryFolder } from './harness/stores.js'

const roomOf = (server: TestServer) => () => server.manager.getExistingRoom('room')

/** Starts a server again on the port of one that was stopped: its clients come back by themselves. */
const restart = (stopped: { port: number }, options: ServeOptions) =>
  serve({ ...options, port: stopped.port })

it('[PA1] [RC1] clients see each other’s shapes, moves and erasures', async () => {
  const server = await serve()
  const ann = await openCanvas(server, 'ann')
  const bob = await openCanvas(server, 'bob')

  await ann.drawBox('one', 1, 1, 'hello')
  await bob.drawBox('two', 2, 2)
  await agree(roomOf(server), [ann, bob], {
    'one/Box': { x: 1, y: 1, label: 'hello' },
    'two/Box': { x: 2, y: 2, label: '' },
  })

  await ann.moveBox('two', 20)
  await bob.label('two', 'été 🎨')
  await bob.erase('one')
  await agree(roomOf(server), [ann, bob], { 'two/Box': { x: 20, y: 2, label: 'été 🎨' } })
  expect(ann.document).toEqual(bob.document)
})

it('[RC1] [RC5] a client that joins late gets all there is', async () => {
  const server = await serve()
  const ann = await openCanvas(server, 'ann')
  await ann.drawBox('one', 1, 1)
  await ann.drawBox('gone', 9, 9)
  await ann.paint('beige')
  await ann.erase('gone')
  const document = { 'one/Box': { x: 1, y: 1, label: '' }, 'SINGLETON/Paper': { color: 'beige' } }
  await agree(roomOf(server), [ann], document)

  const bob = await openCanvas(server, 'bob')

  await agree(roomOf(server), [ann, bob], document)
  expect(bob.document).not.toHaveProperty(['gone/Box'])
})

it('[MG7] [MG8] strokes travel as deltas and arrive whole', async () => {
  const patches: Patch[] = []
  const server = await serve({ onDocumentPatch: (_room, more) => patches.push(...more) })
  const ann = await openCanvas(server, 'ann')
  const bob = await openCanvas(server, 'bob')
  await ann.startStroke('line')
  await agree(roomOf(server), [ann, bob], (held) => expect(held).toHaveProperty(['line/Stroke']))

  for (let index = 0; index < 40; index += 1) {
    await ann.addPoint('line', index, index + 0.5)
    if (index % 8 === 7) {
      await agree(roomOf(server), [ann, bob], (held) =>
        expect(held['line/Stroke']).toHaveProperty(['points', index], index + 0.5),
      )
    }
  }

  const points = Array.from({ length: 64 }, (_, index) => (index < 40 ? index + 0.5 : 0))
  await agree(roomOf(server), [ann, bob], { 'line/Stroke': { points } })
  expect(JSON.stringify(patches)).toContain('"__buf":1')
  const cleo = await openCanvas(server, 'cleo')
  await agree(roomOf(server), [ann, bob, cleo], { 'line/Stroke': { points } })
})

it('[PR2] [PR3] pointers are seen, and leave with their client', async () => {
  const server = await serve()
  const ann = await openCanvas(server, 'ann')
  const bob = await openCanvas(server, 'bob')

  await ann.pointAt(3, 4)
  await working([ann, bob], () =>
    expect(bob.cursors).toEqual({ 'ann-pointer/Cursor': { x: 3, y: 4 } }),
  )
  await ann.pointAt(5, 4)
  await working([ann, bob], () =>
    expect(bob.cursors).toEqual({ 'ann-pointer/Cursor': { x: 5, y: 4 } }),
  )
  const cleo = await openCanvas(server, 'cleo')
  await working([cleo], () =>
    expect(cleo.cursors).toEqual({ 'ann-pointer/Cursor': { x: 5, y: 4 } }),
  )

  ann.close()

  await working([bob, cleo], () => {
    expect(bob.cursors).toEqual({})
    expect(cleo.cursors).toEqual({})
  })
  expect(roomOf(server)()?.getSnapshot().state).toEqual({})
})

it('[RC2] what was drawn offline is there after the return, on both sides', async () => {
  const server = await serve()
  const ann = await openCanvas(server, 'ann')
  const bob = await openCanvas(server, 'bob')
  await ann.drawBox('one', 1, 1)
  await agree(roomOf(server), [ann, bob], { 'one/Box': { x: 1, y: 1, label: '' } })

  await ann.disconnect()
  await ann.drawBox('two', 2, 2)
  await ann.moveBox('one', 10)
  await bob.label('one', 'by bob')
  await bob.drawBox('three', 3, 3)
  await agree(roomOf(server), [bob], (held) => expect(held).toHaveProperty(['three/Box']))
  expect(ann.document).not.toHaveProperty(['three/Box'])
  await ann.connect()

  await agree(roomOf(server), [ann, bob], {
    'one/Box': { x: 10, y: 1, label: 'by bob' },
    'two/Box': { x: 2, y: 2, label: '' },
    'three/Box': { x: 3, y: 3, label: '' },
  })
})

it('[MG5] [TB1] what one erased does not come back through another’s late edit', async () => {
  const server = await serve()
  const ann = await openCanvas(server, 'ann')
  const bob = await openCanvas(server, 'bob')
  await ann.drawBox('one', 1, 1)
  await agree(roomOf(server), [ann, bob], { 'one/Box': { x: 1, y: 1, label: '' } })

  await ann.disconnect()
  await ann.moveBox('one', 10)
  await bob.erase('one')
  await agree(roomOf(server), [bob], {})
  await ann.connect()

  await agree(roomOf(server), [ann, bob], {})
  expect(ann.document).toEqual({})
})

it('[JN5] a client that starts offline hands in its drawing when it connects', async () => {
  const server = await serve()
  const ann = await new Canvas(server, 'ann', { startOffline: true }).open()
  await ann.drawBox('one', 1, 1)
  const bob = await openCanvas(server, 'bob')

  await ann.connect()

  await agree(roomOf(server), [ann, bob], { 'one/Box': { x: 1, y: 1, label: '' } })
  expect(bob.store.isSynced).toBe(true)
})

it('[ST1] [LC2] a drawing survives a restart of the server, with what was drawn meanwhile', async () => {
  const dir = await temporaryFolder()
  const createStorage = (roomId: string) => new FileStorage({ dir, roomId })
  const first = await serve({ createStorage })
  const ann = await openCanvas(first, 'ann')
  const bob = await openCanvas(first, 'bob')
  await ann.drawBox('one', 1, 1)
  await agree(roomOf(first), [ann, bob], (held) => expect(held).toHaveProperty(['one/Box']))
  const stopped = { port: first.port }

  await first.stop()
  await ann.drawBox('two', 2, 2)
  await bob.moveBox('one', 10)
  const second = await restart(stopped, { createStorage })

  await agree(roomOf(second), [ann, bob], (held) => {
    expect(held['one/Box']).toEqual({ x: 10, y: 1, label: '' })
    expect(held['two/Box']).toEqual({ x: 2, y: 2, label: '' })
  })
})

it('[PA8] [RC1] clients converge though their sockets are cut again and again', async () => {
  const server = await serve({ createStorage: () => new MemoryStorage() })
  const sockets = new PacedSockets()
  const canvases: Canvas[] = []
  for (const clientId of ['ann', 'bob', 'cleo', 'dan']) {
    canvases.push(await openCanvas(server, clientId, { sockets }))
  }
  const drawn = new Set<string>()
  const draw = async (canvas: Canvas | undefined, id: string) => {
    await canvas?.drawBox(id, 0, 0)
    drawn.add(`${id}/Box`)
  }
  for (const [index, canvas] of canvases.entries()) await draw(canvas, `box-${index}`)
  let edit = 0
  /** All clients show what the room holds: everything that was drawn, and no move from before `since`. */
  const converge = (since: number) =>
    agree(roomOf(server), canvases, (held) => {
      expect(new Set(Object.keys(held))).toEqual(drawn)
      for (let box = 0; box < 4; box += 1) {
        expect(held[`box-${box}/Box`]?.x).toBeGreaterThanOrEqual(since)
      }
    })
  await converge(0)

  /** Each moves a box, and all want to label the same one; only every second takes what came. */
  const work = async (workers: Canvas[], edits: number) => {
    for (const end = edit + edits; edit < end; edit += 1) {
      await turn()
      for (const canvas of canvases.filter((_, index) => index % 2 === edit % 2)) {
        await canvas.catchUp()
      }
      for (const [index, canvas] of workers.entries()) {
        await canvas.moveBox(`box-${(index + edit) % 4}`, edit)
        await canvas.label(`box-${edit % 4}`, `${canvas.clientId} ${edit}`)
      }
    }
  }
  const rounds = [
    { cut: ['ann', 'bob'], idle: ['bob'] },
    { cut: ['ann', 'bob', 'cleo', 'dan'], idle: [] },
    { cut: ['cleo'], idle: ['cleo'] },
  ]
  for (const { cut, idle } of rounds) {
    await work(canvases, 8)
    await converge(edit - 8)
    const agreed = edit
    await work(canvases, 4)
    // With frames on their way in both directions, and more that wait for their clients.
    server.cut(...cut)
    const connections = server.connections.length + cut.length
    await work(
      canvases.filter(({ clientId }) => !idle.includes(clientId)),
      6,
    )
    await draw(canvases[3], `more-${edit}`)
    await working(canvases, () => expect(server.connections).toHaveLength(connections))
    await converge(agreed)
  }
})

it('[RC3] a server that lost edits gets them back from a client that has them', async () => {
  let stored: RoomSnapshot | null = null
  const createStorage = () =>
    new ScriptedStorage({
      load: () => stored,
      save: (snapshot) => {
        stored ??= structuredClone(snapshot)
      },
    })
  const first = await serve({ createStorage })
  const ann = await openCanvas(first, 'ann')
  await ann.drawBox('one', 1, 1)
  await agree(roomOf(first), [ann], { 'one/Box': { x: 1, y: 1, label: '' } })
  // Only this first save is kept: what follows is lost, as with a backup that is restored.
  await roomOf(first)()?.flush()
  const bob = await openCanvas(first, 'bob')
  await ann.drawBox('two', 2, 2)
  await agree(roomOf(first), [ann, bob], (held) => expect(held).toHaveProperty(['two/Box']))
  await bob.moveBox('one', 10)
  await agree(roomOf(first), [ann, bob], (held) =>
    expect(held['one/Box']).toEqual({ x: 10, y: 1, label: '' }),
  )
  const stopped = { port: first.port }
  await first.stop()

  const second = await restart(stopped, { createStorage })

  await agree(roomOf(second), [ann, bob], {
    'one/Box': { x: 10, y: 1, label: '' },
    'two/Box': { x: 2, y: 2, label: '' },
  })
  expect(roomOf(second)()?.getSnapshot().timestamp).toBeGreaterThan(1)
})

it('[PA3] [RC4] a client that may only read sees all and changes nothing', async () => {
  const server = await serve({
    authorize: ({ token }) => ({ permissions: token === 'editor' ? 'readwrite' : 'readonly' }),
  })
  const ann = await openCanvas(server, 'ann', { token: 'editor' })
  const guest = await openCanvas(server, 'guest', { token: 'viewer' })
  await ann.drawBox('one', 1, 1)
  await agree(roomOf(server), [ann, guest], { 'one/Box': { x: 1, y: 1, label: '' } })

  await guest.drawBox('two', 2, 2)
  await guest.pointAt(1, 1)
  await ann.moveBox('one', 5)

  await working([ann, guest], () =>
    expect(guest.document['one/Box']).toEqual({ x: 5, y: 1, label: '' }),
  )
  expect(ann.document).toEqual({ 'one/Box': { x: 5, y: 1, label: '' } })
  expect(ann.cursors).toEqual({})
})

it('[AU3] [AU8] a new token gives rights without a reconnect', async () => {
  const tokens: string[] = []
  const server = await serve({
    authorize: ({ token }) => {
      tokens.push(token)
      return { permissions: token === 'editor' ? 'readwrite' : 'readonly' }
    },
  })
  const ann = await openCanvas(server, 'ann', { token: 'viewer' })

  ann.store.setToken('editor')
  await eventually(() =>
    expect(roomOf(server)()?.getSessions()).toMatchObject([{ permissions: 'readwrite' }]),
  )
  await ann.drawBox('one', 1, 1)

  await agree(roomOf(server), [ann], { 'one/Box': { x: 1, y: 1, label: '' } })
  expect(tokens).toEqual(['viewer', 'editor'])
  expect(server.sockets).toHaveLength(1)
})

it('[AU4] a client whose token is refused is dropped, and comes back with a better one', async () => {
  const server = await serve({
    authorize: ({ token }) => {
      if (token === 'expired') throw new Error('expired')
      return { permissions: 'readwrite' }
    },
  })
  const ann = await openCanvas(server, 'ann')

  ann.store.setToken('expired')
  await eventually(() => expect(roomOf(server)()?.getSessionCount()).toBe(0))
  ann.store.setToken('fresh')
  await ann.drawBox('one', 1, 1)

  await agree(roomOf(server), [ann], { 'one/Box': { x: 1, y: 1, label: '' } })
})

it('[PA11] clients see what the server itself draws', async () => {
  const server = await serve()
  const ann = await openCanvas(server, 'ann')
  const bob = await openCanvas(server, 'bob')
  await ann.drawBox('one', 1, 1)
  await agree(roomOf(server), [ann, bob], { 'one/Box': { x: 1, y: 1, label: '' } })

  roomOf(server)()?.applyPatch({
    'one/Box': { x: 7 },
    'bot/Box': { _exists: true, x: 0, y: 0, label: 'beep' },
  })

  await agree(roomOf(server), [ann, bob], {
    'one/Box': { x: 7, y: 1, label: '' },
    'bot/Box': { x: 0, y: 0, label: 'beep' },
  })
  expect(server.connections).toHaveLength(2)
})

it('[LC5] a client finds its drawing after its room was closed for being empty', async () => {
  const storage = new MemoryStorage()
  const server = await serve({ createStorage: () => storage, idleTimeout: 20 })
  const ann = await openCanvas(server, 'ann')
  await ann.drawBox('one', 1, 1)
  await agree(roomOf(server), [ann], { 'one/Box': { x: 1, y: 1, label: '' } })

  await ann.disconnect()
  await eventually(() => expect(server.manager.getRoomIds()).toEqual([]))
  await ann.drawBox('two', 2, 2)
  await ann.connect()

  await agree(roomOf(server), [ann], {
    'one/Box': { x: 1, y: 1, label: '' },
    'two/Box': { x: 2, y: 2, label: '' },
  })
})
