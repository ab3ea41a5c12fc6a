import type { Gesture, Studio, Tool, Touch } from './gesture'
import { pen } from './pen'
import type { Presence } from './presence'
import { pan, select } from './select'
import { ellipse, note, rectangle } from './shape-tools'
import type { Point } from './view'

const TOOL: Record<string, Tool> = { select, pen, rectangle, ellipse, note }
const WHEEL_ZOOM = 0.0022
const MIDDLE_BUTTON = 1

/** Turns pointers and wheel into gestures on the board, and into this person's cursor. */
export class Input {
  private gesture: Gesture | null = null
  private readonly fingers = new Map<number, Point>()
  /** While true, dragging pans whatever the tool. */
  panning = false

  constructor(
    private readonly surface: HTMLElement,
    private readonly studio: Studio,
    private readonly presence: Presence,
  ) {
    surface.addEventListener('pointerdown', (event) => this.press(event))
    surface.addEventListener('pointermove', (event) => this.drag(event))
    surface.addEventListener('pointerup', (event) => this.lift(event, 'end'))
    surface.addEventListener('pointercancel', (event) => this.lift(event, 'cancel'))
    surface.addEventListener('pointerleave', () => presence.leave())
    surface.addEventListener('dblclick', (event) => this.openNote(event))
    surface.addEventListener('wheel', (event) => this.wheel(event), { passive: false })
    document.addEventListener('visibilitychange', () => document.hidden && presence.leave())
  }

  /** Gives up what is being drawn or moved; says whether there was anything. */
  cancel(): boolean {
    const { gesture } = this
    this.gesture = null
    gesture?.cancel()
    return gesture !== null
  }

  private press(event: PointerEvent): void {
    if (event.button > MIDDLE_BUTTON) return
    event.preventDefault()
    if (document.activeElement instanceof HTMLElement) document.activeElement.blur()
    this.surface.setPointerCapture(event.pointerId)
    if (event.pointerType === 'touch') this.fingers.set(event.pointerId, screenOf(event))
    if (this.fingers.size > 1) {
      this.cancel()
      return
    }
    if (this.gesture) return
    const pans = this.panning || event.button === MIDDLE_BUTTON
    const tool = pans ? pan : (TOOL[this.studio.desk.now.tool] ?? select)
    this.gesture = tool(this.studio, this.touch(event))
  }

  private drag(event: PointerEvent): void {
    if (this.fingers.size > 1 && this.fingers.has(event.pointerId)) {
      this.pinch(event)
      return
    }
    this.presence.point(this.studio.view.toBoard(screenOf(event)))
    if (!this.gesture) return
    const steps = event.getCoalescedEvents?.() ?? []
    for (const step of steps.length > 0 ? steps : [event]) this.gesture.move(this.touch(step))
  }

  private lift(event: PointerEvent, outcome: 'end' | 'cancel'): void {
    this.fingers.delete(event.pointerId)
    const { gesture } = this
    this.gesture = null
    gesture?.[outcome]()
    if (event.pointerType === 'touch') this.presence.leave()
  }

  private pinch(event: PointerEvent): void {
    const before = spread(this.fingers)
    this.fingers.set(event.pointerId, screenOf(event))
    const after = spread(this.fingers)
    this.studio.view.panBy(after.x - before.x, after.y - before.y)
    if (before.size > 0) this.studio.view.zoomAt(after, after.size / before.size)
  }

  private wheel(event: WheelEvent): void {
    event.preventDefault()
    const { view } = this.studio
    const unit = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1
    if (event.ctrlKey || event.metaKey) {
      view.zoomAt(screenOf(event), Math.exp(-event.deltaY * unit * WHEEL_ZOOM))
    } else if (event.shiftKey && event.deltaX === 0) {
      view.panBy(-event.deltaY * unit, 0)
    } else {
      view.panBy(-event.deltaX * unit, -event.deltaY * unit)
    }
    this.presence.point(view.toBoard(screenOf(event)))
  }

  private openNote(event: MouseEvent): void {
    const { scene, view, desk } = this.studio
    const at = view.toBoard(screenOf(event))
    const item = scene.at(at.x, at.y, 0)
    if (desk.now.tool !== 'select' || item?.kind !== 'note') return
    desk.set({ selection: item.entity, editing: item.entity })
  }

  private touch(event: PointerEvent): Touch {
    const screen = screenOf(event)
    return {
      ...this.studio.view.toBoard(screen),
      screen,
      pressure: event.pointerType === 'pen' ? event.pressure : null,
      time: event.timeStamp,
      shift: event.shiftKey,
    }
  }
}

// The surface fills the window: its coordinates are the window's.
const screenOf = (event: MouseEvent): Point => ({ x: event.clientX, y: event.clientY })

/** The middle of the first two fingers and the distance between them. */
function spread(fingers: Map<number, Point>): Point & { size: number } {
  const [a, b] = [...fingers.values()]
  if (!a || !b) return { x: 0, y: 0, size: 0 }
  return { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2, size: Math.hypot(a.x - b.x, a.y - b.y) }
}
