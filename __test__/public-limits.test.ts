import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { WebSocket } from 'ws'
import { type Patch, RoomManager } from '../index.js'
import { agree, openCanvas, working } from './harness/canvas.js'
import { connect } from './harness/connecting.js'
import { eventually, serve, type TestServer } from './harness/server.js'

const roomOf = (server: TestServer) => () => server.manager.getExistingRoom('room')

/** What disturbed anybody: who was refused, closed, or could not keep up. */
function troubles(manager: RoomManager) {
  const { refused, sessionsClosed, lags, errors } = manager.getStats()
  return { refused, sessionsClosed, lags, errors }
}
const NONE = { refused: {}, sessionsClosed: {}, lags: 0, errors: 0 }

const pause = vi.spyOn(WebSocket.prototype, 'pause')
beforeEach(() => void pause.mockClear())
afterEach(() => expect(pause).not.toHaveBeenCalled())

/** As clients name things. */
const id = (index: number) => `0b2c5f0e-7f6a-4d0c-9f2a-${String(index).padStart(12, '0')}`

it('[LM21] a long time offline comes back at once: hundreds of strokes, thousands of edits', async () => {
  const server = await serve({ limits: 'public' })
  const ann = await openCanvas(server, 'ann', { maxEntities: 1024 })
  const bob = await openCanvas(server, 'bob', { maxEntities: 1024 })
  await ann.drawBox('box', 0, 0)
  await agree(roomOf(server), [ann, bob], { 'box/Box': { x: 0, y: 0, label: '' } })

  await ann.disconnect()
  const closed = () => server.manager.getStats().sessionsClosed
  await eventually(() => expect(Object.values(closed())).toEqual([1]))
  const sessionsClosed = closed()
  for (let index = 0; index < 300; index += 1) {
    await ann.startStroke(`stroke-${index}`)
    for (let point = 0; point < 10; point += 1) {
      await ann.addPoint(`stroke-${index}`, point, Math.sqrt(index * point))
    }
    await ann.moveBox('box', index)
  }
  await ann.connect()

  await agree(roomOf(server), [ann, bob], (held) => {
    expect(Object.keys(held)).toHaveLength(301)
    expect(held['stroke-299/Stroke']).toHaveProperty(['points', 9], Math.sqrt(299 * 9))
    expect(held['box/Box']).toMatchObject({ x: 299 })
  })
  expect(troubles(server.manager)).toEqual({ ...NONE, sessionsClosed })
})

it('[LM21] an hour of handwriting offline is one frame', async () => {
  const manager = new RoomManager({ limits: 'public' })
  const ann = await connect(manager, 'ann')
  const points = Array.from({ length: 600 }, (_, index) => Math.sqrt(index))
  const strokes: Patch = {}
  for (let index = 0; index < 700; index += 1) {
    strokes[`${id(index)}/penStroke`] = { _exists: true, _version: '1', points }
  }

  ann.reconnect(0, { documentPatches: [strokes] })

  await eventually(() => {
    expect(ann.received().at(-1)).toEqual({ type: 'synced', timestamp: 1 })
  })
  expect(troubles(manager)).toEqual(NONE)
  expect(manager.getStats().bytesIn).toBeGreaterThan(7 * 1024 * 1024)
  await manager.closeAll()
})

it('[LM21] twenty clients point and draw 60 times a second, and all of them see it', async () => {
  const server = await serve({ limits: 'public' })
  const canvases = await Promise.all(
    Array.from({ length: 20 }, (_, index) => openCanvas(server, `client-${index}`)),
  )
  for (const canvas of canvases) await canvas.startStroke(`${canvas.clientId}-stroke`)

  for (let frame = 0; frame < 60; frame += 1) {
    const next = new Promise((resolve) => setTimeout(resolve, 1000 / 60))
    for (const canvas of canvases) {
      await canvas.pointAt(frame, frame)
      await canvas.addPoint(`${canvas.clientId}-stroke`, frame, frame + 0.25)
    }
    await next
  }

  await working(canvases, () => {
    for (const { cursors, document } of canvases) {
      expect(Object.keys(cursors)).toHaveLength(20)
      for (const cursor of Object.values(cursors)) expect(cursor).toMatchObject({ x: 59, y: 59 })
      for (const stroke of Object.values(document)) {
        expect(stroke).toHaveProperty(['points', 59], 59.25)
      }
    }
  })
  expect(troubles(server.manager)).toEqual(NONE)
  expect(server.manager.getStats().framesIn).toBeGreaterThan(400)
}, 30_000)

it('[LM21] what a network held back for a minute arrives at once, on a socket that cannot pause', async () => {
  const manager = new RoomManager({ limits: 'public' })
  const ann = await connect(manager, 'ann')
  const bob = await connect(manager, 'bob')

  for (let frame = 0; frame < 60 * 30; frame += 1) ann.patch({ k: { _exists: true, x: frame } })
  bob.patch({ k: { x: -1 } })

  const count = (type: string) => ann.received().filter((frame) => frame.type === type).length
  expect(troubles(manager)).toEqual(NONE)
  expect(manager.getExistingRoom('room')?.getStats().timestamp).toBe(60 * 30 + 1)
  expect(count('patch')).toBe(1)
  await manager.closeAll()
})

it('[LM21] who selects all of 5,000 things, copies and pastes them, and deletes them, is served', async () => {
  const server = await serve({ limits: 'public' })
  const ann = await server.connect('ann')
  const patches = (make: (index: number) => object, things = 5_000) =>
    Object.fromEntries(
      Array.from({ length: things }, (_, index) =>
        ['block', 'color', 'text', 'hit', 'shape'].map((name) => [
          `${id(index)}/${name}`,
          make(index),
        ]),
      ).flat(),
    )
  const held = Array.from({ length: 5_000 }, (_, index) => [
    `${id(index)}/held`,
    { _exists: true, _version: '1', sessionId: id(0) },
  ])

  ann.patch(patches((index) => ({ _exists: true, _version: '1', position: [index, -index] })))
  ann.presence(Object.fromEntries(held))
  ann.patch(patches(() => ({ _exists: false })))

  await eventually(() => expect(ann.frames.filter(({ type }) => type === 'ack')).toHaveLength(3))
  expect(troubles(server.manager)).toEqual(NONE)
})
