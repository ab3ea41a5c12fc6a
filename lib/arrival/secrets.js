'use strict'

/**
 * Comparing secrets so that how long it takes tells nothing of where they differ.
 */

const { createHmac, randomBytes, timingSafeEqual } = require('node:crypto')
const { types } = require('node:util')
const { invalidArgument } = require('../arguments.js')

/** Nobody outside can choose what hashes to something near. */
const key = randomBytes(32)

/**
 * @param {string | Uint8Array} a
 * @param {string | Uint8Array} b
 * @returns {boolean}
 */
function safeEqual(a, b) {
  // Hashes have one length whatever they are of.
  return timingSafeEqual(hashOf('a', a), hashOf('b', b))
}

/**
 * @param {string} name
 * @param {unknown} secret
 * @returns {Buffer}
 */
function hashOf(name, secret) {
  if (types.isUint8Array(secret)) return hash('bytes', secret)
  if (typeof secret !== 'string') {
    // Of a number the message would show the digits.
    const told = typeof secret === 'number' ? Number.NaN : secret
    throw invalidArgument(name, 'a string or a Uint8Array', told)
  }
  const bytes = Buffer.from(secret)
  // Lone surrogates all become the same in UTF-8: what has one is no text that any bytes stand for.
  return bytes.toString() === secret
    ? hash('bytes', bytes)
    : hash('utf16', Buffer.from(secret, 'utf16le'))
}

/**
 * @param {string} kind what equals only its own kind
 * @param {Uint8Array} bytes
 * @returns {Buffer}
 */
function hash(kind, bytes) {
  return createHmac('sha256', key).update(`${kind}:`).update(bytes).digest()
}

module.exports = { safeEqual }
