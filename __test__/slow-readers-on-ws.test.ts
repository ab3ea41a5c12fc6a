import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it, vi } from 'vitest'
import { agree, openCanvas } from './harness/canvas.js'
import { create } from './harness/room.js'
import { eventually, serve, type TestServer } from './harness/server.js'
import { slowReader } from './harness/slow-sockets.js'

/** For what takes a socket that tells what it holds while it is slow: the `ws` that Bun brings along tells nothing. */
const itOnNode: typeof it | (() => void) = process.versions.bun === undefined ? it : () => {}
const MIB = 1024 * 1024

describe('over real sockets', () => {
  const fill = (server: TestServer, bytes: number) => {
    const room = server.manager.getExistingRoom('room')
    for (let index = 0; index * MIB < bytes; index += 1) {
      room?.applyPatch(create(`${index}/Text`, { text: 'x'.repeat(MIB) }))
    }
  }

  it('[SR9] who does not read costs hardly more than the mark', async () => {
    const server = await serve()
    const ann = await server.connect('ann')
    ann.reconnect(0)
    await ann.receives(2)
    await slowReader(server, 'slow')
    await eventually(() => expect(ann.count).toBe(2))

    for (let index = 0; index < 40; index += 1) {
      const text = String(index).padEnd(MIB, '.')
      server.manager.getExistingRoom('room')?.applyPatch(create(`${index % 4}/Text`, { text }))
      await eventually(() => expect(ann.frames.at(-1)).toMatchObject({ timestamp: index + 1 }))
    }

    const slow = server.sockets.at(-1)
    expect(slow?.bufferedAmount).toBeGreaterThan(0)
    expect(slow?.bufferedAmount).toBeLessThan(3 * MIB)
    expect(ann.closed).toBeUndefined()
  })

  itOnNode(
    '[SR7] a large join over a slow line is progress',
    async () => {
      const BYTES_PER_MS = 12 * 1024
      const server = await serve({ limits: { stallTimeoutMs: 400 } })
      const ann = await server.connect('ann')
      fill(server, 24 * MIB)
      const slow = await slowReader(server, 'slow')
      let bytes = 0
      let lastText = ''
      const began = performance.now()
      slow.on('data', (chunk) => {
        bytes += chunk.length
        lastText = chunk.subarray(-200).toString('latin1')
        // By the clock, so that a slow machine makes the line no slower: the system takes more for it a MiB at a time.
        const earlyMs = bytes / BYTES_PER_MS - (performance.now() - began)
        if (earlyMs < 1) return
        slow.pause()
        setTimeout(() => slow.resume(), earlyMs)
      })
      slow.resume()

      await vi.waitFor(() => expect(lastText).toContain('"synced"'), { timeout: 20_000 })

      expect(bytes).toBeGreaterThan(24 * MIB)
      expect(ann.count).toBe(2)
    },
    30_000,
  )

  itOnNode('[SR7] who stalls is cut off, and what waited for it let go', async () => {
    const server = await serve({ limits: { stallTimeoutMs: 200 } })
    const ann = await server.connect('ann')
    fill(server, 24 * MIB)
    await slowReader(server, 'slow')
    await eventually(() => expect(ann.count).toBe(2))
    await eventually(() => expect(server.sockets[1]?.bufferedAmount).toBeGreaterThan(MIB))

    await eventually(() => expect(server.sockets[1]?.readyState).toBe(3))

    expect(server.sockets[1]?.bufferedAmount).toBe(0)
    await eventually(() => expect(ann.count).toBe(1))
  })

  itOnNode(
    '[SR9] a stalled client costs no memory and no neighbour time',
    async () => {
      const script = fileURLToPath(new URL('../scripts/hostile/slow-reader.mjs', import.meta.url))

      const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', script, '40'])

      expect(stdout).toContain('with a stalled client: 640 frames')
    },
    30_000,
  )

  it('[SR2] a client that goes while it lags is gone', async () => {
    const server = await serve()
    const ann = await server.connect('ann')
    fill(server, 8 * MIB)
    const slow = await slowReader(server, 'slow')
    await eventually(() => expect(ann.count).toBe(2))
    await eventually(() => expect(server.sockets[1]?.bufferedAmount).toBeGreaterThan(MIB))

    slow.destroy()

    await eventually(() => expect(ann.count).toBe(1))
    expect(server.manager.getExistingRoom('room')?.getSessionCount()).toBe(1)
  })

  it('[SR3] [SR4] the real client converges after it lagged', async () => {
    const server = await serve()
    const ann = await openCanvas(server, 'ann')
    const bob = await openCanvas(server, 'bob')
    const room = () => server.manager.getExistingRoom('room')
    await ann.drawBox('one', 1, 1)
    await ann.drawBox('gone', 2, 2)
    await agree(room, [ann, bob], (held) => expect(Object.keys(held)).toHaveLength(2))
    const socket = server.sockets[1]
    const own = (amount: number) =>
      Object.defineProperty(socket, 'bufferedAmount', { configurable: true, get: () => amount })

    own(2 * MIB)
    await ann.moveBox('one', 2)
    await agree(room, [ann], (held) => expect(held['one/Box']?.x).toBe(2))
    await bob.label('one', 'from bob')
    await ann.moveBox('one', 3)
    await ann.erase('gone')
    await ann.drawBox('three', 3, 3)
    await agree(room, [ann], (held) => expect(held).toHaveProperty(['three/Box']))
    expect(bob.document).not.toHaveProperty(['three/Box'])
    own(0)

    await agree(room, [ann, bob], {
      'one/Box': { x: 3, y: 1, label: 'from bob' },
      'three/Box': { x: 3, y: 3, label: '' },
    })
  })
})
