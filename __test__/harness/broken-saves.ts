/** Storages whose `load` or `save` breaks an invariant. */

import type { RoomSnapshot } from '../../index.js'
import { type Defect, ModelStorage } from './model-storage.js'

const EMPTY: RoomSnapshot = { timestamp: 0, state: {}, timestamps: {} }

const EXACTLY = 'load gives back every name and value exactly'
const FAILED_SAVE = 'a save that fails changes nothing, and the next one is stored'

const later = () => new Promise((resolve) => setTimeout(resolve, 20))
const rewriteTexts = (value: object, rewrite: (text: string) => string) =>
  JSON.parse(
    JSON.stringify(value, (_, inner) => (typeof inner === 'string' ? rewrite(inner) : inner)),
  )

export const DEFECTS_OF_SAVES: Defect[] = [
  {
    does: 'gives an empty room for none',
    invariant: 1,
    fails: 'load gives null before the first save',
    Storage: class extends ModelStorage {
      override async load() {
        return (await super.load()) ?? EMPTY
      }
    },
  },
  {
    does: 'keeps the first snapshot',
    invariant: 1,
    fails: 'load gives what the last save got',
    Storage: class extends ModelStorage {
      override async save(snapshot: RoomSnapshot) {
        if (this.snapshot === null) await super.save(snapshot)
      }
    },
  },
  {
    does: 'compares clocks as texts',
    invariant: 1,
    fails: 'load gives what the last save got',
    Storage: class extends ModelStorage {
      override async save(snapshot: RoomSnapshot) {
        if (`${snapshot.timestamp}` >= `${this.snapshot?.timestamp ?? ''}`) {
          await super.save(snapshot)
        }
      }
    },
  },
  {
    does: 'copies components by assigning them',
    invariant: 1,
    fails: EXACTLY,
    Storage: class extends ModelStorage {
      override async save(snapshot: RoomSnapshot) {
        const state: RoomSnapshot['state'] = {}
        for (const [key, fields] of Object.entries(snapshot.state)) state[key] = fields
        await super.save({ ...snapshot, state })
      }
    },
  },
  {
    does: 'forgets tombstones',
    invariant: 1,
    fails: EXACTLY,
    Storage: class extends ModelStorage {
      override async save(snapshot: RoomSnapshot) {
        const alive = Object.entries(snapshot.state).filter(([, { _exists }]) => _exists)
        await super.save({ ...snapshot, state: Object.fromEntries(alive) })
      }
    },
  },
  {
    does: 'keeps texts as UTF-8',
    invariant: 1,
    fails: EXACTLY,
    Storage: class extends ModelStorage {
      override async save(snapshot: RoomSnapshot) {
        await super.save(rewriteTexts(snapshot, (text) => Buffer.from(text).toString()))
      }
    },
  },
  {
    does: 'ends texts at a NUL',
    invariant: 1,
    fails: EXACTLY,
    Storage: class extends ModelStorage {
      override async save(snapshot: RoomSnapshot) {
        await super.save(rewriteTexts(snapshot, (text) => text.split('\0')[0] ?? ''))
      }
    },
  },
  {
    does: 'normalizes names',
    invariant: 1,
    fails: EXACTLY,
    Storage: class extends ModelStorage {
      override async save(snapshot: RoomSnapshot) {
        await super.save(JSON.parse(JSON.stringify(snapshot).normalize()))
      }
    },
  },
  {
    does: 'adds an id of its own to what it gives',
    invariant: 1,
    fails: EXACTLY,
    Storage: class extends ModelStorage {
      override async load() {
        const snapshot = await super.load()
        return snapshot && { ...snapshot, _id: this.roomId }
      }
    },
  },
  {
    does: 'has room for 64 KiB',
    invariant: 1,
    fails: 'load gives back a large snapshot',
    Storage: class extends ModelStorage {
      override async load() {
        const text = JSON.stringify(await super.load())
        return JSON.parse(text.slice(0, 65_536))
      }
    },
  },
  {
    does: 'resolves a save before it is stored',
    invariant: 2,
    fails: 'a save that resolved is there for the next process',
    Storage: class extends ModelStorage {
      override async save(snapshot: RoomSnapshot) {
        void later().then(() => super.save(snapshot))
      }
    },
  },
  {
    does: 'loses what it had when a save fails',
    invariant: 3,
    fails: FAILED_SAVE,
    Storage: class extends ModelStorage {
      override async save(snapshot: RoomSnapshot) {
        this.files.clear()
        await super.save(snapshot)
      }
    },
  },
  {
    does: 'stays in the transaction that failed',
    invariant: 3,
    fails: FAILED_SAVE,
    Storage: class extends ModelStorage {
      #isOpen = false
      override async save(snapshot: RoomSnapshot) {
        if (this.#isOpen) throw new Error('cannot start a transaction within a transaction')
        this.#isOpen = true
        await super.save(snapshot)
        this.#isOpen = false
      }
    },
  },
  {
    does: 'swallows that a save failed',
    invariant: 3,
    fails: FAILED_SAVE,
    Storage: class extends ModelStorage {
      override save(snapshot: RoomSnapshot) {
        return super.save(snapshot).catch(() => {})
      }
    },
  },
  {
    does: 'does not read what it stores',
    invariant: 3,
    fails: FAILED_SAVE,
    Storage: class extends ModelStorage {
      #saved: RoomSnapshot | null = null
      override load = async () => this.#saved
      override save = async (snapshot: RoomSnapshot) => {
        this.#saved = snapshot
      }
    },
  },
  {
    does: 'keeps the snapshot that it was given',
    invariant: 7,
    fails: 'what save got may be changed afterwards',
    Storage: class extends ModelStorage {
      #saved: RoomSnapshot | null = null
      override async load() {
        return structuredClone(this.#saved)
      }
      override async save(snapshot: RoomSnapshot) {
        this.#saved = snapshot
      }
    },
  },
  {
    does: 'gives the snapshot that it keeps',
    invariant: 7,
    fails: 'what load gave may be changed',
    Storage: class extends ModelStorage {
      #loaded: RoomSnapshot | null = null
      override async load() {
        this.#loaded ??= await super.load()
        return this.#loaded
      }
      override async save(snapshot: RoomSnapshot) {
        this.#loaded = null
        await super.save(snapshot)
      }
    },
  },
  {
    does: 'has one snapshot for all rooms',
    invariant: 9,
    fails: 'a save is of its own room only',
    Storage: class extends ModelStorage {
      constructor(files: Map<string, string>) {
        super(files, 'room')
      }
    },
  },
]
