// People at a canvas, with the real client as an application uses it: it sends, masks, reconnects and catches up by itself.
import { CanvasStore, defineCanvasComponent, Synced } from '@woven-ecs/canvas-store'
import {
  addComponent,
  createEntity,
  defineQuery,
  field,
  hasComponent,
  removeComponent,
  World,
} from '@woven-ecs/core'
import { WebSocket } from 'ws'
import { fingerprint } from './document.mjs'

/** @typedef {import('../../index.js').ComponentData} ComponentData */

/**
 * What the client has not sent, and what was not acked.
 * @typedef {object} Adapter
 * @property {boolean} isOnline
 * @property {number} reconnectDelay
 * @property {unknown[]} documentSendBuffer
 * @property {Map<string, unknown>} inFlight
 * @property {object} offlineBuffer
 */

// The client speaks through the global `WebSocket` of browsers, which Node has from 22 on.
globalThis.WebSocket ??= /** @type {typeof globalThis.WebSocket} */ (
  /** @type {unknown} */ (WebSocket)
)

const Box = defineCanvasComponent(
  { name: 'Box', sync: 'document' },
  { x: field.float64(), y: field.float64(), label: field.string().max(40) },
)
const Stroke = defineCanvasComponent(
  { name: 'Stroke', sync: 'document' },
  { points: field.buffer(field.float64()).size(32) },
)
/** @type {import('@woven-ecs/canvas-store').AnyCanvasComponentDef[]} */
const COMPONENTS = [Box, Stroke]
const synced = defineQuery((query) => query.with(Synced))

/** How many shapes a client keeps on the canvas. */
const MOST_SHAPES = 12

/** The client waits 500 ms before it reconnects; shortened, so that it is there when the next kill comes. */
const RECONNECT_MS = 20

export class Canvas {
  #world = new World([...COMPONENTS, Synced], { maxEntities: 1_024 })
  #store
  #random
  #clientId
  #drawn = 0
  /** @type {string[]} */
  #shapes = []
  /** The keys that this client has erased: it alone erases what it drew, so they stay erased. */
  erased = /** @type {string[]} */ ([])
  #isOnline = false

