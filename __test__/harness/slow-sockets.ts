import { connect, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'
import type { WebSocketLike } from '../../index.js'
import type { TestServer } from './server.js'
import { PlainSocket } from './sockets.js'

/** A socket of an unknown kind that tells how much it holds, and can be told not to read. */
export class SlowSocket extends PlainSocket {
  bufferedAmount = 0
  isPaused = false
  terminations = 0
  /** Adds what is sent to what it holds. */
  isStuck = false

  override send(data: string): void {
    super.send(data)
    if (this.isStuck) this.bufferedAmount += data.length
  }

  pause(): void {
    this.isPaused = true
  }

  resume(): void {
    this.isPaused = false
  }

  terminate(): void {
    this.terminations += 1
  }
}

/** A socket with the methods of Bun's: what leaves it is up to the test. */
export class BufferingSocket implements WebSocketLike {
  readonly readyState = 1
  readonly texts: string[] = []
  readonly closes: unknown[][] = []
  held = 0
  /** Whether what is sent stays. */
  isStuck = false

  cork(write: () => void): void {
    write()
  }

  getBufferedAmount(): number {
    return this.held
  }

  send(data: string): number {
    this.texts.push(data)
    if (this.isStuck) this.held += data.length
    return this.isStuck ? -1 : data.length
  }

  close(...args: unknown[]): void {
    this.closes.push(args)
  }
}

/** A client that says `reconnect` and then reads only as fast as it is told to. */
export async function slowReader(server: TestServer, clientId: string): Promise<Socket> {
  const socket = connect(server.port, '127.0.0.1')
  onTestFinished(() => {
    socket.destroy()
  })
  socket.pause()
  const lines = [
    `GET /?roomId=room&clientId=${clientId}&token=token HTTP/1.1`,
    'Host: 127.0.0.1',
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==',
  ]
  socket.write(`${lines.join('\r\n')}\r\n\r\n`)
  const text = '{"type":"reconnect","lastTimestamp":0,"protocolVersion":2}'
  // A client masks what it says; this mask changes nothing.
  socket.write(Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]))
  socket.write(text)
  return socket
}
