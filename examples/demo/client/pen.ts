import { addComponent, type EntityId, hasComponent } from '@woven-ecs/core'
import { createShared } from './board'
import { Ink, Placement, POINT_NUMBERS, STROKE_POINTS, snap } from './components'
import type { Gesture, Studio, Tool, Touch } from './gesture'
import { UNITS_PER_PIXEL } from './ink'
import type { Point } from './view'

const LEAST_STEP_PX = 2.5
// A hand trembles; the line follows it by this share of the way.
const FOLLOW = 0.65
const FARTHEST = 32_767 / UNITS_PER_PIXEL
// Without a pen that feels pressure, a fast line is thin and a slow one is full.
const FULL = 120
const THIN = 55
const THIN_AT_PX_PER_MS = 2.6
const WIDTH_FOLLOW = 0.12

export const pen: Tool = (studio, start) => new PenStroke(studio, start)

class PenStroke implements Gesture {
  private readonly points = new Int16Array(STROKE_POINTS * POINT_NUMBERS)
  private readonly origin: Point
  private readonly leastStep: number
  private count = 0
  private last: Touch
  private tip: Touch
  private width: number
  private entity: EntityId | null = null
  private queued = false

  constructor(
    private readonly studio: Studio,
    start: Touch,
  ) {
    this.origin = { x: snap(start.x), y: snap(start.y) }
    this.leastStep = LEAST_STEP_PX / studio.view.zoom
    this.last = start
    this.tip = start
    this.width = start.pressure === null ? 85 : pressed(start.pressure)
    studio.board.begin()
    this.append(start)
  }

  move(touch: Touch): void {
    this.tip = touch
    const x = this.last.x + (touch.x - this.last.x) * FOLLOW
    const y = this.last.y + (touch.y - this.last.y) * FOLLOW
    const step = Math.hypot(x - this.last.x, y - this.last.y)
    if (step < this.leastStep) return
    const speed = (step * this.studio.view.zoom) / Math.max(1, touch.time - this.last.time)
    const wanted =
      touch.pressure === null
        ? FULL - (FULL - THIN) * Math.min(1, speed / THIN_AT_PX_PER_MS)
        : pressed(touch.pressure)
    this.width += (wanted - this.width) * WIDTH_FOLLOW
    this.last = { ...touch, x, y }
    this.append(this.last)
  }

  end(): void {
    if (this.count > 1) this.append(this.tip)
    this.studio.board.end()
  }

  cancel(): void {
    this.studio.board.cancel()
  }

  private append(at: Point): void {
    const dx = at.x - this.origin.x
    const dy = at.y - this.origin.y
    if (Math.abs(dx) > FARTHEST || Math.abs(dy) > FARTHEST) return
    if (this.count === STROKE_POINTS) this.count = thinOut(this.points)
    const place = this.count * POINT_NUMBERS
    this.points[place] = Math.round(dx * UNITS_PER_PIXEL)
    this.points[place + 1] = Math.round(dy * UNITS_PER_PIXEL)
    this.points[place + 2] = Math.round(this.width)
    this.count++
    this.store()
  }

  // Once per frame, however many points the frame brought.
  private store(): void {
    if (this.queued) return
    this.queued = true
    this.studio.board.edit((ctx) => {
      this.queued = false
      const stroke = { count: this.count, points: this.points }
      if (this.entity === null) {
        const { color, size } = this.studio.desk.now
        this.entity = createShared(ctx)
        addComponent(ctx, this.entity, Placement, { ...this.origin, color, order: Date.now() })
        addComponent(ctx, this.entity, Ink, { size, ...stroke })
      } else if (hasComponent(ctx, this.entity, Ink)) {
        Ink.patch(ctx, this.entity, stroke)
      }
    })
  }
}

const pressed = (pressure: number): number => 40 + pressure * 110

/**
 * Makes room in a full stroke: of every second point, drops the half that bends the line least.
 * Gives the new number of points.
 */
export function thinOut(points: Int16Array): number {
  const count = points.length / POINT_NUMBERS
  const coordinate = (index: number, which: number) => points[index * POINT_NUMBERS + which] ?? 0
  const bend = (index: number) => {
    const ax = coordinate(index - 1, 0)
    const ay = coordinate(index - 1, 1)
    const bx = coordinate(index + 1, 0) - ax
    const by = coordinate(index + 1, 1) - ay
    return Math.abs((coordinate(index, 0) - ax) * by - (coordinate(index, 1) - ay) * bx)
  }
  const candidates: number[] = []
  for (let index = 1; index < count - 1; index += 2) candidates.push(index)
  candidates.sort((a, b) => bend(a) - bend(b))
  const dropped = new Set(candidates.slice(0, Math.ceil(candidates.length / 2)))
  let kept = 0
  for (let index = 0; index < count; index++) {
    if (dropped.has(index)) continue
    points.copyWithin(kept * POINT_NUMBERS, index * POINT_NUMBERS, (index + 1) * POINT_NUMBERS)
    kept++
  }
  return points.fill(0, kept * POINT_NUMBERS) && kept
}
