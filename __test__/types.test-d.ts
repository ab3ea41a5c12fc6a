import type { IncomingMessage } from 'node:http'
import { describe, expectTypeOf, it } from 'vitest'
import type { WebSocket } from 'ws'
import {
  type AcceptConnectionOptions,
  type AckResponse,
  type AuthorizeInfo,
  type AuthorizeResult,
  type AuthRefreshRequest,
  acceptConnection,
  type ClientCountBroadcast,
  type ClientMessage,
  type ComponentData,
  type Connection,
  ConnectionClosedError,
  type ConnectionHandlers,
  type ConnectionReady,
  ConnectRequestError,
  type ConnectRequestErrorCode,
  DEFAULT_LIMITS,
  type Durability,
  type ErrorResponse,
  type FieldTimestamps,
  FileStorage,
  type FileStorageOptions,
  type FrameData,
  type HeddleChannel,
  HeddleError,
  type HeddleErrorCode,
  type HeddleEvent,
  type HistoryEntry,
  type HistoryOptions,
  type Limits,
  type ManagerLimits,
  MemoryStorage,
  type OpenConnection,
  type Patch,
  type PatchBroadcast,
  type PatchRequest,
  PROTOCOL_VERSION,
  PUBLIC_LIMITS,
  parseConnectUrl,
  type ReconnectRequest,
  type RefusalCode,
  type Restored,
  type ResyncRequest,
  Room,
  type RoomCounters,
  RoomManager,
  type RoomManagerOptions,
  type RoomManagerStats,
  type RoomOptions,
  type RoomSnapshot,
  type RoomStats,
  type ServerMessage,
  type SessionInfo,
  type SessionPermission,
  type Storage,
  type StoredChange,
  type SyncedResponse,
  safeEqual,
  type TokenRefreshResult,
  type VersionMismatchResponse,
  type WebSocketLike,
} from '../index.js'
import { type StorageCase, type StorageFixture, storageContract } from '../testing.js'

describe('documents', () => {
  it('PROTOCOL_VERSION is the number itself', () => {
    expectTypeOf(PROTOCOL_VERSION).toEqualTypeOf<2>()
  })

  it('ComponentData takes any field, and a boolean _exists', () => {
    expectTypeOf<{ x: number; _exists: true }>().toExtend<ComponentData>()
    expectTypeOf<ComponentData['anything']>().toEqualTypeOf<unknown>()
    expectTypeOf<ComponentData['_exists']>().toEqualTypeOf<boolean | undefined>()
    expectTypeOf<{ _exists: 1 }>().not.toExtend<ComponentData>()
  })

  it('FieldTimestamps counts by field', () => {
    expectTypeOf<FieldTimestamps>().toEqualTypeOf<Record<string, number>>()
  })

  it('Patch is components by key', () => {
    expectTypeOf<Patch>().toEqualTypeOf<Record<string, ComponentData>>()
  })

  it('RoomSnapshot has clock, state and clocks', () => {
    expectTypeOf<RoomSnapshot>().toEqualTypeOf<{
      timestamp: number
      state: Record<string, ComponentData>
      timestamps: Record<string, FieldTimestamps>
    }>()
  })

  it('SessionPermission is one of two words', () => {
    expectTypeOf<SessionPermission>().toEqualTypeOf<'readonly' | 'readwrite'>()
  })

  it('SessionInfo may have metadata', () => {
    expectTypeOf<SessionInfo>().toEqualTypeOf<{
      sessionId: string
      clientId: string
      permissions: SessionPermission
      metadata?: unknown
    }>()
  })

  it('Durability names what an ack promises', () => {
    expectTypeOf<Durability>().toEqualTypeOf<'none' | 'process' | 'disk'>()
  })

  it('a room tells of its history', () => {
    expectTypeOf<HistoryOptions>().toEqualTypeOf<{ retentionMs: number }>()
    expectTypeOf<Room['listHistory']>().returns.resolves.toEqualTypeOf<HistoryEntry[]>()
    expectTypeOf<HistoryEntry>().toEqualTypeOf<{
      timestamp: number
      time: number
      clientId: string
    }>()
    expectTypeOf<Room['getSnapshotAt']>().returns.resolves.toEqualTypeOf<RoomSnapshot>()
    expectTypeOf<Room['restore']>().returns.resolves.toEqualTypeOf<Restored>()
    expectTypeOf<Restored['kept']>().toEqualTypeOf<{ key: string; fields: string[] }[]>()
  })
})

