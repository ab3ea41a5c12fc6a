import { isDeepStrictEqual } from 'node:util'
import { WebsocketAdapter } from '@woven-ecs/canvas-store'
import { vi } from 'vitest'
import type { Patch } from '../../index.js'

type Mutation = ReturnType<WebsocketAdapter['pull']>[number]

/** Patches of one step of the application. */
interface Changes {
  document: Patch
  ephemeral: Patch
}

/** What an adapter did: it opened a socket, sent a frame or closed a socket. */
type Output = ['connect', number] | ['send', number, unknown] | ['close', number]

interface Event {
  at: number
  out: Output[]
}

/** One thing that happened to a simulated adapter, and what it did about it. */
type Step =
  | (Event & { do: 'start' | 'wake' | 'reconnect' | 'disconnect' })
  | (Event & { do: 'open' | 'close' | 'fail'; socket: number })
  | (Event & { do: 'message'; socket: number; frame: unknown })
  | (Event & { do: 'sync'; edits: Changes; pulled: Changes })
  | ({ do: 'end' } & Record<string, unknown>)

/** All that happened to one simulated client, as `tests/simulator/traces.rs` prints it. */
export interface Trace {
  seed: number
  client: string
  version: number
  trace: Step[]
}

/** Where the library marks whose change it is. */
const ORIGIN_ECS = 1

/** Runs a trace through the real client's adapter; throws where it does anything else than the simulated one. */
export async function replay({ seed, client, version, trace }: Trace): Promise<void> {
  const world = new FakeWorld(version)
  try {
    const adapter = new WebsocketAdapter({
      url: 'ws://room.test',
      documentId: 'room',
      clientId: client,
      usePersistence: false,
      components: [],
      singletons: [],
    })
    for (const [index, step] of trace.entries()) {
      const [did, expected] = await world.perform(step, adapter)
      if (!isDeepStrictEqual(did, expected)) {
        const where = `seed ${seed}, ${client}, step ${index}: ${JSON.stringify(step)}`
        throw new Error(`${where}\nthe client: ${JSON.stringify(did)}`)
      }
    }
  } finally {
    world.restore()
  }
}

/** The clock, timers and sockets that an adapter sees. */
class FakeWorld {
  #now = 0
  #timers = new Map<number, { at: number; run: () => void }>()
  #timersSet = 0
  #outputs: Output[] = []
  #sockets: FakeSocket[] = []

