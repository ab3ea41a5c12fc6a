'use strict'

/**
 * `acceptConnection`: takes a socket that just opened into its room, and keeps what the socket says
 * until it is there.
 */

const {
  checkFunction,
  checkMethods,
  checkRecord,
  checkString,
  invalidArgument,
  isWithin,
} = require('../arguments.js')
const { admit, checkDoorOptions } = require('./doorkeeper.js')
const { ConnectionClosedError, ConnectRequestError } = require('../errors.js')
const { asFrame, INBOX_IS_FULL, Inbox } = require('../reception/frames.js')
const { Interim } = require('./interim.js')
const { figuresOf, limitsOf } = require('../manager.js')
const { grantInTime } = require('./refresh.js')
const { refusalCode, TOO_MANY_FRAMES, Step } = require('./refused.js')
const { driverOf } = require('../room.js')
const { closeSocket } = require('../sockets/sockets.js')
const { deferred, ignore, isThenable, onRejection, Timer } = require('../timers.js')
const { connectionRefused } = require('../witness/diagnostics.js')
const { turnToJoin } = require('./turns.js')

/** @typedef {import('../../index').ConnectionReady} ConnectionReady */
/** @typedef {import('../../index').Room} Room */
/** @typedef {import('../../index').RoomOptions} RoomOptions */
/** @typedef {import('../driver.js').RoomDriver} RoomDriver */

/**
 * @template TRequest, TMeta
 * @typedef {import('../../index').AcceptConnectionOptions<TRequest, TMeta>} AcceptConnectionOptions
 */

/**
 * @template TMeta
 * @typedef {import('../../index').Connection<TMeta>} Connection
 */

/**
 * A socket on its way into a room.
 * @template TRequest, TMeta
 */
class Arrival {
  #socket
  #manager
  /**
   * How far it has come.
   * @type {string}
   */
  #step = Step.KNOCKING
  /** @type {{ roomId?: string, clientId?: string }} */
  #who = {}
  /** @type {import('../timers.js').Deferred<ConnectionReady>} */
  #ready = deferred()
  /**
   * Keeps the frames until the session is live.
   * @type {Inbox | undefined}
   */
  #inbox
  /** Runs while `authorize` does. */
  #timer = new Timer()
  /** Ends what the doorkeeper counts. */
  #leave = ignore
  #isOver = false
  /** @type {ConnectionReady | undefined} */
  #session
  /**
   * There with the session: the shortest way for its frames.
   * @type {RoomDriver | undefined}
   */
  #driver
  #sessionId = ''

  /** @param {AcceptConnectionOptions<TRequest, TMeta>} options */
  constructor(options) {
    this.#socket = options.socket
    this.#manager = options.manager
    this.#inbox = new Inbox(limitsOf(options.manager).frameBytes)
    this.#join(options).catch((error) => this.#refuse(error, refusalCode(error, this.#step)))
  }

  get ready() {
    return this.#ready.promise
  }

  /** @returns {TMeta | undefined} */
  get metadata() {
    const session = this.#session
    return /** @type {TMeta | undefined} */ (session?.room.getSessionMetadata(session.sessionId))
  }

