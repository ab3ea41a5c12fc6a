import { NOTE_FONT, NOTE_LINE, NOTE_PADDING, noteLines } from './note-text'
import { boxOf, type InkItem, type Item, type Scene, type ShapeItem } from './scene'
import { colorOf, type Theme } from './theme'
import type { View } from './view'

const GRID = 24
const FINEST_GRID = 14
const OUTLINE = 2.5
const FILL_ALPHA = 0.12
const CORNER = 6

/** A canvas with the sharpness of the screen it is on, and a size in CSS pixels. */
export class Sheet {
  readonly context: CanvasRenderingContext2D
  width = 0
  height = 0
  ratio = 1

  constructor(readonly canvas: HTMLCanvasElement) {
    const context = canvas.getContext('2d')
    if (!context) throw new Error('This browser has no 2D canvas.')
    this.context = context
  }

  resize(width: number, height: number, ratio: number): void {
    Object.assign(this, { width, height, ratio })
    this.canvas.width = Math.round(width * ratio)
    this.canvas.height = Math.round(height * ratio)
  }

  /** From here on, one unit is one CSS pixel of the window. */
  screenSpace(): CanvasRenderingContext2D {
    this.context.setTransform(this.ratio, 0, 0, this.ratio, 0, 0)
    return this.context
  }

  /** From here on, one unit is one pixel of the board. */
  boardSpace(view: View): CanvasRenderingContext2D {
    const scale = this.ratio * view.zoom
    this.context.setTransform(scale, 0, 0, scale, -view.x * scale, -view.y * scale)
    return this.context
  }
}

/** Paints the document, and nothing that is not in it. */
export function paintScene(
  sheet: Sheet,
  view: View,
  scene: Scene,
  theme: Theme,
  hiddenText: number | null,
): void {
  paintPaper(sheet, view, theme)
  const context = sheet.boardSpace(view)
  context.lineCap = 'round'
  context.lineJoin = 'round'
  for (const item of scene.all) {
    if (!onSheet(item, sheet, view)) continue
    context.save()
    context.translate(item.x, item.y)
    if (item.kind === 'ink') paintInk(context, item, theme)
    else if (item.kind === 'note') paintNote(context, item, theme, item.entity !== hiddenText)
    else paintShape(context, item, theme)
    context.restore()
  }
}

function paintPaper(sheet: Sheet, view: View, theme: Theme): void {
  const context = sheet.screenSpace()
  context.fillStyle = theme.paper
  context.fillRect(0, 0, sheet.width, sheet.height)
  let step = GRID * view.zoom
  while (step < FINEST_GRID) step *= 2
  const offset = (start: number) => (((-start * view.zoom) % step) + step) % step
  context.fillStyle = theme.dot
  for (let x = offset(view.x); x < sheet.width; x += step) {
    for (let y = offset(view.y); y < sheet.height; y += step) {
      context.fillRect(x - 0.75, y - 0.75, 1.5, 1.5)
    }
  }
}

function onSheet(item: Item, sheet: Sheet, view: View): boolean {
  const box = boxOf(item)
  const near = view.toScreen({ x: item.x + box.left, y: item.y + box.top })
  const far = view.toScreen({ x: item.x + box.right, y: item.y + box.bottom })
  const margin = 24 * view.zoom
  return (
    far.x > -margin &&
    far.y > -margin &&
    near.x < sheet.width + margin &&
    near.y < sheet.height + margin
  )
}

function paintInk(context: CanvasRenderingContext2D, item: InkItem, theme: Theme): void {
  context.strokeStyle = colorOf(theme.inks, item.color)
  for (const { width, path } of item.ink.pieces) {
    context.lineWidth = width
    context.stroke(path)
  }
}

function paintShape(context: CanvasRenderingContext2D, item: ShapeItem, theme: Theme): void {
  const { width, height } = item
  context.beginPath()
  if (item.kind === 'ellipse') {
    context.ellipse(width / 2, height / 2, width / 2, height / 2, 0, 0, Math.PI * 2)
  } else {
    context.roundRect(0, 0, width, height, Math.min(CORNER, width / 2, height / 2))
  }
  context.fillStyle = context.strokeStyle = colorOf(theme.inks, item.color)
  context.globalAlpha = FILL_ALPHA
  context.fill()
  context.globalAlpha = 1
  context.lineWidth = OUTLINE
  context.stroke()
}

function paintNote(
  context: CanvasRenderingContext2D,
  item: ShapeItem,
  theme: Theme,
  withText: boolean,
): void {
  const { width, height } = item
  const { a: scale } = context.getTransform()
  context.beginPath()
  context.roundRect(0, 0, width, height, CORNER)
  context.fillStyle = colorOf(theme.notes, item.color)
  // Shadows do not follow the transform.
  context.shadowColor = theme.noteShadow
  context.shadowBlur = 16 * scale
  context.shadowOffsetY = 5 * scale
  context.fill()
  context.shadowColor = 'transparent'
  if (!withText || !item.text) return
  context.clip()
  context.font = NOTE_FONT
  context.textBaseline = 'middle'
  context.fillStyle = theme.noteText
  for (const [row, line] of noteLines(context, item.text, width - NOTE_PADDING * 2).entries()) {
    context.fillText(line, NOTE_PADDING, NOTE_PADDING + (row + 0.5) * NOTE_LINE + 0.5)
  }
}
