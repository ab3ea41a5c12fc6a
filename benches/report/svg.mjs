// Small pieces of SVG, legible on light and on dark: colours are classes, and the page's scheme chooses.

const STYLE = `
  text { font: 12px system-ui, sans-serif; fill: #1f2937 }
  .title { font-size: 15px; font-weight: 600 }
  .quiet { fill: #6b7280; font-size: 11px }
  .paper { fill: #ffffff }
  .grid { stroke: #e5e7eb }
  .one { stroke: #6b7280 }
  .node { fill: #2563eb; stroke: #2563eb }
  .bun { fill: #d97706; stroke: #d97706 }
  .other { fill: #9ca3af }
  rect.bar { stroke: none }
  .missed { fill-opacity: 0.45 }
  .line { fill: none; stroke-width: 2 }
  .peer { stroke-dasharray: 5 4 }
  .floor { stroke: #dc2626; stroke-width: 2 }
  .aim { stroke: #16a34a; stroke-width: 2 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e5e7eb }
    .quiet { fill: #9ca3af }
    .paper { fill: #0d1117 }
    .grid { stroke: #30363d }
    .one { stroke: #9ca3af }
    .node { fill: #60a5fa; stroke: #60a5fa }
    .bun { fill: #fbbf24; stroke: #fbbf24 }
    .floor { stroke: #f87171 }
    .aim { stroke: #4ade80 }
  }`

/**
 * @param {number} width
 * @param {number} height
 * @param {string} title
 * @param {string[]} parts
 */
export function drawing(width, height, title, parts) {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escaped(title)}">`,
    `<style>${STYLE}\n</style>`,
    `<rect class="paper" width="${width}" height="${height}" rx="8"/>`,
    text(16, 26, title, 'title'),
    ...parts,
    '</svg>\n',
  ].join('\n')
}

/**
 * @param {number} x
 * @param {number} y
 * @param {string} content
 * @param {string} style classes
 * @param {'start' | 'middle' | 'end'} anchor
 */
export function text(x, y, content, style = '', anchor = 'start') {
  return `<text x="${fixed(x)}" y="${fixed(y)}" class="${style}" text-anchor="${anchor}">${escaped(content)}</text>`
}

/** @param {number} x1 @param {number} y1 @param {number} x2 @param {number} y2 @param {string} style */
export function line(x1, y1, x2, y2, style) {
  return `<line x1="${fixed(x1)}" y1="${fixed(y1)}" x2="${fixed(x2)}" y2="${fixed(y2)}" class="${style}"/>`
}

/** @param {number} x @param {number} y @param {number} width @param {number} height @param {string} style */
export function bar(x, y, width, height, style) {
  return `<rect x="${fixed(x)}" y="${fixed(y)}" width="${fixed(width)}" height="${fixed(height)}" class="bar ${style}" rx="1"/>`
}

/** @param {{ x: number, y: number }[]} points @param {string} style */
export function curve(points, style) {
  const places = points.map(({ x, y }) => `${fixed(x)},${fixed(y)}`)
  const dots = places.map((place) => {
    const [x, y] = place.split(',')
    return `<circle cx="${x}" cy="${y}" r="3" class="${style}"/>`
  })
  return [
    `<polyline points="${places.join(' ')}" class="line ${style}" style="fill:none"/>`,
    ...dots,
  ].join('\n')
}

/**
 * A logarithmic scale from whole decades to whole decades.
 * @param {readonly number[]} values
 * @param {number} from where the lowest lies
 * @param {number} to where the highest lies
 */
export function logScale(values, from, to) {
  const logs = values.filter((value) => value > 0 && Number.isFinite(value)).map(Math.log10)
  const low = Math.floor(Math.min(...logs))
  const high = Math.max(low + 1, Math.ceil(Math.max(...logs)))
  const decades = Array.from({ length: high - low + 1 }, (_, index) => 10 ** (low + index))
  /** @param {number} value */
  const place = (value) => from + ((Math.log10(value) - low) / (high - low)) * (to - from)
  return { place, decades }
}

/** @param {number} value */
const fixed = (value) => Number(value.toFixed(1))

/** @param {string} content */
function escaped(content) {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
}
