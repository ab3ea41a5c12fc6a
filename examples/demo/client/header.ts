import type { Board, Connection } from './board'
import { tidyName } from './ids'
import { button, find } from './page'
import type { Person, Presence } from './presence'

const STATUS: Record<Connection, string> = {
  connecting: 'Connecting',
  live: 'Live',
  offline: 'Offline: your edits wait here',
  reconnecting: 'Reconnecting',
  outdated: 'Please reload this page',
}
const MOST_FACES = 5
const COPIED_MS = 1600

/** The top of the page: the room, who is in it, and whether we are connected. */
export class Header {
  private readonly status = find('#status', HTMLElement)
  private readonly faces = find('#faces', HTMLElement)
  private readonly count = find('#count', HTMLElement)
  private readonly power = button('#power')
  private shownPeople = ''

  constructor(
    private readonly board: Board,
    private readonly presence: Presence,
    room: string,
  ) {
    find('#room', HTMLElement).textContent = room
    this.power.addEventListener('click', () =>
      board.online ? board.disconnect() : board.connect(),
    )
    this.offerLink()
    this.offerName()
  }

  showConnection(connection: Connection): void {
    document.body.dataset.connection = connection
    this.status.textContent = STATUS[connection]
    this.power.textContent = this.board.online ? 'Go offline' : 'Go online'
  }

  /** Everybody here, ourselves first. */
  showPeople(): void {
    const { me, others } = this.presence
    const people: Pick<Person, 'name' | 'color'>[] = [me, ...others.values()]
    const shown = JSON.stringify(people.map(({ name, color }) => [name, color]))
    if (shown === this.shownPeople) return
    this.shownPeople = shown
    this.count.textContent = people.length === 1 ? '1 person' : `${people.length} people`
    this.faces.replaceChildren(...people.slice(0, MOST_FACES).map((person) => face(person)))
  }

  private offerLink(): void {
    const share = button('#share')
    const label = share.textContent
    share.addEventListener('click', async () => {
      const copied = await copy(location.href)
      share.textContent = copied ? 'Link copied' : location.href
      setTimeout(() => {
        share.textContent = label
      }, COPIED_MS)
    })
  }

  private offerName(): void {
    const input = find('#name', HTMLInputElement)
    input.value = this.presence.me.name
    input.addEventListener('change', () => {
      this.presence.rename(input.value)
      input.value = this.presence.me.name
      localStorage.setItem('name', input.value)
      this.showPeople()
    })
    input.addEventListener('keydown', (event) => event.key === 'Enter' && input.blur())
  }
}

// The clipboard is closed to pages on plain http; the address bar then serves as well.
const copy = (text: string): Promise<boolean> =>
  navigator.clipboard?.writeText(text).then(
    () => true,
    () => false,
  ) ?? Promise.resolve(false)

function face({ name, color }: Pick<Person, 'name' | 'color'>): HTMLElement {
  const shown = tidyName(name)
  const element = document.createElement('span')
  element.className = `face swatch-${color % 8}`
  element.title = shown
  element.textContent = shown
    .split(' ')
    .slice(0, 2)
    .map((word) => [...word][0] ?? '')
    .join('')
    .toUpperCase()
  return element
}
