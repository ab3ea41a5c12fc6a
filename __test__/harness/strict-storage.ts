import type { RoomSnapshot, StoredChange } from '../../index.js'
import { ModelStorage } from './model-storage.js'

/**
 * A storage that takes heddle at its word: it rejects every call that breaks what the docs of `Storage`
 * promise to implementations.
 */
export class StrictStorage extends ModelStorage {
  /** The last number that is stored; unknown before `load`. */
  #last: number | undefined
  #savedAt = 0
  #isReady = false
  /** Where the newest append began: it may have to be repeated from there. */
  #start: number | undefined
  #inFlight = new Set<string>()

  override async load(): Promise<RoomSnapshot | null> {
    const snapshot = await super.load()
    this.#savedAt = snapshot?.timestamp ?? 0
    this.#last ??= this.#savedAt
    return snapshot
  }

  override async loadChanges(after: number): Promise<readonly StoredChange[]> {
    check(this.#last !== undefined, 'load comes first')
    check(after >= this.#savedAt, 'no changes are asked for that a snapshot holds')
    const changes = await super.loadChanges(after)
    if (!this.#isReady) this.#last = changes.at(-1)?.timestamp ?? this.#last
    this.#isReady = true
    return changes
  }

  override async save(snapshot: RoomSnapshot): Promise<void> {
    const { timestamp } = snapshot
    check(timestamp >= this.#savedAt, 'snapshots do not get older')
    const isAhead = timestamp > (this.#last ?? 0) && this.#start !== undefined
    check(!isAhead, 'a snapshot holds nothing that is not stored')
    await this.#alone('save', () => super.save(snapshot))
    this.#savedAt = timestamp
    this.#last = Math.max(this.#last ?? 0, timestamp)
  }

  override async append(changes: readonly StoredChange[]): Promise<void> {
    const first = changes[0]?.timestamp
    check(first !== undefined, 'no append is empty')
    check(first === (this.#last ?? 0) + 1 || first === this.#start, 'appends continue each other')
    check(
      changes.every(({ timestamp }, at) => timestamp === first + at),
      'numbers ascend by one',
    )
    this.#start = first
    await this.#alone('append', () => super.append(changes))
    this.#last = first + changes.length - 1
  }

  async #alone(name: string, call: () => Promise<void>): Promise<void> {
    check(this.#isReady, 'load and loadChanges come first')
    check(!this.#inFlight.has(name), `one ${name} is in flight at a time`)
    this.#inFlight.add(name)
    try {
      await call()
      // So that calls that overlap are seen to.
      await new Promise((resolve) => setTimeout(resolve, 1))
    } finally {
      this.#inFlight.delete(name)
    }
  }
}

function check(holds: boolean, promise: string): asserts holds {
  if (!holds) throw new Error(`a promise to storages is broken: ${promise}`)
}
