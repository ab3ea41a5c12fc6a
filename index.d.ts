/**
 * heddle: real-time collaborative rooms on a native engine, a drop-in for
 * `@woven-ecs/canvas-store-server`.
 *
 * All times are milliseconds. "Rejects" speaks of the promise that a method returns, "throws" of the
 * call itself. An argument of the wrong JS type throws (from a method that returns a promise:
 * rejects with) a `TypeError` that names the argument and has `code: 'HEDDLE_INVALID_ARGUMENT'`.
 *
 * **What an ack promises** is the room's `durability`. Rooms on `FileStorage` are `'process'` unless told
 * otherwise: what was acked, or shown to anybody, survives the death of the process at any instant.
 */

/** The version of the wire protocol that this server speaks; it serves clients of version 1 too. */
export const PROTOCOL_VERSION: 2

/**
 * One component's fields, or, in a patch, the fields to write. Field values are JSON.
 *
 * In a patch `_exists: true` creates the component, `_exists: false` deletes it, and neither writes
 * the given fields of a component that is alive. A field may be a buffer delta
 * `{ __buf: 1, len, runs: [[offset, [numbers]], ...] }`; documents and snapshots hold whole arrays.
 */
export type ComponentData = Record<string, unknown> & {
  _exists?: boolean
  _version?: string
}

/** The room's clock at the last write of each field of one component. */
export type FieldTimestamps = Record<string, number>

/** Components by key. A key, `"<entityId>/<component>"` or `"SINGLETON/<name>"`, is opaque text. */
export type Patch = Record<string, ComponentData>

/** A whole document, as storages keep it. It is JSON, and the peer's `<roomId>.json` is one. */
export interface RoomSnapshot {
  /** The room's clock: how many changes it has accepted. */
  timestamp: number
  /** Components by key. Deleted ones stay, as the tombstone `{ _exists: false }`. */
  state: Record<string, ComponentData>
  /** By key. A field that has none here counts as written at `timestamp`. */
  timestamps: Record<string, FieldTimestamps>
}

/** `readonly` receives everything and writes nothing, neither document nor presence. */
export type SessionPermission = 'readonly' | 'readwrite'

/** One live connection to a room. */
export interface SessionInfo {
  /** A random lower-case UUID. */
  sessionId: string
  /** Stable across reconnects; several sessions may share it. */
  clientId: string
  permissions: SessionPermission
  /** What `handleSocketConnect`, a token refresh or `setSessionMetadata` attached last. */
  metadata?: unknown
}

/**
 * All that is required of a socket.
 *
 * `send(string)` is called inside the call that causes it, except on a socket known to be one of
 * `ws` or Bun: these are written once per turn of the event loop, or as `RoomOptions.writeIntervalMs` says,
 * everything in order. When heddle ends a session itself, `close` is called with a close code and a reason that plain sockets may
 * ignore; a room that closes calls it without arguments. A `send` that throws, or gives a promise that rejects,
 * costs its session and nobody else's; `onError` is told, as it is of a `close` that fails.
 *
 * A socket that tells how many bytes it holds, by `bufferedAmount` as `ws` or `getBufferedAmount()` as Bun's, is sent
 * nothing while that is more than `Limits.queuedBytes`; one with `pause()` and `resume()` is not read meanwhile, and one
 * with `terminate()` is ended by it when nothing leaves it for `Limits.stallTimeoutMs`. What others hold grows with what
 * their clients do not read.
 */
export interface WebSocketLike {
  send(data: string): void
  close(): void
}

/**
 * A frame as runtimes hand it over: text, or its UTF-8 bytes (a `Buffer` is a `Uint8Array`), or
 * those bytes in pieces. Bytes are borrowed for the call and not kept.
 */
export type FrameData = string | Uint8Array | ArrayBuffer | readonly Uint8Array[]

/**
 * What an ack promises. The same goes for everything else that shows a change: the broadcast to the
 * others, a catch-up, a callback. Nothing is shown before it is stored.
 *
 * - `'none'`: nothing until the next save. What came since is lost when the process dies, and the
 *   clocks of it are given again.
 * - `'process'`: the change survives the death of the process: it is in the operating system. It is
 *   synced within a second, which is what a power loss may cost. One write to a file for each turn
 *   of the event loop.
 * - `'disk'`: the change survives power loss: it is synced. An ack waits for the disk, together with
 *   those of all rooms in the same directory; the event loop does not.
 */
export type Durability = 'none' | 'process' | 'disk'

/** What a room keeps of what it was. */
export interface HistoryOptions {
  /**
   * How long changes are kept at least, in milliseconds above 0; `Infinity` keeps them for ever. They go with the
   * archived journal that holds them, at a later compaction or close of the room, when all of it is older.
   */
  retentionMs: number
}

/** One change that a room has accepted. */
export interface HistoryEntry {
  /** The room's clock after it. */
  timestamp: number
  /** When it was accepted, in milliseconds since 1970. A clock that is set may make it go back. */
  time: number
  /** Who made it; `''` for the server itself. */
  clientId: string
}

/** What `Room.restore` did. */
export interface Restored {
  /** The room's clock after the edit; where nothing differed, as it was. */
  timestamp: number
  /**
   * What could not be restored: fields that a component has got since and keeps, because the protocol has
   * no way to remove a field. Empty where the document is exactly what it was.
   */
  kept: { key: string; fields: string[] }[]
}

/** Messages from client to server. */
export type ClientMessage = PatchRequest | ReconnectRequest | AuthRefreshRequest

/** An edit. One without document and presence patches gets no answer; all others are acked. */
export interface PatchRequest {
  type: 'patch'
  /** Comes back in the ack, or in the `error` of a refused frame. */
  messageId: string
  documentPatches?: Patch[]
  /** Presence: belongs to the client, is never stored, vanishes with its last session. */
  ephemeralPatches?: Patch[]
}

/** The first frame of a client: asks for what it lacks and hands in what it did offline. */
export interface ReconnectRequest {
  type: 'reconnect'
  /** The clock up to which the client knows the document; 0 for a client that has seen nothing. */
  lastTimestamp: number
  protocolVersion: number
  documentPatches?: Patch[]
  ephemeralPatches?: Patch[]
}

/** Swaps the token of a live connection; see `RoomOptions.onTokenRefresh`. */
export interface AuthRefreshRequest {
  type: 'auth-refresh'
  token: string
}

/** Messages from server to client. */
export type ServerMessage =
  | AckResponse
  | PatchBroadcast
  | ClientCountBroadcast
  | VersionMismatchResponse
  | ResyncRequest
  | SyncedResponse
  | ErrorResponse

/** Answers a `patch`: everything up to it was handled. */
export interface AckResponse {
  type: 'ack'
  messageId: string
  /** The room's clock after the frame. */
  timestamp: number
}

