import type { Board } from './board'
import type { Desk } from './desk'
import type { Scene } from './scene'
import type { Point, View } from './view'

/** Where a pointer is, on the board and in the window. */
export interface Touch extends Point {
  screen: Point
  /** 0 to 1 from a pen that feels it, else `null`. */
  pressure: number | null
  time: number
  shift: boolean
}

/** What goes on between pressing and lifting. */
export interface Gesture {
  move(touch: Touch): void
  end(): void
  cancel(): void
}

/** What the tools work on. */
export interface Studio {
  board: Board
  scene: Scene
  view: View
  desk: Desk
}

export type Tool = (studio: Studio, start: Touch) => Gesture
