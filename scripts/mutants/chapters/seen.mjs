// SPEC.md section 21.

const counters = 'lib/witness/counters.js'
const witness = 'lib/witness/witness.js'
const figures = 'lib/witness/figures.js'
const metrics = 'lib/witness/metrics.js'
const diagnostics = 'lib/witness/diagnostics.js'
const sessions = 'lib/sessions.js'

/** @type {import('../../mutants.mjs').Mutant[]} */
export const seen = [
  {
    rule: 'OB1',
    file: 'lib/reception/reception.js',
    find: '    this.counters.bytesIn += frame.length\n',
    replace: '',
    why: 'does not count what frames weigh',
  },
  {
    rule: 'OB1',
    file: sessions,
    find: 'this.#counters.framesOut += 1',
    replace: 'this.#counters.framesOut = 1',
    why: 'does not count what it sends',
  },
  {
    rule: 'OB1',
    file: 'lib/hooks.js',
    find: `    this.witness.failed(error, sessionId)
    const { onError } = this.#callbacks
    if (onError === undefined) {
      warn(error)
      return
    }`,
    replace: `    const { onError } = this.#callbacks
    if (onError === undefined) {
      warn(error)
      return
    }
    this.witness.failed(error, sessionId)`,
    why: 'does not count errors that became warnings',
  },
  {
    rule: 'OB1',
    file: counters,
    find: 'counts[at + 1] = Number(counts[at + 1]) + times',
    replace: 'counts[at + 1] = times',
    why: 'counts each code once',
  },
  {
    rule: ['OB1', 'OB8'],
    file: 'lib/service.js',
    find: 'refused: (session, code) => hooks.witness.refused(session, code),',
    replace: 'refused() {},',
    why: 'does not see refused frames',
  },
  {
    rule: 'OB2',
    file: sessions,
    find: 'this.closeCode = code ?? CLOSED_WITHOUT_CODE',
    replace: 'this.closeCode = code ?? 0',
    why: 'takes who was closed for gone',
  },
  {
    rule: 'OB2',
    file: sessions,
    find: '    if (!this.#byNumber.delete(session.number)) return\n',
    replace: '    this.#byNumber.delete(session.number)\n    this.#witness.left(session)\n',
    why: 'counts the end of a session twice',
  },
  {
    rule: 'OB3',
    file: 'lib/engine.js',
    find: 'return this.native.clock - this.native.storedClock',
    replace: 'return this.native.hasUnstored ? 1 : 0',
    why: 'does not say how many changes are unstored',
  },
  {
    rule: 'OB3',
    file: 'lib/keepers/saver.js',
    find: 'return this.#saver.unsaved',
    replace: 'return this.#saver.isUnsaved ? 1 : 0',
    why: 'does not say how many changes no snapshot holds',
  },
  {
    rule: 'OB4',
    file: witness,
    find: "if (code === 'HEDDLE_SAVE_FAILED') this.counters.saveErrors += 1",
    replace: 'if (code !== undefined) this.counters.saveErrors = 1',
    why: 'counts one failure to save at most',
  },
  {
    rule: 'OB5',
    file: figures,
    find: '    const { engine, keeper, witness } = this.#room\n',
    replace: `    const { engine, keeper, witness } = this.#room
    if (engine.broken !== undefined) throw engine.broken
`,
    why: 'throws for a broken room',
  },
  {
    rule: 'OB5',
    file: figures,
    find: '...witness.counters.all,',
    replace: '...(this.#room.sessions?.count ? witness.counters : new Counters()).all,',
    why: 'forgets what a room counted that nobody is in any more',
  },
  {
    rule: 'OB6',
    file: figures,
    find: 'if (this.#departing.delete(witness)) witness.addTo(this.#gone)',
    replace: 'this.#departing.delete(witness)',
    why: 'forgets what closed rooms have counted',
  },
  {
    rule: 'OB6',
    file: 'lib/manager.js',
    find: 'return this.#figures.sum(this.#openFigures(), this.#witnesses())',
    replace: 'return this.#figures.sum([...this.#openFigures()].slice(1), this.#witnesses())',
    why: 'leaves an open room out',
  },
  {
    rule: 'OB7',
    file: metrics,
    find: '`# TYPE $',
    replace: '`# TYPE: $',
    why: 'does not say which figures are counters',
  },
  {
    rule: 'OB8',
    file: 'lib/manager.js',
    find: 'new Room(this.#optionsFor(entry.id, options), entry.id)',
    replace: 'new Room(this.#optionsFor(entry.id, options))',
    why: 'does not tell the id of the room',
  },
  {
    rule: 'OB8',
    file: witness,
    find: 'const { id: sessionId, clientId } = session ?? {}',
    replace: 'const sessionId = undefined, clientId = undefined',
    why: 'does not say whom it is about',
  },
  {
    rule: 'OB8',
    file: 'lib/sockets/lagging.js',
    find: '    witness.drained(session)\n',
    replace: '',
    why: 'does not tell that a session has drained',
  },
  {
    rule: 'OB10',
    file: witness,
    find: '    if (this.#lagging.has(session)) return\n',
    replace: '',
    why: 'counts one lag several times',
  },
  {
    rule: 'OB10',
    file: witness,
    find: `    this.#lagging?.delete(session)
    this.counters.sessionsClosed`,
    replace: '    this.counters.sessionsClosed',
    why: 'takes a session for lagging that is gone',
  },
  {
    rule: 'OB10',
    file: sessions,
    find: 'bytes += session.queuedBytes',
    replace: 'bytes = session.queuedBytes',
    why: 'tells what waits for one session only',
  },
  {
    rule: 'OB11',
    file: 'lib/arrival/refused.js',
    find: 'const code = step === Step.AUTHORIZING ? undefined : ownCodeOf(error)',
    replace: 'const code = Object(error).code',
    why: 'counts by codes that users’ code made up',
  },
  {
    rule: 'OB11',
    file: 'lib/arrival/connection.js',
    find: `    if (!this.#isOver) {
      figuresOf`,
    replace: `    {
      figuresOf`,
    why: 'takes a peer that left for one that was refused',
  },
  {
    rule: 'OB11',
    file: 'lib/arrival/connection.js',
    find: '    this.#refuse(new ConnectionClosedError(), TOO_MANY_FRAMES)',
    replace: '    this.#end(new ConnectionClosedError())',
    why: 'does not count whom it closes for too many frames',
  },
  {
    rule: 'OB9',
    file: diagnostics,
    find: 'inMicrotask(() => channel.publish(message))',
    replace: 'channel.publish(message)',
    why: 'lets subscribers in while a session is half there',
  },
  {
    rule: 'OB9',
    file: diagnostics,
    find: 'Object.freeze({ room, roomId, sessionId, clientId, code, error })',
    replace: '{ room, roomId, sessionId, clientId, code, error }',
    why: 'lets a subscriber change what others get',
  },
]