/** A change by someone else, or, with `clientId: ""`, a catch-up or an edit by the server. */
export interface PatchBroadcast {
  type: 'patch'
  documentPatches?: Patch[]
  ephemeralPatches?: Patch[]
  clientId: string
  /** Present exactly when `documentPatches` is. */
  timestamp?: number
}

/** How many sessions the room has; sent to all of them after each join and leave. */
export interface ClientCountBroadcast {
  type: 'clientCount'
  count: number
}

/** Sent instead of everything else to a client whose protocol version cannot be served. */
export interface VersionMismatchResponse {
  type: 'version-mismatch'
  serverProtocolVersion: number
}

/** Asks a client that was ahead of the server for all it knows after `since`, as a `patch`. */
export interface ResyncRequest {
  type: 'resync'
  since: number
}

/** Ends the answer to a `reconnect`. */
export interface SyncedResponse {
  type: 'synced'
  timestamp: number
}

/**
 * Why a frame was refused; nothing of it was applied. A refused `patch` gets no ack and its session
 * is closed with code 4400, after which a client may reconnect and send it again.
 */
export interface ErrorResponse {
  type: 'error'
  code: RefusalCode
  message: string
  messageId?: string
}

/**
 * - `bad-json`: the frame is not JSON, or not UTF-8
 * - `bad-frame`: it is no object, or a field of its envelope has the wrong type
 * - `bad-patch`: a list of patches is no list, a patch or component no object, or `_exists` no boolean
 * - `bad-delta`: a buffer delta that is malformed, or whose base is no array of numbers
 * - `frame-too-large`: over `frameBytes`
 * - `too-deep`: JSON nested deeper than `nesting`
 * - `too-many-keys`: over `keysPerFrame` component keys
 * - `name-too-long`: a key or field name over `nameBytes`
 * - `buffer-too-large`: a delta asks for over `bufferNumbers`, or the frame's deltas for far more than its size
 * - `too-many-fields`: a component would get over `fieldsPerComponent`
 * - `component-too-large`: a component would grow over `componentBytes`
 * - `document-too-large`: the document would grow over `documentBytes`
 * - `too-many-components`: over `components` would be alive
 * - `presence-too-large`: the client's presence would grow over `presenceBytes`
 *
 * The names are those of `Limits`.
 */
export type RefusalCode =
  | 'bad-json'
  | 'bad-frame'
  | 'bad-patch'
  | 'bad-delta'
  | 'frame-too-large'
  | 'too-deep'
  | 'too-many-keys'
  | 'name-too-long'
  | 'buffer-too-large'
  | 'too-many-fields'
  | 'component-too-large'
  | 'document-too-large'
  | 'too-many-components'
  | 'presence-too-large'

/** One change that a room accepted, as `Storage.append` gets it. It is JSON. */
export interface StoredChange {
  /** The room's clock after it: each change has the number after that of the one before. */
  timestamp: number
  /** When it was accepted, in milliseconds since 1970. A clock that is set may make it go back. */
  time: number
  /** Who made it; `''` for the server itself. */
  clientId: string
  /** What to apply, in order, to the document at `timestamp - 1`. */
  patches: Patch[]
}

/**
 * Where a room is kept; implement it for a store of your own.
 *
 * With `load` and `save` alone, a room is saved now and then, and what was acked since the last save
 * is lost when the process dies. With `append` and `loadChanges` a room is as durable as its store: it
 * acks and shows a change only after the append that holds it has resolved.
 *
 * **What heddle promises.** A storage object is one room's, and where `createStorage` makes it, one
 * opening's. `load` is called first, then `loadChanges` with the `timestamp` of what it gave (0 for
 * `null`), and nothing else until both have resolved; if one rejects, the room does not open. From
 * then on at most one `save` and at most one `append` are in flight, and the two may overlap. No
 * argument changes during a call. `timestamp`s never go back:
 * - Appends continue what is stored. Each begins at the number after the last stored one, be it a
 *   change's or a snapshot's, or, where the append before it rejected, where that one began: the room
 *   took its changes back, and may have given their numbers to others. No append is empty.
 * - A snapshot holds stored changes only, and is never older than the one before. Where nothing has been
 *   appended since the room opened it may be newer than every change: an `initialSnapshot`, or the
 *   snapshots of a room whose `durability` is `'none'`.
 *
 * **Invariants**, which every implementation keeps. `storageContract` of `heddle/testing` is a test suite for
 * them.
 * 1. *What was saved.* `load` resolves to what the last `save` that resolved got, and to `null` before the
 *    first; a save that rejected, or that the process did not survive, may count. Names and values come
 *    back exactly, whatever JSON they are: keys such as `__proto__`, lone surrogates and `\0` in texts.
 * 2. *Stored, then resolved.* `save` and `append` resolve only when what they got is stored, as durably as
 *    the storage says, and whoever opens the room from then on finds it.
 * 3. *All or nothing, and over.* What `save` or `append` got is stored whole or not at all, also when the
 *    call rejects or the process dies. One that rejected may have been stored, but is **not** stored
 *    later on: what is still on its way must be stopped before the rejection.
 * 4. *In order.* `loadChanges(after)` resolves to all stored changes whose `timestamp` is above `after`, each
 *    once, ascending by one, as `append` got them, and to `[]` where there are none. `after` is never below
 *    the `timestamp` of the stored snapshot; it may lie in the middle of an append.
 * 5. *Replacing.* An append first removes all changes from its first `timestamp` on, in the same
 *    transaction: they are those of an append that rejected.
 * 6. *Saving keeps what it does not hold.* Once `save` has stored its snapshot, changes up to the snapshot's
 *    `timestamp` may be removed, **never** those above it, even if they are appended meanwhile.
 * 7. *Nothing is shared.* What `save` and `append` got, once they have settled, and what `load` and
 *    `loadChanges` gave may be changed by whoever holds it; what is stored does not change with it.
 * 8. *Errors are errors.* `load` and `loadChanges` reject where they cannot tell. A room that opens on `null`
 *    or `[]` in their place writes over what could not be read.
 * 9. *Rooms are apart.* A storage touches nothing of another room.
 * 10. *One owner.* While one process has a room open, no other writes to it, not even late: a write that
 *    a former owner sent before it died or was given up does not arrive after the next one's `load`.
 *    heddle sees one process only; either the store enforces this, or whoever deploys it does.
 *
 * **How stores fit.** Changes are rows of `(room, timestamp, change as JSON text)`:
 * - *SQLite*: an append is a transaction, `DELETE` from its first timestamp on, then `INSERT`s; in WAL mode
 *   with `synchronous=FULL`. `locking_mode=EXCLUSIVE` makes the process the owner of the file. `examples/`
 *   has one.
 * - *Postgres*: the same transaction. All writes go through the one connection that holds the room's
 *   session-level advisory lock: when it breaks, lock and open transaction end together, so whoever
 *   gets the lock next meets no late commit. Keep JSON as `text`: `jsonb` refuses `\u0000` and lone
 *   surrogates.
 * - *Redis*: a sorted set with `timestamp` as score; one script does `ZREMRANGEBYSCORE` and `ZADD`, after it
 *   has compared the owner's fencing token: a counter, raised at each opening and reconnection; `SET NX PX`
 *   keeps others from opening meanwhile. (Entries of a stream cannot be replaced: its ids only go up.) An ack
 *   promises what `appendfsync` does.
 * - *S3*: one object per append, its key the first timestamp, padded with zeros. An append after a rejected
 *   one begins at the same key, so writing over that object is the replacement. Every put has a
 *   condition: `If-None-Match: *` for a new key, `If-Match` to replace. Who opens the room first puts an
 *   empty object at the next key, so that a late put of a former owner fails; where its own put fails, it
 *   reads again.
 */
