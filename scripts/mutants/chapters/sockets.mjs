// SPEC.md section 13.

const socketsFile = 'lib/sockets/sockets.js'
const outlets = 'lib/sockets/outlets.js'
const groups = 'lib/sockets/groups.js'
const wsFile = 'lib/sockets/ws.js'
const schedule = 'lib/sockets/schedule.js'
const driver = 'lib/driver.js'
const connection = 'lib/arrival/connection.js'
const doorkeeper = 'lib/arrival/doorkeeper.js'
const reception = 'lib/reception/reception.js'

/** @type {import('../../mutants.mjs').Mutant[]} */
export const sockets = [
  {
    rule: 'CC1',
    file: 'src/node/mailbox.rs',
    find: '(4400.0, "frame refused")',
    replace: '(4500.0, "frame refused")',
    why: 'closes for a refused frame with another code',
  },
  {
    rule: 'CC1',
    file: 'src/node/mailbox.rs',
    find: '(4401.0, "token refused")',
    replace: '(4501.0, "token refused")',
    why: 'closes for a refused token with another code',
  },
  {
    rule: 'CC1',
    file: 'lib/reception/frames.js',
    find: "([4413, 'too many frames wait'])",
    replace: "([4513, 'too many frames wait'])",
    why: 'closes for too many frames that wait with another code',
  },
  {
    rule: 'CC1',
    file: driver,
    find: "([4450, 'the room could not be loaded'])",
    replace: "([4550, 'the room could not be loaded'])",
    why: 'closes for a room that did not load with another code',
  },
  {
    rule: 'CC1',
    file: driver,
    find: "([4450, 'the room broke'])",
    replace: "([4550, 'the room broke'])",
    why: 'closes for a broken room with another code',
  },
  {
    rule: 'CC2',
    file: socketsFile,
    find: 'if (code === undefined) return closable.close()',
    replace: 'if (code === undefined) return closable.close(1000)',
    why: 'closes the sockets of a closing room with a code',
  },
  {
    rule: 'CC2',
    file: driver,
    find: 'for (const session of service.sessions.all()) service.close(session, code, reason)',
    replace: '',
    why: 'leaves the sockets of a closing room open',
  },
  {
    rule: 'CC3',
    file: outlets,
    find: `    try {
      const given = /** @type {unknown} */ (socket.send(text))
      if (given !== undefined) onRejection(given, owner.failed)
    } catch (error) {
      owner.failed(error)
      return
    }`,
    replace: '    onRejection(socket.send(text), owner.failed)',
    why: 'lets what a socket throws through',
  },
  {
    rule: 'CC3',
    file: outlets,
    find: 'if (given !== undefined) onRejection(given, owner.failed)',
    replace: '',
    why: 'does not look at the promise that a send gives',
  },
  {
    rule: 'CC3',
    file: groups,
    find: `    } catch (error) {
      ownerAt(outlets, index).failed(error)
      continue
    }`,
    replace: `    } catch (error) {
      ownerAt(outlets, index).failed(error)
      break
    }`,
    why: 'sends nothing to those behind a socket that throws',
  },
  {
    rule: 'CC3',
    file: groups,
    find: 'ownerAt(outlets, index).failed(error)',
    replace: 'ownerAt(outlets, outlets.length - 1).failed(error)',
    why: 'blames another for a socket that throws',
  },
  {
    rule: 'CC3',
    file: groups,
    find: 'if (given !== undefined) onRejection(given, ownerAt(outlets, index).failed)',
    replace: '',
    why: 'does not look at the promise that a broadcast gives',
  },
  {
    rule: 'CC3',
    file: 'lib/sessions.js',
    find: 'onRejection(closeSocket(this.#socket, code, reason), this.#onLost)',
    replace: 'closeSocket(this.#socket, code, reason)',
    why: 'does not look at the promise that a close gives',
  },
  {
    rule: 'CC3',
    file: reception,
    find: `      try {
        session.closeSocket()
      } catch {`,
    replace: `      try {
        void session
      } catch {`,
    why: 'does not close a socket that cannot be written',
  },
  {
    rule: 'CC3',
    file: reception,
    find: 'if (!isClosed()) queue.run(engine.leave(session.number))',
    replace: '',
    why: 'keeps the session of a socket that cannot be written',
  },
  {
    rule: 'CC3',
    file: reception,
    find: '    report(error, session.id)',
    replace: '    void report',
    why: 'does not report a socket that cannot be written',
  },
  {
    rule: 'CC4',
    file: outlets,
    find: `    try {
      const given = /** @type {unknown} */ (socket.send(text))
      if (given !== undefined) onRejection(given, owner.failed)
    } catch (error) {
      owner.failed(error)
      return
    }`,
    replace: '    queueMicrotask(() => socket.send(text))',
    why: 'sends to unknown sockets a moment later',
  },
  {
    rule: 'CC4',
    file: groups,
    find: 'const given = /** @type {unknown} */ (socket.send(text))',
    replace: 'const given = queueMicrotask(() => socket.send(text))',
    why: 'broadcasts to unknown sockets a moment later',
  },
  {
    rule: 'CC4',
    file: outlets,
    find: '(socket.send(text))',
    replace: '(socket.send(/** @type {any} */ (Buffer.from(text))))',
    why: 'sends bytes to unknown sockets',
  },
  {
    rule: 'CC5',
    file: outlets,
    find: 'this.owner.schedule.add(this)',
    replace: 'this.flush()',
    why: 'writes known sockets once per frame',
  },
  {
    rule: ['CC5', 'PA8'],
    file: outlets,
    find: 'this.#frames.push(frameOf(text))',
    replace: 'this.#frames.unshift(frameOf(text))',
    why: 'writes known sockets in another order',
  },
  {
    rule: 'CC5',
    file: 'lib/sessions.js',
    find: `    this.outlet.flush()
    if`,
    replace: '    if',
    why: 'closes a socket without writing what waits',
  },
  {
    rule: 'CC6',
    file: connection,
    find: '} else this.#end(new ConnectionClosedError())',
    replace: '}',
    why: 'does not notice a socket that closes before it is live',
  },
  {
    rule: 'CC6',
    file: connection,
    find: '    this.#end(error)\n  }\n\n  /**\n   * Ends',
    replace: '    this.#end(error)\n    closeSocket(this.#socket)\n  }\n\n  /**\n   * Ends',
    why: 'closes a refused socket itself',
  },
  {
    rule: 'CC6',
    file: 'lib/arrival/refresh.js',
    find: 'grantOf(await ask(), callback)',
    replace: 'grantOf(ask(), callback)',
    why: 'does not wait for authorize',
  },
  {
    rule: 'CC6',
    file: 'lib/errors.js',
    find: `    this.name = 'ConnectRequestError'
    /** @readonly */
    this.code = code`,
    replace: "    this.name = 'ConnectRequestError'",
    why: 'does not say what a connect URL lacks',
  },
  {
    rule: 'CC7',
    file: connection,
    find: '      interim.listen()\n',
    replace: '',
    why: 'loses the frames that come before the caller listens',
  },
  {
    rule: 'CC7',
    file: connection,
    find: 'if (!interim.hasHandled(data)) arrival.receive(data)',
    replace: 'arrival.receive(data)',
    why: 'handles frames twice that it has heard itself',
  },
  {
    rule: 'CC7',
    file: connection,
    find: '({ ...handlers, ...session })',
    replace: '({ ...handlers, room: session.room, sessionId: undefined })',
    why: 'gives who awaits the connection no session id',
  },
  {
    rule: 'CC8',
    file: connection,
    find: 'open.catch(() => interim.refuse())',
    replace: 'open.then(ignore, () => interim.refuse()).then(() => open)',
    why: 'ends the process over a rejection that nobody looks at',
  },
  {
    rule: 'CC9',
    file: connection,
    find: "new URL(url, 'ws://localhost')",
    replace: 'new URL(url)',
    why: 'takes only full URLs',
  },
  {
    rule: 'CC9',
    file: connection,
    find: "const clientId = searchParams.get('clientId')",
    replace: 'const clientId = /clientId=([^&]*)/.exec(url)?.[1]',
    why: 'does not decode the query',
  },
  {
    rule: 'CC9',
    file: connection,
    find: "const roomId = searchParams.get('roomId')",
    replace:
      "const roomId = [...searchParams].find(([name], at) => at === 0 && name === 'roomId')?.[1]",
    why: 'wants the query in one order',
  },
  {
    rule: 'CC10',
    file: doorkeeper,
    find: 'if (origin === undefined || !allowed.includes(origin)) {',
    replace: 'if (origin !== undefined && !allowed.includes(origin)) {',
    why: 'lets in who names no page',
  },
  {
    rule: 'CC10',
    file: doorkeeper,
    find: '!allowed.includes(origin)',
    replace: '!allowed.some((known) => origin.startsWith(known))',
    why: 'lets pages in that begin like one that is allowed',
  },
  {
    rule: 'CC10',
    file: doorkeeper,
    find: "typeof get === 'function' ? get.call(headers, 'origin') : member(headers, 'origin')",
    replace: "member(headers, 'origin')",
    why: 'does not find the header of a Fetch request',
  },
  {
    rule: 'CC11',
    file: doorkeeper,
    find: 'if (others >= most) {',
    replace: 'if (others > most) {',
    why: 'lets one more in',
  },
  {
    rule: 'CC11',
    file: doorkeeper,
    find: `    if (isOver) return
`,
    replace: '',
    why: 'counts a connection off each time it ends',
  },
  {
    rule: 'CC11',
    file: 'lib/sessions.js',
    find: '    this.#onGone?.()',
    replace: '',
    why: 'counts a connection for ever once its session is live',
  },
  {
    rule: 'CC11',
    file: doorkeeper,
    find: 'const connections = counts.get(manager) ?? new Map()',
    replace:
      'const connections = counts.get(WeakMap) ?? new Map()\n  counts.set(WeakMap, connections)',
    why: 'counts the connections of all managers together',
  },
  {
    rule: 'CC12',
    file: doorkeeper,
    find: "const isMapped = groups.slice(0, 6).join(':') === '0:0:0:0:0:ffff'",
    replace: 'const isMapped = false',
    why: 'takes all IPv4 addresses in IPv6 form for one',
  },
  {
    rule: 'CC12',
    file: doorkeeper,
    find: 'const NETWORK_GROUPS = 4',
    replace: 'const NETWORK_GROUPS = 8',
    why: 'counts each address of an IPv6 network by itself',
  },
  {
    rule: 'CC12',
    file: doorkeeper,
    find: '  if (!address) {',
    replace: '  if (false) {',
    why: 'takes all whose address is not known for one',
  },
  {
    rule: 'CC13',
    file: connection,
    find: `    this.#leave = admit(manager, { socket, request, allowedOrigins, maxConnectionsPerIp, ip })
    const { roomId, clientId, token } = parseConnectUrl(url)`,
    replace: `    const { roomId, clientId, token } = parseConnectUrl(url)
    void authorize({ roomId, clientId, token, request })
    this.#leave = admit(manager, { socket, request, allowedOrigins, maxConnectionsPerIp, ip })`,
    why: 'asks about the token of who may not come in',
  },
  {
    rule: 'CC14',
    file: connection,
    find: '{ timer: this.#timer, timeoutMs: limitsOf(manager).authorizeTimeoutMs },',
    replace: '{ timer: this.#timer, timeoutMs: 10_000 },',
    why: 'does not ask the limits how long authorize may take',
  },
  {
    rule: ['CC14', 'AU11'],
    file: 'lib/arrival/refresh.js',
    find: '    timer.armUnreferenced(timeoutMs, () => {',
    replace: '    timer.armUnreferenced(Number.POSITIVE_INFINITY, () => {',
    why: 'waits for authorize for ever',
  },
  {
    rule: 'CC15',
    file: connection,
    find: '    this.#timer.clear()\n    if (this.#isOver) return\n',
    replace: '    this.#timer.clear()\n',
    why: 'opens a room for a socket that has closed',
  },
  {
    rule: 'CC15',
    file: connection,
    find: '    this.#timer.clear()\n    this.#leave()\n',
    replace: '    this.#leave()\n',
    why: 'keeps the timer of a socket that closed',
  },
  {
    rule: ['CC15', 'CC11'],
    file: connection,
    find: '    this.#timer.clear()\n    this.#leave()\n',
    replace: '    this.#timer.clear()\n',
    why: 'counts a refused connection for ever',
  },
  {
    rule: 'CC15',
    file: connection,
    find: 'open.catch(() => interim.refuse())',
    replace: 'open.catch(ignore)',
    why: 'goes on listening to a socket that it refused',
  },
  {
    rule: 'CC15',
    file: 'lib/arrival/interim.js',
    find: `    this.#hasListened = true
    this.#heard = undefined`,
    replace: '    this.#stop()',
    why: 'leaves nobody who hears an error of a socket that it refused',
  },
  {
    rule: 'CC16',
    file: wsFile,
    find: 'if (isJoining && takesFrames(ws)) writeJoined(',
    replace: 'if (ws === undefined) writeJoined(',
    why: 'has ws make a frame of each text',
  },
  {
    rule: 'CC16',
    file: wsFile,
    find: '    sendsAsWs(ws)\n',
    replace: '    true\n',
    why: 'writes past a send that a user put before that of ws',
  },
  {
    rule: 'CC16',
    file: wsFile,
    find: 'raw.write === Socket.prototype.write &&',
    replace: '',
    why: 'gives strings of bytes to a write that a user made',
  },
  {
    rule: 'CC16',
    file: 'lib/sockets/frames.js',
    find: 'if (length <= MOST_IN_ONE_BYTE)',
    replace: 'if (length <= MOST_IN_ONE_BYTE + 1)',
    why: 'takes a length for the mark of a longer one',
  },
  {
    rule: 'CC16',
    file: 'lib/sockets/frames.js',
    find: "(length === text.length ? text : Buffer.from(text).toString('latin1'))",
    replace: 'text',
    why: 'takes all texts for ASCII',
  },
  {
    rule: 'CC17',
    file: wsFile,
    find: 'sender?._firstFragment === true &&',
    replace: '',
    why: 'writes whole messages between the parts of another',
  },
  {
    rule: 'CC17',
    file: wsFile,
    find: '    isPlainServer(ws) &&\n    isIdle(sender) &&\n',
    replace: '    isPlainServer(ws) &&\n',
    why: 'overtakes what ws holds back',
  },
  {
    rule: 'CC18',
    file: schedule,
    find: 'if (remainingMs > 0)',
    replace: 'if (remainingMs > 1e6)',
    why: 'writes at the end of each turn, whatever was asked for',
  },
  {
    rule: 'CC18',
    file: schedule,
    find: 'this.#leastMs - (realNow() - this.#flushedAt)',
    replace: 'this.#leastMs',
    why: 'holds back what comes after a rest',
  },
  {
    rule: 'CC18',
    file: schedule,
    find: 'this.#timer.arm(Math.ceil(remainingMs), () => this.flush())',
    replace: 'setTimeout(() => this.flush(), Math.ceil(remainingMs))',
    why: 'waits for a clock that tests fake',
  },
  {
    rule: 'CC18',
    file: schedule,
    find: 'intervals.set(writeIntervalMs, schedule)',
    replace: '',
    why: 'writes each room at a time of its own',
  },
  {
    rule: 'CC18',
    file: 'lib/sockets/walks.js',
    find: 'session.hurry()',
    replace: '',
    why: 'holds back each step of a catch-up',
  },
  {
    rule: 'CC18',
    file: 'lib/room.js',
    find: 'options.writeIntervalMs ?? 0',
    replace: '0',
    why: 'takes no writeIntervalMs',
  },
]
