import { mkdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Browser, Page } from 'playwright-core'

export type Point = [x: number, y: number]
export type Entry = Record<string, unknown>
export type Color = 'Red' | 'Green' | 'Blue'

const WINDOW = { width: 1200, height: 760 }
const PATIENCE_MS = 10_000
const screenshots = fileURLToPath(new URL('../../target/browser/', import.meta.url))

/** The colours of the light theme, as they are on the canvas. */
const PAINT: Record<Color, [red: number, green: number, blue: number]> = {
  Red: [220, 61, 67],
  Green: [34, 147, 90],
  Blue: [48, 102, 224],
}

/** Somebody who draws: one page in a browser profile of its own. */
export class Artist {
  readonly troubles: string[] = []
  readonly sent: string[] = []

  private constructor(
    readonly page: Page,
    readonly name: string,
  ) {
    page.setDefaultTimeout(PATIENCE_MS)
    page.on('pageerror', (error) => this.troubles.push(String(error)))
    page.on('websocket', (socket) =>
      socket.on('framesent', ({ payload }) => this.sent.push(String(payload))),
    )
  }

  static async join(browser: Browser, url: string, name: string): Promise<Artist> {
    const context = await browser.newContext({ viewport: WINDOW, colorScheme: 'light' })
    await context.addInitScript((own) => localStorage.setItem('name', own), name)
    const artist = new Artist(await context.newPage(), name)
    await artist.page.goto(url)
    await artist.isLive()
    return artist
  }

  async color(color: Color): Promise<void> {
    await this.page.getByRole('button', { name: color, exact: true }).click()
  }

  /** Draws with the pen through these places, and lifts it. */
  async draw(...places: Point[]): Promise<void> {
    await this.startDrawing(...places)
    await this.page.mouse.up()
  }

  /** Draws, and leaves the pen on the paper. */
  async startDrawing(...places: Point[]): Promise<void> {
    await this.page.keyboard.press('p')
    await this.dragThrough(places, 12)
  }

  async addRectangle(from: Point, to: Point): Promise<void> {
    await this.page.keyboard.press('r')
    await this.drag(from, to)
  }

  async drag(...places: Point[]): Promise<void> {
    await this.dragThrough(places, 6)
    await this.page.mouse.up()
  }

  async point([x, y]: Point): Promise<void> {
    await this.page.mouse.move(x, y)
  }

  async press(key: string): Promise<void> {
    await this.page.keyboard.press(key)
  }

  document(): Promise<Record<string, Entry>> {
    return this.page.evaluate(() => window.heddleDemo.document() as Record<string, Entry>)
  }

  people(): Promise<string[]> {
    return this.page.evaluate(() => window.heddleDemo.people())
  }

  pointers(): Promise<{ x: number; y: number }[]> {
    return this.page.evaluate(() => window.heddleDemo.pointers())
  }

  /** The pixels of a colour on the canvas, in the box between two corners. */
  painted(color: Color, [left, top]: Point, [right, bottom]: Point): Promise<number> {
    const box = { left, top, width: right - left, height: bottom - top, paint: PAINT[color] }
    return this.page.evaluate(({ left, top, width, height, paint }) => {
      const canvas = document.querySelector<HTMLCanvasElement>('#drawing')
      const pixels = canvas?.getContext('2d')?.getImageData(left, top, width, height).data ?? []
      let count = 0
      for (let at = 0; at < pixels.length; at += 4) {
        if (paint.every((value, channel) => pixels[at + channel] === value)) count++
      }
      return count
    }, box)
  }

  async goOffline(): Promise<void> {
    await this.page.getByRole('button', { name: 'Go offline' }).click()
  }

  async goOnline(): Promise<void> {
    await this.page.getByRole('button', { name: 'Go online' }).click()
    await this.isLive()
  }

  async isLive(): Promise<void> {
    await this.isConnected('live')
  }

  async isConnected(state: 'live' | 'reconnecting'): Promise<void> {
    await this.page.waitForSelector(`body[data-connection="${state}"]`)
  }

  async photograph(title: string): Promise<void> {
    mkdirSync(screenshots, { recursive: true })
    await this.page.screenshot({ path: `${screenshots}${title}-${this.name}.png` })
  }

  private async dragThrough([first, ...others]: Point[], steps: number): Promise<void> {
    if (!first) return
    await this.page.mouse.move(...first)
    await this.page.mouse.down()
    for (const place of others) await this.page.mouse.move(...place, { steps })
  }
}
