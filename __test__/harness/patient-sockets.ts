import { EventEmitter } from 'node:events'
import { PlainSocket } from './sockets.js'

/** A socket that can be told not to read, as `ws` can. */
export class PausableSocket extends PlainSocket {
  isPaused = false
  /** Runs inside `pause` and `resume`: the place to throw. */
  onPause: (() => void) | undefined

  pause(): void {
    this.isPaused = true
    this.onPause?.()
  }

  resume(): void {
    this.isPaused = false
    this.onPause?.()
  }
}

/** A socket that can be asked for signs of life, as `ws` can. */
export class PingableSocket extends PausableSocket {
  readonly events = new EventEmitter()
  pings = 0
  isTerminated = false
  /** Runs inside `ping`: the place to throw. */
  onPing: (() => void) | undefined

  on(event: string, listener: () => void): void {
    this.events.on(event, listener)
  }

  removeListener(event: string, listener: () => void): void {
    this.events.removeListener(event, listener)
  }

  ping(): void {
    this.pings += 1
    this.onPing?.()
  }

  pong(): void {
    this.events.emit('pong')
  }

  terminate(): void {
    this.isTerminated = true
  }
}
