import { expect, it } from 'vitest'
import { RoomManager } from '../index.js'
import { connect } from './harness/connecting.js'
import { readExposition } from './harness/exposition.js'
import { create } from './harness/room.js'

it('[OB7] a manager tells its figures in the text format of Prometheus', async () => {
  const manager = new RoomManager()
  const ann = await connect(manager, 'ann', { roomId: 'a' })
  const bob = await connect(manager, 'bob', { roomId: 'b' })
  ann.patch(create('a/Box'))
  bob.sendsRaw('no frame')
  const authorize = () => Promise.reject(new Error('wrong token'))
  await connect(manager, 'eve', { authorize }).catch(() => {})

  const metrics = readExposition(manager.metrics())

  const values = Object.entries(metrics).map(([name, { samples }]) => [name, samples])
  expect(Object.fromEntries(values)).toMatchObject({
    heddle_rooms: { '': 2 },
    heddle_sessions: { '': 1 },
    heddle_rooms_opened_total: { '': 2 },
    heddle_sessions_opened_total: { '': 2 },
    heddle_sessions_closed_total: { 'code="4400"': 1 },
    heddle_frames_received_total: { '': 2 },
    heddle_frames_sent_total: { '': 4 },
    heddle_frames_refused_total: { 'code="bad-json"': 1 },
    heddle_connections_refused_total: { 'code="not-authorized"': 1 },
    heddle_errors_total: { '': 0 },
  })
  await manager.closeAll()
})

it('[OB7] no label is what a peer chooses', async () => {
  const manager = new RoomManager()
  await connect(manager, 'the client "\\\n', { roomId: 'the room "\\\n' })

  const text = manager.metrics()

  expect(text).not.toContain('the room')
  expect(text).not.toContain('the client')
  expect(
    Object.values(readExposition(text)).flatMap(({ samples }) => Object.keys(samples)),
  ).toEqual(expect.not.arrayContaining([expect.stringMatching(/^(?!code=)./)]))
  await manager.closeAll()
})

it('[OB7] a manager that never opened a room has all its figures', () => {
  const metrics = readExposition(new RoomManager().metrics())

  expect(Object.keys(metrics)).toHaveLength(17)
  expect(metrics).toMatchObject({
    heddle_rooms: { type: 'gauge', help: 'Rooms that are open.', samples: { '': 0 } },
    heddle_frames_refused_total: { type: 'counter', samples: {} },
  })
})
