import { Board } from './board'
import { COLORS } from './components'
import { Desk } from './desk'
import type { Studio } from './gesture'
import { Header } from './header'
import { randomId, randomName, tidyName } from './ids'
import { Input } from './input'
import { listenToKeys } from './keys'
import { NoteEditor } from './note-editor'
import { paintOverlay } from './overlay'
import { button, find } from './page'
import { paintScene, Sheet } from './painter'
import { Presence } from './presence'
import { boxOf, Scene } from './scene'
import { onThemeChange, readTheme } from './theme'
import { Actions, Toolbar } from './toolbar'
import { View } from './view'

const ZOOM_STEP = 1.25
const FIT_MARGIN = 96
const HIDDEN_STEP_MS = 500

const room = decodeURIComponent(location.pathname.split('/')[2] ?? '')
const clientId = randomId()
const me = {
  name: tidyName(localStorage.getItem('name') ?? randomName()),
  color: 1 + Math.floor(Math.random() * (COLORS - 1)),
}
localStorage.setItem('name', me.name)

const drawing = new Sheet(find('#drawing', HTMLCanvasElement))
const overlay = new Sheet(find('#overlay', HTMLCanvasElement))
let theme = readTheme()
let stale = true
let failed = false

const board = new Board({
  url: `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/ws`,
  room,
  clientId,
  onConnection: (connection) => header.showConnection(connection),
  onFailure: fail,
})
const repaint = () => {
  stale = true
}
const view = new View(repaint)
const desk = new Desk()
const scene = new Scene()
const studio: Studio = { board, scene, view, desk }
const presence = new Presence(board, me, clientId)
const header = new Header(board, presence, room)
const actions = new Actions(studio)
const toolbar = new Toolbar(studio, actions)
const editor = new NoteEditor(find('#note', HTMLTextAreaElement), studio)
const input = new Input(overlay.canvas, studio, presence)
const hint = find('#hint', HTMLElement)

listenToKeys(studio, actions, input)
desk.onChange(repaint)
onThemeChange(() => {
  theme = readTheme()
  repaint()
})
board.onStep((ctx) => {
  if (scene.update(ctx)) repaint()
})
board.onStep((ctx) => {
  if (presence.update(ctx)) repaint()
})

const middle = () => ({ x: drawing.width / 2, y: drawing.height / 2 })
button('#zoom-in').addEventListener('click', () => view.zoomAt(middle(), ZOOM_STEP))
button('#zoom-out').addEventListener('click', () => view.zoomAt(middle(), 1 / ZOOM_STEP))
button('#zoom-fit').addEventListener('click', () => {
  const boxes = scene.all.map((item) => {
    const { left, top, right, bottom } = boxOf(item)
    return {
      left: item.x + left,
      top: item.y + top,
      right: item.x + right,
      bottom: item.y + bottom,
    }
  })
  const all = boxes.reduce(
    (a, b) => ({
      left: Math.min(a.left, b.left),
      top: Math.min(a.top, b.top),
      right: Math.max(a.right, b.right),
      bottom: Math.max(a.bottom, b.bottom),
    }),
    boxes[0] ?? { left: 0, top: 0, right: drawing.width, bottom: drawing.height },
  )
  view.fit(all, drawing.width, drawing.height, FIT_MARGIN)
})

function resize(): void {
  for (const sheet of [drawing, overlay]) sheet.resize(innerWidth, innerHeight, devicePixelRatio)
  repaint()
}
addEventListener('resize', resize)

let lastFrame = performance.now()
let greeted = false
function frame(): void {
  const now = performance.now()
  board.step()
  if (board.loaded && !greeted) {
    greeted = true
    presence.takeFreeColor()
    desk.set({ color: me.color })
  }
  const moving = presence.ease(now - lastFrame)
  lastFrame = now
  if (stale) {
    paintScene(drawing, view, scene, theme, desk.now.editing)
    header.showPeople()
    editor.update()
  }
  if (stale || moving) {
    paintOverlay(overlay, view, theme, scene.get(desk.now.selection), presence.others.values())
  }
  stale = false
  toolbar.update()
  hint.classList.toggle('gone', !board.loaded || scene.all.length > 0)
}

// The store sends and applies when it is stepped: with every frame, and slowly while nobody looks.
let timer = 0
function loop(): void {
  if (failed) return
  frame()
  if (document.hidden) timer = window.setTimeout(loop, HIDDEN_STEP_MS)
  else timer = requestAnimationFrame(loop)
}
document.addEventListener('visibilitychange', () => {
  clearTimeout(timer)
  cancelAnimationFrame(timer)
  loop()
})

/** Stops everything: a world that failed half way must neither be shown nor sent. */
function fail(error: unknown): void {
  if (failed) return
  failed = true
  board.disconnect()
  find('#failure', HTMLElement).hidden = false
  console.error(error)
}

document.title = `${room} · heddle`
resize()
header.showConnection('connecting')
board.open().catch(fail)
loop()

/** For the console and for tests: what this page holds. */
const heddleDemo = {
  document: () => scene.document(),
  people: () => [me.name, ...Array.from(presence.others.values(), ({ name }) => name)],
  pointers: () =>
    [...presence.others.values()].filter(({ visible }) => visible).map(({ target }) => target),
}
declare global {
  interface Window {
    heddleDemo: typeof heddleDemo
  }
}
window.heddleDemo = heddleDemo
