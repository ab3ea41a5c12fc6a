import { hasComponent } from '@woven-ecs/core'
import { Shape } from './components'
import type { Studio } from './gesture'
import { fitNote } from './note-text'

/** A text box laid over the note that is being written. Each letter goes to everybody. */
export class NoteEditor {
  private entity: number | null = null

  constructor(
    private readonly box: HTMLTextAreaElement,
    private readonly studio: Studio,
  ) {
    box.addEventListener('input', () => this.store())
    box.addEventListener('blur', () => studio.desk.set({ editing: null }))
    box.addEventListener('keydown', (event) => {
      event.stopPropagation()
      if (event.key === 'Escape') box.blur()
    })
  }

  /** Follows the desk, the view and the note itself, which others may move, write or delete. */
  update(): void {
    const { scene, desk, view } = this.studio
    const note = scene.get(desk.now.editing)
    if (note?.kind !== 'note') {
      this.close()
      return
    }
    if (this.entity !== note.entity) this.open(note.entity)
    if (this.box.value !== note.text) this.box.value = note.text
    const at = view.toScreen(note)
    this.box.style.width = `${note.width}px`
    this.box.style.height = `${note.height}px`
    this.box.style.transform = `translate(${at.x}px, ${at.y}px) scale(${view.zoom})`
  }

  private open(entity: number): void {
    this.close()
    this.entity = entity
    this.studio.board.begin()
    this.box.hidden = false
    this.box.focus()
  }

  private close(): void {
    if (this.entity === null) return
    this.entity = null
    this.box.hidden = true
    this.studio.board.end()
  }

  private store(): void {
    const { entity } = this
    if (entity === null) return
    const text = fitNote(this.box.value)
    this.studio.board.edit((ctx) => {
      if (hasComponent(ctx, entity, Shape)) Shape.patch(ctx, entity, { text })
    })
  }
}