export interface Storage {
  /** Resolves to what was saved last, or to `null` where nothing ever was. */
  load(): Promise<RoomSnapshot | null>
  /**
   * Resolves when the snapshot is stored. One that rejects or throws is reported through `onError` and
   * tried again with the newest state. Reading a snapshot may throw `HEDDLE_SNAPSHOT_TOO_LARGE`, as `Room.getSnapshot` does.
   */
  save(snapshot: RoomSnapshot): Promise<void>
  /** Resolves when the changes are stored, in place of all from the first one's `timestamp` on. */
  append?(changes: readonly StoredChange[]): Promise<void>
  /** Resolves to the stored changes after `after`. A storage has both this and `append`, or neither. */
  loadChanges?(after: number): Promise<readonly StoredChange[]>
}

export interface FileStorageOptions {
  /** The folder for the rooms' files; made at the first save when it is missing. */
  dir: string
  /**
   * Ids of `[a-z0-9_-]`, 1 to 128 characters and no Windows device name, give the file
   * `<roomId>.json`; all others a name made from the id. No id leads out of `dir`, and no two ids
   * share a file, on no file system.
   */
  roomId: string
}

/**
 * Keeps a room as one JSON file, which `@woven-ecs/canvas-store-server` can read and may have written.
 *
 * Files are written aside, synced and renamed: a crash leaves the last completed save. Saves finish
 * in the order in which they were called.
 */
export class FileStorage implements Storage {
  constructor(options: FileStorageOptions)
  /**
   * Resolves to the stored snapshot, to `null` when there is no file, and to `null` when the file
   * does not parse: it is then left as it is until `save()`. (A room that opens through this
   * storage gets `HEDDLE_DAMAGED_FILE` instead of an empty room.) Rejects when the file cannot be
   * read, with `HEDDLE_STORAGE`.
   */
  load(): Promise<RoomSnapshot | null>
  /**
   * Resolves when the file and its folder are synced; no other file is left in `dir`, except that
   * a file that `load()` could not read is first renamed to `<file>.damaged-<n>`. Rejects with
   * `HEDDLE_STORAGE`, or `HEDDLE_BAD_SNAPSHOT`, and the file is as it was.
   */
  save(snapshot: RoomSnapshot): Promise<void>
}

/** Keeps a room in memory, for tests and demos: it survives the room, not the process. */
export class MemoryStorage implements Storage {
  constructor()
  load(): Promise<RoomSnapshot | null>
  save(snapshot: RoomSnapshot): Promise<void>
}

/** What a token stands for: the answer to a refresh. */
export interface TokenRefreshResult {
  /** Anything but the two known words counts as `readonly`. */
  permissions: SessionPermission
  /** Replaces the session's metadata; left out (or `undefined`), the session keeps what it has. */
  metadata?: unknown
}

/**
 * What peers may take of a room. No honest client meets the defaults; `PUBLIC_LIMITS` are tighter, for rooms on the open
 * internet. In parentheses: default, public, and the code. Sizes are integers from 1 on.
 *
 * **Frames and documents.** A frame over one of these is refused as a whole (`ErrorResponse`). `applyPatch` throws
 * `HEDDLE_BAD_PATCH` and what loads a document rejects with `HEDDLE_BAD_SNAPSHOT`, both with the code as `refusal`. What makes
 * a component, a document or a presence smaller is never refused for a size.
 *
 * Sizes of documents count the bytes of keys, field names and values as JSON text in UTF-8; an array of numbers counts
 * at most 8 bytes for each.
 */
export interface Limits {
  /** Bytes of a frame (16 MiB, 8 MiB, `frame-too-large`). */
  frameBytes: number
  /** Objects and arrays inside each other, at most 256 (64, 32, `too-deep`). */
  nesting: number
  /** Component keys of a frame (100,000, 50,000, `too-many-keys`). */
  keysPerFrame: number
  /**
   * Bytes of a key or field name, as JSON text without the quotes (16 KiB, 1 KiB, `name-too-long`). A `clientId` has no more
   * either, nor has a `roomId` in a connect URL.
   */
  nameBytes: number
  /** Fields of a component (10,000, 1,000, `too-many-fields`). */
  fieldsPerComponent: number
  /** Bytes of a component (16 MiB, 4 MiB, `component-too-large`). */
  componentBytes: number
  /** Bytes of the document, tombstones included (1 GiB, 128 MiB, `document-too-large`). */
  documentBytes: number
  /** Components that are alive (1,000,000, 200,000, `too-many-components`). */
  components: number
  /** Numbers of an array that a buffer delta makes (1,048,576, 262,144, `buffer-too-large`). */
  bufferNumbers: number
  /** Numbers that the deltas of a frame may add for each byte of it, on top of the base (64, `buffer-too-large`). */
  bufferGrowthPerByte: number
  /** Numbers that the deltas of a frame may add whatever its size (65,536, `buffer-too-large`). */
  bufferGrowthBase: number
  /** Bytes of one client's presence (1 MiB, `presence-too-large`). */
  presenceBytes: number
  /** Sessions of a room (10,000, 1,000, `HEDDLE_TOO_MANY_SESSIONS`). */
  sessions: number
  /**
   * Bytes that a socket may hold (1 MiB, 512 KiB). Over it its session lags: it is sent nothing and not read until a quarter is
   * left, and then gets one diff. On Bun `backpressureLimit` must be above four times this, and `closeOnBackpressureLimit` off.
   */
  queuedBytes: number
  /**
   * How long nothing may leave such a socket before it is closed with code 4408, in milliseconds (30,000). Each KiB that
   * leaves makes up for a second.
   */
  stallTimeoutMs: number
  /** Frames that a session may send in the long run; over it, it is not read for a while, or closed with 4429 (`Infinity`, 200). */
  framesPerSecond: number
  /** Frames that it may send at once after a rest (twice the rate, 2,000). */
  framesBurst: number
  /** Bytes that a session may send in the long run, like `framesPerSecond` (`Infinity`, 1 MiB). */
  bytesPerSecond: number
  /** Bytes that it may send at once after a rest (twice the rate, 16 MiB). */
  bytesBurst: number
  /** How often sockets that can `ping` are asked whether they are there, in milliseconds; 0 or `Infinity`: never (30,000). */
  heartbeatMs: number
  /** How long `authorize` or `onTokenRefresh` may take, in milliseconds (10,000, `HEDDLE_AUTHORIZE_TIMEOUT`). */
  authorizeTimeoutMs: number
}

