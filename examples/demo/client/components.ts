import { defineCanvasComponent } from '@woven-ecs/canvas-store'
import { field } from '@woven-ecs/core'

/** The most points one stroke keeps; a longer one is thinned out, never cut (see `pen.ts`). */
export const STROKE_POINTS = 256
/** A point is three numbers: x and y from the stroke's origin in 1/8 px, and the width in percent. */
export const POINT_NUMBERS = 3
/** Bytes of a note's text. */
export const NOTE_BYTES = 480
export const COLORS = 8

export const ShapeKind = { rectangle: 'rectangle', ellipse: 'ellipse', note: 'note' } as const
export type ShapeKind = (typeof ShapeKind)[keyof typeof ShapeKind]

/** Where a thing lies. Moving or recolouring a thing touches this alone, whatever it is. */
export const Placement = defineCanvasComponent(
  { name: 'placement', sync: 'document' },
  {
    x: field.float32(),
    y: field.float32(),
    color: field.uint8(),
    // What was made later lies on top.
    order: field.float64(),
  },
)

/** A pen stroke. `points` is a buffer field: while it grows, only what was added is sent. */
export const Ink = defineCanvasComponent(
  { name: 'ink', sync: 'document' },
  {
    size: field.uint8().default(4),
    count: field.uint16(),
    points: field.buffer(field.int16()).size(STROKE_POINTS * POINT_NUMBERS),
  },
)

export const Shape = defineCanvasComponent(
  { name: 'shape', sync: 'document' },
  {
    kind: field.enum(ShapeKind),
    width: field.float32(),
    height: field.float32(),
    text: field.string().max(NOTE_BYTES),
  },
)

/** Somebody's pointer: presence, never part of the document. */
export const Cursor = defineCanvasComponent(
  { name: 'cursor', sync: 'ephemeral' },
  {
    x: field.float32(),
    y: field.float32(),
    visible: field.boolean(),
    name: field.string().max(72),
    color: field.uint8(),
  },
)

export const COMPONENTS = [Placement, Ink, Shape, Cursor]

/** Rounds to 1/8 px: exact in a float32, and short as JSON. */
export const snap = (value: number): number => Math.round(value * 8) / 8