describe('limits', () => {
  it('the sets of limits are complete, and options name single members', () => {
    expectTypeOf(DEFAULT_LIMITS).toEqualTypeOf<Readonly<ManagerLimits>>()
    expectTypeOf(PUBLIC_LIMITS).toExtend<Readonly<Limits>>()
    expectTypeOf<RoomOptions['limits']>().toEqualTypeOf<'public' | Partial<Limits> | undefined>()
    expectTypeOf<HeddleError['refusal']>().toEqualTypeOf<RefusalCode | undefined>()
  })
})

describe('messages', () => {
  it('ClientMessage is told apart by type', () => {
    expectTypeOf<ClientMessage>().toEqualTypeOf<
      PatchRequest | ReconnectRequest | AuthRefreshRequest
    >()
    expectTypeOf<PatchRequest['messageId']>().toEqualTypeOf<string>()
    expectTypeOf<ReconnectRequest['lastTimestamp']>().toEqualTypeOf<number>()
    expectTypeOf<AuthRefreshRequest>().toEqualTypeOf<{ type: 'auth-refresh'; token: string }>()
  })

  it('ServerMessage is told apart by type', () => {
    expectTypeOf<ServerMessage['type']>().toEqualTypeOf<
      'ack' | 'patch' | 'clientCount' | 'version-mismatch' | 'resync' | 'synced' | 'error'
    >()
    expectTypeOf<Extract<ServerMessage, { type: 'ack' }>>().toEqualTypeOf<AckResponse>()
    expectTypeOf<Extract<ServerMessage, { type: 'patch' }>>().toEqualTypeOf<PatchBroadcast>()
    expectTypeOf<
      Extract<ServerMessage, { type: 'clientCount' }>
    >().toEqualTypeOf<ClientCountBroadcast>()
    expectTypeOf<
      Extract<ServerMessage, { type: 'version-mismatch' }>
    >().toEqualTypeOf<VersionMismatchResponse>()
    expectTypeOf<Extract<ServerMessage, { type: 'resync' }>>().toEqualTypeOf<ResyncRequest>()
    expectTypeOf<Extract<ServerMessage, { type: 'synced' }>>().toEqualTypeOf<SyncedResponse>()
    expectTypeOf<Extract<ServerMessage, { type: 'error' }>>().toEqualTypeOf<ErrorResponse>()
  })

  it('RefusalCode is the code of an error frame', () => {
    expectTypeOf<ErrorResponse['code']>().toEqualTypeOf<RefusalCode>()
    expectTypeOf<'bad-json'>().toExtend<RefusalCode>()
  })
})

