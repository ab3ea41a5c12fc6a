'use strict'

/**
 * The error classes, and the turning of native errors into them. Codes are stable, messages are not;
 * no message ever holds a token, a URL or a payload.
 */

const { inspect } = require('node:util')

/** @typedef {import('../index').HeddleErrorCode} HeddleErrorCode */
/** @typedef {import('../index').RefusalCode} RefusalCode */
/** @typedef {import('../index').ConnectRequestErrorCode} ConnectRequestErrorCode */

class HeddleError extends Error {
  /**
   * @param {HeddleErrorCode} code
   * @param {string} message
   * @param {{ cause?: unknown, refusal?: RefusalCode | undefined }} [options]
   */
  constructor(code, message, options) {
    super(message, options)
    this.name = 'HeddleError'
    /** @readonly */
    this.code = code
    if (options?.refusal !== undefined) {
      /** @readonly */
      this.refusal = options.refusal
    }
  }
}

class ConnectRequestError extends Error {
  /**
   * @param {string} message
   * @param {ConnectRequestErrorCode} code
   */
  constructor(message, code) {
    super(message)
    this.name = 'ConnectRequestError'
    /** @readonly */
    this.code = code
  }
}

class ConnectionClosedError extends Error {
  constructor() {
    super('The socket closed before its session was live')
    this.name = 'ConnectionClosedError'
  }
}

/**
 * Gives the coded error that the native side meant, or `undefined` for a failure of the engine itself.
 * @param {unknown} error
 * @returns {HeddleError | undefined}
 */
function codedError(error) {
  if (error instanceof HeddleError) return error
  if (!(error instanceof Error)) return undefined
  const { code } = /** @type {{ code?: unknown }} */ (error)
  if (typeof code !== 'string' || !code.startsWith('HEDDLE_')) return undefined
  // Where a frame would be refused the native side says for what, behind a space.
  const [own, refusal] = code.split(' ')
  return new HeddleError(/** @type {HeddleErrorCode} */ (own), error.message, {
    cause: error.cause,
    refusal: /** @type {RefusalCode | undefined} */ (refusal),
  })
}

/**
 * What a thrown value says. It need not be an error, and reading it may throw.
 * @param {unknown} error
 * @returns {string}
 */
function messageOf(error) {
  try {
    if (error instanceof Error) return `${error.message}`
    return typeof error === 'string' ? error : inspect(error)
  } catch {
    return 'an error that cannot be read'
  }
}

/**
 * Where a thrown value comes from, if it tells.
 * @param {unknown} error
 * @returns {string | undefined}
 */
function stackOf(error) {
  try {
    const stack = error instanceof Error ? error.stack : undefined
    return typeof stack === 'string' ? stack : undefined
  } catch {
    return undefined
  }
}

/**
 * The code of what was thrown, if it is one of ours; it need not be an error, nor let anybody look at it.
 * @param {unknown} error
 * @returns {HeddleErrorCode | undefined}
 */
function codeOf(error) {
  try {
    return error instanceof HeddleError ? error.code : undefined
  } catch {
    return undefined
  }
}

/**
 * @param {string} text as the native side tells of errors: code, space, message
 * @returns {HeddleError}
 */
function nativeError(text) {
  const end = text.indexOf(' ')
  const code = /** @type {HeddleErrorCode} */ (text.slice(0, end))
  return new HeddleError(code, text.slice(end + 1))
}

/** @returns {HeddleError} */
function roomClosed() {
  return new HeddleError('HEDDLE_ROOM_CLOSED', 'The room is closed')
}

module.exports = {
  ConnectionClosedError,
  ConnectRequestError,
  codedError,
  codeOf,
  HeddleError,
  messageOf,
  nativeError,
  roomClosed,
  stackOf,
}