/** What peers may take of a manager and its rooms. */
export interface ManagerLimits extends Limits {
  /** Rooms that are open or opening (1,000,000, `HEDDLE_TOO_MANY_ROOMS`). */
  rooms: number
  /** Sessions of all rooms (100,000, `HEDDLE_TOO_MANY_SESSIONS`). */
  totalSessions: number
}

/** The limits that no honest client meets. */
export const DEFAULT_LIMITS: Readonly<ManagerLimits>

/** The limits for rooms on the open internet: what `'public'` stands for. */
export const PUBLIC_LIMITS: Readonly<ManagerLimits>

/**
 * Callbacks run after the effects they speak of: when one runs, the frame was applied, and its
 * broadcast and its ack were sent or wait in their sockets' queues. Callbacks may call back into the
 * room. One that throws or rejects reaches `onError` and disturbs nothing else.
 */
export interface RoomOptions {
  /**
   * What peers may take: `'public'` is `PUBLIC_LIMITS`, an object changes single members of `DEFAULT_LIMITS`, or of what
   * the manager has. For both, spread: `{ ...PUBLIC_LIMITS, sessions: 50 }`.
   */
  limits?: 'public' | Partial<Limits> | undefined
  /** The document to start from. What storage holds wins over it at `load()`. */
  initialSnapshot?: RoomSnapshot | undefined
  /** Where the room is kept. Without one nothing is stored. */
  storage?: Storage | undefined
  /** Makes the storage; called once, in the constructor. Decides where both are given. */
  createStorage?: (() => Storage) | undefined
  /** Called after the document changed, once for each accepted frame or `applyPatch`. */
  onDataChange?(room: Room): void
  /** Called with the document patches of a frame after they were applied. */
  onDocumentPatch?(room: Room, patches: Patch[]): void
  /** Called after a session left; `remaining` is how many the room still has. */
  onSessionRemoved?(room: Room, info: { sessionId: string; remaining: number }): void
  /**
   * Called in a microtask after an `auth-refresh` frame. Its result takes effect from the next frame
   * on; when it throws or rejects, gives no object with `permissions`, or nothing within `Limits.authorizeTimeoutMs`,
   * the session is removed and its socket closed with code 4401.
   *
   * Of several refreshes the last one sent decides. One of a session runs at a time, and the latest of those that
   * came meanwhile after it; the others are never asked about. Rights that `setSessionPermissions` set after a refresh
   * was sent outlive what it grants. Without this callback such frames are ignored.
   */
  onTokenRefresh?(
    room: Room,
    info: { sessionId: string; clientId: string; token: string },
  ): TokenRefreshResult | PromiseLike<TokenRefreshResult>
  /**
   * Called with what went wrong where no caller waits: a save, a callback, a socket that cannot be
   * written. Default: `process.emitWarning`.
   */
  onError?(error: unknown, context: { room?: Room; sessionId?: string }): void
  /**
   * The least time between two saves of a snapshot, in milliseconds. Default: 10000. With a
   * `durability` other than `'none'` a snapshot is due only when the changes stored since the last one
   * outgrow it, so what is written for an edit is the edit, not the document.
   */
  saveThrottleMs?: number | undefined
  /**
   * The least time between two writes to the `ws` and Bun sockets of the room, in milliseconds, an integer from 0 to 1000. Default:
   * 0, what a turn of the event loop has for a socket is written at its end. With more a frame, acks included, waits up to that
   * long and is written together with those that came meanwhile, which where many edit takes a fraction of the processor's
   * time: 8 is half of what most screens show a picture for. What comes after a rest of that length leaves at once, and nothing is
   * stored later. Rooms with the same value are written together. Other sockets are sent to inside the call, as ever.
   */
  writeIntervalMs?: number | undefined
  /**
   * What an ack promises. Default: `'process'` with `FileStorage` and with storages that have `append`,
   * else `'none'`. Anything else on a storage without `append`, or without storage, throws
   * `HEDDLE_DURABILITY_UNAVAILABLE`. A `FileStorage` whose `load` or `save` is replaced counts as a storage of
   * your own.
   *
   * While the store fails (a full disk, one that does not answer) the room goes on with presence,
   * joins and catch-ups of what is stored; document frames wait, unacked, and are handled when the
   * store works again, which is tried by itself. The error is reported once per episode.
   */
  durability?: Durability | undefined
  /**
   * Keeps what the room was: `listHistory`, `getSnapshotAt` and `restore` reach back for `retentionMs`. Off by default.
   * Needs `FileStorage`, with neither `load` nor `save` replaced, and durability `'process'` or `'disk'`: with any other storage
   * (one with `append` included), and at `'none'`, the constructor throws `HEDDLE_DURABILITY_UNAVAILABLE`.
   *
   * What is kept are the journals that compaction would remove, each with the snapshot that it continues, in the
   * folder `<name>.history` beside the room's files: nothing more is written for an edit, but a compaction, a `flush()`
   * and a close each keep one snapshot. Opening a room never reads them. Where archiving fails the room goes on
   * without, which leaves a gap in the history, and `onError` gets `HEDDLE_HISTORY_FAILED`, once per episode. Whoever deletes a
   * room deletes `<name>.json`, `<name>.journal` and, for its history, the folder; a room whose other files were deleted or put back to
   * an older state forgets what it went back behind.
   */
  history?: HistoryOptions | undefined
}

/**
 * What a room has counted since it was made. These figures only grow, and stay when the room closes; they are
 * counted always, at the cost of an addition.
 */
