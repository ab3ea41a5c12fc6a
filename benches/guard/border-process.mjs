// One process of the border half: prints the ratios that it measured, as JSON. `node border-process.mjs <planted percent>`
import { Room } from '../../index.js'
import { firstFrame, KINDS, round } from './frames.mjs'

const SLICES = 150
const SLICE_MS = 1
/** Of the slices of one kind: below it is what nothing disturbed. */
const QUANTILE = 0.1
const RECEIVERS = 10
/** Frames of one turn of the event loop, where sockets are written once per turn. */
const TURN_FRAMES = 8

/**
 * Plays so many frames. What is asynchronous takes turns of the event loop.
 * @typedef {(frames: number) => void | Promise<void>} Play
 */

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
 * The same in turns of the event loop.
 * @param {Play} play
 * @returns {Play}
 */
function inTurns(play) {
  return async (count) => {
    for (let left = count; left > 0; left -= TURN_FRAMES) {
      play(Math.min(left, TURN_FRAMES))
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
}

/**
 * What there is to compare with: JSON read and written.
 * @param {string[]} texts
 * @returns {Play}
 */
function yardstick(texts) {
  let turn = 0
  let length = 0
  return (count) => {
    for (let played = 0; played < count; played += 1) {
      length += JSON.stringify(JSON.parse(texts[turn++ % texts.length] ?? '')).length
    }
    if (length === 0) throw new Error('there was nothing to read')
  }
}

/**
 * @param {Play} play
 * @param {number} frames
 */
async function millisecondsOf(play, frames) {
  const started = performance.now()
  const playing = play(frames)
  if (playing !== undefined) await playing
  return performance.now() - started
}

/**
 * How many frames fill a slice.
 * @param {Play} play
 */
async function framesOfSlice(play) {
  for (let frames = TURN_FRAMES; ; frames *= 2) {
    let least = Number.POSITIVE_INFINITY
    for (let round = 0; round < 9; round += 1) {
      least = Math.min(least, await millisecondsOf(play, frames))
    }
    if (least >= SLICE_MS / 3) return Math.ceil((frames * SLICE_MS) / least)
  }
}

/**
 * The milliseconds of one frame of each, by slices that take turns.
 * @param {Play[]} plays
 */
async function race(plays) {
  const runners = []
  for (const play of plays) {
    runners.push({ play, frames: await framesOfSlice(play), slices: /** @type {number[]} */ ([]) })
  }
  for (let slice = 0; slice < SLICES; slice += 1) {
    for (const { play, frames, slices } of runners) {
      slices.push((await millisecondsOf(play, frames)) / frames)
    }
  }
  return runners.map(({ slices }) => {
    slices.sort((a, b) => a - b)
    return slices[Math.floor(QUANTILE * slices.length)] ?? Number.NaN
  })
}

const planted = Number(process.argv[2] ?? 0)
/** @type {{ plain: Record<string, number>, planted: Record<string, number> }} */
const ratios = { plain: {}, planted: {} }

const onPlainSockets = KINDS.map((kind) => ({ name: kind, kind, isPerTurn: false }))
const perTurn = { name: 'small-per-turn', kind: /** @type {const} */ ('small'), isPerTurn: true }
for (const { name, kind, isPerTurn } of [...onPlainSockets, perTurn]) {
  const texts = round(kind)
  const frames = texts.map((text) => Buffer.from(text))
  const handle = openRoom(() => (isPerTurn ? new CorkedSocket() : new PlainSocket()))
  const [plain, more] = [0, planted].map((percent) => {
    const play = player(handle, frames, percent)
    return isPerTurn ? inTurns(play) : play
  })
  const [json = Number.NaN, asIs = Number.NaN, withMore = Number.NaN] = await race(
    [yardstick(texts), plain, more].filter((play) => play !== undefined),
  )
  ratios.plain[name] = asIs / json
  ratios.planted[name] = withMore / json
}
console.log(JSON.stringify(ratios))
