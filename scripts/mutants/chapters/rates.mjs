// SPEC.md section 22.

const budget = 'lib/reception/budget.js'
const intake = 'lib/reception/intake.js'
const ratesFile = 'lib/reception/rates.js'

/** @type {import('../../mutants.mjs').Mutant[]} */
export const rates = [
  {
    rule: 'RT1',
    file: ratesFile,
    find: 'if (framesPerSecond === Infinity && bytesPerSecond === Infinity) return undefined\n',
    replace: '',
    why: 'reads the clock where there are no rates',
  },
  {
    rule: 'RT1',
    file: ratesFile,
    find: 'Math.min(this.#burst, this.#tokens + elapsedMs * this.#perMs)',
    replace: 'this.#tokens + elapsedMs * this.#perMs',
    why: 'saves up more than a burst',
  },
  {
    rule: 'RT1',
    file: ratesFile,
    find: 'return hasFrame && hasBytes',
    replace: 'return hasFrame',
    why: 'lets any number of bytes pass',
  },
  {
    rule: 'RT2',
    file: ratesFile,
    find: 'this.#timer.armUnreferenced(Math.ceil(debtMs)',
    replace: 'this.#timer.armUnreferenced(debtMs * 10',
    why: 'lets frames wait longer than the rate asks for',
  },
  {
    rule: 'RT2',
    file: intake,
    find: 'const PAUSING = Reason.LAGGING | Reason.OVER_RATE',
    replace: 'const PAUSING = Reason.LAGGING',
    why: 'goes on reading from who is over the rate',
  },
  {
    rule: 'RT10',
    file: intake,
    find: 'this.#reasons !== 0 || this.#isDraining || this',
    replace: 'this.#reasons !== 0 || this',
    why: 'handles a frame before those that wait',
  },
  {
    rule: 'RT3',
    file: intake,
    find: 'if (!this.#isPaused) return false\n',
    replace: '',
    why: 'lets a socket fill its inbox that cannot be paused',
  },
  {
    rule: 'RT3',
    file: ratesFile,
    find: "[4429, 'too many frames']",
    replace: "[4529, 'too many frames']",
    why: 'closes for too many frames with another code',
  },
  {
    rule: 'RT4',
    file: ratesFile,
    find: 'Math.min(amount, this.#burst)',
    replace: 'amount',
    why: 'never lets a frame pass that is larger than the burst',
  },
  {
    rule: 'RT5',
    file: 'lib/reception/reception.js',
    find: 'if (session.intake?.receive(frame) === false) this',
    replace:
      'session.intake?.charge(frame)\n    if (session.intake?.receive(frame) === false) this',
    why: 'charges frames again that waited for the load',
  },
  {
    rule: 'RT6',
    file: intake,
    find: 'this.#debt?.forget()\n',
    replace: '',
    why: 'keeps the timer of a session that has left',
  },
  {
    rule: 'RT6',
    file: intake,
    find: '    // A paused socket would not read that its peer has closed it.\n    this.#resume()\n',
    replace: '',
    why: 'leaves the socket of a session that has left paused',
  },
  {
    rule: 'RT10',
    file: budget,
    find: 'const TURN_BUDGET_LENGTH = 2 * 1024 * 1024',
    replace: 'const TURN_BUDGET_LENGTH = Infinity',
    why: 'answers any number of reconnects in one turn',
  },
  {
    rule: 'RT10',
    file: budget,
    find: '    if (waiters.length > 0) line.set(room, waiters)\n',
    replace:
      '    if (waiters.length > 0) {\n      const others = [...line]\n      line.clear()\n      line.set(room, waiters)\n      for (const [other, theirs] of others) line.set(other, theirs)\n    }\n',
    why: 'lets a room have all turns while it has reconnects',
  },
  {
    rule: 'RT10',
    file: 'lib/reception/frames.js',
    find: "frame.includes('reconnect') || frame.includes('\\\\')",
    replace: "frame.includes('reconnect')",
    why: 'does not look for a reconnect behind escapes',
  },
  {
    rule: 'RT11',
    file: intake,
    find: 'if (!isSpent(isDirect) || !mayCatchUp(frame)) return false',
    replace: 'if (!isSpent(isDirect)) return false',
    why: 'lets all frames wait behind catch-ups',
  },
  {
    rule: 'RT11',
    file: budget,
    find: 'return (isDirect ? spentOnLarge : spent) >=',
    replace: 'return spent >=',
    why: 'answers small catch-ups out of turn',
  },
  {
    rule: 'RT12',
    file: intake,
    find: '    this.hold(Reason.TURN_IS_FULL)\n    lineUp(room, this)\n',
    replace: '    this.hold(Reason.TURN_IS_FULL)\n',
    why: 'forgets who waits for its turn',
  },
  {
    rule: 'RT13',
    file: 'lib/sockets/outlets.js',
    find: 'if (isCount(text) && isCount(this.#texts[last])) this.#texts[last] = text\n    else this.#keep(text)',
    replace: 'void last\n    this.#keep(text)',
    why: 'tells every count of a crowd to everybody',
  },
  {
    rule: 'RT13',
    file: 'lib/sockets/outlets.js',
    find: 'isCount(text) && isCount(this.#texts[last])',
    replace: 'isCount(text) && last >= 0',
    why: 'tells a count in place of another frame',
  },
  {
    rule: 'RT20',
    file: 'lib/reception/reception.js',
    find: '!this.#isStoreSlow && this.#unstoredBytes > most',
    replace: 'this.#unstoredBytes < 0',
    why: 'keeps anything for a store that takes nothing',
  },
  {
    rule: 'RT20',
    file: 'lib/reception/reception.js',
    find: '    if (this.#isStoreSlow) session.intake.hold(Reason.STORE_IS_SLOW)\n',
    replace: '',
    why: 'takes frames of who comes while the store is slow',
  },
  {
    rule: 'RT20',
    file: 'lib/reception/reception.js',
    find: 'session.intake?.release(Reason.STORE_IS_SLOW)',
    replace: 'void session',
    why: 'takes no frames any more when the store has caught up',
  },
]
