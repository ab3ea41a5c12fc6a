'use strict'

/**
 * How much one session may send per second: token buckets for frames and for bytes.
 *
 * A frame is charged when it comes, whatever it then waits for, and one that was not within the rates is paid off
 * while it waits: what is handled within a time t is at most burst + rate * t, plus the one frame that may be larger
 * than the burst.
 */

const { Timer } = require('../timers.js')

/** @typedef {import('../../index').Limits} Limits */
/** @typedef {import('./frames.js').Frame} Frame */

/** The close code and reason of a socket that sends too much and cannot be paused. */
const OVER_THE_RATE = /** @type {const} */ ([4429, 'too many frames'])

/** What refills at a steady rate up to a burst, and goes below 0 for what was taken all the same. */
class Bucket {
  #perMs
  #burst
  #tokens

  /**
   * @param {number} perSecond
   * @param {number} burst
   */
  constructor(perSecond, burst) {
    this.#perMs = perSecond / 1000
    this.#burst = burst
    this.#tokens = burst
  }

  /** @param {number} elapsedMs */
  refill(elapsedMs) {
    this.#tokens = Math.min(this.#burst, this.#tokens + elapsedMs * this.#perMs)
  }

  /**
   * Tells whether so much was there, or all that there can be.
   * @param {number} amount
   */
  take(amount) {
    const isThere = this.#tokens >= Math.min(amount, this.#burst)
    this.#tokens -= amount
    return isThere
  }

  /** How long until nothing is owed. */
  get debtMs() {
    return Math.max(0, -this.#tokens / this.#perMs)
  }
}

/** What one session has sent, against its rates. */
class Meter {
  #frames
  #bytes
  #refilledAt = now()

  /**
   * @param {Bucket} frames
   * @param {Bucket} bytes
   */
  constructor(frames, bytes) {
    this.#frames = frames
    this.#bytes = bytes
  }

  /**
   * Charges a frame, and tells whether it was within the rates.
   * @param {Frame} frame
   */
  charge(frame) {
    this.#refill()
    const hasFrame = this.#frames.take(1)
    const hasBytes = this.#bytes.take(Buffer.byteLength(frame))
    return hasFrame && hasBytes
  }

  /** How long until all that was charged is paid off. */
  get debtMs() {
    this.#refill()
    return Math.max(this.#frames.debtMs, this.#bytes.debtMs)
  }

  #refill() {
    const at = now()
    // A test that fakes the clock may turn it back.
    const elapsedMs = Math.max(0, at - this.#refilledAt)
    this.#refilledAt = at
    this.#frames.refill(elapsedMs)
    this.#bytes.refill(elapsedMs)
  }
}

/** Calls back once what a session owes is paid off. */
class Debt {
  #meter
  #onPaid
  #timer = new Timer()

  /**
   * @param {Meter} meter
   * @param {() => void} onPaid
   */
  constructor(meter, onPaid) {
    this.#meter = meter
    this.#onPaid = onPaid
  }

  /** Begins to wait, unless it does already. */
  wait() {
    if (!this.#timer.armed) this.#check()
  }

  forget() {
    this.#timer.clear()
  }

  #check() {
    const { debtMs } = this.#meter
    if (debtMs === 0) this.#onPaid()
    else this.#timer.armUnreferenced(Math.ceil(debtMs), () => this.#check())
  }
}

/**
 * Gives nothing where no rate is set.
 * @param {Readonly<Limits>} limits
 * @returns {Meter | undefined}
 */
function meterOf({ framesPerSecond, framesBurst, bytesPerSecond, bytesBurst }) {
  if (framesPerSecond === Infinity && bytesPerSecond === Infinity) return undefined
  return new Meter(bucketOf(framesPerSecond, framesBurst), bucketOf(bytesPerSecond, bytesBurst))
}

/**
 * @param {number} perSecond
 * @param {number} burst
 */
function bucketOf(perSecond, burst) {
  // One that is never empty: an endless rate times no time would be no number.
  return perSecond === Infinity ? new Bucket(1, Infinity) : new Bucket(perSecond, burst)
}

/** Looked up when it is used, like the timers. */
function now() {
  return globalThis.performance.now()
}

module.exports = { Debt, meterOf, OVER_THE_RATE }