export interface RoomCounters {
  /** Frames that came from sessions, refused ones and those that wait included. */
  framesIn: number
  /** Their size: bytes, or, of a frame that came as a string, its length in UTF-16 units. */
  bytesIn: number
  /** Frames to sessions: one that goes to several counts once for each. */
  framesOut: number
  /** Frames that were refused, by `RefusalCode`; codes that never came are left out. */
  refused: Record<string, number>
  sessionsOpened: number
  /**
   * Sessions that ended, by the code that heddle closed their sockets with: 1005 where it closed them without one, 0 where
   * the socket was gone or could not be written. Codes that never came are left out.
   */
  sessionsClosed: Record<number, number>
  /** How often a session began to lag. */
  lags: number
  /** How often it was reported that the room could not be stored: those of `errors` with `HEDDLE_SAVE_FAILED`. */
  saveErrors: number
  /** What was reported to `onError`, or, without one, as a process warning. */
  errors: number
}

/**
 * What a room holds at the moment, and what it has counted. A room that closed or broke keeps the figures that it
 * had, without sessions.
 */
export interface RoomStats extends RoomCounters {
  /** The room's clock. */
  timestamp: number
  sessions: number
  /** Sessions that lag: their sockets do not drain. */
  lagging: number
  /**
   * What was sent and has not left the process, in bytes, over all sessions: in heddle, and in sockets that tell it
   * (`bufferedAmount`, `getBufferedAmount()`).
   */
  queuedBytes: number
  /** Components that are alive. */
  components: number
  tombstones: number
  /** The size of the document as `Limits.documentBytes` counts it. */
  documentBytes: number
  /** Whether something was accepted that is not stored yet; `false` without a storage. */
  unsaved: boolean
  /**
   * How many accepted changes are not stored yet: in no journal, or, at `durability: 'none'`, in no snapshot. What waits
   * unacked while the store fails is not among them; `unsaved` tells of it. 0 without a storage.
   */
  unstored: number
  /** What an ack promises; `'none'` without a storage. */
  durability: Durability
  /**
   * How much was cut off the journal's end when the room was opened, in bytes: changes torn by a power
   * loss that nothing had promised to keep.
   */
  cutBytes: number
}

/** One collaborative document and the sessions that work on it. */
export class Room {
  /**
   * Throws `HEDDLE_BAD_SNAPSHOT` when `initialSnapshot` is none, and
   * `HEDDLE_DURABILITY_UNAVAILABLE` (see `RoomOptions.durability` and `RoomOptions.history`).
   */
  constructor(options?: RoomOptions)
  /**
   * Loads what storage holds. Without storage, or where it holds nothing, the room stays as it is.
   * Called again, it gives the same promise. Sessions may connect meanwhile: their frames wait, in
   * order.
   *
   * Rejects with what the storage's `load` rejected with (`FileStorage`: `HEDDLE_DAMAGED_FILE` or
   * `HEDDLE_STORAGE`), with `HEDDLE_BAD_SNAPSHOT` when it gave something that is no snapshot, with
   * `HEDDLE_ROOM_IN_USE` when the document was edited before, and with `HEDDLE_ROOM_CLOSED` on a closed
   * room. `FileStorage` also rejects with `HEDDLE_ROOM_LOCKED` when the room is open elsewhere, in this process
   * or another; one that this process is closing is waited for. A room that did not load is closed, its
   * sessions with code 4450, and it never saves.
   *
   * A room whose `durability` is not `'none'` is loaded by the first session that joins, if nobody has.
   */
  load(): Promise<void>
  /**
   * Adds a session and returns its id, a random lower-case UUID. Broadcasts reach the socket from
   * now on. The caller has checked who it is.
   *
   * Throws `HEDDLE_ROOM_CLOSED`, `HEDDLE_TOO_MANY_SESSIONS` where the room, or its manager, has as many as its limits
   * allow, and `HEDDLE_INVALID_ARGUMENT` for a `clientId` over `nameBytes`; nothing has happened then.
   */
  handleSocketConnect(options: {
    socket: WebSocketLike
    clientId: string
    /** Anything but the two known words counts as `readonly`. */
    permissions: SessionPermission
    metadata?: unknown
  }): string
  /** Handles a frame. A frame of an unknown session does nothing. */
  handleSocketMessage(sessionId: string, data: FrameData): void
  /** Removes a session; its socket is not touched. */
  handleSocketClose(sessionId: string): void
  /** Removes a session; its socket is not touched. */
  handleSocketError(sessionId: string): void
  /**
   * Gives a copy of the document, tombstones included. Throws `HEDDLE_SNAPSHOT_TOO_LARGE` where its JSON is longer than a string of the
   * runtime can be (Node: 512 MiB); the room goes on.
   */
  getSnapshot(): RoomSnapshot
  getSessionCount(): number
  /** Gives the sessions in the order in which they joined. */
  getSessions(): SessionInfo[]
  getSessionPermissions(sessionId: string): SessionPermission | undefined
  /** Takes effect from the session's next frame on, and outlives what a token refresh grants that was sent before. */
  setSessionPermissions(sessionId: string, permissions: SessionPermission): void
  getSessionMetadata(sessionId: string): unknown
  setSessionMetadata(sessionId: string, metadata: unknown): void
  /**
   * Edits the document as the server itself: merged by the same rules as a client's patch and
   * broadcast to every session with `clientId: ""`. Returns the room's clock after it; an array of
   * patches is one change, an empty one none.
   *
   * At `durability: 'process'` the change is stored when the call returns. Where storing takes longer
   * (`'disk'`, a storage with `append`, a disk that was slow) the clock is provisional until `flush()`
   * resolves.
   *
   * Throws `HEDDLE_BAD_PATCH` for what a client's frame would be refused for, and the document stays
   * as it was; `HEDDLE_STORE_FAILED` while nothing can be stored; `HEDDLE_ROOM_LOADING` before `load()` has
   * settled; `HEDDLE_ROOM_CLOSED`.
   */
  applyPatch(patches: Patch | readonly Patch[]): number
  /**
   * Resolves to the changes within the retention (`RoomOptions.history`), the oldest first: those after the clock `after`
   * (default 0), at most `limit` (default 10000). Ask for more with the last one's `timestamp` as `after`. What
   * is not stored yet is not among them. An archived file that cannot be read is left out and reported through `onError`.
   *
   * Rejects with `HEDDLE_NO_HISTORY` when the room keeps none, with `HEDDLE_STORAGE` or `HEDDLE_DAMAGED_FILE` when the
   * room's own files cannot be read, with `HEDDLE_ROOM_LOADING` and with `HEDDLE_ROOM_CLOSED`.
   */
  listHistory(options?: {
    after?: number | undefined
    limit?: number | undefined
  }): Promise<HistoryEntry[]>
  /**
   * Resolves to the document as it was right after the change with this clock, or at the clock of a snapshot that is
   * still kept, tombstones included. It may reach back further than the retention.
   *
   * Rejects with `HEDDLE_NO_HISTORY`, whose message says what there is, when that is not there any more, never was, is not
   * stored yet, or the room keeps no history; with `HEDDLE_DAMAGED_FILE` or `HEDDLE_STORAGE` when it is there and
   * cannot be read; with `HEDDLE_SNAPSHOT_TOO_LARGE` as `getSnapshot` throws; with `HEDDLE_ROOM_LOADING` and with `HEDDLE_ROOM_CLOSED`.
   */
  getSnapshotAt(timestamp: number): Promise<RoomSnapshot>
  /**
   * Gets the document back to what it was at this clock, by one new edit of the server, as `applyPatch` makes
   * it, of any size: every session receives it, and what it replaces becomes history. It is compared with the document at the
   * moment of the edit: fields with other values are written, components that are gone are created anew with all their
   * fields, components that have come since are deleted. Fields that have come since to a component that
   * lived then stay, and are named in `kept`.
   *
   * Rejects as `getSnapshotAt` does, and with what `applyPatch` throws; then nothing has changed.
   */
  restore(timestamp: number): Promise<Restored>
  /**
   * Saves now, whatever throttle or back-off runs, also when nothing changed, and resolves when all
   * that was applied before the call is stored and synced; with `FileStorage` it is then in
   * `<roomId>.json`, for a backup. Without storage it resolves at once; in a room that
   * loads it waits for that.
   *
   * Rejects with `HEDDLE_SAVE_FAILED`, whose `cause` is what the storage's `save` threw or rejected
   * with; with `HEDDLE_ROOM_BROKEN`; and, in a room that did not load, with what `load()` rejected with.
   */
  flush(): Promise<void>
  /**
   * Closes the room and its sockets. What is unsaved is then saved in the background, and keeps the
   * process alive meanwhile: it is tried 5 times, then given up and reported to `onError`. With
   * `FileStorage` the whole room is left in `<roomId>.json`. With `flush: false` what is unsaved is lost,
   * and what is stored is left as it is, the journal included. Closing twice does nothing more.
   *
   * A closed room can still be read, and its memory goes once nothing refers to it. One with `FileStorage` that is
   * dropped without `close()` stays: its memory, its files and the lock on them, until the process ends.
   */
  close(options?: { flush?: boolean | undefined }): void
  getStats(): RoomStats
}

