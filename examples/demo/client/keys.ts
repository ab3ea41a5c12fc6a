import type { ToolName } from './desk'
import type { Studio } from './gesture'
import type { Input } from './input'
import type { Actions } from './toolbar'

const TOOL_KEYS: Record<string, ToolName> = {
  v: 'select',
  p: 'pen',
  r: 'rectangle',
  o: 'ellipse',
  n: 'note',
}

/** The keyboard. What is typed into a field is the field's. */
export function listenToKeys({ desk }: Studio, actions: Actions, input: Input): void {
  const pan = (panning: boolean) => {
    input.panning = panning
    document.body.classList.toggle('panning', panning)
  }

  addEventListener('keydown', (event) => {
    if (isField(event.target)) return
    const key = event.key.toLowerCase()
    if (event.ctrlKey || event.metaKey) {
      if (key === 'z' && !event.shiftKey) actions.undo()
      else if (key === 'y' || key === 'z') actions.redo()
      else return
      event.preventDefault()
      return
    }
    if (event.altKey) return
    const tool = TOOL_KEYS[key]
    if (tool) desk.set({ tool })
    else if (key === 'delete' || key === 'backspace') actions.remove()
    else if (key === 'escape' && !input.cancel()) desk.set({ tool: 'select', selection: null })
    else if (key === ' ') {
      // A button that still has the focus would be pressed by it.
      event.preventDefault()
      pan(true)
    }
  })
  addEventListener('keyup', (event) => event.key === ' ' && pan(false))
  addEventListener('blur', () => pan(false))
}

const isField = (target: EventTarget | null): boolean =>
  target instanceof HTMLInputElement || target instanceof HTMLTextAreaElement