describe('rooms', () => {
  it('Room takes no options, or some', () => {
    expectTypeOf(Room).toBeConstructibleWith()
    expectTypeOf(Room).toBeConstructibleWith({ saveThrottleMs: 5_000, storage: undefined })
    expectTypeOf<Room['load']>().toEqualTypeOf<() => Promise<void>>()
    expectTypeOf<Room['flush']>().toEqualTypeOf<() => Promise<void>>()
    expectTypeOf<Room['getSnapshot']>().returns.toEqualTypeOf<RoomSnapshot>()
    expectTypeOf<Room['getSessions']>().returns.toEqualTypeOf<SessionInfo[]>()
    expectTypeOf<Room['getSessionCount']>().returns.toEqualTypeOf<number>()
    expectTypeOf<Room['getSessionPermissions']>().returns.toEqualTypeOf<
      SessionPermission | undefined
    >()
    expectTypeOf<Room['getSessionMetadata']>().returns.toEqualTypeOf<unknown>()
    expectTypeOf<Room['handleSocketConnect']>().returns.toEqualTypeOf<string>()
    expectTypeOf<Room['handleSocketMessage']>().parameters.toEqualTypeOf<[string, FrameData]>()
    expectTypeOf<Room['handleSocketClose']>().parameters.toEqualTypeOf<[string]>()
    expectTypeOf<Room['handleSocketError']>().parameters.toEqualTypeOf<[string]>()
    expectTypeOf<Room['close']>().toBeCallableWith({ flush: false })
    expectTypeOf<Room['applyPatch']>().toBeCallableWith({ 'a/Box': { x: 1 } })
    expectTypeOf<Room['applyPatch']>().toBeCallableWith([{ 'a/Box': { x: 1 } }])
    expectTypeOf<Room['applyPatch']>().returns.toEqualTypeOf<number>()
    expectTypeOf<Room['getStats']>().returns.toEqualTypeOf<RoomStats>()
  })

  it('RoomOptions takes both ways to hand over a storage, and async callbacks', () => {
    expectTypeOf<{ storage: Storage }>().toExtend<RoomOptions>()
    expectTypeOf<{ createStorage: () => Storage }>().toExtend<RoomOptions>()
    expectTypeOf<{ onDataChange: (room: Room) => Promise<void> }>().toExtend<RoomOptions>()
    expectTypeOf<{
      onTokenRefresh: () => Promise<TokenRefreshResult>
    }>().toExtend<RoomOptions>()
    expectTypeOf<{ onTokenRefresh: () => { permissions: 'root' } }>().not.toExtend<RoomOptions>()
  })

  it('TokenRefreshResult may leave metadata out', () => {
    expectTypeOf<{ permissions: 'readonly' }>().toExtend<TokenRefreshResult>()
  })

  it('RoomManager opens rooms', () => {
    expectTypeOf(RoomManager).toBeConstructibleWith()
    expectTypeOf<RoomManager['getRoom']>().toEqualTypeOf<(roomId: string) => Promise<Room>>()
    expectTypeOf<RoomManager['getOrCreateRoom']>().parameters.toEqualTypeOf<
      [roomId: string, options?: RoomOptions]
    >()
    expectTypeOf<RoomManager['getExistingRoom']>().returns.toEqualTypeOf<Room | undefined>()
    expectTypeOf<RoomManager['getRoomIds']>().returns.toEqualTypeOf<string[]>()
    expectTypeOf<RoomManager['closeRoom']>().returns.toEqualTypeOf<void>()
    expectTypeOf<RoomManager['closeAll']>().returns.toEqualTypeOf<Promise<void>>()
    expectTypeOf<RoomManager['getStats']>().returns.toEqualTypeOf<RoomManagerStats>()
    expectTypeOf<RoomManager['metrics']>().returns.toEqualTypeOf<string>()
  })

  it('rooms and managers count the same', () => {
    expectTypeOf<RoomStats>().toExtend<RoomCounters>()
    expectTypeOf<RoomManagerStats>().toExtend<RoomCounters>()
    expectTypeOf<RoomCounters['refused']>().toEqualTypeOf<Record<string, number>>()
  })

  it('HeddleEvent says what a HeddleChannel tells', () => {
    expectTypeOf<'heddle:session:close'>().toExtend<HeddleChannel>()
    expectTypeOf<HeddleEvent['room']>().toEqualTypeOf<Room | undefined>()
    expectTypeOf<HeddleEvent['code']>().toEqualTypeOf<string | number | undefined>()
  })

  it('RoomManagerOptions are defaults of its rooms, but for one room’s own state', () => {
    expectTypeOf<{ createStorage: (roomId: string) => Storage }>().toExtend<RoomManagerOptions>()
    expectTypeOf<RoomManagerOptions['saveThrottleMs']>().toEqualTypeOf<number | undefined>()
    expectTypeOf<RoomManagerOptions['writeIntervalMs']>().toEqualTypeOf<number | undefined>()
    expectTypeOf<RoomManagerOptions>().not.toHaveProperty('storage')
    expectTypeOf<RoomManagerOptions>().not.toHaveProperty('initialSnapshot')
  })

  it('RoomStats and RoomManagerStats count', () => {
    expectTypeOf<RoomStats['sessions']>().toEqualTypeOf<number>()
    expectTypeOf<RoomManagerStats['rooms']>().toEqualTypeOf<number>()
  })
})

