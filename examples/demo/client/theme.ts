import { COLORS } from './components'

export interface Theme {
  paper: string
  dot: string
  accent: string
  noteText: string
  noteShadow: string
  /** By colour number, as are `notes`. */
  inks: string[]
  notes: string[]
}

const dark = matchMedia('(prefers-color-scheme: dark)')

/** The style sheet's colours: one place says them, for the page and for the canvas. */
export function readTheme(): Theme {
  const style = getComputedStyle(document.documentElement)
  const color = (name: string) => style.getPropertyValue(`--${name}`).trim()
  const numbered = (name: string) =>
    Array.from({ length: COLORS }, (_, index) => color(`${name}-${index}`))
  return {
    paper: color('paper'),
    dot: color('dot'),
    accent: color('accent'),
    noteText: color('note-text'),
    noteShadow: color('note-shadow'),
    inks: numbered('ink'),
    notes: numbered('note'),
  }
}

export function onThemeChange(listener: () => void): void {
  dark.addEventListener('change', listener)
}

/** A colour number may come from anybody: one that is not known is some known one. */
export const colorOf = (colors: string[], index: number): string =>
  colors[index % COLORS] ?? colors[0] ?? ''
