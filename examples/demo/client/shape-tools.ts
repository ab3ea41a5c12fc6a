import { addComponent, type EntityId, hasComponent } from '@woven-ecs/core'
import { createShared } from './board'
import { Placement, Shape, ShapeKind, snap } from './components'
import type { Gesture, Studio, Tool, Touch } from './gesture'
import type { Point } from './view'

// A click, or a drag too short to mean a size, places a shape of the usual size.
const LEAST_DRAG_PX = 8
const USUAL_SIZE: Record<ShapeKind, { width: number; height: number }> = {
  rectangle: { width: 160, height: 110 },
  ellipse: { width: 150, height: 110 },
  note: { width: 190, height: 150 },
}
const LEAST_NOTE = { width: 110, height: 70 }

export const rectangle: Tool = (studio, start) => new ShapeDrag(studio, start, ShapeKind.rectangle)
export const ellipse: Tool = (studio, start) => new ShapeDrag(studio, start, ShapeKind.ellipse)
export const note: Tool = (studio, start) => new ShapeDrag(studio, start, ShapeKind.note)

class ShapeDrag implements Gesture {
  private entity: EntityId | null = null
  private corner: Point
  private square = false

  constructor(
    private readonly studio: Studio,
    private readonly start: Touch,
    private readonly kind: ShapeKind,
  ) {
    this.corner = start
    studio.board.begin()
  }

  move(touch: Touch): void {
    this.corner = touch
    this.square = touch.shift
    if (this.entity !== null || this.dragged) this.put(this.draggedBox())
  }

  end(): void {
    const { board, desk } = this.studio
    if (this.entity === null) this.put(this.usualBox())
    else if (this.kind === 'note') this.put(atLeast(this.draggedBox()))
    board.edit(() => {
      const editing = this.kind === 'note' ? this.entity : null
      desk.set({ tool: 'select', selection: this.entity, editing })
    })
    board.end()
  }

  cancel(): void {
    this.studio.board.cancel()
  }

  private get dragged(): boolean {
    const dx = this.corner.x - this.start.x
    const dy = this.corner.y - this.start.y
    return Math.hypot(dx, dy) * this.studio.view.zoom >= LEAST_DRAG_PX
  }

  private draggedBox(): BoxInput {
    let dx = this.corner.x - this.start.x
    let dy = this.corner.y - this.start.y
    if (this.square) {
      const side = Math.max(Math.abs(dx), Math.abs(dy))
      dx = side * (Math.sign(dx) || 1)
      dy = side * (Math.sign(dy) || 1)
    }
    return {
      x: this.start.x + Math.min(0, dx),
      y: this.start.y + Math.min(0, dy),
      width: Math.abs(dx),
      height: Math.abs(dy),
    }
  }

  private usualBox(): BoxInput {
    const { width, height } = USUAL_SIZE[this.kind]
    return { x: this.start.x - width / 2, y: this.start.y - height / 2, width, height }
  }

  private put(box: BoxInput): void {
    this.studio.board.edit((ctx) => {
      const at = { x: snap(box.x), y: snap(box.y) }
      const size = { width: snap(box.width), height: snap(box.height) }
      if (this.entity === null) {
        this.entity = createShared(ctx)
        const { color } = this.studio.desk.now
        addComponent(ctx, this.entity, Placement, { ...at, color, order: Date.now() })
        addComponent(ctx, this.entity, Shape, { kind: this.kind, ...size })
      } else if (hasComponent(ctx, this.entity, Shape)) {
        Placement.patch(ctx, this.entity, at)
        Shape.patch(ctx, this.entity, size)
      }
    })
  }
}

interface BoxInput extends Point {
  width: number
  height: number
}

const atLeast = (box: BoxInput): BoxInput => ({
  ...box,
  width: Math.max(box.width, LEAST_NOTE.width),
  height: Math.max(box.height, LEAST_NOTE.height),
})
