import { createServer } from 'node:https'
import { describe, expect, it } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { certificate } from './harness/certificate.js'
import { countFramesOfWs, countWrites, isJoining, openLine } from './harness/joined-writes.js'
import { eventually } from './harness/server.js'

/** For what takes the innards of `ws`: the one that Bun brings along has none. */
const itOnNode: typeof it | (() => void) = process.versions.bun === undefined ? it : () => {}

/** A `ws` server over TLS, and how to connect to it. */
function encrypted() {
  const server = createServer(certificate)
  server.listen(0, '127.0.0.1')
  const connect = (port: number) =>
    new WebSocket(`wss://127.0.0.1:${port}`, { rejectUnauthorized: false })
  return [new WebSocketServer({ server }), connect] as const
}

const onLoopback = { host: '127.0.0.1', port: 0 }

describe('what a turn has for a ws socket', () => {
  it.each([97, 125, 126, 127, 200, 2_047, 2_048, 16_384, 65_535, 65_536, 65_537, 300_000])(
    '[CC16] is read whole: texts of %i bytes',
    async (bytes) => {
      for (const letter of ['x', 'é', '€', '😀']) {
        const line = await openLine()

        const texts = [line.say(98), line.say(bytes, letter), line.say(99), line.say(bytes, letter)]

        expect(Buffer.byteLength(texts[1] ?? '')).toBe(bytes)
        expect(await line.reads(4)).toEqual(texts)
      }
    },
  )

  itOnNode('[CC16] leaves as one write, and not through ws', async () => {
    const line = await openLine()
    const writes = countWrites(line.socket)
    const framesOfWs = countFramesOfWs(line.socket)

    const texts = [100, 40_000, 120, 130, 30_000, 20_000].map((bytes) => line.say(bytes))
    expect(writes()).toBe(0)

    expect(await line.reads(6)).toEqual(texts)
    expect(writes()).toBe(1)
    expect(framesOfWs()).toBe(isJoining ? 0 : 6)
  })

  itOnNode('[CC16] is encrypted as one write', async () => {
    const line = await openLine(...encrypted())
    const writes = countWrites(line.socket)

    const texts = [100, 40_000, 120, 9_000].map((bytes) => line.say(bytes, 'é'))

    expect(await line.reads(4)).toEqual(texts)
    expect(writes()).toBe(1)
  })

  it('[CC16] is read over TLS', async () => {
    const line = await openLine(...encrypted())
    const texts: string[] = []

    for (let turn = 0; turn < 20; turn += 1) {
      texts.push(line.say(100 + turn), line.say(3_000 * turn + 200, 'é'))
      await new Promise(setImmediate)
    }

    expect(await line.reads(40)).toEqual(texts)
  })

  it('[CC16] is read where messages are compressed', async () => {
    const line = await openLine(
      new WebSocketServer({ ...onLoopback, perMessageDeflate: { threshold: 0 } }),
    )

    const texts = [100, 2_000, 101, 70_000].map((bytes) => line.say(bytes))

    expect(await line.reads(4)).toEqual(texts)
  })

  itOnNode(
    '[CC17] has what a user sends between whole messages, in the order of the writes',
    async () => {
      const line = await openLine()
      const pings: string[] = []
      line.peer.on('ping', (data) => pings.push(`${String(data)} after ${line.read.length}`))

      const first = line.say(200)
      line.socket.send('"before"')
      await line.reads(2)
      const second = line.say(66_000)
      await new Promise(setImmediate)
      line.socket.ping('ping')
      line.socket.send('"after"')

      expect(await line.reads(4)).toEqual(['"before"', first, second, '"after"'])
      await eventually(() => expect(pings).toEqual(['ping after 3']))
    },
  )

  itOnNode('[CC17] ends what a user sends in parts, as ws has it', async () => {
    const line = await openLine()

    line.socket.send('part, ', { fin: false })
    const texts = [line.say(200), line.say(201)]

    expect(await line.reads(2)).toEqual([`part, ${texts[0]}`, texts[1]])
    expect(line.peer.readyState).toBe(WebSocket.OPEN)
  })

  itOnNode('[CC17] stays behind what ws has yet to read', async () => {
    const line = await openLine()

    line.socket.send(new Blob(['x'.repeat(100_000)]))
    const texts = [line.say(200), line.say(201)]

    expect((await line.reads(3)).map((text) => text.slice(0, 200))).toEqual([
      'x'.repeat(200),
      texts[0],
      texts[1]?.slice(0, 200),
    ])
    texts.push(line.say(202))
    expect((await line.reads(4)).at(-1)).toBe(texts[2])
  })
})