describe('storages', () => {
  it('Storage is what users implement', () => {
    expectTypeOf<Storage>().toEqualTypeOf<{
      load(): Promise<RoomSnapshot | null>
      save(snapshot: RoomSnapshot): Promise<void>
      append?(changes: readonly StoredChange[]): Promise<void>
      loadChanges?(after: number): Promise<readonly StoredChange[]>
    }>()
    expectTypeOf<{
      load(): Promise<null>
      save(): Promise<void>
    }>().toExtend<Storage>()
  })

  it('StoredChange is a change as a storage gets it', () => {
    expectTypeOf<StoredChange>().toEqualTypeOf<{
      timestamp: number
      time: number
      clientId: string
      patches: Patch[]
    }>()
  })

  it('storageContract makes cases for any runner', () => {
    const fixture = { storage: new MemoryStorage(), reopen: () => new MemoryStorage() }
    expectTypeOf(storageContract).toBeCallableWith(() => fixture)
    expectTypeOf(storageContract).toBeCallableWith(async () => fixture)
    expectTypeOf(storageContract).returns.resolves.toEqualTypeOf<StorageCase[]>()
    expectTypeOf<{ storage: Storage }>().not.toExtend<StorageFixture>()
    expectTypeOf<StorageFixture['storage']>().toEqualTypeOf<Storage>()
    expectTypeOf<StorageCase>().toEqualTypeOf<{
      readonly name: string
      readonly run: () => Promise<void>
    }>()
  })

  it('FileStorage needs a folder and a room', () => {
    expectTypeOf(FileStorage).constructorParameters.toEqualTypeOf<[FileStorageOptions]>()
    expectTypeOf<FileStorageOptions>().toEqualTypeOf<{ dir: string; roomId: string }>()
    expectTypeOf(FileStorage).instance.toExtend<Storage>()
  })

  it('MemoryStorage needs nothing', () => {
    expectTypeOf(MemoryStorage).constructorParameters.toEqualTypeOf<[]>()
    expectTypeOf(MemoryStorage).instance.toExtend<Storage>()
  })
})