  constructor(readonly version: number) {
    const world = this
    vi.stubGlobal('performance', { now: () => this.#now })
    vi.stubGlobal('setTimeout', (run: () => void, delay: number) => this.#arm(run, delay))
    vi.stubGlobal('clearTimeout', (timer: number) => this.#timers.delete(timer))
    // The client warns of a connection that fails.
    vi.stubGlobal('console', { ...console, warn: () => {} })
    vi.stubGlobal(
      'WebSocket',
      class extends FakeSocket {
        static readonly OPEN = 1

        constructor() {
          super((output) => world.#outputs.push(output), world.#sockets.length)
          world.#sockets.push(this)
          world.#outputs.push(['connect', this.number])
        }
      },
    )
  }

  restore(): void {
    vi.unstubAllGlobals()
  }

  /** Lets a step happen; gives what the adapter did or showed, and what it should have. */
  async perform(step: Step, adapter: WebsocketAdapter): Promise<[unknown, unknown]> {
    if (step.do === 'end') {
      const { do: _, ...expected } = step
      return [internals(adapter), expected]
    }
    this.#advance(step.at)
    const pulled = await this.#act(step, adapter)
    const out = this.#outputs.splice(0)
    return step.do === 'sync'
      ? [
          { pulled, out },
          { pulled: step.pulled, out: this.#spoken(step.out) },
        ]
      : [out, this.#spoken(step.out)]
  }

  async #act(step: Exclude<Step, { do: 'end' }>, adapter: WebsocketAdapter) {
    switch (step.do) {
      case 'start':
        void adapter.init()
        break
      case 'wake':
        break
      case 'reconnect':
        // One that fails is tried again by the adapter's own timer.
        adapter.reconnect().catch(() => {})
        break
      case 'disconnect':
        adapter.disconnect()
        break
      case 'sync':
        return this.#sync(step.edits, adapter)
      case 'message':
        this.#socket(step.socket).dispatch('message', { data: JSON.stringify(step.frame) })
        break
      case 'open':
        this.#socket(step.socket).open()
        break
      case 'close':
        this.#socket(step.socket).end()
        break
      case 'fail':
        this.#socket(step.socket).dispatch('error')
        await settled()
        this.#socket(step.socket).end()
    }
    await settled()
    return undefined
  }

  #sync(edits: Changes, adapter: WebsocketAdapter): Changes {
    const pulled = adapter.pull()
    const own = mutations(edits)
    adapter.push([...own, ...pulled])
    const patch = (kind: string) => pulled.find((it) => it.syncBehavior === kind)?.patch ?? {}
    return { document: patch('document'), ephemeral: patch('ephemeral') } as Changes
  }

  /** Only the version that a client names tells one of version 1, which sends no deltas, from a current one. */
  #spoken(outputs: Output[]): unknown {
    if (this.version === 2) return outputs
    return outputs.map((output) =>
      output[0] === 'send'
        ? ['send', output[1], replaceVersion(output[2] as Record<string, unknown>)]
        : output,
    )
  }

  #socket(number: number): FakeSocket {
    const socket = this.#sockets[number]
    if (!socket) throw new Error(`the client has not opened socket ${number}`)
    return socket
  }

  #arm(run: () => void, delay: number): number {
    this.#timersSet += 1
    this.#timers.set(this.#timersSet, { at: this.#now + delay, run })
    return this.#timersSet
  }

  #advance(to: number): void {
    for (const [timer, { at, run }] of this.#timers) {
      if (at > to) continue
      this.#timers.delete(timer)
      this.#now = at
      run()
    }
    this.#now = to
  }
}

/** A socket that does what the trace says. */
class FakeSocket {
  readyState = 0
  readonly #listeners = new Map<string, (event: object) => void>()

  constructor(
    readonly report: (output: Output) => void,
    readonly number: number,
  ) {}

  addEventListener(name: string, listener: (event: object) => void): void {
    this.#listeners.set(name, listener)
  }

  dispatch(name: string, event: object = {}): void {
    this.#listeners.get(name)?.(event)
  }

  open(): void {
    this.readyState = 1
    this.dispatch('open')
  }

  end(): void {
    this.readyState = 3
    this.dispatch('close')
  }

  send(frame: string): void {
    this.report(['send', this.number, JSON.parse(frame)])
  }

  close(): void {
    this.readyState = 2
    this.report(['close', this.number])
  }
}

function mutations(edits: Changes): Mutation[] {
  return (['document', 'ephemeral'] as const)
    .filter((kind) => Object.keys(edits[kind]).length > 0)
    .map((kind) => ({
      patch: edits[kind] as Mutation['patch'],
      origin: ORIGIN_ECS,
      syncBehavior: kind,
    }))
}

function replaceVersion(frame: Record<string, unknown>): unknown {
  return 'protocolVersion' in frame ? { ...frame, protocolVersion: 2 } : frame
}

/** What an adapter holds, under its own names. */
function internals(adapter: WebsocketAdapter): Record<string, unknown> {
  const held = adapter as unknown as Record<string, unknown> & { inFlight: Map<string, unknown> }
  const { state, lastTimestamp, offlineBuffer, localEphemeralState } = held
  return {
    state,
    lastTimestamp,
    offlineBuffer,
    localEphemeralState,
    inFlight: [...held.inFlight.keys()],
  }
}

/** Lets promises settle that are waiting for each other. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await Promise.resolve()
}
