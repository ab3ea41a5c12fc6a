import { Synced } from '@woven-ecs/canvas-store'
import { type Context, defineQuery, type EntityId, hasComponent } from '@woven-ecs/core'
import { Ink, Placement, Shape, type ShapeKind } from './components'
import { type Box, type InkGeometry, inkGeometry, inkHit } from './ink'

interface Placed {
  entity: EntityId
  id: string
  x: number
  y: number
  color: number
  order: number
}
export type InkItem = Placed & { kind: 'ink'; ink: InkGeometry; size: number }
export type ShapeItem = Placed & { kind: ShapeKind; width: number; height: number; text: string }
export type Item = InkItem | ShapeItem

const inks = defineQuery((q) => q.with(Synced, Placement, Ink).tracking(Ink))
const shapes = defineQuery((q) => q.with(Synced, Placement, Shape).tracking(Shape))
const placements = defineQuery((q) => q.with(Synced, Placement).tracking(Placement))

/** The document as things to paint and to hit. Rebuilt thing by thing, only where the world changed. */
export class Scene {
  private readonly items = new Map<EntityId, Item>()
  private sorted: Item[] | null = null
  private ctx: Context | null = null

  /** Follows the world; says whether anything changed. */
  update(ctx: Context): boolean {
    this.ctx = ctx
    const changed = new Set([
      ...inks.addedOrChangedOrRemoved(ctx),
      ...shapes.addedOrChangedOrRemoved(ctx),
    ])
    const moved = placements.addedOrChangedOrRemoved(ctx)
    // A query's verdict speaks of a span of events; what counts is what the world holds now.
    for (const entity of changed) this.rebuild(ctx, entity)
    for (const entity of moved) {
      const item = this.items.get(entity)
      if (!item || changed.has(entity)) continue
      if (hasComponent(ctx, entity, Placement)) Object.assign(item, placed(ctx, entity))
      else this.items.delete(entity)
    }
    if (changed.size === 0 && moved.length === 0) return false
    this.sorted = null
    return true
  }

  /** Everything, from the bottom to the top; the same order on every screen. */
  get all(): readonly Item[] {
    this.sorted ??= [...this.items.values()].sort(
      (a, b) => a.order - b.order || (a.id < b.id ? -1 : 1),
    )
    return this.sorted
  }

  get(entity: EntityId | null): Item | undefined {
    return entity === null ? undefined : this.items.get(entity)
  }

  /** The topmost thing at a place. */
  at(x: number, y: number, reach: number): Item | undefined {
    return this.all.findLast((item) => hits(item, x - item.x, y - item.y, reach))
  }

  /** The document as the world holds it: what two pages must agree on. */
  document(): Record<string, unknown> {
    const ctx = this.ctx
    if (!ctx) return {}
    const entries = this.all.flatMap((item) => {
      const body = item.kind === 'ink' ? Ink : Shape
      return [
        [`${item.id}/${Placement.name}`, Placement.snapshot(ctx, item.entity)],
        [`${item.id}/${body.name}`, body.snapshot(ctx, item.entity)],
      ]
    })
    return Object.fromEntries(entries)
  }

  private rebuild(ctx: Context, entity: EntityId): void {
    if (!hasComponent(ctx, entity, Placement)) {
      this.items.delete(entity)
    } else if (hasComponent(ctx, entity, Ink)) {
      const { size, count, points } = Ink.read(ctx, entity)
      const ink = inkGeometry(points, count, size)
      this.items.set(entity, { ...placed(ctx, entity), kind: 'ink', ink, size })
    } else if (hasComponent(ctx, entity, Shape)) {
      const { kind, width, height, text } = Shape.read(ctx, entity)
      this.items.set(entity, { ...placed(ctx, entity), kind, width, height, text })
    } else {
      this.items.delete(entity)
    }
  }
}

function placed(ctx: Context, entity: EntityId): Placed {
  const { x, y, color, order } = Placement.read(ctx, entity)
  return { entity, id: Synced.read(ctx, entity).id, x, y, color, order }
}

/** The box around a thing, relative to its place. */
export function boxOf(item: Item): Box {
  return item.kind === 'ink'
    ? item.ink.box
    : { left: 0, top: 0, right: item.width, bottom: item.height }
}

function hits(item: Item, x: number, y: number, reach: number): boolean {
  const box = boxOf(item)
  if (x < box.left - reach || x > box.right + reach) return false
  if (y < box.top - reach || y > box.bottom + reach) return false
  if (item.kind === 'ink') return inkHit(item.ink, x, y, reach + item.size / 2)
  if (item.kind !== 'ellipse') return true
  const rx = item.width / 2 + reach
  const ry = item.height / 2 + reach
  return ((x - item.width / 2) / rx) ** 2 + ((y - item.height / 2) / ry) ** 2 <= 1
}
