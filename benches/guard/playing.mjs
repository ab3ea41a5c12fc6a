// Plays the border's scenarios: frames into `handleSocketMessage`, and out to sockets that count characters.
import { Room } from '../../index.js'
import { firstFrame, round } from './frames.mjs'

/** @typedef {import('./frames.mjs').Scenario} Scenario */

const RECEIVERS = 10

/** Frames of one turn of the event loop, where sockets are written once per turn. */
export const TURN_FRAMES = 128

/**
 * Plays so many frames. What is asynchronous takes turns of the event loop.
 * @typedef {(frames: number) => void | Promise<void>} Play
 */

/** The cheapest that there is. */
class PlainSocket {
  length = 0

  /** @param {string} text */
  send(text) {
    this.length += text.length
  }

  close() {}
}

/** One that is written once per turn, as those of Bun are. */
class CorkedSocket extends PlainSocket {
  readyState = 1

  /** @param {() => void} write */
  cork(write) {
    write()
  }

  getBufferedAmount() {
    return 0
  }
}

/**
 * Gives what handles a frame in a room with receivers.
 * @param {() => PlainSocket} socket
 */
function openRoom(socket) {
  const room = new Room()
  const [sender = ''] = Array.from({ length: RECEIVERS + 1 }, (_, index) =>
    room.handleSocketConnect({
      socket: socket(),
      clientId: `client-${index}`,
      permissions: 'readwrite',
    }),
  )
  room.handleSocketMessage(sender, Buffer.from(firstFrame()))
  return (/** @type {Buffer} */ frame) => room.handleSocketMessage(sender, frame)
}

/**
 * Handles frames one after the other, and one more for every hundred percent that `planted` has summed up to.
 * @param {(frame: Buffer) => void} handle
 * @param {Buffer[]} frames
 * @param {number} planted
 * @returns {Play}
 */
function player(handle, frames, planted) {
  let turn = 0
  let owed = 0
  return (count) => {
    for (let played = 0; played < count; played += 1) {
      const frame = /** @type {Buffer} */ (frames[turn++ % frames.length])
      handle(frame)
      owed += planted
      if (owed >= 100) {
        owed -= 100
        handle(frame)
      }
    }
  }
}

/**
 * The same in turns of the event loop, where a scenario is about them.
 * @param {Scenario} scenario
 * @param {Play} play
 * @returns {Play}
 */
export function inTurnsOf(scenario, play) {
  if (scenario !== 'small-per-turn') return play
  return async (count) => {
    for (let left = count; left > 0; left -= TURN_FRAMES) {
      play(Math.min(left, TURN_FRAMES))
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
}

/**
 * What plays a scenario in a room of its own, with `planted` percent more work.
 * @param {Scenario} scenario
 * @param {number} planted
 */
export function playerOf(scenario, planted) {
  const frames = round(scenario).map((text) => Buffer.from(text))
  const Socket = scenario === 'small-per-turn' ? CorkedSocket : PlainSocket
  const handle = openRoom(() => new Socket())
  return inTurnsOf(scenario, player(handle, frames, planted))
}
