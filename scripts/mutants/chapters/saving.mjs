// SPEC.md section 9.

const saver = 'lib/keepers/saver.js'
const timers = 'lib/timers.js'
const driver = 'lib/driver.js'
const snapshot = 'src/protocol/canvas/snapshot.rs'

/** @type {import('../../mutants.mjs').Mutant[]} */
export const saving = [
  {
    rule: 'DU1',
    file: saver,
    find: 'this.#timer.arm(this.#saving.throttleMs, this.#onTimer)',
    replace: 'this.#timer.arm(0, this.#onTimer)',
    why: 'saves at once instead of after saveThrottleMs',
  },
  {
    rule: 'DU1',
    file: saver,
    find: 'if (!this.#isClosed && !this.#timer.armed)',
    replace: 'if (!this.#isClosed)',
    why: 'puts saving off as long as the room changes',
  },
  {
    rule: 'DU1',
    file: saver,
    find: `    if (this.#isSaving) this.#isDue = true
    else this.#begin()`,
    replace: '    this.#begin()',
    why: 'has several saves in flight',
  },
  {
    rule: 'DU1',
    file: saver,
    find: 'else if (this.#isDue || this.#last !== undefined) this.#begin()',
    replace: 'else if (this.#last !== undefined) this.#begin()',
    why: 'forgets that a save was due while another was in flight',
  },
  {
    rule: 'DU2',
    file: timers,
    find: 'const first = Math.min(mostFirstMs, FIRST_RETRY_MS)',
    replace: 'const first = FIRST_RETRY_MS',
    why: 'waits longer than saveThrottleMs for the first retry',
  },
  {
    rule: 'DU2',
    file: timers,
    find: 'const first = Math.min(mostFirstMs, FIRST_RETRY_MS)',
    replace: 'const first = mostFirstMs',
    why: 'waits saveThrottleMs for the first retry',
  },
  {
    rule: 'DU2',
    file: timers,
    find: '* 2 ** (failures - 1)',
    replace: '* failures',
    why: 'does not double the delay of retries',
  },
  {
    rule: 'DU2',
    file: timers,
    find: 'const LONGEST_RETRY_MS = 30_000',
    replace: 'const LONGEST_RETRY_MS = 31_000',
    why: 'waits longer than 30 seconds for a retry',
  },
  {
    rule: 'DU2',
    file: saver,
    find: 'if (waiting === undefined || isGivenUp) this.#saving.report(error)',
    replace: 'if (isGivenUp) this.#saving.report(error)',
    why: 'does not report a failed save',
  },
  {
    rule: 'DU3',
    file: saver,
    find: 'if (this.#isClosed && !this.isUnsaved) return Promise.resolve()',
    replace: 'if (!this.isUnsaved) return Promise.resolve()',
    why: 'does not flush when nothing changed',
  },
  {
    rule: 'DU3',
    file: saver,
    find: `    const { promise } = this.#next
    if (!this.#isSaving) this.#begin()`,
    replace: `    const { promise } = this.#next
    if (!this.#isSaving && this.#failures === 0) this.#begin()
    else this.#retryLater()`,
    why: 'flushes only after the back-off',
  },
  {
    rule: 'DU3',
    file: saver,
    find: 'waiting?.reject(error)',
    replace: 'waiting?.resolve()',
    why: 'resolves a flush that failed',
  },
  {
    rule: 'DU4',
    file: saver,
    find: 'if (!save || !(this.#isSaving || this.isUnsaved)) return this.#quiet()',
    replace: 'if (save || !save) return this.#quiet()',
    why: 'does not save what is unsaved when the room closes',
  },
  {
    rule: 'DU4',
    file: saver,
    find: 'if (!save || !(this.#isSaving || this.isUnsaved)) return this.#quiet()',
    replace: 'if (!(this.#isSaving || this.isUnsaved)) return this.#quiet()',
    why: 'saves although close was told not to',
  },
  {
    rule: 'DU4',
    file: saver,
    find: 'if (!save || !(this.#isSaving || this.isUnsaved)) return this.#quiet()',
    replace: 'if (!save) return this.#quiet()',
    why: 'saves at the close what is saved already',
  },
  {
    rule: 'DU5',
    file: saver,
    find: 'store: (snapshot) => storage.save(lazySnapshot(snapshot)),',
    replace: `store: (snapshot) =>
        storage.save(
          lazySnapshot(
            /** @type {any} */ ({
              timestamp: snapshot.timestamp,
              text: () => engine.snapshot().text(),
            }),
          ),
        ),`,
    why: 'reads a snapshot when somebody looks at it',
  },
  {
    rule: 'DU6',
    file: saver,
    find: 'this.#timer.arm(this.#saving.throttleMs, this.#onTimer)',
    replace: 'this.#timer.armUnreferenced(this.#saving.throttleMs, this.#onTimer)',
    why: 'lets a process end with unsaved changes',
  },
  {
    rule: 'DU7',
    file: snapshot,
    find: 'timestamps.ok_or_else(|| missing("timestamps"))?',
    replace: 'timestamps.unwrap_or(b"{}")',
    why: 'takes an object without timestamps for a snapshot',
  },
  {
    rule: 'DU7',
    file: snapshot,
    find: '.parse().ok().filter(|clock| *clock <= limit)',
    replace: '.parse().ok().or(Some(limit))',
    why: 'takes anything for a clock',
  },
  {
    rule: 'DU7',
    file: 'src/server/room.rs',
    find: '            let document = canvas::snapshot::decode(',
    replace: `            room.engine.replace_document(Document::new(room.engine.document().hash_keys()));
            let document = canvas::snapshot::decode(`,
    why: 'empties a room before it has read the snapshot',
  },
  {
    rule: 'DU8',
    file: saver,
    find: 'if (stored !== null) this.#room.engine.recover(stored.snapshot, stored.changes)',
    replace: `if (stored !== null && this.#room.engine.clock === 0) {
      this.#room.engine.recover(stored.snapshot, stored.changes)
    }`,
    why: 'prefers initialSnapshot to what storage holds',
  },
  {
    rule: 'DU9',
    file: driver,
    find: 'this.#loaded ??= this.#startLoading()',
    replace: 'this.#loaded = this.#startLoading()',
    why: 'loads as often as it is told',
  },
  {
    rule: 'DU9',
    file: driver,
    find: 'this.shut(...ROOM_NOT_LOADED)?.(false)',
    replace: 'void ROOM_NOT_LOADED',
    why: 'leaves a room open that did not load',
  },
  {
    rule: 'DU10',
    file: snapshot,
    find: 'clocks.get(name).unwrap_or(clock)',
    replace: 'clocks.get(name).unwrap_or(0)',
    why: 'takes fields without a clock for the oldest',
  },
  {
    rule: 'DU10',
    file: snapshot,
    find: `        if let Some(clocks) = clocks.get(key) {
            read_clocks(key, clocks, clock, &mut of_fields)?;
        }`,
    replace: `        let clocks = clocks.get(key).ok_or_else(|| bad("a component without timestamps"))?;
        read_clocks(key, clocks, clock, &mut of_fields)?;`,
    why: 'refuses components without clocks',
  },
  {
    rule: 'DU11',
    file: saver,
    find: 'const LAST_SAVE_ATTEMPTS = 5',
    replace: 'const LAST_SAVE_ATTEMPTS = 6',
    why: 'tries a last save six times',
  },
  {
    rule: 'DU11',
    file: saver,
    find: 'const LAST_SAVE_ATTEMPTS = 5',
    replace: 'const LAST_SAVE_ATTEMPTS = 4',
    why: 'tries a last save four times',
  },
  {
    rule: 'DU11',
    file: saver,
    find: 'if (waiting === undefined || isGivenUp) this.#saving.report(error)',
    replace: 'if (waiting === undefined && !isGivenUp) this.#saving.report(error)',
    why: 'does not report that a last save was given up',
  },
  {
    rule: 'DU32',
    file: snapshot,
    find: '        document.begin_copy();\n',
    replace: '',
    why: 'writes a snapshot of several moments',
  },
  {
    rule: 'DU32',
    file: saver,
    find: '      if (!isWanted) return\n',
    replace: '',
    why: 'saves what nobody wants any more',
  },
]
