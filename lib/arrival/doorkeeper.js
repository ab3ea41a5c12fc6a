'use strict'

/**
 * Who may knock at all: looked at before anybody is asked about a token, and before anything is kept.
 */

const { isIPv6 } = require('node:net')
const { checkInteger, checkString, invalidArgument } = require('../arguments.js')
const { ConnectRequestError } = require('../errors.js')

/** How many of the eight groups of an IPv6 address are the network's; the rest is the customer's own to choose. */
const NETWORK_GROUPS = 4

/**
 * What the caller of `acceptConnection` says about the door.
 * @typedef {object} DoorOptions
 * @property {unknown} socket
 * @property {unknown} request
 * @property {readonly string[] | undefined} allowedOrigins
 * @property {number | undefined} maxConnectionsPerIp
 * @property {string | undefined} ip
 */

/**
 * How many connections each address has, for each manager.
 * @type {WeakMap<object, Map<string, number>>}
 */
const counts = new WeakMap()

/**
 * Lets a connection in, and gives what must be called when it is over; more calls than one do nothing. Throws where
 * it may not come in.
 * @param {object} manager
 * @param {DoorOptions} options
 * @returns {() => void}
 */
function admit(manager, { socket, request, allowedOrigins, maxConnectionsPerIp, ip }) {
  if (allowedOrigins !== undefined) checkOrigin(request, allowedOrigins)
  if (maxConnectionsPerIp === undefined) return () => {}
  const address = ip ?? remoteAddressOf(member(request, 'socket')) ?? remoteAddressOf(socket)
  if (!address) {
    // Not thrown at the caller: the socket of a peer that is gone has no address any more.
    throw invalidArgument(
      'options.ip',
      'the peer’s address, which neither request nor socket has',
      ip,
    )
  }
  return count(manager, subscriberOf(address), maxConnectionsPerIp)
}

/**
 * @param {unknown} request
 * @param {readonly string[]} allowed
 */
function checkOrigin(request, allowed) {
  const origin = originOf(request)
  if (origin === undefined || !allowed.includes(origin)) {
    throw new ConnectRequestError('The request’s origin is not allowed', 'origin-not-allowed')
  }
}

/**
 * @param {object} manager
 * @param {string} subscriber
 * @param {number} most
 * @returns {() => void}
 */
function count(manager, subscriber, most) {
  const connections = counts.get(manager) ?? new Map()
  counts.set(manager, connections)
  const others = connections.get(subscriber) ?? 0
  if (others >= most) {
    throw new ConnectRequestError('The peer has too many connections', 'too-many-connections')
  }
  connections.set(subscriber, others + 1)
  let isOver = false
  return () => {
    if (isOver) return
    isOver = true
    const left = (connections.get(subscriber) ?? 0) - 1
    if (left > 0) connections.set(subscriber, left)
    else connections.delete(subscriber)
  }
}

/**
 * The `Origin` header of a request of Node's, whose headers are an object, or of the Fetch API.
 * @param {unknown} request
 * @returns {string | undefined}
 */
function originOf(request) {
  const headers = member(request, 'headers')
  const get = member(headers, 'get')
  const origin = typeof get === 'function' ? get.call(headers, 'origin') : member(headers, 'origin')
  return typeof origin === 'string' ? origin : undefined
}

/**
 * The address that a socket of Node's tells, and a WebSocket of Bun's.
 * @param {unknown} socket
 * @returns {string | undefined}
 */
function remoteAddressOf(socket) {
  const address = member(socket, 'remoteAddress')
  return typeof address === 'string' ? address : undefined
}

/**
 * Whose address it is, as far as it tells: an IPv4 address, in whichever form, is one subscriber's, and so is a
 * whole /64 of IPv6. What is no address stands for itself.
 * @param {string} address
 * @returns {string}
 */
function subscriberOf(address) {
  const [plain = ''] = address.split('%')
  if (!isIPv6(plain)) return address
  const groups = groupsOf(plain)
  const isMapped = groups.slice(0, 6).join(':') === '0:0:0:0:0:ffff'
  if (!isMapped) return `${groups.slice(0, NETWORK_GROUPS).join(':')}::/64`
  const bytes = groups.slice(6).flatMap((group) => {
    const number = Number.parseInt(group, 16)
    return [number >> 8, number & 0xff]
  })
  return bytes.join('.')
}

/**
 * The eight groups of an IPv6 address, without leading zeros.
 * @param {string} address
 * @returns {string[]}
 */
function groupsOf(address) {
  // A URL writes addresses in one way, and with at most one gap.
  const canonical = new URL(`http://[${address}]`).hostname.slice(1, -1)
  const [head = [], tail = []] = canonical
    .split('::')
    .map((part) => (part === '' ? [] : part.split(':')))
  const gap = canonical.includes('::') ? 8 - head.length - tail.length : 0
  return [...head, ...new Array(gap).fill('0'), ...tail]
}

/**
 * @param {unknown} value
 * @param {string} name
 * @returns {unknown}
 */
function member(value, name) {
  return typeof value === 'object' && value !== null
    ? /** @type {Record<string, unknown>} */ (value)[name]
    : undefined
}

/** @param {Record<string, unknown>} options of `acceptConnection` */
function checkDoorOptions({ allowedOrigins, maxConnectionsPerIp, ip }) {
  if (allowedOrigins !== undefined) {
    const isList = Array.isArray(allowedOrigins)
    if (!isList || !allowedOrigins.every((origin) => typeof origin === 'string')) {
      throw invalidArgument('options.allowedOrigins', 'an array of strings', allowedOrigins)
    }
  }
  if (maxConnectionsPerIp !== undefined) {
    checkInteger('options.maxConnectionsPerIp', maxConnectionsPerIp, 1)
  }
  if (ip !== undefined) checkString('options.ip', ip)
}

module.exports = { admit, checkDoorOptions }