describe('connections', () => {
  it('acceptConnection carries the types of request and metadata', () => {
    interface User {
      name: string
    }
    const conn = acceptConnection({
      socket: {} as WebSocket,
      url: '/',
      request: {} as IncomingMessage,
      manager: {} as RoomManager,
      authorize: async (info) => {
        expectTypeOf(info).toEqualTypeOf<AuthorizeInfo<IncomingMessage>>()
        return { permissions: 'readwrite', metadata: { name: 'Ann' } satisfies User }
      },
      roomOptions: (roomId) => ({ createStorage: () => new FileStorage({ dir: 'data', roomId }) }),
    })

    expectTypeOf(conn.getMetadata()).toEqualTypeOf<User | undefined>()
    expectTypeOf(conn.ready).toEqualTypeOf<Promise<ConnectionReady>>()
  })

  it('AcceptConnectionOptions leaves onTokenRefresh to authorize', () => {
    type Made = ReturnType<NonNullable<AcceptConnectionOptions['roomOptions']>>
    expectTypeOf<Made>().not.toHaveProperty('onTokenRefresh')
    expectTypeOf<AcceptConnectionOptions<string>['request']>().toEqualTypeOf<string | undefined>()
  })

  it('AuthorizeResult may leave metadata out', () => {
    expectTypeOf<{ permissions: 'readonly' }>().toExtend<AuthorizeResult<string>>()
    expectTypeOf<AuthorizeInfo['request']>().toEqualTypeOf<unknown>()
  })

  it('Connection resolves to an OpenConnection, which is no thenable', () => {
    expectTypeOf<Awaited<Connection<string>>>().toEqualTypeOf<OpenConnection<string>>()
    expectTypeOf<OpenConnection>().not.toHaveProperty('then')
    expectTypeOf<OpenConnection>().toExtend<ConnectionReady & ConnectionHandlers>()
    expectTypeOf<OpenConnection['room']>().toEqualTypeOf<Room>()
    expectTypeOf<OpenConnection['sessionId']>().toEqualTypeOf<string>()
  })

  it('the handlers of ConnectionHandlers go to ws as they are', () => {
    type MessageListener = (this: WebSocket, data: WsData, isBinary: boolean) => void
    type WsData = Buffer | ArrayBuffer | Buffer[]
    expectTypeOf<ConnectionHandlers['onMessage']>().toExtend<MessageListener>()
    expectTypeOf<ConnectionHandlers['onClose']>().toExtend<(code: number, why: Buffer) => void>()
    expectTypeOf<ConnectionHandlers['onError']>().toExtend<(error: Error) => void>()

    const wire = (ws: WebSocket, conn: Connection): WebSocket =>
      ws.on('message', conn.onMessage).on('close', conn.onClose).on('error', conn.onError)
    expectTypeOf(wire).returns.toEqualTypeOf<WebSocket>()
  })

  it('FrameData takes what runtimes give', () => {
    expectTypeOf<string | Buffer | Uint8Array | ArrayBuffer | Buffer[]>().toExtend<FrameData>()
    expectTypeOf<number>().not.toExtend<FrameData>()
  })

  it('WebSocketLike is what ws and any pair of send and close are', () => {
    expectTypeOf<WebSocket>().toExtend<WebSocketLike>()
    expectTypeOf<{ send(data: string): void; close(): void }>().toEqualTypeOf<WebSocketLike>()
  })

  it('parseConnectUrl gives three strings', () => {
    expectTypeOf(parseConnectUrl).toEqualTypeOf<
      (url: string) => { roomId: string; clientId: string; token: string }
    >()
  })

  it('safeEqual takes text and bytes', () => {
    expectTypeOf(safeEqual).toEqualTypeOf<
      (a: string | Uint8Array, b: string | Uint8Array) => boolean
    >()
  })
})

describe('errors', () => {
  it('ConnectRequestError has one of seven codes', () => {
    expectTypeOf(ConnectRequestError).instance.toExtend<Error>()
    expectTypeOf<ConnectRequestErrorCode>().toEqualTypeOf<
      | 'origin-not-allowed'
      | 'too-many-connections'
      | 'missing-room-id'
      | 'missing-client-id'
      | 'missing-token'
      | 'invalid-url'
      | 'name-too-long'
    >()
    expectTypeOf(ConnectRequestError)
      .instance.toHaveProperty('code')
      .toEqualTypeOf<ConnectRequestErrorCode>()
  })

  it('ConnectionClosedError is an Error', () => {
    expectTypeOf(ConnectionClosedError).constructorParameters.toEqualTypeOf<[]>()
    expectTypeOf(ConnectionClosedError).instance.toExtend<Error>()
  })

  it('HeddleError has a code and a cause', () => {
    expectTypeOf(HeddleError).instance.toExtend<Error>()
    expectTypeOf(HeddleError).instance.toHaveProperty('code').toEqualTypeOf<HeddleErrorCode>()
    expectTypeOf(HeddleError).instance.toHaveProperty('cause').toEqualTypeOf<unknown>()
    expectTypeOf<'HEDDLE_ROOM_CLOSED'>().toExtend<HeddleErrorCode>()
  })
})