/**
 * What the manager's rooms share: any option of a room but `storage` and `initialSnapshot` is a
 * default for them, which a room's own options override.
 */
export interface RoomManagerOptions
  extends Omit<RoomOptions, 'storage' | 'initialSnapshot' | 'createStorage' | 'limits'> {
  /** What peers may take, in the manager and in each of its rooms; a room's own members win one by one. */
  limits?: 'public' | Partial<ManagerLimits> | undefined
  /** Makes the storage of a room that brings none of its own; called once for each opening. */
  createStorage?: ((roomId: string) => Storage) | undefined
  /**
   * How long a room stays open while nobody is in it, in milliseconds; it is then saved and closed.
   * Where that save fails the room stays open and is tried again. Default: 30000.
   */
  idleTimeout?: number | undefined
}

/**
 * What a manager's open rooms hold at the moment, and what all rooms that it ever opened have counted: the counters
 * of rooms that closed stay in the sums.
 */
export interface RoomManagerStats extends RoomCounters {
  /** Rooms that are open. */
  rooms: number
  /** Sessions in all of them. */
  sessions: number
  /** Sessions that lag. */
  lagging: number
  /** As `RoomStats.queuedBytes`. */
  queuedBytes: number
  /** As `RoomStats.documentBytes`. */
  documentBytes: number
  /** As `RoomStats.unstored`. */
  unstored: number
  /** How many rooms were opened; this figure only grows. One that did not load counts. */
  roomsOpened: number
  /**
   * Connections that `acceptConnection` refused before they had a session, by `ConnectionRefusalCode`: only grows. One
   * whose socket closed before was not refused.
   */
  connectionsRefused: Record<string, number>
}

/**
 * The channels of `node:diagnostics_channel` on which heddle tells what happens, in this process's rooms of this thread:
 * `subscribe('heddle:session:close', (message) => { const { clientId, code } = message as HeddleEvent })`. An event that nobody subscribed to costs nothing. Each is
 * published in a microtask after it happened, in order, so a subscriber may call the room. What a subscriber
 * throws is an `uncaughtException` of the process, as with every channel of the runtime, and disturbs no room.
 *
 * | channel | when | `code` |
 * |---|---|---|
 * | `heddle:room:open` | a room was made; it need not have loaded | |
 * | `heddle:room:close` | a room closed; its last save may be under way | the close code of its sockets, if they get one |
 * | `heddle:session:open` | a session joined | |
 * | `heddle:session:close` | a session ended | as in `RoomCounters.sessionsClosed` |
 * | `heddle:session:lagging` | a session's socket does not drain | |
 * | `heddle:session:drained` | it has drained, and the session is caught up | |
 * | `heddle:frame:refused` | a frame was refused | the `RefusalCode` |
 * | `heddle:connection:refused` | a connection was refused before it had a session; it has no `room` | the `ConnectionRefusalCode` |
 * | `heddle:error` | what `onError` is told, or a process warning | the `HeddleErrorCode`, if it has one |
 */
export type HeddleChannel =
  | 'heddle:room:open'
  | 'heddle:room:close'
  | 'heddle:session:open'
  | 'heddle:session:close'
  | 'heddle:session:lagging'
  | 'heddle:session:drained'
  | 'heddle:frame:refused'
  | 'heddle:connection:refused'
  | 'heddle:error'

/**
 * What subscribers of a `HeddleChannel` get: a frozen object that always has all of these members. It holds no token and
 * no payload, except for what the callbacks and storages of your own put into their errors.
 */
export interface HeddleEvent {
  /** Of all but `heddle:connection:refused`. */
  room: Room | undefined
  /**
   * What the room's manager knows it by; a room without a manager has none. Of `heddle:connection:refused`, what the URL asks
   * for, where it was read.
   */
  roomId: string | undefined
  /** Of events that speak of a session. */
  sessionId?: string | undefined
  /** Of events that speak of a session, but for `heddle:error`; of a refused connection like `roomId`. */
  clientId?: string | undefined
  code?: string | number | undefined
  /** Of `heddle:error`. */
  error?: unknown
}

