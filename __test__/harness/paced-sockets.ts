import { onTestFinished, vi } from 'vitest'

/**
 * Sockets whose clients take what comes one by one, when they are told to, however much of it came at once.
 *
 * The client overwrites, masks or forgets edits, whatever its server does, when it takes a frame together with others
 * or with a close, or while an edit waits for the next flush (limits 1 to 3 in `tests/simulator/mod.rs`). How much comes
 * at once is chance. A client that works after each thing that it takes stays clear of all that: it edits with nothing
 * left to take, and its clock is such that it sends an edit at once, and at no other time.
 */
export class PacedSockets {
  /** What each client has still to take, in the order in which it came. */
  readonly #waiting = new Map<string, (() => void)[]>()
  #now = 0
  #isTaking = false

  /** Paces the sockets of all clients from now to the end of the test. */
  constructor() {
    const RealSocket = globalThis.WebSocket
    const queueOf = (url: string) => this.#queueOf(new URL(url).searchParams.get('clientId'))
    vi.stubGlobal(
      'WebSocket',
      class extends PacedSocket {
        static readonly OPEN = RealSocket.OPEN

        constructor(url: string) {
          super(new RealSocket(url), queueOf(url))
        }
      },
    )
    // A client sends when enough time has gone by since it did the last time.
    const clock = vi.spyOn(performance, 'now').mockImplementation(() => {
      if (this.#isTaking) return 0
      this.#now += 1_000
      return this.#now
    })
    onTestFinished(() => {
      vi.unstubAllGlobals()
      clock.mockRestore()
    })
  }

  /** Lets a client take all that waits for it, frames and closes, and work after each. */
  async take(clientId: string, work: () => Promise<void>): Promise<void> {
    const queue = this.#queueOf(clientId)
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      next()
      this.#isTaking = true
      await work()
      this.#isTaking = false
    }
  }

  #queueOf(clientId: string | null): (() => void)[] {
    const queue = this.#waiting.get(`${clientId}`) ?? []
    this.#waiting.set(`${clientId}`, queue)
    return queue
  }
}

/** As much of a `WebSocket` as the client uses. It is open until its client has taken the close. */
class PacedSocket {
  readyState: number

  constructor(
    readonly socket: WebSocket,
    readonly waiting: (() => void)[],
  ) {
    this.readyState = socket.CONNECTING
  }

  addEventListener(name: keyof WebSocketEventMap, listener: (event: Event) => void): void {
    const happens = (event: Event) => {
      if (name === 'open') this.readyState = this.socket.OPEN
      if (name === 'close') this.readyState = this.socket.CLOSED
      listener(event)
    }
    const isPaced = name === 'message' || name === 'close'
    this.socket.addEventListener(name, (event) => {
      if (isPaced) this.waiting.push(() => happens(event))
      else happens(event)
    })
  }

  send(text: string): void {
    this.socket.send(text)
  }

  close(): void {
    this.readyState = this.socket.CLOSING
    this.socket.close()
  }
}
