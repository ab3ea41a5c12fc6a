// What a user's ES module relies on: values and types by name.
import {
  acceptConnection,
  type Connection,
  FileStorage,
  PROTOCOL_VERSION,
  RoomManager,
  type RoomSnapshot,
  type Storage,
  type StoredChange,
} from 'heddle'
import { type StorageCase, type StorageFixture, storageContract } from 'heddle/testing'

class Shelf implements Storage {
  async load(): Promise<RoomSnapshot | null> {
    return null
  }
  async save(snapshot: RoomSnapshot): Promise<void> {
    const clock: number = snapshot.timestamp
    this.clocks.push(clock)
  }
  async append(changes: readonly StoredChange[]): Promise<void> {
    this.clocks.push(...changes.map(({ timestamp }) => timestamp))
  }
  async loadChanges(_after: number): Promise<StoredChange[]> {
    return []
  }
  readonly clocks: number[] = []
}

const fixture: StorageFixture = { storage: new Shelf(), reopen: () => new Shelf() }
export const cases: StorageCase[] = await storageContract(() => fixture)

const manager = new RoomManager({
  createStorage: (roomId) =>
    roomId === 'shelf' ? new Shelf() : new FileStorage({ dir: 'data', roomId }),
})
export const version: 2 = PROTOCOL_VERSION
export const connection: Connection<{ name: string }> = acceptConnection({
  socket: { send(_text: string) {}, close() {} },
  url: '/?roomId=a&clientId=b&token=c',
  manager,
  authorize: () => ({ permissions: 'readwrite', metadata: { name: 'Alice' } }),
})
export const name: string | undefined = connection.getMetadata()?.name
