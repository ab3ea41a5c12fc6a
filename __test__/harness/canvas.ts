import {
  CanvasStore,
  defineCanvasComponent,
  defineCanvasSingleton,
  Synced,
} from '@woven-ecs/canvas-store'
import {
  addComponent,
  type Context,
  createEntity,
  defineQuery,
  type EntityId,
  field,
  hasComponent,
  removeComponent,
  World,
} from '@woven-ecs/core'
import { expect, onTestFinished } from 'vitest'
import { WebSocket } from 'ws'
import type { ComponentData, Room } from '../../index.js'
import type { PacedSockets } from './paced-sockets.js'
import { eventually, type TestServer } from './server.js'

// The client speaks through the global `WebSocket` of browsers, which Node has from 22 on.
globalThis.WebSocket ??= WebSocket as unknown as typeof globalThis.WebSocket

const Box = defineCanvasComponent(
  { name: 'Box', sync: 'document' },
  { x: field.float64(), y: field.float64(), label: field.string().max(40) },
)
const Stroke = defineCanvasComponent(
  { name: 'Stroke', sync: 'document' },
  { points: field.buffer(field.float64()).size(64) },
)
const Cursor = defineCanvasComponent(
  { name: 'Cursor', sync: 'ephemeral' },
  { x: field.float64(), y: field.float64() },
)
const Paper = defineCanvasSingleton(
  { name: 'Paper', sync: 'document' },
  { color: field.string().max(20) },
)

const COMPONENTS = [Box, Stroke, Cursor]
const synced = defineQuery((query) => query.with(Synced))

type Document = Record<string, ComponentData>

interface CanvasOptions {
  roomId?: string
  token?: string
  startOffline?: boolean
  /** How much there can be on the canvas. */
  maxEntities?: number
  /** Where what comes from the server waits; without them the client gets it as it comes. */
  sockets?: PacedSockets
}

/** A person at a canvas: the real client, whole, on a real socket. */
export class Canvas {
  readonly store: CanvasStore
  readonly #world: World
  readonly #sockets: PacedSockets | undefined
  #online = false

  constructor(
    server: TestServer,
    readonly clientId: string,
    {
      roomId = 'room',
      token = 'token',
      startOffline = false,
      maxEntities = 256,
      sockets,
    }: CanvasOptions = {},
  ) {
    this.#sockets = sockets
    this.#world = new World([...COMPONENTS, Paper, Synced], { maxEntities })
    this.store = new CanvasStore({
      websocket: {
        documentId: roomId,
        url: server.url,
        clientId,
        token,
        startOffline,
        onConnectivityChange: (online) => {
          this.#online = online
        },
      },
    })
    onTestFinished(() => this.close())
  }

  async open(): Promise<this> {
    await this.store.initialize({ components: COMPONENTS, singletons: [Paper] })
    return this
  }

