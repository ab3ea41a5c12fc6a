/**
 * heddle/testing: the contract of `Storage` as test cases for any runner.
 *
 * ```js
 * import test from 'node:test' // or { test } of 'vitest' or 'bun:test'
 * import { storageContract } from 'heddle/testing'
 *
 * for (const { name, run } of await storageContract(makeFixture)) test(name, run)
 * ```
 *
 * It needs no native engine.
 */

import type { Storage } from './index.js'

/** A room that is empty, in the store under test. */
export interface StorageFixture {
  /** The room's storage, as `createStorage` would give it. */
  storage: Storage
  /**
   * Opens the same room as the next process would: from what is stored, and from nothing that the
   * storages before it remember. They are not used any more; where they hold a lock on the room,
   * this is the place to let go of it, without writing what they have not written yet.
   */
  reopen(): Storage | Promise<Storage>
  /**
   * Opens another, empty room of the same store, for the cases in which two rooms must not mix.
   * Without it there are no such cases.
   */
  another?(): Storage | Promise<Storage>
  /** Called once, when the case has ended, also when it failed. */
  cleanUp?(): void | Promise<void>
}

/** One case, to be given to a test runner or called in a loop. */
export interface StorageCase {
  /** A sentence; no two cases share one. */
  readonly name: string
  /**
   * Makes a fixture, tries it, cleans it up. Rejects with an error that names the invariant of
   * `Storage` that is broken, and how; `cause` is what the storage rejected with, if it did. There is no
   * deadline but the runner's.
   */
  readonly run: () => Promise<void>
}

/**
 * Lists the cases for a storage: those of `load` and `save`, and, where it has `append` or
 * `loadChanges`, those of the two. To tell, it makes one fixture and cleans it up.
 *
 * Cases stand alone and may run side by side where fixtures may. They show every invariant that
 * calls on a healthy store can break. **Not** shown is what only a failing store, network or second
 * owner breaks: the rest of 3, 8 and 10.
 */
export function storageContract(
  make: () => StorageFixture | Promise<StorageFixture>,
): Promise<StorageCase[]>
