import type { Box } from './ink'

export interface Point {
  x: number
  y: number
}

const LEAST_ZOOM = 0.1
const MOST_ZOOM = 8

/** Which part of the endless board this window shows. Its own, never shared. */
export class View {
  x = 0
  y = 0
  zoom = 1

  constructor(private readonly onChange: () => void) {}

  toBoard(screen: Point): Point {
    return { x: screen.x / this.zoom + this.x, y: screen.y / this.zoom + this.y }
  }

  toScreen(board: Point): Point {
    return { x: (board.x - this.x) * this.zoom, y: (board.y - this.y) * this.zoom }
  }

  panBy(dx: number, dy: number): void {
    this.x -= dx / this.zoom
    this.y -= dy / this.zoom
    this.onChange()
  }

  /** Zooms so that what lies under `screen` stays there. */
  zoomAt(screen: Point, factor: number): void {
    const before = this.toBoard(screen)
    this.zoom = Math.min(MOST_ZOOM, Math.max(LEAST_ZOOM, this.zoom * factor))
    this.x = before.x - screen.x / this.zoom
    this.y = before.y - screen.y / this.zoom
    this.onChange()
  }

  /** Shows all of `box`, never larger than life. */
  fit(box: Box, width: number, height: number, margin: number): void {
    const wide = (width - margin * 2) / Math.max(1, box.right - box.left)
    const high = (height - margin * 2) / Math.max(1, box.bottom - box.top)
    this.zoom = Math.min(1, Math.max(LEAST_ZOOM, Math.min(wide, high)))
    this.x = (box.left + box.right) / 2 - width / 2 / this.zoom
    this.y = (box.top + box.bottom) / 2 - height / 2 / this.zoom
    this.onChange()
  }
}
