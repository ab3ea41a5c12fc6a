import type { ServerMessage, WebSocketLike } from '../../index.js'

/** A socket that is nothing but `send` and `close`, and remembers both. */
export class PlainSocket implements WebSocketLike {
  /** The arguments of each call of `close`. */
  readonly closes: unknown[][] = []
  /** Runs inside `send`, after the frame was noted: the place to call back or to throw. */
  onSend: ((frame: ServerMessage) => void) | undefined
  #texts: string[] = []

  send(data: string): void {
    this.#texts.push(data)
    this.onSend?.(JSON.parse(data))
  }

  close(...args: unknown[]): void {
    this.closes.push(args)
  }

  /** Gives the texts that came since the last call. */
  texts(): string[] {
    const texts = this.#texts
    this.#texts = []
    return texts
  }

  /** Puts texts back that `texts` gave, as if they had not been looked at. */
  returns(texts: string[]): void {
    this.#texts.unshift(...texts)
  }

  /** Gives the frames that came since the last call. */
  received(): ServerMessage[] {
    return this.texts().map((text) => JSON.parse(text))
  }

  /** The code of the first close; `undefined` when there was none, or none was given. */
  get closeCode(): unknown {
    return this.closes[0]?.[0]
  }
}

/** A socket that is written once per turn, as those of Bun are. */
export class CorkedSocket extends PlainSocket {
  readonly readyState = 1

  cork(write: () => void): void {
    write()
  }

  getBufferedAmount(): number {
    return 0
  }
}
