'use strict'

/**
 * Time and waiting: one-shot timers and promises that are settled from outside.
 *
 * `globalThis.setTimeout` is looked up when a timer is armed, because users' tests fake it.
 */

// As they were at load, for what has to do with the disk and not with the rooms' time: tests that fake
// the clock do not fake the disk.
const real = {
  setTimeout,
  clearTimeout,
  setInterval,
  clearInterval,
  now: performance.now.bind(performance),
}

/** `setTimeout` fires at once beyond this. */
const LONGEST_DELAY_MS = 2 ** 31 - 1

/**
 * Milliseconds by the clock that goes with a `setTimeout`. Users' tests that fake timers mostly fake the date with them; the date of a
 * server may be put back.
 * @param {unknown} setTimeout
 * @returns {number}
 */
function timeBy(setTimeout) {
  return setTimeout === real.setTimeout ? Math.floor(real.now()) : Date.now()
}

/** A timer that is armed at most once at a time. */
class Timer {
  /** @type {(() => void) | undefined} */
  #cancel

  get armed() {
    return this.#cancel !== undefined
  }

  /**
   * Calls `callback` after the delay instead of whatever it was armed with.
   * @param {number} delayMs
   * @param {() => void} callback
   */
  arm(delayMs, callback) {
    this.clear()
    // The one that belongs to the timer: a fake `clearTimeout` does not know real timers.
    const { clearTimeout } = globalThis
    const timer = globalThis.setTimeout(
      () => {
        this.#cancel = undefined
        callback()
      },
      Math.min(delayMs, LONGEST_DELAY_MS),
    )
    this.#cancel = () => clearTimeout(timer)
    return timer
  }

  /**
   * Like `arm`, but does not keep the process alive.
   * @param {number} delayMs
   * @param {() => void} callback
   */
  armUnreferenced(delayMs, callback) {
    const timer = /** @type {{ unref?: () => void }} */ (this.arm(delayMs, callback))
    timer.unref?.()
  }

  clear() {
    this.#cancel?.()
    this.#cancel = undefined
  }
}

/** A timer that no test fakes, and that keeps the process alive. */
class RealTimer {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer

  get armed() {
    return this.#timer !== undefined
  }

  /**
   * Calls `callback` after the delay instead of whatever it was armed with.
   * @param {number} delayMs
   * @param {() => void} callback
   */
  arm(delayMs, callback) {
    this.clear()
    this.#timer = real.setTimeout(() => {
      this.#timer = undefined
      callback()
    }, delayMs)
  }

  clear() {
    real.clearTimeout(this.#timer)
    this.#timer = undefined
  }
}

/** Milliseconds by the clock that goes with a `RealTimer`. */
function realNow() {
  return real.now()
}

/** Keeps the process alive while work is under way on threads that do not. */
class KeepAlive {
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #handle

  hold() {
    this.#handle ??= real.setInterval(ignore, LONGEST_DELAY_MS)
  }

  release() {
    real.clearInterval(this.#handle)
    this.#handle = undefined
  }
}

/**
 * Waits in real time.
 * @param {number} delayMs
 * @returns {Promise<void>}
 */
function pause(delayMs) {
  return new Promise((resolve) => {
    real.setTimeout(resolve, delayMs)
  })
}

/** How long a store may take before what waits for it is taken back, so that the rest goes on. */
const STORE_PATIENCE_MS = 2000

/** The delay after the first failure; it doubles with each further one. */
const FIRST_RETRY_MS = 100
const LONGEST_RETRY_MS = 30_000

/**
 * How long to wait after so many failures in a row.
 * @param {number} failures
 * @param {number} [mostFirstMs] what the first delay is at most, for who comes by that often anyway
 */
function retryDelayMs(failures, mostFirstMs = FIRST_RETRY_MS) {
  const first = Math.min(mostFirstMs, FIRST_RETRY_MS)
  return Math.min(Math.max(first, 1) * 2 ** (failures - 1), LONGEST_RETRY_MS)
}

/**
 * @template T
 * @typedef {{ promise: Promise<T>, resolve: (value: T | PromiseLike<T>) => void, reject: (error: unknown) => void }} Deferred
 */

/**
 * @template T
 * @returns {Deferred<T>}
 */
function deferred() {
  /** @type {(value: T | PromiseLike<T>) => void} */
  let resolve = ignore
  /** @type {(error: unknown) => void} */
  let reject = ignore
  /** @type {Promise<T>} */
  const promise = new Promise((onResolve, onReject) => {
    resolve = onResolve
    reject = onReject
  })
  return { promise, resolve, reject }
}

/** For a rejection that reaches somebody else too. */
function ignore() {}

/**
 * Calls back when what users' code gave is a promise, and rejects: nobody else looks at it, and that would end the
 * process. It may be anything, of which reading some throws.
 * @param {unknown} value
 * @param {(error: unknown) => void} callback
 */
function onRejection(value, callback) {
  if (isThenable(value)) Promise.resolve(value).catch(callback)
}

/**
 * @param {unknown} value
 * @returns {value is PromiseLike<unknown>}
 */
function isThenable(value) {
  if (typeof value !== 'object' || value === null) return false
  return typeof (/** @type {{ then?: unknown }} */ (value).then) === 'function'
}

module.exports = {
  deferred,
  ignore,
  isThenable,
  KeepAlive,
  LONGEST_DELAY_MS,
  onRejection,
  pause,
  realNow,
  RealTimer,
  timeBy,
  retryDelayMs,
  STORE_PATIENCE_MS,
  Timer,
}
