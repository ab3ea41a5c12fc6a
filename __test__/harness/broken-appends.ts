/** Storages whose `append`, `loadChanges` or `save` breaks an invariant about changes. */

import type { RoomSnapshot, StoredChange } from '../../index.js'
import { type Defect, ModelStorage } from './model-storage.js'

const EXACTLY = 'loadChanges gives back every change exactly'
const IN_ORDER = 'loadChanges gives the changes of many appends in order'
const AFTER = 'loadChanges gives only what is after, also from the middle of an append'
const NEXT_PROCESS =
  'an append that resolved is there for the next process, before the first save too'
const FAILED_APPEND = 'an append that fails changes nothing, and the next one is stored'
const KEEPS_ABOVE = 'a save keeps the changes above it'
const AT_ONCE = 'a save and an append at the same time both count'
const OWN_ROOM = 'an append is of its own room only, and so is what a save removes'
const replacing = (how: string) =>
  `an append of ${how} replaces the one that began at the same number`

const later = () => new Promise((resolve) => setTimeout(resolve, 20))

export const DEFECTS_OF_APPENDS: Defect[] = [
  {
    does: 'rejects where there are no changes',
    invariant: 4,
    fails: 'loadChanges gives nothing before the first append',
    Storage: class extends ModelStorage {
      override async loadChanges(after: number) {
        const changes = await super.loadChanges(after)
        if (changes.length === 0) throw new Error('no such key')
        return changes
      }
    },
  },
  {
    does: 'gives undefined for no changes',
    invariant: 4,
    fails: 'loadChanges gives nothing before the first append',
    Storage: class extends ModelStorage {
      override async loadChanges(after: number) {
        const changes = await super.loadChanges(after)
        return changes.length === 0 ? (undefined as unknown as StoredChange[]) : changes
      }
    },
  },
  {
    does: 'rounds times to seconds',
    invariant: 4,
    fails: EXACTLY,
    Storage: class extends ModelStorage {
      override async append(changes: readonly StoredChange[]) {
        const rounded = (time: number) => Math.floor(time / 1_000) * 1_000
        await super.append(changes.map((change) => ({ ...change, time: rounded(change.time) })))
      }
    },
  },
  {
    does: 'merges the patches of a change',
    invariant: 4,
    fails: EXACTLY,
    Storage: class extends ModelStorage {
      override async append(changes: readonly StoredChange[]) {
        const merged = changes.map((change) => ({
          ...change,
          patches: [Object.assign({}, ...change.patches)],
        }))
        await super.append(merged)
      }
    },
  },
  {
    does: 'takes the server for nobody',
    invariant: 4,
    fails: EXACTLY,
    Storage: class extends ModelStorage {
      override async append(changes: readonly StoredChange[]) {
        await super.append(changes.filter(({ clientId }) => clientId !== ''))
      }
    },
  },
  {
    does: 'loses the last change of an append',
    invariant: 4,
    fails: IN_ORDER,
    Storage: class extends ModelStorage {
      override async append(changes: readonly StoredChange[]) {
        await super.append(changes.length > 1 ? changes.slice(0, -1) : changes)
      }
    },
  },
  {
    does: 'keeps the last append only',
    invariant: 4,
    fails: IN_ORDER,
    Storage: class extends ModelStorage {
      protected override before = () => []
    },
  },
  {
    does: 'sorts numbers as texts',
    invariant: 4,
    fails: IN_ORDER,
    Storage: class extends ModelStorage {
      override async loadChanges(after: number) {
        const changes = [...(await super.loadChanges(after))]
        return changes.sort((a, b) => (`${a.timestamp}` < `${b.timestamp}` ? -1 : 1))
      }
    },
  },
  {
    does: 'gives the newest change first',
    invariant: 4,
    fails: IN_ORDER,
    Storage: class extends ModelStorage {
      override async loadChanges(after: number) {
        return [...(await super.loadChanges(after))].reverse()
      }
    },
  },
  {
    does: 'gives the change at `after` too',
    invariant: 4,
    fails: AFTER,
    Storage: class extends ModelStorage {
      override loadChanges(after: number) {
        return super.loadChanges(after - 1)
      }
    },
  },
  {
    does: 'gives whole appends',
    invariant: 4,
    fails: AFTER,
    Storage: class extends ModelStorage {
      #starts: number[] = []
      override async append(changes: readonly StoredChange[]) {
        this.#starts.push(changes[0]?.timestamp ?? 0)
        await super.append(changes)
      }
      override async loadChanges(after: number) {
        const start = this.#starts.findLast((number) => number <= after + 1) ?? after + 1
        return super.loadChanges(start - 1)
      }
    },
  },
  {
    does: 'finds a change by its place in the list',
    invariant: 4,
    fails: 'appends go on after a snapshot that is newer than every change',
    Storage: class extends ModelStorage {
      override async loadChanges(after: number) {
        return this.changes.slice(after)
      }
    },
  },
  {
    does: 'refuses a change whose predecessor it does not know',
    invariant: 4,
    fails: 'appends go on after a snapshot that is newer than every change',
    Storage: class extends ModelStorage {
      #last = 0
      override async append(changes: readonly StoredChange[]) {
        if ((changes[0]?.timestamp ?? 0) > this.#last + 1) throw new Error('there is a gap')
        await super.append(changes)
        this.#last = changes.at(-1)?.timestamp ?? 0
      }
    },
  },
  {
    does: 'stores the first 16,384 rows of a statement',
    invariant: 3,
    fails: 'a large append is stored whole',
    Storage: class extends ModelStorage {
      override async append(changes: readonly StoredChange[]) {
        await super.append(changes.slice(0, 16_384))
      }
    },
  },
  {
    does: 'resolves an append before it is stored',
    invariant: 2,
    fails: NEXT_PROCESS,
    Storage: class extends ModelStorage {
      override async append(changes: readonly StoredChange[]) {
        void later().then(() => super.append(changes))
      }
    },
  },
  {
    does: 'keeps the last change in memory until the next append',
    invariant: 2,
    fails: NEXT_PROCESS,
    Storage: class extends ModelStorage {
      #pending: StoredChange[] = []
      override async append(changes: readonly StoredChange[]) {
        const all = [...this.#pending, ...changes]
        this.#pending = all.splice(-1)
        if (all.length > 0) await super.append(all)
      }
      override async loadChanges(after: number) {
        return [...(await super.loadChanges(after)), ...this.#pending]
      }
    },
  },
  {
    does: 'takes an append only where there is a snapshot',
    invariant: 2,
    fails: NEXT_PROCESS,
    Storage: class extends ModelStorage {
      override async append(changes: readonly StoredChange[]) {
        if (this.snapshot !== null) await super.append(changes)
      }
    },
  },
  {
    does: 'opens on the snapshot alone where there is one',
    invariant: 2,
    fails: 'an append after a save that resolved is there for the next process',
    Storage: class extends ModelStorage {
      override async loadChanges(after: number) {
        return after > 0 ? [] : super.loadChanges(after)
      }
    },
  },
  {
    does: 'stores the changes of an append one by one',
    invariant: 3,
    fails: FAILED_APPEND,
    Storage: class extends ModelStorage {
      override async append(changes: readonly StoredChange[]) {
        for (const change of changes) await super.append([change])
      }
    },
  },
  {
    does: 'swallows that an append failed',
    invariant: 3,
    fails: FAILED_APPEND,
    Storage: class extends ModelStorage {
      override append(changes: readonly StoredChange[]) {
        return super.append(changes).catch(() => {})
      }
    },
  },
  {
    does: 'stays in the append that failed',
    invariant: 3,
    fails: FAILED_APPEND,
    Storage: class extends ModelStorage {
      #isOpen = false
      override async append(changes: readonly StoredChange[]) {
        if (this.#isOpen) throw new Error('cannot start a transaction within a transaction')
        this.#isOpen = true
        await super.append(changes)
        this.#isOpen = false
      }
    },
  },
  {
    does: 'replaces change by change',
    invariant: 5,
    fails: replacing('fewer changes'),
    Storage: class extends ModelStorage {
      override async append(changes: readonly StoredChange[]) {
        const byNumber = new Map([...this.changes, ...changes].map((one) => [one.timestamp, one]))
        this.changes = [...byNumber.values()]
      }
    },
  },
  {
    does: 'takes an append with numbers that it has for a repetition',
    invariant: 5,
    fails: replacing('as many changes'),
    Storage: class extends ModelStorage {
      override async append(changes: readonly StoredChange[]) {
        const last = changes.at(-1)?.timestamp
        if (this.changes.at(-1)?.timestamp !== last) await super.append(changes)
      }
    },
  },
  {
    does: 'keeps what is there and adds the rest',
    invariant: 5,
    fails: replacing('more changes'),
    Storage: class extends ModelStorage {
      override async append(changes: readonly StoredChange[]) {
        const last = this.changes.at(-1)?.timestamp ?? 0
        this.changes = [...this.changes, ...changes.filter(({ timestamp }) => timestamp > last)]
      }
    },
  },
  {
    does: 'does not replace at all',
    invariant: 5,
    fails: replacing('as many changes'),
    Storage: class extends ModelStorage {
      protected override before = () => this.changes
    },
  },
  {
    does: 'replaces nothing at the start of a room',
    invariant: 5,
    fails: 'an append replaces the first one of a room',
    Storage: class extends ModelStorage {
      protected override before(changes: readonly StoredChange[]) {
        return changes[0]?.timestamp === 1 ? this.changes : super.before(changes)
      }
    },
  },
  {
    does: 'removes all changes at a save',
    invariant: 6,
    fails: KEEPS_ABOVE,
    Storage: class extends ModelStorage {
      override async save(snapshot: RoomSnapshot) {
        await super.save(snapshot)
        this.changes = []
      }
    },
  },
  {
    does: 'removes one change too many at a save',
    invariant: 6,
    fails: KEEPS_ABOVE,
    Storage: class extends ModelStorage {
      override async save(snapshot: RoomSnapshot) {
        await super.save(snapshot)
        this.changes = this.changes.slice(1)
      }
    },
  },
  {
    does: 'writes back at the end of a save what was there at its start',
    invariant: 6,
    fails: AT_ONCE,
    Storage: class extends ModelStorage {
      override async save(snapshot: RoomSnapshot) {
        const { changes } = this
        this.snapshot = snapshot
        await later()
        this.changes = changes.filter(({ timestamp }) => timestamp > snapshot.timestamp)
      }
    },
  },
  {
    does: 'keeps the changes that it was given',
    invariant: 7,
    fails: 'what append got may be changed afterwards',
    Storage: class extends ModelStorage {
      #kept: StoredChange[] = []
      override async append(changes: readonly StoredChange[]) {
        this.#kept.push(...changes)
      }
      override async loadChanges() {
        return structuredClone(this.#kept)
      }
    },
  },
  {
    does: 'gives the changes that it keeps',
    invariant: 7,
    fails: 'what loadChanges gave may be changed',
    Storage: class extends ModelStorage {
      #kept: StoredChange[] = []
      override async append(changes: readonly StoredChange[]) {
        this.#kept.push(...structuredClone(changes))
      }
      override async loadChanges() {
        return this.#kept
      }
    },
  },
  {
    does: 'has one list of changes for all rooms',
    invariant: 9,
    fails: OWN_ROOM,
    Storage: class extends ModelStorage {
      constructor(files: Map<string, string>) {
        super(files, 'room')
      }
    },
  },
  {
    does: 'removes the changes of all rooms at a save',
    invariant: 9,
    fails: OWN_ROOM,
    Storage: class extends ModelStorage {
      override async save(snapshot: RoomSnapshot) {
        await super.save(snapshot)
        for (const name of this.files.keys()) {
          if (name.endsWith('changes') && !name.startsWith(`${this.roomId} `)) {
            this.files.set(name, '[]')
          }
        }
      }
    },
  },
]
