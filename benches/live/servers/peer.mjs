// The peer as its README says it: saved every ten seconds, and what was acked since is lost to a kill.
import { acceptConnection, FileStorage, RoomManager } from '@woven-ecs/canvas-store-server'

/** @param {{ dir: string, listen(accept: import('../hosts.mjs').Accept): Promise<number> }} host */
export function serve({ dir, listen }) {
  const manager = new RoomManager()
  return listen((socket, url) => {
    const connection = acceptConnection({
      socket,
      url,
      manager,
      authorize: () => ({ permissions: /** @type {const} */ ('readwrite') }),
      roomOptions: (roomId) => ({ createStorage: () => new FileStorage({ dir, roomId }) }),
    })
    connection.ready.catch(() => socket.close())
    return {
      onMessage: (data) => connection.onMessage(String(data)),
      onClose: connection.onClose,
    }
  })
}
