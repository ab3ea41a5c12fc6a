// heddle as its README says it: the default durability, so that what was acked survives a kill.
import { acceptConnection, FileStorage, RoomManager } from '../../../index.js'

export const serve = serveWith({})

/**
 * Serves with more options than the storage.
 * @param {import('../../../index.js').RoomManagerOptions} options
 */
export function serveWith(options) {
  /** @param {{ dir: string, listen(accept: import('../hosts.mjs').Accept): Promise<number> }} host */
  return ({ dir, listen }) => {
    const manager = new RoomManager({
      ...options,
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
}
