import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import {
  acceptConnection,
  type ConnectionHandlers,
  RoomManager,
  type WebSocketLike,
} from '../index.js'
import { families } from './harness/hostile/families.mjs'
import { fingerprint, touchedSince } from './harness/hostile/globals.mjs'
import { judge } from './harness/hostile/model.mjs'
import { eventually, WsClient } from './harness/server.js'

const onBun = process.versions.bun !== undefined

/** How many are connected at once. */
const BATCH = 40

/** Every so manieth frame of a large family is sent. */
const SAMPLE = 80

/** The part of Bun that serves. */
interface BunRuntime {
  serve(options: object): { port: number; stop(force: boolean): Promise<void> }
}

interface BunSocket extends WebSocketLike {
  data: { url: string; conn?: ConnectionHandlers }
}

/** Serves until the test ends, by `ws`. */
async function servedByWs(manager: RoomManager): Promise<number> {
  const wss = new WebSocketServer({ host: '127.0.0.1', port: 0 })
  onTestFinished(async () => {
    for (const socket of wss.clients) socket.terminate()
    await new Promise((resolve) => wss.close(resolve))
  })
  await once(wss, 'listening')
  wss.on('connection', (socket, request) => {
    const conn = accept(socket, request.url ?? '', manager)
    socket.on('message', conn.onMessage)
    socket.on('close', conn.onClose)
    socket.on('error', conn.onError)
  })
  return (wss.address() as AddressInfo).port
}

/** Serves until the test ends, by `Bun.serve`. */
async function servedByBun(manager: RoomManager): Promise<number> {
  const { Bun } = globalThis as unknown as { Bun: BunRuntime }
  const server = Bun.serve({
    port: 0,
    fetch: (request: Request, upgrader: { upgrade(request: Request, options: object): boolean }) =>
      upgrader.upgrade(request, { data: { url: request.url } })
        ? undefined
        : new Response('no', { status: 400 }),
    websocket: {
      open: (socket: BunSocket) => {
        socket.data.conn = accept(socket, socket.data.url, manager)
      },
      message: (socket: BunSocket, data: string | Buffer) => socket.data.conn?.onMessage(data),
      close: (socket: BunSocket) => socket.data.conn?.onClose(),
    },
  })
  onTestFinished(() => server.stop(true))
  return server.port
}

function accept(socket: WebSocketLike, url: string, manager: RoomManager) {
  const authorize = () => ({ permissions: 'readwrite' as const })
  return acceptConnection({ socket, url, manager, authorize })
}

const SERVERS: [title: string, serve: (manager: RoomManager) => Promise<number>][] = onBun
  ? [
      ['ws', servedByWs],
      ['Bun.serve', servedByBun],
    ]
  : [['ws', servedByWs]]

/** The frames that a socket can carry, with what is expected of each. */
function frames() {
  const nobody = { clock: 0, components: new Map() }
  return Object.values(families).flatMap((family) => {
    const all = family()
    const step = Math.ceil(all.length / SAMPLE)
    return all
      .filter(({ data }, index) => index % step === 0 && isCarried(data))
      .map(({ name, data }) => ({ name, data, isRefused: judge(data, nobody).answer === 'error' }))
  })
}

/** Text with lone surrogates is no text for a socket. */
const isCarried = (data: string | Uint8Array) =>
  typeof data !== 'string' || String(Buffer.from(data)) === data

async function connect(port: number, clientId: string): Promise<WsClient> {
  const url = `ws://127.0.0.1:${port}/?roomId=room&clientId=${clientId}&token=t`
  const client = new WsClient(clientId, new WebSocket(url))
  await client.opened
  client.reconnect(0)
  await eventually(() => {
    if (!client.frames.some(({ type }) => type === 'synced')) throw new Error('not there yet')
  })
  return client
}

/** Sends a frame, and behind it what is always answered; tells what is wrong with what comes. */
async function provoke(
  port: number,
  { name, data, isRefused }: ReturnType<typeof frames>[number],
): Promise<string[]> {
  const mallory = await connect(port, 'mallory')
  const isText = typeof data === 'string'
  mallory.ws.send(data, { binary: !isText })
  mallory.reconnect(0)
  mallory.send({ messageId: 'behind', ephemeralPatches: [{}] })
  await eventually(() => {
    const isAnswered = mallory.frames.some(
      (frame) => frame.type === 'ack' && frame.messageId === 'behind',
    )
    if (!isAnswered && mallory.closed === undefined) throw new Error(`${name}: no answer`)
  })
  const closed = mallory.closed?.code
  mallory.ws.close()
  // All frames go to one room: whether a delta finds its array depends on the others.
  const mayBeRefused = isRefused || String(data).includes('__buf')
  const isWell = closed === 4400 ? mayBeRefused : closed === undefined && !isRefused
  return isWell ? [] : [`${name}: closed with ${closed}`]
}

it.each(SERVERS)(
  '[AB1, AB2, AB3] a healthy pair on %s works beside every hostile frame',
  async (_, serve) => {
    const errors: unknown[] = []
    const manager = new RoomManager({ onError: (error) => errors.push(error) })
    onTestFinished(() => manager.closeAll())
    const port = await serve(manager)
    const [ann, bob] = [await connect(port, 'ann'), await connect(port, 'bob')]
    const before = fingerprint()
    const all = frames()
    const failures: string[] = []

    let edits = 0
    for (let start = 0; start < all.length; start += BATCH) {
      const batch = all.slice(start, start + BATCH).map((frame) => provoke(port, frame))
      edits += 1
      ann.send({ messageId: `${edits}`, documentPatches: [{ pair: { _exists: true, edits } }] })
      failures.push(...(await Promise.all(batch)).flat())
      await eventually(() => {
        expect(bob.frames.findLast(isOfAnn)).toMatchObject({
          documentPatches: [{ pair: { edits } }],
        })
        expect(ann.frames.findLast(({ type }) => type === 'ack')).toMatchObject({
          messageId: `${edits}`,
        })
      })
    }

    expect(failures).toEqual([])
    expect(all.length).toBeGreaterThan(500)
    expect([ann.closed, bob.closed, errors]).toEqual([undefined, undefined, []])
    expect(touchedSince(before)).toEqual([])
    await eventually(() => expect(manager.getStats().sessions).toBe(2))
  },
  30_000,
)

const isOfAnn = (frame: { type: string; clientId?: unknown }) =>
  frame.type === 'patch' && frame.clientId === 'ann'
