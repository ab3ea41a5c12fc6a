import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { Artist, type Entry } from './browser/artist.js'
import { findChromium, launchChromium, NO_CHROMIUM } from './browser/chromium.js'
import { Demo } from './browser/demo.js'

const ROOM = 'studio'
const DEADLINE = { timeout: 10_000, interval: 50 }

const unavailable = !findChromium() && !process.env.CI
if (unavailable) process.stderr.write(`The browser test is skipped. ${NO_CHROMIUM}\n`)

/**
 * One story in chapters: Alice and Bob share a drawing through the demo's server. Each chapter goes
 * on where the one before ended.
 */
describe.skipIf(unavailable)('the demo in Chromium', { timeout: 30_000 }, () => {
  let dataDir: string
  let browser: Browser
  let demo: Demo
  let alice: Artist
  let bob: Artist

  beforeAll(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'heddle-demo-'))
    demo = await Demo.start(dataDir)
    browser = await launchChromium()
    alice = await Artist.join(browser, demo.url(ROOM), 'Alice')
    bob = await Artist.join(browser, demo.url(ROOM), 'Bob')
  }, 30_000)

  afterAll(async () => {
    await browser?.close()
    demo?.kill()
    rmSync(dataDir, { recursive: true, force: true })
  })

  it('[PR1] [JN2] shows everybody who is there, and their pointers', async () => {
    await alice.point([300, 200])
    await bob.point([700, 500])

    await vi.waitFor(async () => {
      expect(await alice.people()).toEqual(['Alice', 'Bob'])
      expect(await bob.people()).toEqual(['Bob', 'Alice'])
      expect(await alice.pointers()).toEqual([{ x: 700, y: 500 }])
      expect(await bob.pointers()).toEqual([{ x: 300, y: 200 }])
    }, DEADLINE)
  })

  it('[PA1] [MG7] paints a stroke on the other page while it is drawn, sent as buffer deltas', async () => {
    await alice.color('Red')
    await alice.startDrawing([150, 150], [250, 250], [350, 150])
    await vi.waitFor(async () => {
      expect(await bob.painted('Red', [140, 140], [360, 260])).toBeGreaterThan(400)
    }, DEADLINE)
    await alice.photograph('1-drawing')
    await bob.photograph('1-watching')
    await alice.page.mouse.up()

    await agree(alice, bob)
    expect(kinds(await bob.document())).toEqual(['ink', 'placement'])
    expect(alice.sent.filter((frame) => frame.includes('"points":{"__buf":1'))).not.toEqual([])
    expect(await bob.painted('Red', [500, 140], [720, 260])).toBe(0)
  })

  it('[MG1] [MG2] moves a shape for both, and takes it back with one undo', async () => {
    await bob.color('Blue')
    await bob.addRectangle([500, 150], [640, 250])
    await agree(alice, bob)

    await alice.press('v')
    await alice.drag([570, 200], [650, 320])
    await vi.waitFor(async () => {
      expect(rectangle(await bob.document())).toMatchObject({ x: 580, y: 270 })
    }, DEADLINE)
    const moved = await bob.painted('Blue', [570, 260], [730, 380])
    await alice.press('Control+z')
    await vi.waitFor(async () => {
      expect(rectangle(await bob.document())).toMatchObject({ x: 500, y: 150 })
    }, DEADLINE)
    await agree(alice, bob)

    expect(moved).toBeGreaterThan(400)
    expect(await bob.painted('Blue', [490, 140], [650, 260])).toBeGreaterThan(400)
  })

  it('[RC1] [RC2] [PR3] merges what both did while one of them was offline', async () => {
    await alice.goOffline()
    await vi.waitFor(async () => expect(await bob.people()).toEqual(['Bob']), DEADLINE)

    // The rectangle is still selected: Alice recolours it, Bob moves it.
    await alice.color('Green')
    await alice.draw([150, 450], [260, 520], [380, 450])
    await bob.draw([500, 450], [610, 520], [720, 450])
    await bob.press('v')
    await bob.drag([570, 200], [870, 200])
    const apart = [await alice.document(), await bob.document()]
    await alice.photograph('2-offline')
    await alice.goOnline()
    await agree(alice, bob)

    const strokes = (document: Record<string, Entry>) =>
      kinds(document).filter((kind) => kind === 'ink').length
    expect(apart.map(strokes)).toEqual([2, 2])
    expect(apart.map(rectangle)).toMatchObject([
      { x: 500, color: 4 },
      { x: 800, color: 5 },
    ])
    for (const artist of [alice, bob]) {
      const document = await artist.document()
      expect(strokes(document)).toBe(3)
      expect(rectangle(document)).toMatchObject({ x: 800, y: 150, color: 4 })
      expect(await artist.painted('Green', [140, 440], [390, 530])).toBeGreaterThan(400)
      expect(await artist.painted('Blue', [490, 440], [730, 530])).toBeGreaterThan(400)
    }
    await bob.photograph('3-together')
  })

  it('[DU4] [LC1] [LC7] [ST1] has the drawing after a restart, on the old pages and on a new one', async () => {
    const before = await alice.document()
    const end = await demo.stop()
    const saved = demo.saved(ROOM).state
    await alice.isConnected('reconnecting')
    await bob.isConnected('reconnecting')
    await alice.color('Red')
    await alice.draw([150, 620], [300, 580], [450, 620])

    demo = await Demo.start(dataDir, demo.port)
    await alice.isLive()
    await bob.isLive()
    await agree(alice, bob)
    const carol = await Artist.join(browser, demo.url(ROOM), 'Carol')
    await agree(alice, carol)

    expect(end).toBe(0)
    const alive = Object.keys(saved).filter((key) => saved[key]?._exists !== false)
    expect(alive.sort()).toEqual(Object.keys(before).sort())
    expect(await carol.document()).toMatchObject(before)
    expect(await carol.painted('Red', [140, 140], [360, 260])).toBeGreaterThan(400)
    expect(await carol.painted('Green', [140, 440], [390, 530])).toBeGreaterThan(400)
    expect(await carol.painted('Green', [790, 140], [950, 260])).toBeGreaterThan(400)
    expect(await carol.painted('Red', [140, 570], [460, 630])).toBeGreaterThan(400)
    await carol.photograph('4-after-the-restart')
    expect([alice, bob, carol].flatMap(({ troubles }) => troubles)).toEqual([])
  })
})

/** Resolves when both pages hold the same document. */
async function agree(one: Artist, other: Artist): Promise<void> {
  await vi.waitFor(
    async () => expect(await one.document()).toEqual(await other.document()),
    DEADLINE,
  )
}

/** The components of a document, by name, each as often as it is there. */
function kinds(document: Record<string, Entry>): string[] {
  return Object.keys(document)
    .map((key) => key.split('/')[1] ?? '')
    .sort()
}

/** Where the one shape of the drawing is, and in which colour. */
function rectangle(document: Record<string, Entry>): Entry | undefined {
  const id = Object.keys(document)
    .find((key) => key.endsWith('/shape'))
    ?.split('/')[0]
  return document[`${id}/placement`]
}