/** Opens rooms by id, one room for each id, and closes those that nobody is in. */
export class RoomManager {
  constructor(options?: RoomManagerOptions)
  /** Is `getOrCreateRoom(roomId)`. */
  getRoom(roomId: string): Promise<Room>
  /**
   * Resolves to the room, loaded. `options` count when this call opens it and are ignored when it is
   * open or opening. Openings under way are shared; one of a room that is closing waits for its last
   * save.
   *
   * Rejects with what `Room.load` rejected with, and leaves nothing behind: the next call tries
   * again. Rejects with `HEDDLE_TOO_MANY_ROOMS` where the manager has as many as its limits allow, with `HEDDLE_MANAGER_CLOSED` after `closeAll()`, also when it was under way then,
   * and with `HEDDLE_ROOM_CLOSED` when `closeRoom` took the room away meanwhile.
   */
  getOrCreateRoom(roomId: string, options?: RoomOptions): Promise<Room>
  /** Gives the room if it is open: the object that `getOrCreateRoom` resolved to. */
  getExistingRoom(roomId: string): Room | undefined
  /** Gives the ids of the open rooms; a room that is opening or closing is none. */
  getRoomIds(): string[]
  /** Closes a room as `Room.close()` does. An id that is not open does nothing. */
  closeRoom(roomId: string): void
  /**
   * Closes every session, then saves each room once, and resolves when all are stored; after it the
   * manager opens nothing. Called again, it gives the same promise.
   *
   * Rejects after every room was tried, when one or more could not be saved, with
   * `HEDDLE_SAVE_FAILED`; the `cause` is what went wrong, an `AggregateError` of several.
   */
  closeAll(): Promise<void>
  /** Takes one pass over the open rooms and, for `queuedBytes`, their sessions. */
  getStats(): RoomManagerStats
  /**
   * Gives `getStats()` in the text format of Prometheus, for a `/metrics` of yours with the content type
   * `text/plain; version=0.0.4`. Refusals and closes are labelled with their `code`, and nothing else has a label.
   */
  metrics(): string
}

/** Who wants to connect, or to stay connected with a new token. */
export interface AuthorizeInfo<TRequest = unknown> {
  roomId: string
  clientId: string
  /** From the URL at connect, from the `auth-refresh` frame at a refresh. */
  token: string
  /** What the caller handed over at connect; `undefined` at a refresh. */
  request: TRequest | undefined
}

export interface AuthorizeResult<TMeta = unknown> {
  /** Anything but the two known words counts as `readonly`. */
  permissions: SessionPermission
  /** At a refresh: left out (or `undefined`), the session keeps what it has. */
  metadata?: TMeta | undefined
}

export interface AcceptConnectionOptions<TRequest = unknown, TMeta = unknown> {
  socket: WebSocketLike
  /** The connect URL: full, or path and query. See `parseConnectUrl`. */
  url: string
  /** Handed to `authorize` at connect, as it is; `allowedOrigins` and `maxConnectionsPerIp` look at it, too. */
  request?: TRequest | undefined
  manager: RoomManager
  /**
   * The pages that may connect: what the browser sends as `Origin`, letter for letter, such as `https://app.example` or
   * `http://localhost:5173` (no path, no slash at the end). With it, a connection without a `request` (a Node request, or one of the
   * Fetch API), or without the header, as from a program, is refused. Default: any. It keeps other people's pages from connecting with the
   * rights of their visitors; it is no proof of who connects.
   */
  allowedOrigins?: readonly string[] | undefined
  /**
   * How many connections of this manager may come from one address, an integer from 1 on. Default: any number. Of IPv6 a
   * whole /64 counts as one address. A connection counts until it is refused, its socket has closed, or heddle closed it. Connections that were
   * accepted without this option are not counted.
   */
  maxConnectionsPerIp?: number | undefined
  /**
   * The peer's address, for `maxConnectionsPerIp`. Default: `request.socket.remoteAddress` (Node), else `socket.remoteAddress` (Bun).
   * Behind a proxy it has to be given: what *your* proxy, and no peer, wrote into a header. Where there is none, `ready`
   * rejects with a `TypeError`.
   */
  ip?: string | undefined
  /**
   * Decides at connect and at each token refresh. To refuse, throw or reject: at connect `ready`
   * rejects with that very error and the socket stays open for the caller to close; at a refresh
   * the session is removed and its socket closed with code 4401. To give nothing, or no answer within
   * `Limits.authorizeTimeoutMs`, is to refuse.
   */
  authorize(
    info: AuthorizeInfo<TRequest>,
  ): AuthorizeResult<TMeta> | PromiseLike<AuthorizeResult<TMeta>>
  /** Options for the room when this connection opens it; ignored when it is open. A promise of them is refused. */
  roomOptions?(roomId: string): Omit<RoomOptions, 'onTokenRefresh'>
}

/** Where a connection ended up. */
export interface ConnectionReady {
  room: Room
  sessionId: string
}

/** What every connection offers. The handlers are bound: hand them over as they are. */
export interface ConnectionHandlers<TMeta = unknown> {
  /**
   * Resolves when the session is live. Rejects with `ConnectRequestError`; with what `authorize`
   * threw, `HEDDLE_BAD_AUTHORIZATION` when it gave no object with `permissions`, or `HEDDLE_AUTHORIZE_TIMEOUT`
   * when it gave nothing in time; with what the opening of the room
   * rejected with, or `HEDDLE_TOO_MANY_SESSIONS`; with `ConnectionClosedError` as soon as the socket closes first. heddle leaves the socket
   * open then, for the caller to choose the close code. A rejection that nobody looks at does not
   * end the process.
   */
  readonly ready: Promise<ConnectionReady>
  /**
   * Takes a frame; further arguments, like the `isBinary` of `ws`, are ignored. Frames that come
   * before the session is live wait, in order, up to `Limits.frameBytes` + 64 KiB of them; over it the
   * socket is closed with code 4413.
   */
  readonly onMessage: (data: FrameData) => void
  /** To be called when the socket closed. */
  readonly onClose: () => void
  /** To be called when the socket failed. */
  readonly onError: () => void
  /** Gives the session's newest metadata, `undefined` before it is live and after it left. */
  readonly getMetadata: () => TMeta | undefined
}

/** A live connection: what `await acceptConnection(...)` gives. */
export interface OpenConnection<TMeta = unknown>
  extends ConnectionHandlers<TMeta>,
    ConnectionReady {}

/**
 * A connection on its way. Forward its socket's events at once, or `await` it: a socket that is an
 * event emitter is listened to meanwhile, no frame is lost before the caller listens, and none
 * counts twice.
 */
export interface Connection<TMeta = unknown>
  extends ConnectionHandlers<TMeta>,
    PromiseLike<OpenConnection<TMeta>> {}

/**
 * Takes a socket that just opened into its room: parses the URL, asks `authorize`, opens the room,
 * joins. Returns at once and throws only for arguments of the wrong type.
 *
 * The session gets no document broadcast before its first `patch` or `reconnect` frame was handled.
 */
export function acceptConnection<TRequest = unknown, TMeta = unknown>(
  options: AcceptConnectionOptions<TRequest, TMeta>,
): Connection<TMeta>

/**
 * Reads `roomId`, `clientId` and `token` from the query of a connect URL, full or path and query,
 * in any order, URL-decoded.
 *
 * Throws `ConnectRequestError`.
 */
