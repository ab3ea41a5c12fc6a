import { hasComponent } from '@woven-ecs/core'
import { Placement, Shape, snap } from './components'
import type { Gesture, Studio, Tool, Touch } from './gesture'
import { HANDLE_PX, handlesOf } from './overlay'
import type { Item, ShapeItem } from './scene'

const REACH_PX = 6
const LEAST_SIDE = 16

/** Selects and moves things, pulls a shape's corners, and pans where there is nothing. */
export const select: Tool = (studio, start) => {
  const { scene, view, desk } = studio
  const selected = scene.get(desk.now.selection)
  const handle = selected && handlesOf(selected, view).find((corner) => grabs(corner, start))
  if (handle && selected.kind !== 'ink') return resize(studio, start, selected, handle)
  const item = scene.at(start.x, start.y, REACH_PX / view.zoom)
  desk.set({ selection: item?.entity ?? null, editing: null })
  return item ? move(studio, start, item) : pan(studio, start)
}

/** Drags the board itself. */
export const pan: Tool = ({ view }, start) => {
  let last = start.screen
  return {
    move: ({ screen }) => {
      view.panBy(screen.x - last.x, screen.y - last.y)
      last = screen
    },
    end: () => {},
    cancel: () => {},
  }
}

const grabs = (corner: { x: number; y: number }, { screen }: Touch): boolean =>
  Math.max(Math.abs(corner.x - screen.x), Math.abs(corner.y - screen.y)) <= HANDLE_PX + 4

function move({ board }: Studio, start: Touch, item: Item): Gesture {
  const { entity, x, y } = item
  board.begin()
  return {
    move: (touch) => {
      const to = { x: snap(x + touch.x - start.x), y: snap(y + touch.y - start.y) }
      board.edit((ctx) => {
        if (hasComponent(ctx, entity, Placement)) Placement.patch(ctx, entity, to)
      })
    },
    end: () => board.end(),
    cancel: () => board.cancel(),
  }
}

function resize(
  { board }: Studio,
  start: Touch,
  item: ShapeItem,
  { right, bottom }: { right: boolean; bottom: boolean },
): Gesture {
  const { entity, x, y, width, height } = item
  board.begin()
  return {
    move: (touch) => {
      const dx = touch.x - start.x
      const dy = touch.y - start.y
      const size = {
        width: snap(Math.max(LEAST_SIDE, width + (right ? dx : -dx))),
        height: snap(Math.max(LEAST_SIDE, height + (bottom ? dy : -dy))),
      }
      const at = {
        x: snap(right ? x : x + width - size.width),
        y: snap(bottom ? y : y + height - size.height),
      }
      board.edit((ctx) => {
        if (!hasComponent(ctx, entity, Shape)) return
        Placement.patch(ctx, entity, at)
        Shape.patch(ctx, entity, size)
      })
    },
    end: () => board.end(),
    cancel: () => board.cancel(),
  }
}