  /**
   * @param {number} port
   * @param {string} roomId
   * @param {string} clientId
   * @param {import('./random.mjs').Random} random
   */
  constructor(port, roomId, clientId, random) {
    this.#random = random
    this.#clientId = clientId
    this.#store = new CanvasStore({
      websocket: {
        documentId: roomId,
        url: `ws://127.0.0.1:${port}`,
        clientId,
        token: 'editor',
        startOffline: true,
        onConnectivityChange: (online) => this.#connectivityChanged(online),
      },
    })
  }

  /**
   * Called before the client takes back what it sent and was not acked. What it received and has not shown yet must be shown
   * first: else it takes that for the answer to its next `reconnect`, and forgets the unacked edits which that is to carry.
   * @param {boolean} online
   */
  #connectivityChanged(online) {
    this.#isOnline = online
    const adapter = this.#adapter
    if (online || adapter === undefined) return
    adapter.reconnectDelay = RECONNECT_MS
    void this.step()
  }

  /** The part of the client that speaks with the server. */
  get #adapter() {
    const { websocketAdapter } = /** @type {{ websocketAdapter?: Adapter }} */ (
      /** @type {unknown} */ (this.#store)
    )
    return websocketAdapter
  }

  async open() {
    await this.#store.initialize({ components: COMPONENTS, singletons: [] })
    // The server may be dead already: then the client tries again by itself.
    await this.#store.connect().catch(() => {})
  }

  /**
   * One frame of the client: runs the edit, sends and takes what there is.
   * @param {(ctx: import('@woven-ecs/core').Context) => void} [edit]
   */
  async step(edit = () => {}) {
    this.#world.sync()
    await this.#world.execute((ctx) => {
      edit(ctx)
      this.#store.sync(ctx)
    })
  }

  /** One frame in which the client draws, moves or erases something. */
  async draw() {
    const random = this.#random
    // What was received is shown first: of an edit and a catch-up of the same field in one frame the client sends one and shows
    // the other. Both frames run up to here without a wait, so nothing comes in between.
    void this.step()
    // The client sends what waited when its socket closed after what was edited since, which would be the wrong order.
    const adapter = this.#adapter
    if (!adapter?.isOnline && adapter?.documentSendBuffer.length) return this.step()
    const kind = random.fraction()
    if (this.#shapes.length === 0 || (kind < 0.2 && this.#shapes.length < MOST_SHAPES)) {
      return this.#create()
    }
    if (kind < 0.3 && this.#isSettled) return this.#erase()
    return this.#change(random.of(this.#shapes))
  }

  #create() {
    this.#drawn += 1
    const id = `${this.#clientId}-${this.#drawn}`
    this.#shapes.push(id)
    const isBox = this.#random.happens(0.5)
    return this.step((ctx) => {
      const entity = createEntity(ctx)
      addComponent(ctx, entity, Synced, { id })
      if (isBox) addComponent(ctx, entity, Box, { x: this.#drawn, y: 0, label: id })
      else addComponent(ctx, entity, Stroke, {})
    })
  }

  /**
   * Whether the server has acked all that this client drew. What it has not, the client sends again when it reconnects: also the
   * creation of what it has erased since, if that waited in another of its buffers.
   */
  get #isSettled() {
    const adapter = this.#adapter
    return (
      adapter?.isOnline === true &&
      adapter.documentSendBuffer.length === 0 &&
      adapter.inFlight.size === 0 &&
      Object.keys(adapter.offlineBuffer).length === 0
    )
  }

  #erase() {
    const id = this.#shapes.shift() ?? ''
    return this.step((ctx) => {
      const entity = entityOf(ctx, id)
      if (entity === undefined) return
      for (const component of COMPONENTS) {
        if (!hasComponent(ctx, entity, component)) continue
        removeComponent(ctx, entity, component)
        this.erased.push(`${id}/${component.name}`)
      }
    })
  }

  /** @param {string} id */
  #change(id) {
    return this.step((ctx) => {
      const entity = entityOf(ctx, id)
      if (entity === undefined) return
      if (hasComponent(ctx, entity, Box)) Box.write(ctx, entity).x = this.#random.fraction()
      if (hasComponent(ctx, entity, Stroke)) {
        Stroke.write(ctx, entity).points[this.#random.integer(0, 31)] = this.#random.fraction()
      }
    })
  }

  get isOnline() {
    return this.#isOnline && this.#store.isSynced
  }

  /** What is on the canvas, as a map of what is alive. */
  get document() {
    const state = /** @type {Record<string, ComponentData>} */ (this.#store.getState())
    return new Map(Object.entries(state).flatMap(([key, data]) => alive(key, data)))
  }

  close() {
    this.#store.close()
  }
}

/**
 * Lets the clients work until all of them show what the room holds, or the time is over; gives what is still wrong.
 * @param {Canvas[]} canvases
 * @param {() => Promise<import('./ledger.mjs').Found>} lookAtRoom
 * @param {number} deadlineMs
 */
export async function converge(canvases, lookAtRoom, deadlineMs) {
  const deadline = Date.now() + deadlineMs
  let wrong = ['nobody was asked']
  while (wrong.length > 0 && Date.now() < deadline) {
    for (let steps = 0; steps < 10; steps += 1) {
      for (const canvas of canvases) await canvas.step()
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    if (!canvases.every(({ isOnline }) => isOnline)) continue
    const found = await lookAtRoom()
    const room = new Map([...found.alive].flatMap(([key, data]) => alive(key, data)))
    wrong = canvases.flatMap(({ document }) => differing(room, document))
    const back = canvases.flatMap(({ erased }) => erased).filter((key) => room.has(key))
    wrong.push(...back.map((key) => `${key} was erased and is back`))
  }
  return wrong
}

/**
 * @param {string} key
 * @param {ComponentData} data
 * @returns {[string, ComponentData][]}
 */
function alive(key, { _exists, _version, ...fields }) {
  return _exists === false ? [] : [[key, fields]]
}

/**
 * @param {Map<string, ComponentData>} room
 * @param {Map<string, ComponentData>} canvas
 */
function differing(room, canvas) {
  const keys = new Set([...room.keys(), ...canvas.keys()])
  const text = (/** @type {Map<string, ComponentData>} */ document, /** @type {string} */ key) =>
    fingerprint(document.get(key) ?? null)
  return [...keys]
    .filter((key) => text(room, key) !== text(canvas, key))
    .map((key) => `${key} is ${text(room, key)} in the room, ${text(canvas, key)} on a canvas`)
}

/**
 * @param {import('@woven-ecs/core').Context} ctx
 * @param {string} id
 */
function entityOf(ctx, id) {
  return [...synced.current(ctx)].find((entity) => Synced.read(ctx, entity).id === id)
}
