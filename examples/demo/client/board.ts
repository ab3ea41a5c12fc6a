import { CanvasStore, Synced } from '@woven-ecs/canvas-store'
import {
  addComponent,
  type ComponentDef,
  type ComponentSchema,
  type Context,
  createEntity,
  defineSystem,
  type EntityId,
  hasComponent,
  removeComponent,
  World,
} from '@woven-ecs/core'
import { COMPONENTS, Ink, Placement, Shape } from './components'
import { randomId } from './ids'

export type Connection = 'connecting' | 'live' | 'offline' | 'reconnecting' | 'outdated'

// Far more things than a drawing has; the memory is reserved when the page opens.
const MAX_ENTITIES = 8192
const MAX_EVENTS = 262_144

export interface BoardOptions {
  url: string
  room: string
  clientId: string
  onConnection(connection: Connection): void
  onFailure(error: unknown): void
}

/**
 * The shared document: an ECS world kept in step with the room by a `CanvasStore`.
 * Edits are queued and run at the next `step`, so that every change of a frame travels in one patch.
 */
export class Board {
  private readonly store: CanvasStore
  private readonly world = new World([...COMPONENTS, Synced], {
    maxEntities: MAX_ENTITIES,
    maxEvents: MAX_EVENTS,
  })
  private readonly syncSystem = defineSystem((ctx) => this.store.sync(ctx))
  private readonly readers: ReturnType<typeof defineSystem>[] = []
  private checkpoint: string | null = null
  private outcome: 'keep' | 'discard' | null = null
  private wantsConnection = true
  private connected = false
  private closing = false

  constructor(private readonly options: BoardOptions) {
    this.store = new CanvasStore({
      // An undo step is a whole gesture, however long the hand rests in it.
      history: { commitCheckpointAfterFrames: Number.POSITIVE_INFINITY },
      websocket: {
        documentId: options.room,
        url: options.url,
        clientId: options.clientId,
        token: 'guest',
        onConnectivityChange: (online) => this.report(online),
        onVersionMismatch: () => options.onConnection('outdated'),
      },
    })
  }

  open(): Promise<void> {
    return this.store.initialize({ components: COMPONENTS, singletons: [] })
  }

  /** Registers what looks at the world after every step. */
  onStep(read: (ctx: Context) => void): void {
    this.readers.push(defineSystem(read))
  }

  step(): void {
    this.world.sync()
    this.run(this.syncSystem)
    this.settleGesture()
    this.run(...this.readers)
  }

  /** Runs `change` at the next step. Document edits belong between `begin` and `end`. */
  edit(change: (ctx: Context) => void): void {
    this.world.nextSync(change)
  }

  /** Opens a gesture: everything until `end` is one step of undo. */
  begin(): void {
    if (this.checkpoint) {
      this.outcome ??= 'keep'
      this.step()
    }
    this.checkpoint = this.store.createCheckpoint()
  }

  end(): void {
    if (this.checkpoint) this.outcome = 'keep'
  }

  /** Takes the open gesture back. */
  cancel(): void {
    if (this.checkpoint) this.outcome = 'discard'
  }

  /** One edit that is a gesture of its own. */
  change(change: (ctx: Context) => void): void {
    this.begin()
    this.edit(change)
    this.end()
  }

  get busy(): boolean {
    return this.checkpoint !== null
  }

  undo(): void {
    if (!this.busy) this.store.undo()
  }

  redo(): void {
    if (!this.busy) this.store.redo()
  }

  get canUndo(): boolean {
    return this.store.canUndo()
  }

  get canRedo(): boolean {
    return this.store.canRedo()
  }

  /** Whether this page wants to be connected, not whether it is. */
  get online(): boolean {
    return this.wantsConnection
  }

  /** Whether what the room holds has arrived, once. */
  get loaded(): boolean {
    return this.store.isSynced
  }

  disconnect(): void {
    this.wantsConnection = false
    this.closing = this.connected
    this.store.disconnect()
    this.options.onConnection('offline')
  }

  connect(): void {
    this.wantsConnection = true
    this.options.onConnection('reconnecting')
    // The store takes the close of any of its sockets for that of its newest: one after the other.
    if (!this.closing) this.dial()
  }

  // The gesture's edits are in the history only after a sync has seen them.
  private settleGesture(): void {
    if (!this.checkpoint || !this.outcome) return
    if (this.outcome === 'keep') this.store.squashToCheckpoint(this.checkpoint)
    else this.store.revertToCheckpoint(this.checkpoint)
    this.checkpoint = null
    this.outcome = null
  }

  private run(...systems: ReturnType<typeof defineSystem>[]): void {
    this.world.execute(...systems).catch(this.options.onFailure)
  }

  private dial(): void {
    // A refused attempt is retried by the store itself when its socket closes.
    this.store.connect().catch(() => this.options.onConnection('reconnecting'))
  }

  private report(online: boolean): void {
    this.connected = online
    if (online && !this.wantsConnection) this.disconnect()
    else if (!online && this.closing) {
      this.closing = false
      if (this.wantsConnection) this.dial()
    } else if (online) this.options.onConnection('live')
    else this.options.onConnection(this.wantsConnection ? 'reconnecting' : 'offline')
  }
}

/** Makes an entity that the store shares under a stable id. */
export function createShared(ctx: Context, id: string = randomId()): EntityId {
  const entity = createEntity(ctx)
  addComponent(ctx, entity, Synced, { id })
  return entity
}

/** Deletes a thing. The entity stays, so that an undo, here or elsewhere, finds it again. */
export function erase(ctx: Context, entity: EntityId): void {
  const drop = <T extends ComponentSchema>(component: ComponentDef<T>) => {
    if (hasComponent(ctx, entity, component)) removeComponent(ctx, entity, component)
  }
  drop(Placement)
  drop(Ink)
  drop(Shape)
}
