// SPEC.md section 23.

const heartbeatFile = 'lib/reception/heartbeat.js'
const reception = 'lib/reception/reception.js'

/** @type {import('../../mutants.mjs').Mutant[]} */
export const heartbeat = [
  {
    rule: 'HB1',
    file: heartbeatFile,
    find: 'if (!this.#isAlive && read === this.#readBytes) return false\n',
    replace: '',
    why: 'never takes a peer for gone',
  },
  {
    rule: 'HB1',
    file: heartbeatFile,
    find: '!this.#isAlive && read === this.#readBytes',
    replace: '!this.#isAlive',
    why: 'takes a peer for gone that sends one large frame',
  },
  {
    rule: 'HB1',
    file: reception,
    find: '    session.pulse?.beat()\n    if',
    replace: '    if',
    why: 'takes a peer for gone that sends frames',
  },
  {
    rule: 'HB1',
    file: 'lib/sessions.js',
    find: "if (typeof socket.terminate === 'function') socket.terminate()\n    else ",
    replace: '',
    why: 'waits for a goodbye of a peer that is gone',
  },
  {
    rule: 'HB1',
    file: reception,
    find: '      // It is as good as gone.\n    }\n    queue.run(engine.leave(session.number))\n',
    replace: '      // It is as good as gone.\n    }\n',
    why: 'keeps the session of a peer that is gone',
  },
  {
    rule: 'HB2',
    file: heartbeatFile,
    find: ' && !session.intake?.isPaused',
    replace: '',
    why: 'asks sockets that are not read',
  },
  {
    rule: 'HB2',
    file: 'lib/reception/intake.js',
    find: 'this.#session.pulse?.beat()',
    replace: 'void this.#session.pulse',
    why: 'takes a peer for gone that was not heard',
  },
  {
    rule: 'HB4',
    file: heartbeatFile,
    find: 'onRejection(this.#socket.ping(), onFailure)',
    replace: 'void onFailure\n    onRejection(this.#socket.ping(), () => {})',
    why: 'keeps a session whose pings reject',
  },
  {
    rule: 'HB3',
    file: heartbeatFile,
    find: 'heartbeatMs === 0 || ',
    replace: '',
    why: 'asks all the time where it was turned off',
  },
  {
    rule: 'HB3',
    file: heartbeatFile,
    find: '[ping, on, removeListener].every(',
    replace: '[ping].some(',
    why: 'asks sockets that cannot answer',
  },
  {
    rule: 'HB4',
    file: heartbeatFile,
    find: 'this.#owner.failed(session, error)',
    replace: 'void error',
    why: 'keeps a session whose socket cannot be pinged',
  },
  {
    rule: 'HB5',
    file: heartbeatFile,
    find: 'if (this.#pulses.size === 0) this.#timer.clear()\n',
    replace: '',
    why: 'keeps a timer without a session',
  },
  {
    rule: 'HB5',
    file: heartbeatFile,
    find: "this.#socket.removeListener('pong', this.beat)",
    replace: 'void this.#socket',
    why: 'leaves its listener behind',
  },
]
