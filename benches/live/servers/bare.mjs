// The least that a server of these clients can do, written for nothing but the benchmark: it puts a clock on each patch and passes
// it on, and writes each socket once per turn of the event loop. It has no document to merge into, no storage, rights or limits, and
// believes every frame. What it costs is what the sockets cost.

/** @typedef {{ clock: number, members: Set<Outlet>, last: Map<string, string> }} Room */

/** Where a frame's `messageId` begins: after `{"type":"patch","messageId":"`. */
const MESSAGE_ID_AT = 29

/** @param {{ listen(accept: import('../hosts.mjs').Accept): Promise<number> }} host */
export function serve({ listen }) {
  /** @type {Map<string, Room>} */
  const rooms = new Map()
  return listen((socket, url) => {
    const query = new URLSearchParams(url.slice(url.indexOf('?')))
    const roomId = query.get('roomId') ?? ''
    const room = rooms.get(roomId) ?? { clock: 0, members: new Set(), last: new Map() }
    rooms.set(roomId, room)
    const outlet = new Outlet(socket)
    room.members.add(outlet)
    return {
      onMessage: (data) => receive(room, outlet, query.get('clientId') ?? '', String(data)),
      onClose: () => room.members.delete(outlet),
    }
  })
}

/**
 * @param {Room} room
 * @param {Outlet} outlet
 * @param {string} clientId
 * @param {string} frame
 */
function receive(room, outlet, clientId, frame) {
  if (frame.startsWith('{"type":"reconnect"')) {
    greet(room, outlet)
    return
  }
  const messageId = frame.slice(MESSAGE_ID_AT, frame.indexOf('"', MESSAGE_ID_AT))
  const patches = frame.slice(frame.indexOf('[') + 1, frame.lastIndexOf(']'))
  room.clock += 1
  room.last.set(clientId, patches)
  const broadcast = encode(
    `{"type":"patch","clientId":"${clientId}","documentPatches":[${patches}],"timestamp":${room.clock}}`,
  )
  for (const member of room.members) if (member !== outlet) member.send(broadcast)
  outlet.send(encode(`{"type":"ack","messageId":"${messageId}","timestamp":${room.clock}}`))
}

/**
 * @param {Room} room
 * @param {Outlet} outlet
 */
function greet({ clock, last }, outlet) {
  if (last.size > 0) {
    const patches = [...last.values()].join(',')
    outlet.send(
      encode(`{"type":"patch","clientId":"","documentPatches":[${patches}],"timestamp":${clock}}`),
    )
  }
  outlet.send(encode(`{"type":"synced","timestamp":${clock}}`))
}

/** What leaves in this turn. */
const waiting = /** @type {Set<Outlet>} */ (new Set())

class Outlet {
  #socket
  #frames = /** @type {any[]} */ ([])

  /** @param {any} socket */
  constructor(socket) {
    this.#socket = socket
  }

  /** @param {any} frame */
  send(frame) {
    if (waiting.size === 0) setImmediate(flush)
    waiting.add(this)
    this.#frames.push(frame)
  }

  write() {
    const frames = this.#frames
    this.#frames = []
    if (process.versions.bun && frames.length === 1) {
      this.#socket.send(frames[0])
    } else if (process.versions.bun) {
      this.#socket.cork(() => {
        for (const frame of frames) this.#socket.send(frame)
      })
    } else {
      this.#socket._socket.write(frames.length === 1 ? frames[0] : Buffer.concat(frames))
    }
  }
}

function flush() {
  const outlets = [...waiting]
  waiting.clear()
  for (const outlet of outlets) outlet.write()
}

/**
 * The frame once, for all that it goes to; Bun makes its own.
 * @param {string} text
 */
function encode(text) {
  if (process.versions.bun) return text
  const payload = Buffer.from(text)
  const { length } = payload
  const head = length < 126 ? [0x81, length] : [0x81, 126, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from(head), payload])
}
