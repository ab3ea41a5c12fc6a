import type { RoomSnapshot, Storage, StoredChange } from '../../index.js'

/** Files by name: what a process leaves to the next one. */
export type Files = Map<string, string>

/**
 * A storage that keeps every invariant, as plainly as can be: two files of JSON per room. Tests break
 * one of its methods.
 */
export class ModelStorage implements Storage {
  constructor(
    protected readonly files: Files,
    protected readonly roomId: string,
  ) {}

  async load(): Promise<RoomSnapshot | null> {
    return this.snapshot
  }

  async save(snapshot: RoomSnapshot): Promise<void> {
    this.snapshot = snapshot
    this.changes = this.changes.filter(({ timestamp }) => timestamp > snapshot.timestamp)
  }

  async append(changes: readonly StoredChange[]): Promise<void> {
    this.changes = [...this.before(changes), ...changes]
  }

  async loadChanges(after: number): Promise<readonly StoredChange[]> {
    return this.changes.filter(({ timestamp }) => timestamp > after)
  }

  /** The stored changes that an append does not replace. */
  protected before(changes: readonly StoredChange[]): StoredChange[] {
    const first = changes[0]?.timestamp ?? 0
    return this.changes.filter(({ timestamp }) => timestamp < first)
  }

  protected get snapshot(): RoomSnapshot | null {
    return JSON.parse(this.files.get(`${this.roomId} snapshot`) ?? 'null')
  }

  protected set snapshot(snapshot: RoomSnapshot) {
    this.files.set(`${this.roomId} snapshot`, JSON.stringify(snapshot))
  }

  protected get changes(): StoredChange[] {
    return JSON.parse(this.files.get(`${this.roomId} changes`) ?? '[]')
  }

  protected set changes(changes: StoredChange[]) {
    this.files.set(`${this.roomId} changes`, JSON.stringify(changes))
  }
}

/** How a storage can break an invariant, and the case of the contract that must notice. */
export interface Defect {
  /** Completes "a storage that …". */
  does: string
  Storage: typeof ModelStorage
  invariant: number
  /** The name of the case. */
  fails: string
}
