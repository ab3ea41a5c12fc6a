// Bundles the page in memory when the server starts: a few tens of milliseconds, no network, no files.
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const client = fileURLToPath(new URL('./client/', import.meta.url))

/** Gives the page and what it loads, each as `{ type, body }`. */
export async function buildPage() {
  const [html, bundle] = await Promise.all([
    readFile(`${client}index.html`),
    build({
      entryPoints: [`${client}app.ts`, `${client}style.css`],
      outdir: '/',
      bundle: true,
      write: false,
      minify: true,
      format: 'esm',
      target: 'es2022',
      logLevel: 'warning',
    }),
  ])
  const assets = new Map(
    bundle.outputFiles.map(({ path, contents }) => {
      const name = path.split(/[\\/]/).at(-1)
      const type = name.endsWith('.css') ? 'text/css' : 'text/javascript'
      return [`/${name}`, { type: `${type}; charset=utf-8`, body: contents }]
    }),
  )
  return { html: { type: 'text/html; charset=utf-8', body: html }, assets }
}
