import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { type Innards, isJoining, type Line, openLine } from './harness/joined-writes.js'
import { eventually } from './harness/server.js'

const requireFrom = createRequire(import.meta.url)
const { outletFor } = requireFrom(
  '../lib/sockets/outlets.js',
) as typeof import('../lib/sockets/outlets.js')
const { scheduleOf } = requireFrom(
  '../lib/sockets/schedule.js',
) as typeof import('../lib/sockets/schedule.js')

/** For what takes the innards of `ws`: the one that Bun brings along has none. */
const itOnNode: typeof it | (() => void) = process.versions.bun === undefined ? it : () => {}

const endOfTurn = () => new Promise(setImmediate)

/** A line that may hold any amount before its session lags. */
const openLongLine = () =>
  openLine(undefined, undefined, { limits: { queuedBytes: 256 * 1024 ** 2 } })

/** Has the room say more than the system takes while the peer does not read; gives the texts. */
async function stall(line: Line): Promise<string[]> {
  const texts: string[] = []
  line.peer.pause()
  while (line.socket.bufferedAmount < 1024 ** 2) {
    texts.push(line.say(200), line.say(60_000, 'é'), line.say(300, '😀'))
    await endOfTurn()
  }
  return texts
}

describe('a ws socket', () => {
  itOnNode(
    '[CC16] [SR10] whose peer does not read keeps its place in all that it is sent',
    async () => {
      const line = await openLongLine()

      const texts = await stall(line)
      line.socket.send('"of the user"')
      for (let turn = 0; turn < 200; turn += 1) {
        texts.push(line.say(150 + turn))
        await endOfTurn()
      }
      line.peer.resume()

      const read = await line.reads(texts.length + 1)
      expect(read.filter((text) => text !== '"of the user"')).toEqual(texts)
      expect(read.indexOf('"of the user"')).toBe(texts.length - 200)
      await eventually(() => expect(line.socket.bufferedAmount).toBe(0))
    },
  )

  itOnNode(
    '[CC16] [SR9] whose peer does not read keeps what it was sent and nothing else',
    async () => {
      const line = await openLongLine()
      await stall(line)
      const held = line.socket.bufferedAmount

      for (let turn = 0; turn < 500; turn += 1) {
        line.say(150)
        line.say(150)
        await endOfTurn()
      }

      const kept = keptBy(line)
      expect(line.socket.bufferedAmount).toBe(held + 500 * 2 * (4 + 150))
      expect(kept.length).toBeGreaterThanOrEqual(isJoining ? 500 : 1_000)
      if (!isJoining) return
      for (const chunk of kept.slice(-500)) {
        expect(chunk).toBeInstanceOf(Buffer)
        expect(chunk.buffer.byteLength).toBe(2 * (4 + 150))
      }
    },
  )

  /** What waits in the socket below. */
  function keptBy(line: Line): Buffer[] {
    const { _socket } = line.socket as unknown as Innards
    const { _writableState: state } = _socket as unknown as {
      _writableState: { getBuffer(): { chunk: Buffer }[] }
    }
    return state.getBuffer().map(({ chunk }) => chunk)
  }

  it('[CC5] that its user closes within a turn gets nothing behind the close', async () => {
    const line = await openLine()

    line.socket.send('"last"')
    line.socket.close(4_000, 'enough')
    line.say(200)

    const [code] = await once(line.peer, 'close')
    expect([code, line.read]).toEqual([4_000, ['"last"']])
    await eventually(() => expect(line.room.getSessionCount()).toBe(0))
  })

  it('[CC3] that is cut within a turn leaves the room', async () => {
    const line = await openLine()

    line.say(200)
    line.socket.terminate()

    await eventually(() => expect(line.room.getSessionCount()).toBe(0))
  })

  itOnNode('[CC3] whose socket fails within a write leaves the room', async () => {
    const line = await openLine()
    const { _socket } = line.socket as unknown as Innards
    _socket._write = (_chunk, _encoding, done) => done(new Error('the cable is cut'))
    _socket._writev = (_chunks, done) => done(new Error('the cable is cut'))

    line.say(200)

    await eventually(() => expect(line.room.getSessionCount()).toBe(0))
  })

  // No text of a room has half a letter in it, but that is for the engine to promise.
  it('[CC16] gets any text as ws would send it', async () => {
    const line = await openLine()
    const outlet = outletFor(line.socket, {
      mark: 1024 ** 2,
      schedule: scheduleOf(0),
      full: () => {},
      failed: (error) => expect.unreachable(String(error)),
    })
    const letters = ['x', '\u0000', 'ÿ', 'é', '€', '😀', '\ud800', '\udc00']
    const texts = ['', ...letters.map((letter) => letter.repeat(30_000))]
    for (let length = 1; length < 200; length += 1) {
      const at = (index: number) => letters[(index * length + (index >> 2)) % letters.length]
      texts.push(Array.from({ length }, (_unused, index) => at(index)).join(''))
    }

    for (const [index, text] of texts.entries()) {
      outlet.send(text)
      if (index % 7 === 0) await endOfTurn()
    }

    const wellFormed = texts.map((text) => Buffer.from(text).toString())
    expect(await line.reads(texts.length)).toEqual(wellFormed)
  })
})

describe('HEDDLE_WITHOUT', () => {
  it('[CC16] is refused where it names nothing that can be forced off', async () => {
    const index = fileURLToPath(new URL('../index.js', import.meta.url))
    const load = (names: string) =>
      promisify(execFile)(process.execPath, ['-e', `require(${JSON.stringify(index)})`], {
        env: { ...process.env, HEDDLE_WITHOUT: names },
      })

    await expect(load('joined-writes,joined-reads')).rejects.toThrow(
      'HEDDLE_WITHOUT names joined-reads',
    )
    await load('joined-writes')
    await load('')
  })
})
