'use strict'

/** What heddle exports; `index.d.ts` documents it. */

const { acceptConnection, parseConnectUrl } = require('./lib/arrival/connection.js')
const { ConnectionClosedError, ConnectRequestError, HeddleError } = require('./lib/errors.js')
const { DEFAULT_LIMITS, PUBLIC_LIMITS } = require('./lib/limits.js')
const { RoomManager } = require('./lib/manager.js')
const { PROTOCOL_VERSION } = require('./lib/native.js')
const { Room } = require('./lib/room.js')
const { safeEqual } = require('./lib/arrival/secrets.js')
const { FileStorage, MemoryStorage } = require('./lib/keepers/storage.js')

module.exports = {
  acceptConnection,
  ConnectionClosedError,
  ConnectRequestError,
  DEFAULT_LIMITS,
  FileStorage,
  HeddleError,
  MemoryStorage,
  parseConnectUrl,
  PROTOCOL_VERSION,
  PUBLIC_LIMITS,
  Room,
  RoomManager,
  safeEqual,
}