  /** One frame of the client: runs the edits, sends and takes what there is. */
  async step(edit: (ctx: Context) => void = () => {}): Promise<void> {
    this.#world.sync()
    await this.#world.execute((ctx) => {
      edit(ctx)
      this.store.sync(ctx)
    })
  }

  /** Takes all there is. */
  catchUp(): Promise<void> {
    return this.#sockets?.take(this.clientId, () => this.step()) ?? this.step()
  }

  drawBox(id: string, x: number, y: number, label = ''): Promise<void> {
    return this.step((ctx) => {
      const entity = createEntity(ctx)
      addComponent(ctx, entity, Synced, { id })
      addComponent(ctx, entity, Box, { x, y, label })
    })
  }

  moveBox(id: string, x: number): Promise<void> {
    return this.#change(id, (ctx, entity) => {
      if (hasComponent(ctx, entity, Box)) Box.write(ctx, entity).x = x
    })
  }

  label(id: string, label: string): Promise<void> {
    return this.#change(id, (ctx, entity) => {
      if (hasComponent(ctx, entity, Box)) Box.write(ctx, entity).label = label
    })
  }

  erase(id: string): Promise<void> {
    return this.#change(id, (ctx, entity) => {
      if (hasComponent(ctx, entity, Box)) removeComponent(ctx, entity, Box)
      if (hasComponent(ctx, entity, Stroke)) removeComponent(ctx, entity, Stroke)
    })
  }

  startStroke(id: string): Promise<void> {
    return this.step((ctx) => {
      const entity = createEntity(ctx)
      addComponent(ctx, entity, Synced, { id })
      addComponent(ctx, entity, Stroke, {})
    })
  }

  addPoint(id: string, index: number, value: number): Promise<void> {
    return this.#change(id, (ctx, entity) => {
      Stroke.write(ctx, entity).points[index] = value
    })
  }

  pointAt(x: number, y: number): Promise<void> {
    const id = `${this.clientId}-pointer`
    return this.step((ctx) => {
      const entity = entityOf(ctx, id)
      if (entity === undefined) {
        const fresh = createEntity(ctx)
        addComponent(ctx, fresh, Synced, { id })
        addComponent(ctx, fresh, Cursor, { x, y })
      } else {
        Object.assign(Cursor.write(ctx, entity), { x, y })
      }
    })
  }

  paint(color: string): Promise<void> {
    return this.step((ctx) => {
      Paper.write(ctx).color = color
    })
  }

  /** What is on the canvas: the components of the document that are alive. */
  get document(): Document {
    return alive(this.store.getState(), (key) => !key.endsWith('/Cursor'))
  }

  /** The pointers that can be seen, one's own included. */
  get cursors(): Document {
    return alive(this.store.getState(), (key) => key.endsWith('/Cursor'))
  }

  /** Goes offline, and comes back when `connect` is called. */
  async disconnect(): Promise<void> {
    this.store.disconnect()
    // The client takes the close of any of its sockets for that of its newest.
    await eventually(() => expect(this.#online).toBe(false))
  }

  async connect(): Promise<void> {
    await this.store.connect()
  }

  close(): void {
    this.store.close()
  }

  #change(id: string, edit: (ctx: Context, entity: EntityId) => void): Promise<void> {
    return this.step((ctx) => {
      const entity = entityOf(ctx, id)
      if (entity === undefined) throw new Error(`${this.clientId} has no ${id}`)
      edit(ctx, entity)
    })
  }
}

/** Opens a client and waits until it has what the room has. */
export async function openCanvas(
  server: TestServer,
  clientId: string,
  options: CanvasOptions = {},
): Promise<Canvas> {
  const canvas = await new Canvas(server, clientId, options).open()
  await eventually(async () => {
    await canvas.catchUp()
    expect(canvas.store.isSynced).toBe(true)
  })
  return canvas
}

/** What a room holds, as a canvas would show it. */
export function documentOf(room: Room): Document {
  return alive(room.getSnapshot().state, () => true)
}

/** Lets clients work until the check holds for all they have by then. */
export function working(canvases: Canvas[], check: () => void): Promise<void> {
  return eventually(async () => {
    for (const canvas of canvases) await canvas.catchUp()
    check()
  })
}

/** Lets clients work until they all show what the room holds, and that is `document`. */
export async function agree(
  room: () => Room | undefined,
  canvases: Canvas[],
  document: Document | ((document: Document) => void),
): Promise<void> {
  const check =
    typeof document === 'function' ? document : (held: Document) => expect(held).toEqual(document)
  await working(canvases, () => {
    const open = room()
    if (open === undefined) throw new Error('the room is not open')
    const held = documentOf(open)
    check(held)
    for (const canvas of canvases) expect(canvas.document).toEqual(held)
  })
}

function alive(state: Document, shows: (key: string) => boolean): Document {
  const shown = Object.entries(state).flatMap(([key, { _exists, _version, ...fields }]) =>
    _exists !== false && shows(key) ? [[key, fields] as const] : [],
  )
  return Object.fromEntries(shown)
}

function entityOf(ctx: Context, id: string): EntityId | undefined {
  return [...synced.current(ctx)].find((entity) => Synced.read(ctx, entity).id === id)
}
