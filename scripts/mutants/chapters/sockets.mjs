// SPEC.md section 13.

const socketsFile = 'lib/sockets.js'
const outlets = 'lib/outlets.js'
const driver = 'lib/driver.js'
const connection = 'lib/connection.js'

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
    file: 'lib/frames.js',
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
    find: `    closable.close()
    return`,
    replace: `    closable.close(1000)
    return`,
    why: 'closes the sockets of a closing room with a code',
  },
  {
    rule: 'CC2',
    file: driver,
    find: 'for (const session of this.#sessions.all()) this.#close(session, code, reason)',
    replace: '',
    why: 'leaves the sockets of a closing room open',
  },
  {
    rule: 'CC3',
    file: outlets,
    find: `    try {
      this.#socket.send(text)
    } catch (error) {
      this.#owner.failed(error)
      return
    }`,
    replace: '    this.#socket.send(text)',
    why: 'lets what a socket throws through',
  },
  {
    rule: 'CC3',
    file: driver,
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
    file: driver,
    find: 'if (!this.#isClosed) this.#queue.run(this.#engine.leave(session.number))',
    replace: '',
    why: 'keeps the session of a socket that cannot be written',
  },
  {
    rule: 'CC3',
    file: driver,
    find: `    }
    this.#hooks.report(error, session.id)
  }

  /**
   * @param {Session} session
   * @param {number} [code]`,
    replace: `    }
    void error
  }

  /**
   * @param {Session} session
   * @param {number} [code]`,
    why: 'does not report a socket that cannot be written',
  },
  {
    rule: 'CC4',
    file: outlets,
    find: `    try {
      this.#socket.send(text)
    } catch (error) {
      this.#owner.failed(error)
      return
    }`,
    replace: '    queueMicrotask(() => this.#socket.send(text))',
    why: 'sends to unknown sockets a moment later',
  },
  {
    rule: 'CC4',
    file: outlets,
    find: `    try {
      this.#socket.send(text)`,
    replace: `    try {
      this.#socket.send(/** @type {any} */ (Buffer.from(text)))`,
    why: 'sends bytes to unknown sockets',
  },
  {
    rule: 'CC5',
    file: outlets,
    find: 'flushAtEndOfTurn(this.#onTurnEnd)',
    replace: 'this.flush()',
    why: 'writes known sockets once per frame',
  },
  {
    rule: ['CC5', 'PA8'],
    file: outlets,
    find: 'this.#texts.push(text)',
    replace: 'this.#texts.unshift(text)',
    why: 'writes known sockets in another order',
  },
  {
    rule: 'CC5',
    file: 'lib/sessions.js',
    find: `    this.#outlet.flush()
    if`,
    replace: '    if',
    why: 'closes a socket without writing what waits',
  },
  {
    rule: 'CC6',
    file: connection,
    find: 'else this.#end(new ConnectionClosedError())',
    replace: '',
    why: 'does not notice a socket that closes before it is live',
  },
  {
    rule: 'CC6',
    file: connection,
    find: 'this.#join().catch((error) => this.#end(error))',
    replace: `this.#join().catch((error) => {
      this.#end(error)
      closeSocket(this.#options.socket)
    })`,
    why: 'closes a refused socket itself',
  },
  {
    rule: 'CC6',
    file: connection,
    find: `    const grant = grantOf(await authorize(`,
    replace: '    const grant = grantOf(authorize(',
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
    find: '  open.catch(ignore)\n',
    replace: '',
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
]
