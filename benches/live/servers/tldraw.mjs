// tldraw's sync server, as its documentation says it for Node: one TLSocketRoom per room, its sockets those of `ws`. Its default
// storage is memory: nothing is written anywhere.
import { parseConnectUrl } from '../../../index.js'
import { rival } from '../rivals/packages.mjs'

const { TLSocketRoom } = rival('@tldraw/sync-core')

/** @param {{ listen(accept: import('../hosts.mjs').Accept): Promise<number> }} host */
export function serve({ listen }) {
  const rooms = new Map()
  return listen((socket, url) => {
    const { roomId, clientId } = parseConnectUrl(url)
    if (!rooms.has(roomId)) rooms.set(roomId, new TLSocketRoom({}))
    // The room listens to the socket by itself.
    rooms.get(roomId).handleSocketConnect({ sessionId: clientId, socket })
    return { onMessage() {}, onClose() {} }
  })
}
