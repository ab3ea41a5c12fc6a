import { hasComponent } from '@woven-ecs/core'
import { erase } from './board'
import { COLORS, Ink, Placement } from './components'
import { type Desk, PEN_SIZES, TOOLS } from './desk'
import type { Studio } from './gesture'
import { button, find } from './page'

const COLOR_NAMES = ['Graphite', 'Red', 'Orange', 'Yellow', 'Green', 'Blue', 'Violet', 'Pink']

/** What the toolbar and the keys do to the board. */
export class Actions {
  constructor(private readonly studio: Studio) {}

  /** Sets the colour to draw with, and that of what is selected. */
  color(color: number): void {
    const { board, desk, scene } = this.studio
    desk.set({ color })
    const item = scene.get(desk.now.selection)
    if (!item || item.color === color) return
    board.change((ctx) => {
      if (hasComponent(ctx, item.entity, Placement)) Placement.patch(ctx, item.entity, { color })
    })
  }

  size(size: number): void {
    const { board, desk, scene } = this.studio
    desk.set({ size })
    const item = scene.get(desk.now.selection)
    if (item?.kind !== 'ink' || item.size === size) return
    board.change((ctx) => {
      if (hasComponent(ctx, item.entity, Ink)) Ink.patch(ctx, item.entity, { size })
    })
  }

  remove(): void {
    const { board, desk, scene } = this.studio
    const item = scene.get(desk.now.selection)
    if (!item || board.busy) return
    desk.set({ selection: null, editing: null })
    board.change((ctx) => erase(ctx, item.entity))
  }

  undo(): void {
    this.studio.board.undo()
  }

  redo(): void {
    this.studio.board.redo()
  }
}

/** The floating bar: shows the desk, and what the board allows just now. */
export class Toolbar {
  private readonly undo = button('#undo')
  private readonly redo = button('#redo')
  private readonly remove = button('#remove')
  private readonly zoom = button('#zoom-fit')
  private readonly choices: { element: HTMLButtonElement; chosen(): boolean }[] = []

  constructor(
    private readonly studio: Studio,
    actions: Actions,
  ) {
    const { desk } = studio
    for (const tool of TOOLS) {
      const element = button(`[data-tool="${tool}"]`)
      element.addEventListener('click', () => desk.set({ tool }))
      this.choices.push({ element, chosen: () => desk.now.tool === tool })
    }
    for (const size of PEN_SIZES) {
      const element = button(`[data-size="${size}"]`)
      element.addEventListener('click', () => actions.size(size))
      this.choices.push({ element, chosen: () => desk.now.size === size })
    }
    this.addColors(desk, actions)
    this.undo.addEventListener('click', () => actions.undo())
    this.redo.addEventListener('click', () => actions.redo())
    this.remove.addEventListener('click', () => actions.remove())
    desk.onChange(() => this.showChoices())
    this.showChoices()
  }

  /** Called with every frame, so it touches the page only where something differs. */
  update(): void {
    const { board, scene, desk, view } = this.studio
    disable(this.undo, !board.canUndo)
    disable(this.redo, !board.canRedo)
    disable(this.remove, !scene.get(desk.now.selection))
    const percent = `${Math.round(view.zoom * 100)}%`
    if (this.zoom.textContent !== percent) this.zoom.textContent = percent
  }

  private addColors(desk: Desk, actions: Actions): void {
    const row = find('#colors', HTMLElement)
    for (let color = 0; color < COLORS; color++) {
      const element = document.createElement('button')
      element.type = 'button'
      element.className = `swatch swatch-${color}`
      element.title = COLOR_NAMES[color] ?? ''
      element.setAttribute('aria-label', element.title)
      element.addEventListener('click', () => actions.color(color))
      row.append(element)
      this.choices.push({ element, chosen: () => desk.now.color === color })
    }
  }

  private showChoices(): void {
    for (const { element, chosen } of this.choices) {
      element.setAttribute('aria-pressed', String(chosen()))
    }
    document.body.dataset.tool = this.studio.desk.now.tool
  }
}

function disable(element: HTMLButtonElement, disabled: boolean): void {
  if (element.disabled !== disabled) element.disabled = disabled
}
