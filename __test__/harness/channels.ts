import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { onTestFinished } from 'vitest'
import type { HeddleChannel, HeddleEvent } from '../../index.js'

export interface Seen extends HeddleEvent {
  channel: string
}

/** Gives the list to which the events of these channels are added until the test ends. */
export function listen(...channels: HeddleChannel[]): Seen[] {
  const seen: Seen[] = []
  for (const channel of channels) {
    react(channel, (event) => seen.push({ channel, ...event }))
  }
  return seen
}

/** Subscribes to a channel until the test ends. */
export function react(channel: HeddleChannel, callback: (event: HeddleEvent) => void): void {
  const subscriber = (message: unknown) => callback(message as HeddleEvent)
  subscribe(channel, subscriber)
  onTestFinished(() => {
    unsubscribe(channel, subscriber)
  })
}

/** Resolves when all that was published so far has arrived. */
export async function published(): Promise<void> {
  await new Promise(setImmediate)
}
