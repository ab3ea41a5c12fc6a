import { expect, it } from 'vitest'
import type { Patch } from '../index.js'
import { create, openRoom, type TestRoom, update } from './harness/room.js'
import { eventually } from './harness/server.js'
import { PlainSocket } from './harness/sockets.js'

const COMPONENTS = 200

/** A document of 2 MiB: more than is told at once, in pieces of 10 KiB. */
function largeRoom(): TestRoom {
  const room = openRoom()
  for (let index = 0; index < COMPONENTS; index += 1) {
    room.room.applyPatch(create(`${index}/Text`, { text: 'x'.repeat(10_000) }))
  }
  return room
}

class LoggedSocket extends PlainSocket {
  readonly sent: string[] = []

  override send(text: string): void {
    this.sent.push(text)
    super.send(text)
  }
}

/** A socket that says that it holds what it was given until it is told to let go of it. */
class StuckSocket extends LoggedSocket {
  bufferedAmount = 0
  mostBytes = 0
  isStuck = true

  override send(text: string): void {
    super.send(text)
    if (this.isStuck) this.bufferedAmount += text.length
    this.mostBytes = Math.max(this.mostBytes, this.bufferedAmount)
  }

  drain(): void {
    this.bufferedAmount = 0
  }
}

function keysIn(texts: readonly string[]): string[] {
  const frames = texts.map((text) => JSON.parse(text) as { documentPatches?: Patch[] })
  return frames.flatMap((frame) => Object.keys(frame.documentPatches?.[0] ?? {}))
}

function isSynced({ sent }: LoggedSocket): boolean {
  return sent.some((text) => text.startsWith('{"type":"synced"'))
}

it('[RC11] a herd is told the same steps, each made once', async () => {
  const room = largeRoom()
  const herd = Array.from({ length: 100 }, () => new LoggedSocket())
  for (const [index, socket] of herd.entries()) {
    room.join(`c${index}`, 'readwrite', socket).reconnect(0)
  }

  await eventually(() => expect(herd.every(isSynced)).toBe(true))

  const steps = herd.map(({ sent }) =>
    sent.filter((text) => text.includes('"documentPatches":[{"')),
  )
  const all = new Set(steps.flat())
  expect(all.size).toBe(steps[0]?.length)
  expect(all.size).toBeLessThan(20)
  for (const { sent } of herd) expect(keysIn(sent)).toHaveLength(COMPONENTS)
})

it('[RC11] a slow reader holds up nobody, is given no more than it takes, and gets it all', async () => {
  const room = largeRoom()
  const [slow, quick] = [new StuckSocket(), new LoggedSocket()]
  room.join('ann', 'readwrite', slow).reconnect(0)
  room.join('bob', 'readwrite', quick).reconnect(0)

  await eventually(() => expect(isSynced(quick)).toBe(true))

  expect(isSynced(slow)).toBe(false)
  expect(slow.mostBytes).toBeLessThan(1024 * 1024)
  slow.isStuck = false
  slow.drain()
  await eventually(() => expect(isSynced(slow)).toBe(true))
  expect(keysIn(slow.sent).toSorted()).toEqual(keysIn(quick.sent).toSorted())
})

it('[RC10] [CC4] no turn sends more than its budget, and what a session sends waits', async () => {
  const room = largeRoom()
  const socket = new LoggedSocket()
  const ann = room.join('ann', 'readwrite', socket)
  const perTurn: number[] = []

  ann.reconnect(0)
  ann.patch(update('0/Text', { x: 1 }))
  expect(room.clock).toBe(COMPONENTS)
  while (!isSynced(socket)) {
    const before = socket.sent.length
    await new Promise((resolve) => {
      setImmediate(resolve)
    })
    perTurn.push(socket.sent.slice(before).join('').length)
  }

  expect(Math.max(...perTurn)).toBeLessThan(1.5 * 1024 * 1024)
  await eventually(() => expect(socket.sent.at(-1)).toContain('"ack"'))
  expect(room.clock).toBe(COMPONENTS + 1)
})

it('[RC12] a room that closes in the middle closes its sessions and makes no more steps', async () => {
  const room = largeRoom()
  const socket = new LoggedSocket()
  room.join('ann', 'readwrite', socket).reconnect(0)
  room.room.close()
  const sent = socket.sent.length

  await new Promise((resolve) => {
    setTimeout(resolve, 20)
  })

  expect(socket.sent).toHaveLength(sent)
})
