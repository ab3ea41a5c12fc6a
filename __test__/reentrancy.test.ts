import { expect, it } from 'vitest'
import { Room } from '../index.js'
import { create, Member, openRoom, update } from './harness/room.js'
import { PlainSocket } from './harness/sockets.js'

it('[PA12] a patch sent from inside a send takes its clock at once and queues its effects', () => {
  const room = openRoom()
  const ann = room.join('ann')
  const bob = room.join('bob')
  const cleo = room.join('cleo')
  room.forget()
  let clockInside = 0
  bob.socket.onSend = (frame) => {
    if (frame.type !== 'patch') return
    bob.patch(create('b/Box'))
    clockInside = room.clock
  }

  ann.patch(create('a/Box'))

  expect(clockInside).toBe(2)
  expect(ann.received()).toEqual([
    { type: 'ack', messageId: 'ann-1', timestamp: 1 },
    {
      type: 'patch',
      clientId: 'bob',
      documentPatches: [{ 'b/Box': { _exists: true } }],
      timestamp: 2,
    },
  ])
  expect(cleo.received()).toMatchObject([
    { type: 'patch', clientId: 'ann', timestamp: 1 },
    { type: 'patch', clientId: 'bob', timestamp: 2 },
  ])
  expect(bob.received()).toMatchObject([
    { type: 'patch', clientId: 'ann', timestamp: 1 },
    { type: 'ack', messageId: 'bob-1', timestamp: 2 },
  ])
})

it('[PA12] a hook may edit: everybody sees the first change, its ack, then the second', () => {
  const room = openRoom({
    onDocumentPatch: (inner, patches) => {
      if ('a/Box' in (patches[0] ?? {})) inner.applyPatch(create('echo/Box'))
    },
  })
  const ann = room.join('ann')
  const bob = room.join('bob')
  room.forget()

  ann.patch(create('a/Box'))

  expect(ann.received()).toMatchObject([
    { type: 'ack', timestamp: 1 },
    { type: 'patch', clientId: '', timestamp: 2 },
  ])
  expect(bob.received()).toMatchObject([
    { type: 'patch', clientId: 'ann', timestamp: 1 },
    { type: 'patch', clientId: '', timestamp: 2 },
  ])
})

it('[PA12] skips the ack of a session that a receiver’s send removed', () => {
  const room = openRoom()
  const ann = room.join('ann')
  const bob = room.join('bob')
  room.forget()
  bob.socket.onSend = (frame) => {
    if (frame.type === 'patch') ann.leave()
  }

  ann.patch(create('a/Box'))

  expect(ann.received()).toEqual([])
  expect(bob.received()).toMatchObject([
    { type: 'patch', timestamp: 1 },
    { type: 'clientCount', count: 1 },
  ])
})

it('[PA12] skips a later receiver that an earlier one removed', () => {
  const room = openRoom()
  const ann = room.join('ann')
  const bob = room.join('bob')
  const cleo = room.join('cleo')
  room.forget()
  const removeOther = (other: Member) => (frame: { type: string }) => {
    if (frame.type === 'patch') other.leave()
  }
  bob.socket.onSend = removeOther(cleo)
  cleo.socket.onSend = removeOther(bob)

  ann.patch(create('a/Box'))

  const served = [bob, cleo].filter((member) =>
    member.received().some((frame) => frame.type === 'patch'),
  )
  expect(served).toHaveLength(1)
  expect(ann.received()).toMatchObject([
    { type: 'ack', timestamp: 1 },
    { type: 'clientCount', count: 2 },
  ])
})

it('[PA12] skips a receiver that has left before it came into its group', () => {
  const room = openRoom()
  const ann = room.join('ann')
  const bob = room.join('bob')
  const cleo = room.join('cleo')
  bob.reconnect(0, { protocolVersion: 3 })
  room.forget()
  cleo.socket.onSend = () => {
    cleo.socket.onSend = undefined
    bob.reconnect(0)
    ann.patch(create('b/Box'))
    bob.leave()
  }

  ann.patch(create('a/Box'))

  expect(bob.received()).toEqual([])
  expect(cleo.received()).toMatchObject([
    { type: 'patch', timestamp: 1 },
    { type: 'patch', timestamp: 2 },
    { type: 'clientCount', count: 2 },
  ])
})

it('[PA12] a send may close the room: what was owed is sent, then the sockets close', () => {
  const room = openRoom()
  const ann = room.join('ann')
  const bob = room.join('bob')
  room.forget()
  bob.socket.onSend = () => room.room.close()

  ann.patch(create('a/Box'))

  expect(ann.received()).toEqual([{ type: 'ack', messageId: 'ann-1', timestamp: 1 }])
  expect(ann.socket.closes).toEqual([[]])
  expect(bob.socket.closes).toEqual([[]])
  expect(room.room.getSessionCount()).toBe(0)
  expect(room.clock).toBe(1)
})

it('[PA12] a session may join from inside a send', () => {
  const room = openRoom()
  const ann = room.join('ann')
  const bob = room.join('bob')
  room.forget()
  const late = new PlainSocket()
  bob.socket.onSend = (frame) => {
    if (frame.type === 'patch') {
      bob.socket.onSend = undefined
      room.join('cleo', 'readwrite', late)
    }
  }

  ann.patch(create('a/Box'))

  expect(ann.received()).toMatchObject([
    { type: 'ack', timestamp: 1 },
    { type: 'clientCount', count: 3 },
  ])
  expect(bob.received()).toMatchObject([{ type: 'patch' }, { type: 'clientCount', count: 3 }])
  expect(late.received()).toEqual([{ type: 'clientCount', count: 3 }])
})

it('[PA12] a hundred nested edits keep one order', () => {
  const room = new Room({
    onDataChange: (inner) => {
      const { timestamp } = inner.getSnapshot()
      if (timestamp < 100) inner.applyPatch(update('a/Box', { x: timestamp }))
    },
  })
  const ann = new Member(room, 'ann')
  ann.received()

  ann.patch(create('a/Box'))

  const clocks = ann.received().map((frame) => 'timestamp' in frame && frame.timestamp)
  expect(clocks).toEqual(Array.from({ length: 100 }, (_, index) => index + 1))
  room.close()
})
