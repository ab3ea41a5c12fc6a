// heddle as its README says it: the default durability, so that what was acked survives a kill.
import { acceptConnection, FileStorage, RoomManager } from '../../../index.js'

/** @param {{ dir: string, listen(accept: import('../hosts.mjs').Accept): Promise<number> }} host */
export function serve({ dir, listen }) {
  const manager = new RoomManager({
    createStorage: (roomId) => new FileStorage({ dir, roomId }),
  })
  return listen((socket, url) => {
    const connection = acceptConnection({
      socket,
      url,
      manager,
      authorize: () => ({ permissions: 'readwrite' }),
    })
    connection.ready.catch(() => socket.close())
    return connection
  })
}
