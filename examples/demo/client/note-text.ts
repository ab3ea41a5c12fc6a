import { NOTE_BYTES } from './components'

/** The style sheet gives the note's text box the same measures, so that nothing jumps. */
export const NOTE_FONT =
  '500 16px ui-sans-serif, system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif'
export const NOTE_LINE = 22
export const NOTE_PADDING = 14

const encoder = new TextEncoder()

/** Cuts text to what a note holds, never within a character. */
export function fitNote(text: string): string {
  const letters = [...text]
  while (encoder.encode(letters.join('')).length > NOTE_BYTES) letters.pop()
  return letters.join('')
}

/** Breaks text into lines at spaces, and within a word that is wider than the note. */
export function noteLines(
  context: CanvasRenderingContext2D,
  text: string,
  width: number,
): string[] {
  const fits = (line: string) => context.measureText(line).width <= width
  return text.split('\n').flatMap((paragraph) => {
    const lines: string[] = []
    let line = ''
    for (const word of paragraph.split(/(?<=\s)/)) {
      if (line && !fits(line + word.trimEnd())) {
        lines.push(line)
        line = ''
      }
      for (const letter of word) {
        if (line && !fits(line + letter.trimEnd())) {
          lines.push(line)
          line = ''
        }
        line += letter
      }
    }
    return [...lines, line]
  })
}
