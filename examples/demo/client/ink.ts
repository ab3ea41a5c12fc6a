import { POINT_NUMBERS, STROKE_POINTS } from './components'

export const UNITS_PER_PIXEL = 8
// Neighbouring widths share a path: a stroke is drawn in a handful of calls and no step is visible.
const WIDTH_STEP = 0.25

export interface Box {
  left: number
  top: number
  right: number
  bottom: number
}

/** A stroke ready to be painted and hit, relative to its origin, in pixels. */
export interface InkGeometry {
  pieces: { width: number; path: Path2D }[]
  coordinates: Float32Array
  box: Box
}

/** Turns stored points into smooth curves: quadratics between the middles of neighbouring points. */
export function inkGeometry(points: ArrayLike<number>, stored: number, size: number): InkGeometry {
  const count = Math.min(stored, STROKE_POINTS)
  const coordinates = new Float32Array(count * 2)
  const brush = new Brush()
  const x = (index: number) => coordinates[index * 2] ?? 0
  const y = (index: number) => coordinates[index * 2 + 1] ?? 0

  for (let index = 0; index < count; index++) {
    const at = index * POINT_NUMBERS
    coordinates[index * 2] = (points[at] ?? 0) / UNITS_PER_PIXEL
    coordinates[index * 2 + 1] = (points[at + 1] ?? 0) / UNITS_PER_PIXEL
  }
  for (let index = 0; index < count; index++) {
    const percent = points[index * POINT_NUMBERS + 2] ?? 0
    const width = Math.max(1, (size * percent) / 100)
    const before = Math.max(0, index - 1)
    const after = Math.min(count - 1, index + 1)
    const startX = (x(before) + x(index)) / 2
    const startY = (y(before) + y(index)) / 2
    const endX = (x(index) + x(after)) / 2
    const endY = (y(index) + y(after)) / 2
    brush.curve(width, startX, startY, x(index), y(index), endX, endY)
  }
  return { pieces: brush.pieces, coordinates, box: boxAround(coordinates, size) }
}

/** Whether the stroke passes within `reach` of a place relative to its origin. */
export function inkHit(ink: InkGeometry, px: number, py: number, reach: number): boolean {
  const points = ink.coordinates
  for (let index = 0; index < points.length; index += 2) {
    const ax = points[index] ?? 0
    const ay = points[index + 1] ?? 0
    const dx = (points[index + 2] ?? ax) - ax
    const dy = (points[index + 3] ?? ay) - ay
    const length = dx * dx + dy * dy
    const along = length ? Math.min(1, Math.max(0, ((px - ax) * dx + (py - ay) * dy) / length)) : 0
    if (Math.hypot(px - ax - dx * along, py - ay - dy * along) <= reach) return true
  }
  return false
}

class Brush {
  readonly pieces: { width: number; path: Path2D }[] = []
  private readonly byStep = new Map<number, Path2D>()
  private current: Path2D | null = null

  curve(
    width: number,
    fromX: number,
    fromY: number,
    midX: number,
    midY: number,
    toX: number,
    toY: number,
  ): void {
    const path = this.pathFor(width)
    if (path !== this.current) path.moveTo(fromX, fromY)
    this.current = path
    // A path of no length may paint nothing, and a dot is a stroke too.
    const visibleX = fromX === toX && fromY === toY ? toX + 0.01 : toX
    path.quadraticCurveTo(midX, midY, visibleX, toY)
  }

  private pathFor(width: number): Path2D {
    const step = Math.round(width / WIDTH_STEP)
    const known = this.byStep.get(step)
    if (known) return known
    const path = new Path2D()
    this.byStep.set(step, path)
    this.pieces.push({ width: step * WIDTH_STEP, path })
    return path
  }
}

function boxAround(coordinates: Float32Array, size: number): Box {
  const box = { left: 0, top: 0, right: 0, bottom: 0 }
  for (let index = 0; index < coordinates.length; index += 2) {
    const x = coordinates[index] ?? 0
    const y = coordinates[index + 1] ?? 0
    box.left = Math.min(box.left, x)
    box.top = Math.min(box.top, y)
    box.right = Math.max(box.right, x)
    box.bottom = Math.max(box.bottom, y)
  }
  const margin = size * 0.75
  return {
    left: box.left - margin,
    top: box.top - margin,
    right: box.right + margin,
    bottom: box.bottom + margin,
  }
}
