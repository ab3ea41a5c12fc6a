import type { EntityId } from '@woven-ecs/core'

export const TOOLS = ['select', 'pen', 'rectangle', 'ellipse', 'note'] as const
export type ToolName = (typeof TOOLS)[number]

export const PEN_SIZES = [3, 6, 12] as const

interface DeskState {
  tool: ToolName
  color: number
  size: number
  selection: EntityId | null
  editing: EntityId | null
}

/** What this person has at hand: tool, colour, selection. Never shared. */
export class Desk {
  private state: DeskState = { tool: 'pen', color: 5, size: 6, selection: null, editing: null }
  private readonly listeners: (() => void)[] = []

  onChange(listener: () => void): void {
    this.listeners.push(listener)
  }

  get now(): Readonly<DeskState> {
    return this.state
  }

  set(change: Partial<DeskState>): void {
    const next = { ...this.state, ...change }
    if (next.tool !== 'select') next.selection = next.editing = null
    this.state = next
    for (const listener of this.listeners) listener()
  }
}
