// SPEC.md section 12.

const manager = 'lib/manager.js'
const idle = 'lib/idle.js'
const spread = 'lib/spread.js'
const driver = 'lib/driver.js'
const resting = 'src/server/resting.rs'
const timers = 'lib/timers.js'
const hooks = 'lib/hooks.js'
const argumentChecks = 'lib/arguments.js'

/** @type {import('../../mutants.mjs').Mutant[]} */
export const lifecycle = [
  {
    rule: ['LC1', 'D14'],
    file: manager,
    find: 'if (known !== undefined) {',
    replace: 'if (known?.isOpen) {',
    why: 'opens a room that is opening once more',
  },
  {
    rule: 'LC2',
    file: manager,
    find: 'if (lastSave === undefined) load()',
    replace: 'if (lastSave !== null) load()',
    why: 'opens an id while its last save is under way',
  },
  {
    rule: 'LC3',
    file: manager,
    find: `    this.#forget(entry)
    entry.fail(error)`,
    replace: '    entry.fail(error)',
    why: 'remembers a failed open',
  },
  {
    rule: 'LC4',
    file: manager,
    find: `    entry.isOpen = false
    this.#idle.remove(entry)
    if (this.#entries.get(entry.id) === entry) this.#entries.delete(entry.id)`,
    replace: `    setImmediate(() => {
      entry.isOpen = false
      this.#idle.remove(entry)
      if (this.#entries.get(entry.id) === entry) this.#entries.delete(entry.id)
    })`,
    why: 'shows a closing room for a while',
  },
  {
    rule: 'LC5',
    file: idle,
    find: 'this.#timeoutMs = timeoutMs',
    replace: 'this.#timeoutMs = timeoutMs / 2',
    why: 'closes empty rooms too early',
  },
  {
    rule: 'LC5',
    file: manager,
    find: 'if (room === undefined || !isEmpty(entry)) return',
    replace: 'if (room !== undefined) return',
    why: 'never closes empty rooms',
  },
  {
    rule: 'LC5',
    file: manager,
    find: 'return isOpen && room?.getSessionCount() === 0',
    replace: 'return isOpen && room !== undefined',
    why: 'closes rooms with sessions',
  },
  {
    rule: 'LC5',
    file: manager,
    find: 'if (isUnvisited()) this.#awaitVisitors(entry)',
    replace: 'if (isUnvisited()) room.close({ flush: false })',
    why: 'closes an idle room that could not be saved',
  },
  {
    rule: 'LC5',
    file: manager,
    find: 'if (isUnvisited()) room.close()',
    replace: 'room.close()',
    why: 'closes a room that somebody joined while it was saved',
  },
  {
    rule: 'LC6',
    file: manager,
    find: 'if (this.#ending !== undefined) throw managerClosed()',
    replace: '',
    why: 'opens rooms after closeAll',
  },
  {
    rule: 'LC6',
    file: manager,
    find: 'if (!entry.isOpen) entry.fail(',
    replace: 'if (!entry.isOpen) void (',
    why: 'leaves who opens a room waiting for ever',
  },
  {
    rule: 'LC7',
    file: manager,
    find: 'if (!this.areAllClosed || saves > 0) return',
    replace: 'if (!this.areAllClosed && saves > 0) return',
    why: 'does not wait for the saves of closeAll',
  },
  {
    rule: 'LC7',
    file: manager,
    find: 'if (errors.length === 0) {',
    replace: 'if (errors.length >= 0) {',
    why: 'hides that a room could not be saved',
  },
  {
    rule: 'LC7',
    file: manager,
    find: 'save?.(true)',
    replace: 'save?.(false)',
    why: 'does not save in closeAll',
  },
  {
    rule: 'LC8',
    file: driver,
    find: `    if (this.#isOver) throw roomClosed()
    const { sessions, queue`,
    replace: '    const { sessions, queue',
    why: 'lets sessions join a closed room',
  },
  {
    rule: 'LC8',
    file: driver,
    find: 'if (this.#isClosed) return undefined\n    // What',
    replace: 'if (this.#isClosed) throw roomClosed()\n    // What',
    why: 'throws when a closed room is closed again',
  },
  {
    rule: 'LC9',
    file: timers,
    find: 'const timer = globalThis.setTimeout(',
    replace: "const timer = require('node:timers').setTimeout(",
    why: 'uses the real setTimeout whatever fakes it',
  },
  {
    rule: 'LC9',
    file: timers,
    find: `const LONGEST_DELAY_MS = 2 ** 31 - 1`,
    replace: `const LONGEST_DELAY_MS = 2 ** 31`,
    why: 'fires timers of a month at once',
  },
  {
    rule: 'LC10',
    file: hooks,
    find: `  } catch (error) {
    onFailure(error)`,
    replace: `  } catch (error) {
    onFailure(error)
    throw error`,
    why: 'lets what a callback throws through',
  },
  {
    rule: 'LC10',
    file: hooks,
    find: 'onRejection(callback(), onFailure)',
    replace: 'onRejection(callback(), () => {})',
    why: 'swallows what a callback rejects with',
  },
  {
    rule: 'LC10',
    file: hooks,
    find: `    if (onError === undefined) {
      warn(error)`,
    replace: '    if (onError === undefined) {',
    why: 'says nothing where there is no onError',
  },
  {
    rule: 'LC11',
    file: 'lib/reception/reception.js',
    find: `    const session = this.#sessions.get(sessionId)
    if (session === undefined) return
    const frame`,
    replace: `    const session = this.#sessions.get(sessionId)
    if (session === undefined) throw roomClosed()
    const frame`,
    why: 'throws for frames of unknown sessions',
  },
  {
    rule: 'LC11',
    file: driver,
    find: 'return session && this.#engine.permissions(session.number)',
    replace: "return session ? this.#engine.permissions(session.number) : 'readonly'",
    why: 'makes up rights of unknown sessions',
  },
  {
    rule: 'LC12',
    file: 'src/server/room.rs',
    find: `            self.broken = true;
            Err(RoomError::Broken)`,
    replace: '            Err(RoomError::Broken)',
    why: 'goes on after a panic',
  },
  {
    rule: 'LC12',
    file: 'lib/guarded-room.js',
    find: 'this.#owner.engineBroke(this.#broken)',
    replace: 'void this.#owner',
    why: 'leaves a broken room open',
  },
  {
    rule: 'LC13',
    file: idle,
    find: 'this.#timer.armUnreferenced(',
    replace: 'this.#timer.arm(',
    why: 'keeps a process alive for its idle rooms',
  },
  {
    rule: 'LC14',
    file: 'lib/native.js',
    find: "    return require('../native.js')",
    replace: `    if (!require('node:worker_threads').isMainThread) throw new Error('loaded already')
    return require('../native.js')`,
    why: 'loads on the main thread only',
  },
  {
    rule: 'LC15',
    file: argumentChecks,
    find: 'new TypeError(',
    replace: 'new RangeError(',
    why: 'throws another class for a wrong argument',
  },
  {
    rule: 'LC15',
    file: argumentChecks,
    find: "{ code: 'HEDDLE_INVALID_ARGUMENT' }",
    replace: "{ code: 'ERR_INVALID_ARG_TYPE' }",
    why: 'gives wrong arguments another code',
  },
  {
    rule: 'LC15',
    file: argumentChecks,
    find: 'function invalidArgument(name, expected, value) {',
    replace: `function invalidArgument(_, expected, value) {
  const name = 'An argument'`,
    why: 'does not name the wrong argument',
  },
  {
    rule: 'LC16',
    file: 'lib/driver.js',
    find: '.then(() => this.#engine.retire())',
    replace: '',
    why: 'does not say what a closed room weighs',
  },
  {
    rule: 'LC16',
    file: 'lib/rooms.js',
    find: '  unreachable.register(owner, place)\n',
    replace: '',
    why: 'keeps native rooms that nobody can reach',
  },
  {
    rule: 'LC17',
    file: 'lib/keepers/snapshot.js',
    find: `    throw new HeddleError('HEDDLE_SNAPSHOT_TOO_LARGE', message, { cause })`,
    replace: '    throw message && cause',
    why: 'throws what the runtime throws',
  },
  {
    rule: 'LC17',
    file: 'lib/keepers/history.js',
    find: 'JSON.parse(readText(await this.past(timestamp)))',
    replace: 'JSON.parse((await this.past(timestamp)).text())',
    why: 'rejects with what the runtime throws',
  },
  {
    rule: 'LC18',
    file: spread,
    find: '    if (worked >= ROOMS_PER_TURN) break\n',
    replace: '',
    why: 'opens and closes all rooms in one turn',
  },
  {
    rule: 'LC18',
    file: 'lib/keepers/file-keeper.js',
    find: '  spreadOut(notifier.take(), (place) => openKeepers[place]?.poll())',
    replace: '  for (const place of notifier.take()) openKeepers[place]?.poll()',
    why: 'hears of all files in one turn',
  },
  {
    rule: 'LC18',
    file: manager,
    find: 'new Map([...this.#occupied].map((entry) => [entry, this.#takeAway(entry)]))',
    replace: 'new Map()',
    why: 'lets sessions stay until it is the turn of their room',
  },
  {
    rule: 'LC18',
    file: manager,
    find: '    this.#house.isClosed = true\n',
    replace: '',
    why: 'lets rooms that have yet to hear of closeAll go on',
  },
  {
    rule: 'LC19',
    file: idle,
    find: 'if (!this.#timer.armed && !this.#isEnding) this.#arm(room.idleSince)',
    replace: `new Timer().armUnreferenced(this.#timeoutMs, () => this.#end(Infinity))`,
    why: 'arms a timer for each room',
  },
  {
    rule: 'LC20',
    file: driver,
    find: 'if (this.#made?.isAtRest) this.#made = undefined',
    replace: '',
    why: 'keeps what served sessions that have left',
  },
  {
    rule: 'LC21',
    file: resting,
    find: '        self.is_rest_due = true;\n',
    replace: '',
    why: 'never rests',
  },
  {
    rule: 'LC21',
    file: resting,
    find: '        self.is_rest_due &= self.awake().is_some();\n',
    replace: '',
    why: 'rests again after each edit of the server',
  },
  {
    rule: 'LC21',
    file: resting,
    find: 'if room.census() == (0, 0)\n            && let',
    replace: 'if false\n            && let',
    why: 'keeps a room awake that has yet to hold anything',
  },
  {
    rule: 'LC21',
    file: resting,
    find: '            State::AtRest(resting) => resting.is_journaled = true,',
    replace: '            State::AtRest(_) => {}',
    why: 'shows what is not stored where it rests from the beginning',
  },
  {
    rule: 'LC21',
    file: resting,
    find: '            if self.is_journaled {',
    replace: '            if false {',
    why: 'shows what is not stored once it has been at rest',
  },
  {
    rule: 'LC21',
    file: 'src/engine/document/resting.rs',
    find: 'Some(component) => component.older = Link::to(slot),',
    replace: 'Some(_) => {}',
    why: 'forgets at rest what changed when',
  },
]