  /** @param {unknown} data */
  receive(data) {
    if (this.#inbox === undefined) this.#driver?.receive(this.#sessionId, data)
    else if (!this.#inbox.add(asFrame(data))) this.refuseMore()
  }

  /** The socket is gone. */
  disconnect() {
    if (this.#session !== undefined) {
      this.#session.room.handleSocketClose(this.#session.sessionId)
    } else this.#end(new ConnectionClosedError())
  }

  /** The socket has said more than is kept. */
  refuseMore() {
    if (this.#session !== undefined) {
      const { room, sessionId } = this.#session
      driverOf(room).expel(sessionId, ...INBOX_IS_FULL)
      return
    }
    if (this.#isOver) return
    this.#refuse(new ConnectionClosedError(), TOO_MANY_FRAMES)
    try {
      onRejection(closeSocket(this.#socket, ...INBOX_IS_FULL), ignore)
    } catch {
      // It is gone already.
    }
  }

  /** @param {AcceptConnectionOptions<TRequest, TMeta>} options which the caller may change afterwards */
  async #join(options) {
    const { url, request, manager, authorize, roomOptions } = options
    const { socket, allowedOrigins, maxConnectionsPerIp, ip } = options
    this.#leave = admit(manager, { socket, request, allowedOrigins, maxConnectionsPerIp, ip })
    const { roomId, clientId, token } = parseConnectUrl(url)
    checkNames({ roomId, clientId }, limitsOf(manager).nameBytes)
    this.#who = { roomId, clientId }
    this.#step = Step.AUTHORIZING
    const grant = await grantInTime(
      () => authorize({ roomId, clientId, token, request }),
      'authorize',
      { timer: this.#timer, timeoutMs: limitsOf(manager).authorizeTimeoutMs },
    )
    this.#timer.clear()
    if (this.#isOver) return
    this.#step = Step.OPENING
    const opened = () => {
      const isOpen = manager.getExistingRoom(roomId) !== undefined
      return manager.getOrCreateRoom(roomId, isOpen ? {} : optionsOf(roomId, roomOptions))
    }
    let room = await opened()
    if (this.#isOver) return
    const turn = turnToJoin()
    if (turn !== undefined) {
      await turn
      if (this.#isOver) return
      // It may have closed meanwhile, empty as it was.
      room = await opened()
      if (this.#isOver) return
    }
    const sessionId = driverOf(room).connect({
      socket: this.#socket,
      clientId,
      permissions: grant.permissions,
      metadata: grant.metadata,
      isHeld: true,
      onRefresh: (token) => authorize({ roomId, clientId, token, request: undefined }),
      onGone: this.#leave,
    })
    // The socket may have closed while it was greeted.
    if (this.#isOver) room.handleSocketClose(sessionId)
    else this.#goLive({ room, sessionId })
  }

  /** @param {ConnectionReady} session */
  #goLive(session) {
    const { room, sessionId } = session
    this.#session = session
    this.#driver = driverOf(room)
    this.#sessionId = sessionId
    // A frame that comes from inside the handling of another queues behind those that wait.
    for (let frame = this.#inbox?.take(); frame !== undefined; frame = this.#inbox?.take()) {
      room.handleSocketMessage(sessionId, frame)
    }
    this.#inbox = undefined
    this.#ready.resolve(session)
  }

  /**
   * It may not come in; where it is gone already, nobody is refused.
   * @param {unknown} error
   * @param {string} code
   */
  #refuse(error, code) {
    if (!this.#isOver) {
      figuresOf(this.#manager)?.refused(code)
      connectionRefused({ ...this.#who, code })
    }
    this.#end(error)
  }

  /**
   * Ends the arrival before there was a session.
   * @param {unknown} error
   */
  #end(error) {
    this.#isOver = true
    this.#inbox?.close()
    this.#inbox = undefined
    this.#timer.clear()
    this.#leave()
    this.#ready.reject(error)
  }
}

/**
 * @template [TRequest=unknown], [TMeta=unknown]
 * @param {AcceptConnectionOptions<TRequest, TMeta>} options
 * @returns {Connection<TMeta>}
 */
function acceptConnection(options) {
  checkOptions(options)
  /** @type {Arrival<TRequest, TMeta>} */
  const arrival = new Arrival(options)
  const interim = new Interim(options.socket, arrival, limitsOf(options.manager).frameBytes)
  const handlers = {
    ready: arrival.ready,
    getMetadata: () => arrival.metadata,
    onMessage: (/** @type {unknown} */ data) => {
      if (!interim.hasHandled(data)) arrival.receive(data)
    },
    onClose: () => arrival.disconnect(),
    onError: () => arrival.disconnect(),
  }
  const open = arrival.ready.then((session) => ({ ...handlers, ...session }))
  // A rejection that nobody looks at must not end the process.
  open.catch(() => interim.refuse())
  return {
    ...handlers,
    // biome-ignore lint/suspicious/noThenProperty: awaiting the connection is part of the API.
    then: (onOpen, onFailure) => {
      interim.listen()
      return open.then(onOpen, onFailure)
    },
  }
}

/**
 * @param {string} roomId
 * @param {((roomId: string) => RoomOptions) | undefined} roomOptions
 * @returns {RoomOptions | undefined}
 */
function optionsOf(roomId, roomOptions) {
  const options = roomOptions?.(roomId)
  if (!isThenable(options)) return options
  onRejection(options, ignore)
  // It has none of the options: the room would go without storage, and nobody would notice.
  throw invalidArgument('what options.roomOptions returns', 'the options themselves', options)
}

/** @param {unknown} options */
function checkOptions(options) {
  checkRecord('options', options)
  checkMethods('options.socket', options.socket, ['send', 'close'])
  checkString('options.url', options.url)
  checkMethods('options.manager', options.manager, ['getOrCreateRoom', 'getExistingRoom'])
  checkFunction('options.authorize', options.authorize)
  if (options.roomOptions !== undefined) {
    checkFunction('options.roomOptions', options.roomOptions)
  }
  checkDoorOptions(options)
}

/**
 * @param {string} url
 * @returns {{ roomId: string, clientId: string, token: string }}
 */
function parseConnectUrl(url) {
  checkString('url', url)
  const { searchParams } = parseUrl(url)
  const roomId = searchParams.get('roomId')
  if (!roomId) throw missing('roomId', 'missing-room-id')
  const clientId = searchParams.get('clientId')
  if (!clientId) throw missing('clientId', 'missing-client-id')
  const token = searchParams.get('token')
  if (!token) throw missing('token', 'missing-token')
  return { roomId, clientId, token }
}

/**
 * Frames carry the client's name to everybody, and a room's stays as long as the room.
 * @param {Record<string, string>} names
 * @param {number} most bytes
 */
function checkNames(names, most) {
  for (const [name, value] of Object.entries(names)) {
    if (isWithin(value, most)) continue
    const message = `The ${name} in the connect URL is over the limit of ${most} bytes`
    throw new ConnectRequestError(message, 'name-too-long')
  }
}

/**
 * @param {string} url
 * @returns {URL}
 */
function parseUrl(url) {
  try {
    return new URL(url, 'ws://localhost')
  } catch {
    // Neither the URL nor the cause, which holds it: there is a token in it.
    throw new ConnectRequestError('The connect URL is no URL', 'invalid-url')
  }
}

/**
 * @param {string} name
 * @param {import('../../index').ConnectRequestErrorCode} code
 */
function missing(name, code) {
  return new ConnectRequestError(`The connect URL has no ${name} in its query`, code)
}

module.exports = { acceptConnection, parseConnectUrl }
