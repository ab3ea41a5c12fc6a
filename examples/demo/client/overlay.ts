import type { Sheet } from './painter'
import type { Person } from './presence'
import { boxOf, type Item } from './scene'
import { colorOf, type Theme } from './theme'
import type { Point, View } from './view'

export const HANDLE_PX = 5
const FRAME_MARGIN = 6
const LABEL_FONT =
  '600 12px ui-sans-serif, system-ui, -apple-system, "Segoe UI", Roboto, sans-serif'
const LABEL_HEIGHT = 22
const LABEL_PADDING = 8
const ARROW = new Path2D('M0 0 L0 17.2 L4.6 13.2 L7.6 20 L10.8 18.6 L7.9 12 L14 11.6 Z')

/** The frame around a thing, in the window's pixels. */
export function frameOf(
  item: Item,
  view: View,
): { x: number; y: number; width: number; height: number } {
  const box = boxOf(item)
  const near = view.toScreen({ x: item.x + box.left, y: item.y + box.top })
  const far = view.toScreen({ x: item.x + box.right, y: item.y + box.bottom })
  return {
    x: near.x - FRAME_MARGIN,
    y: near.y - FRAME_MARGIN,
    width: far.x - near.x + FRAME_MARGIN * 2,
    height: far.y - near.y + FRAME_MARGIN * 2,
  }
}

/** The four corners by which a shape is resized, named by which edges they pull. */
export function handlesOf(item: Item, view: View): (Point & { right: boolean; bottom: boolean })[] {
  if (item.kind === 'ink') return []
  const frame = frameOf(item, view)
  return [false, true].flatMap((bottom) =>
    [false, true].map((right) => ({
      x: frame.x + (right ? frame.width : 0),
      y: frame.y + (bottom ? frame.height : 0),
      right,
      bottom,
    })),
  )
}

/** Paints what lies over the drawing: the selection, and everybody's pointer. */
export function paintOverlay(
  sheet: Sheet,
  view: View,
  theme: Theme,
  selected: Item | undefined,
  people: Iterable<Person>,
): void {
  const context = sheet.screenSpace()
  context.clearRect(0, 0, sheet.width, sheet.height)
  if (selected) paintSelection(context, selected, view, theme)
  context.font = LABEL_FONT
  for (const person of people) {
    if (person.visible) paintPointer(context, view.toScreen(person.shown), person, theme)
  }
}

function paintSelection(
  context: CanvasRenderingContext2D,
  item: Item,
  view: View,
  theme: Theme,
): void {
  const { x, y, width, height } = frameOf(item, view)
  context.strokeStyle = theme.accent
  context.lineWidth = 1.5
  context.beginPath()
  context.roundRect(x, y, width, height, 4)
  context.stroke()
  context.fillStyle = theme.paper
  for (const handle of handlesOf(item, view)) {
    context.beginPath()
    context.roundRect(handle.x - HANDLE_PX, handle.y - HANDLE_PX, HANDLE_PX * 2, HANDLE_PX * 2, 3)
    context.fill()
    context.stroke()
  }
}

function paintPointer(
  context: CanvasRenderingContext2D,
  at: Point,
  person: Person,
  theme: Theme,
): void {
  const color = colorOf(theme.inks, person.color)
  context.save()
  context.translate(at.x, at.y)
  context.shadowColor = theme.noteShadow
  context.shadowBlur = 6
  context.shadowOffsetY = 2
  context.lineJoin = 'round'
  context.lineWidth = 3
  context.strokeStyle = theme.paper
  context.stroke(ARROW)
  context.shadowColor = 'transparent'
  context.fillStyle = color
  context.fill(ARROW)
  context.beginPath()
  const width = context.measureText(person.name).width + LABEL_PADDING * 2
  context.roundRect(13, 19, width, LABEL_HEIGHT, LABEL_HEIGHT / 2)
  context.fill()
  context.fillStyle = theme.paper
  context.textBaseline = 'middle'
  context.fillText(person.name, 13 + LABEL_PADDING, 19 + LABEL_HEIGHT / 2 + 0.5)
  context.restore()
}
