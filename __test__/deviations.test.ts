import * as peer from '@woven-ecs/canvas-store-server'
import { describe, expect, it, vi } from 'vitest'
import * as heddle from '../index.js'
import { bothSides, create, frames, type Refresh, type Server, Side } from './harness/both-sides.js'
import { PlainSocket } from './harness/sockets.js'

describe('deviations from the peer are these and no others', () => {
  it('[D1] a refused frame gets an error and its session is closed; the peer goes on', () => {
    const { ours, theirs } = bothSides()

    for (const side of [ours, theirs]) {
      side.join('alice')
      side.saysText('alice', '{not json')
    }

    expect(ours.received('alice').at(1)).toMatchObject({ type: 'error', code: 'bad-json' })
    expect(theirs.received('alice')).toEqual([{ type: 'clientCount', count: 1 }])
    expect([ours.closed('alice'), theirs.closed('alice')]).toEqual([true, false])
  })

  it('[D2] an update to a tombstone is broadcast by the peer only', () => {
    const { ours, theirs } = frames('bob', (side) => {
      side.join('alice')
      side.join('bob')
      side.patch('alice', { 'e1/A': { _exists: false } })
      side.forget()
      side.patch('alice', { 'e1/A': { x: 1 } })
    })

    expect(ours).toEqual([
      { type: 'patch', clientId: 'alice', documentPatches: [{}], timestamp: 2 },
    ])
    expect(theirs).toEqual([
      { type: 'patch', clientId: 'alice', documentPatches: [{ 'e1/A': { x: 1 } }], timestamp: 2 },
    ])
  })

  it('[D3] who has seen nothing is told of deletions by the peer only', () => {
    const { ours, theirs } = frames('alice', (side) => {
      side.join('alice')
      side.patch('alice', { 'e1/A': { _exists: false } })
      side.forget()
      side.reconnect('alice', 0)
    })

    expect(ours).toEqual([{ type: 'synced', timestamp: 1 }])
    expect(theirs).toEqual([
      {
        type: 'patch',
        clientId: '',
        documentPatches: [{ 'e1/A': { _exists: false } }],
        timestamp: 1,
      },
      { type: 'synced', timestamp: 1 },
    ])
  })

  it('[D4] presence outlives one of two sessions of a client; at the peer it does not', () => {
    const { ours, theirs } = frames('bob', (side) => {
      side.join('first', 'alice')
      side.join('second', 'alice')
      side.join('bob')
      side.presence('first', create('alice/Cursor'))
      side.forget()
      side.leave('first')
    })

    expect(ours).toEqual([{ type: 'clientCount', count: 2 }])
    expect(theirs).toEqual([
      {
        type: 'patch',
        clientId: 'alice',
        ephemeralPatches: [{ 'alice/Cursor': { _exists: false } }],
      },
      { type: 'clientCount', count: 2 },
    ])
  })

  it('[D5] deleted presence is deleted once; at the peer again on leave', () => {
    const { ours, theirs } = frames('bob', (side) => {
      side.join('alice')
      side.join('bob')
      side.presence('alice', create('alice/Cursor'))
      side.presence('alice', { 'alice/Cursor': { _exists: false } })
      side.forget()
      side.leave('alice')
    })

    expect(ours).toEqual([{ type: 'clientCount', count: 1 }])
    expect(theirs).toHaveLength(2)
  })

  it('[D6] version 1 is served; at the peer it is a mismatch', () => {
    const { ours, theirs } = frames('alice', (side) => {
      side.join('alice')
      side.forget()
      side.reconnect('alice', 0, { protocolVersion: 1 })
    })

    expect(ours).toEqual([{ type: 'synced', timestamp: 0 }])
    expect(theirs).toEqual([{ type: 'version-mismatch', serverProtocolVersion: 2 }])
  })

  it('[D7] after a mismatch a session is mute; at the peer it goes on', () => {
    const { ours, theirs } = frames('alice', (side) => {
      side.join('alice')
      side.reconnect('alice', 0, { protocolVersion: 3 })
      side.forget()
      side.patch('alice', create('e1/A'))
      side.join('bob')
    })

    expect(ours).toEqual([])
    expect(theirs).toEqual([
      { type: 'ack', messageId: 'alice-m', timestamp: 1 },
      { type: 'clientCount', count: 2 },
    ])
  })

  it('[D8] a connection gets no document before its first frame; at the peer at once', async () => {
    const seen = async (
      manager: { getOrCreateRoom(id: string): Promise<Server> },
      accept: (socket: PlainSocket) => Promise<unknown>,
    ) => {
      const side = new Side(await manager.getOrCreateRoom('room'))
      const socket = new PlainSocket()
      await accept(socket)
      socket.texts()
      side.join('bob')
      side.patch('bob', create('e1/A'))
      return socket.received().map((frame) => frame.type)
    }
    const url = '/?roomId=room&clientId=alice&token=t'
    const authorize = () => ({ permissions: 'readwrite' as const })
    const ours = new heddle.RoomManager()
    const theirs = new peer.RoomManager()

    const ourFrames = await seen(
      ours,
      (socket) => heddle.acceptConnection({ socket, url, manager: ours, authorize }).ready,
    )
    const theirFrames = await seen(
      theirs,
      (socket) => peer.acceptConnection({ socket, url, manager: theirs, authorize }).ready,
    )

    expect(ourFrames).toEqual(['clientCount'])
    expect(theirFrames).toEqual(['clientCount', 'patch'])
    await Promise.all([ours.closeAll(), theirs.closeAll()])
  })

  it('[D9] a deletion forgets the fields that came with it; the peer keeps their clocks', () => {
    const { ours, theirs } = bothSides()

    for (const side of [ours, theirs]) {
      side.join('alice')
      side.patch('alice', { 'e1/A': { _exists: false, x: 1 } })
    }

    expect(ours.room.getSnapshot().timestamps).toEqual({ 'e1/A': { _exists: 1 } })
    expect(theirs.room.getSnapshot().timestamps).toEqual({ 'e1/A': { _exists: 1, x: 1 } })
  })

  it('[D10] __proto__ is a key like others; at the peer it is lost', () => {
    const frame =
      '{"type":"patch","messageId":"m","documentPatches":[{"__proto__":{"_exists":true}}]}'
    const { ours, theirs } = bothSides()

    for (const side of [ours, theirs]) {
      side.join('alice')
      side.saysText('alice', frame)
    }

    expect(Object.keys(ours.room.getSnapshot().state)).toEqual(['__proto__'])
    expect(Object.keys(theirs.room.getSnapshot().state)).toEqual([])
  })

  it('[D11] the last refresh sent decides; at the peer the last one to resolve', async () => {
    let answers = 0
    // The old token takes longer than the new one.
    const verify: Refresh = async (_room, { token }) => {
      if (token === 'old') await new Promise((resolve) => setTimeout(resolve, 5))
      answers += 1
      return { permissions: token === 'old' ? 'readwrite' : 'readonly' }
    }
    const afterRefreshes = async (side: Side) => {
      answers = 0
      side.join('alice')
      side.says('alice', { type: 'auth-refresh', token: 'old' })
      side.says('alice', { type: 'auth-refresh', token: 'new' })
      await vi.waitUntil(() => answers === 2)
      await new Promise((resolve) => setImmediate(resolve))
      side.forget()
      side.patch('alice', create('e1/A'))
      return side.room.getSnapshot().timestamp
    }
    const { ours, theirs } = bothSides(verify)

    expect(await afterRefreshes(ours)).toBe(0)
    expect(await afterRefreshes(theirs)).toBe(1)
  })

  it('[D12] hooks run after the ack, and one that throws costs none; at the peer before it', () => {
    const told: string[] = []
    const socketThatTells = (name: string) => {
      const socket = new PlainSocket()
      socket.onSend = (frame) => {
        if (frame.type === 'ack') told.push(`${name} acks`)
      }
      return socket
    }
    for (const [name, Room] of [
      ['ours', heddle.Room],
      ['theirs', peer.Room],
    ] as const) {
      const room = new Room({
        onDocumentPatch: () => {
          told.push(`${name} tells`)
          throw new Error('a hook that throws')
        },
        onError: () => {},
      })
      const id = room.handleSocketConnect({
        socket: socketThatTells(name),
        clientId: 'alice',
        permissions: 'readwrite',
      })
      try {
        room.handleSocketMessage(
          id,
          JSON.stringify({ type: 'patch', messageId: 'm', documentPatches: [create('a')] }),
        )
      } catch {
        told.push(`${name} throws`)
      }
    }

    expect(told).toEqual(['ours acks', 'ours tells', 'theirs tells', 'theirs throws'])
  })

  it('[D13] a delta on what is no array is refused; the peer makes up a base', () => {
    const { ours, theirs } = bothSides()

    for (const side of [ours, theirs]) {
      side.join('alice')
      side.patch('alice', create('e1/A', { p: 'text' }))
      side.patch('alice', { 'e1/A': { p: { __buf: 1, len: 2, runs: [[1, [5]]] } } })
    }

    expect(ours.room.getSnapshot().state).toEqual({ 'e1/A': { _exists: true, p: 'text' } })
    expect(theirs.room.getSnapshot().state).toEqual({ 'e1/A': { _exists: true, p: ['t', 5] } })
  })

  it('[D14] concurrent first opens share one room; at the peer each gets its own', async () => {
    const ours = new heddle.RoomManager()
    const theirs = new peer.RoomManager()

    const [one, other] = await Promise.all([ours.getOrCreateRoom('r'), ours.getOrCreateRoom('r')])
    const [theirOne, theirOther] = await Promise.all([
      theirs.getOrCreateRoom('r'),
      theirs.getOrCreateRoom('r'),
    ])

    expect(one === other).toBe(true)
    expect(theirOne === theirOther).toBe(false)
    await Promise.all([ours.closeAll(), theirs.closeAll()])
  })
})
