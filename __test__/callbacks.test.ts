import { describe, expect, it, vi } from 'vitest'
import { create, Member, openRoom, update } from './harness/room.js'

describe('callbacks that fail', () => {
  const thrower = () => {
    throw new Error('boom')
  }
  const rejecter = async () => {
    throw new Error('boom')
  }

  it.each([
    ['throws', thrower],
    ['rejects', rejecter],
  ])(
    '[LC10] one that %s reaches onError and costs no ack, no broadcast, no other callback',
    async (_, hook) => {
      const errors: unknown[] = []
      const heard: string[] = []
      const room = openRoom({
        onDocumentPatch: hook,
        onDataChange: () => {
          heard.push('change')
          return hook() as unknown as undefined
        },
        onSessionRemoved: hook,
        onError: (error, context) => errors.push([error, context.room]),
      })
      const ann = room.join('ann')
      const bob = room.join('bob')
      room.forget()

      ann.patch(create('a/Box'))
      bob.leave()
      await Promise.resolve()

      expect(ann.received()).toEqual([
        { type: 'ack', messageId: 'ann-1', timestamp: 1 },
        { type: 'clientCount', count: 1 },
      ])
      expect(bob.received()).toMatchObject([{ type: 'patch', timestamp: 1 }])
      expect(heard).toEqual(['change'])
      expect(errors).toEqual([
        [new Error('boom'), room.room],
        [new Error('boom'), room.room],
        [new Error('boom'), room.room],
      ])
    },
  )

  it('[LC10] without onError it is a process warning', async () => {
    const warnings: string[] = []
    const spy = vi.spyOn(process, 'emitWarning').mockImplementation((warning) => {
      warnings.push(String(warning))
    })
    const room = openRoom({ onDataChange: thrower })

    room.room.applyPatch(create('a/Box'))
    spy.mockRestore()

    expect(warnings).toHaveLength(1)
    expect(warnings[0]).toContain('boom')
  })

  it('[LC10] an onError that fails itself harms nobody', async () => {
    const spy = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    const room = openRoom({ onDataChange: thrower, onError: thrower })
    const ann = room.join('ann')
    room.forget()

    ann.patch(create('a/Box'))
    ann.patch(update('a/Box', { x: 1 }))
    const warnings = spy.mock.calls.length
    spy.mockRestore()

    expect(ann.received()).toMatchObject([
      { type: 'ack', timestamp: 1 },
      { type: 'ack', timestamp: 2 },
    ])
    expect(warnings).toBeGreaterThanOrEqual(2)
  })

  it('[LC10] hooks tell what happened: once per frame, patches as objects', () => {
    const heard: unknown[] = []
    const room = openRoom({
      onDataChange: (inner) => heard.push(['change', inner.getSnapshot().timestamp]),
      onDocumentPatch: (_room, patches) => heard.push(['patches', patches]),
      onSessionRemoved: (_room, info) => heard.push(['removed', info]),
    })
    const ann = room.join('ann')

    ann.patch(create('a/Box', { points: [1] }), update('a/Box', { x: 1 }))
    ann.presence(create('ann/Cursor'))
    ann.leave()

    expect(heard.sort()).toEqual([
      ['change', 1],
      ['patches', [{ 'a/Box': { _exists: true, points: [1] } }, { 'a/Box': { x: 1 } }]],
      ['removed', { sessionId: ann.sessionId, remaining: 0 }],
    ])
  })

  it('[LC10] a hook may leave, join and close', () => {
    let hasJoined = false
    const room = openRoom({
      onSessionRemoved: (inner, { remaining }) => {
        if (!hasJoined) {
          hasJoined = true
          new Member(inner, 'late').leave()
        }
        if (remaining === 0) inner.close()
      },
    })
    const ann = room.join('ann')
    const bob = room.join('bob')

    ann.leave()
    bob.leave()

    expect(() => room.join('cleo')).toThrow(expect.objectContaining({ code: 'HEDDLE_ROOM_CLOSED' }))
  })
})
