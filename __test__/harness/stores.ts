import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { RoomSnapshot, Storage } from '../../index.js'

/** A promise and the two ways to settle it. */
export interface Deferred<T> {
  promise: Promise<T>
  resolve(value: T): void
  reject(error: unknown): void
}

export function deferred<T = void>(): Deferred<T> {
  let resolve: (value: T) => void = () => {}
  let reject: (error: unknown) => void = () => {}
  const promise = new Promise<T>((yes, no) => {
    resolve = yes
    reject = no
  })
  return { promise, resolve, reject }
}

/** A storage that notes its calls, and whose answers a test chooses. */
export class ScriptedStorage implements Storage {
  /** Every snapshot that `save` was called with. */
  readonly saves: RoomSnapshot[] = []
  loads = 0
  /** How many calls of `save` have not settled yet. */
  savesInFlight = 0
  mostSavesInFlight = 0
  onLoad: () => unknown
  onSave: (snapshot: RoomSnapshot) => unknown

  constructor(script: { load?: () => unknown; save?: (snapshot: RoomSnapshot) => unknown } = {}) {
    this.onLoad = script.load ?? (() => null)
    this.onSave = script.save ?? (() => undefined)
  }

  async load(): Promise<RoomSnapshot | null> {
    this.loads += 1
    return (await this.onLoad()) as RoomSnapshot | null
  }

  async save(snapshot: RoomSnapshot): Promise<void> {
    this.saves.push(snapshot)
    this.savesInFlight += 1
    this.mostSavesInFlight = Math.max(this.mostSavesInFlight, this.savesInFlight)
    try {
      await this.onSave(snapshot)
    } finally {
      this.savesInFlight -= 1
    }
  }

  /** The clocks of the saved snapshots, in order. */
  get savedClocks(): number[] {
    return this.saves.map((snapshot) => snapshot.timestamp)
  }
}

/** Makes a folder that is removed when the test ends. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'heddle-'))
  // A room that is closed in the same moment may still remove files of its own.
  onTestFinished(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }))
  return folder
}