export function parseConnectUrl(url: string): { roomId: string; clientId: string; token: string }

/**
 * Why a connection is refused before `authorize` is asked; the first that applies.
 *
 * - `origin-not-allowed`: the page is none of `allowedOrigins`
 * - `too-many-connections`: its address has `maxConnectionsPerIp` already
 * - `missing-…`, `invalid-url`: the connect URL lacks a parameter (or has it empty), or is none
 * - `name-too-long`: its `clientId` or `roomId` is over `nameBytes` of the manager's limits
 */
export type ConnectRequestErrorCode =
  | 'origin-not-allowed'
  | 'too-many-connections'
  | 'missing-room-id'
  | 'missing-client-id'
  | 'missing-token'
  | 'invalid-url'
  | 'name-too-long'

/**
 * Why `acceptConnection` refused a connection, as `RoomManagerStats.connectionsRefused` and `heddle:connection:refused` tell it: what
 * `ready` rejects with says the same, in the words of whoever refused. Each is
 * - a `ConnectRequestErrorCode`, or `HEDDLE_INVALID_ARGUMENT` where an address is counted and there is none
 * - `not-authorized`: `authorize` threw or rejected
 * - `HEDDLE_AUTHORIZE_TIMEOUT`, `HEDDLE_BAD_AUTHORIZATION`: it gave no answer
 * - the `HeddleErrorCode` with which its room did not open or take it, such as `HEDDLE_TOO_MANY_SESSIONS`
 * - `room-not-opened`: the room did not open because `createStorage`, a storage or `roomOptions` failed
 * - `too-many-frames`: what it sent meanwhile came to more than may wait; its socket was closed with 4413
 */
export type ConnectionRefusalCode =
  | ConnectRequestErrorCode
  | HeddleErrorCode
  | 'HEDDLE_INVALID_ARGUMENT'
  | 'not-authorized'
  | 'room-not-opened'
  | 'too-many-frames'

/** What is wrong with a connection, whoever it is. Its message never holds the URL: there is a token in it. */
export class ConnectRequestError extends Error {
  constructor(message: string, code: ConnectRequestErrorCode)
  readonly code: ConnectRequestErrorCode
}

/**
 * Whether two secrets are equal, such as a token and what it should be. How long it takes tells nothing of where they
 * differ, or of the length of either that the other does not tell. A string stands for its UTF-8 bytes.
 *
 * Throws a `TypeError` for anything but strings and `Uint8Array`s, `undefined` included.
 */
export function safeEqual(a: string | Uint8Array, b: string | Uint8Array): boolean

/** The socket closed before its session was live. */
export class ConnectionClosedError extends Error {
  constructor()
}

/**
 * - `HEDDLE_ROOM_CLOSED`: the room is closed
 * - `HEDDLE_ROOM_LOADING`: the room has not loaded yet
 * - `HEDDLE_ROOM_IN_USE`: `load()` was called after an edit; the room is closed without saving
 * - `HEDDLE_ROOM_BROKEN`: the engine failed in this room, which is closed; others go on
 * - `HEDDLE_BAD_SNAPSHOT`: what a storage or the caller gave is no snapshot, or over a limit (`refusal`)
 * - `HEDDLE_BAD_PATCH`: `applyPatch` got what a frame would be refused for (`refusal`)
 * - `HEDDLE_DAMAGED_FILE`: a room's file is no snapshot; it was left untouched
 * - `HEDDLE_STORAGE`: a file could not be read or written; `cause` says why
 * - `HEDDLE_SAVE_FAILED`: a snapshot could not be saved; `cause` says why
 * - `HEDDLE_MANAGER_CLOSED`: the manager is closed
 * - `HEDDLE_ROOM_LOCKED`: the room's files are open elsewhere; the message names the owner
 * - `HEDDLE_STORE_FAILED`: nothing can be stored in this room at the moment
 * - `HEDDLE_SNAPSHOT_TOO_LARGE`: the document's JSON is longer than a string of the runtime can be
 * - `HEDDLE_NO_HISTORY`: the room cannot be had as it was then; the message says what there is
 * - `HEDDLE_HISTORY_FAILED`: a part of the history could not be archived, or removed; the room itself is stored
 * - `HEDDLE_TOO_MANY_ROOMS`: the manager has as many rooms as its limits allow
 * - `HEDDLE_TOO_MANY_SESSIONS`: the room, or its manager, has as many sessions as its limits allow
 * - `HEDDLE_AUTHORIZE_TIMEOUT`: `authorize` or `onTokenRefresh` gave no answer in time
 * - `HEDDLE_BAD_AUTHORIZATION`: `authorize` or `onTokenRefresh` gave no object with `permissions`
 * - `HEDDLE_DURABILITY_UNAVAILABLE`: the storage cannot keep the durability, or the history, asked for
 * - `HEDDLE_NO_NATIVE`: there is no native engine for this platform, or it does not load
 */
export type HeddleErrorCode =
  | 'HEDDLE_ROOM_CLOSED'
  | 'HEDDLE_ROOM_LOADING'
  | 'HEDDLE_ROOM_IN_USE'
  | 'HEDDLE_ROOM_BROKEN'
  | 'HEDDLE_BAD_SNAPSHOT'
  | 'HEDDLE_BAD_PATCH'
  | 'HEDDLE_DAMAGED_FILE'
  | 'HEDDLE_STORAGE'
  | 'HEDDLE_ROOM_LOCKED'
  | 'HEDDLE_STORE_FAILED'
  | 'HEDDLE_SAVE_FAILED'
  | 'HEDDLE_SNAPSHOT_TOO_LARGE'
  | 'HEDDLE_NO_HISTORY'
  | 'HEDDLE_HISTORY_FAILED'
  | 'HEDDLE_MANAGER_CLOSED'
  | 'HEDDLE_TOO_MANY_ROOMS'
  | 'HEDDLE_TOO_MANY_SESSIONS'
  | 'HEDDLE_AUTHORIZE_TIMEOUT'
  | 'HEDDLE_BAD_AUTHORIZATION'
  | 'HEDDLE_DURABILITY_UNAVAILABLE'
  | 'HEDDLE_NO_NATIVE'

/** What heddle throws, rejects with and reports. Codes are stable, messages are not. */
export class HeddleError extends Error {
  constructor(
    code: HeddleErrorCode,
    message: string,
    options?: { cause?: unknown; refusal?: RefusalCode | undefined },
  )
  readonly code: HeddleErrorCode
  /** With `HEDDLE_BAD_PATCH` and `HEDDLE_BAD_SNAPSHOT`: what a frame like it would be refused for. */
  readonly refusal?: RefusalCode
  readonly cause?: unknown
}
