import {
  addComponent,
  type Context,
  defineQuery,
  type EntityId,
  hasComponent,
} from '@woven-ecs/core'
import { type Board, createShared } from './board'
import { COLORS, Cursor, snap } from './components'
import { tidyName } from './ids'
import type { Point } from './view'

export interface Person {
  name: string
  color: number
  /** Where to draw the pointer: eases towards where it was last said to be. */
  shown: Point
  target: Point
  visible: boolean
}

const cursors = defineQuery((q) => q.with(Cursor).tracking(Cursor))
// How fast a pointer closes in on its target, and the distance at which it has arrived.
const EASE_PER_MS = 0.022
const ARRIVED_PX = 0.3

/** Who is here, and where they point. */
export class Presence {
  readonly others = new Map<EntityId, Person>()
  private own: EntityId | null = null

  constructor(
    private readonly board: Board,
    readonly me: { name: string; color: number },
    clientId: string,
  ) {
    board.edit((ctx) => {
      this.own = createShared(ctx, clientId)
      addComponent(ctx, this.own, Cursor, { ...me, visible: false })
    })
  }

  point(at: Point): void {
    this.say({ x: snap(at.x), y: snap(at.y), visible: true })
  }

  leave(): void {
    this.say({ visible: false })
  }

  rename(name: string): void {
    this.me.name = tidyName(name)
    this.say({ name: this.me.name })
  }

  /** Takes a colour that nobody here has, where there is one. */
  takeFreeColor(): void {
    const taken = new Set(Array.from(this.others.values(), ({ color }) => color))
    if (!taken.has(this.me.color)) return
    const free = Array.from({ length: COLORS }, (_, color) => color).slice(1)
    this.me.color = free.find((color) => !taken.has(color)) ?? this.me.color
    this.say({ color: this.me.color })
  }

  /** Follows the world; says whether anybody came, went or moved. */
  update(ctx: Context): boolean {
    const touched = cursors.addedOrChangedOrRemoved(ctx).filter((entity) => entity !== this.own)
    for (const entity of touched) {
      if (hasComponent(ctx, entity, Cursor)) this.meet(ctx, entity)
      else this.others.delete(entity)
    }
    return touched.length > 0
  }

  /** Moves the pointers on; says whether any still has way to go. */
  ease(elapsedMs: number): boolean {
    const share = 1 - Math.exp(-EASE_PER_MS * elapsedMs)
    let moving = false
    for (const { shown, target } of this.others.values()) {
      const dx = target.x - shown.x
      const dy = target.y - shown.y
      if (dx === 0 && dy === 0) continue
      const arrives = Math.hypot(dx, dy) < ARRIVED_PX
      shown.x = arrives ? target.x : shown.x + dx * share
      shown.y = arrives ? target.y : shown.y + dy * share
      moving = true
    }
    return moving
  }

  private meet(ctx: Context, entity: EntityId): void {
    const { x, y, visible, name, color } = Cursor.read(ctx, entity)
    const known = this.others.get(entity)
    // Whoever appears does so in place, not in flight from wherever they were last seen.
    const shown = known?.visible ? known.shown : { x, y }
    this.others.set(entity, { name: tidyName(name), color, visible, target: { x, y }, shown })
  }

  private say(change: Parameters<typeof Cursor.patch>[2]): void {
    this.board.edit((ctx) => {
      if (this.own !== null) Cursor.patch(ctx, this.own, change)
    })
  }
}
