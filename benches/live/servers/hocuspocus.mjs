// Hocuspocus, its own server with its defaults. Documents are stored as its guide says it, whole, at its default debounce (after
// two seconds of rest, every ten under edits); what was shown since is lost to a kill.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { rival } from '../rivals/packages.mjs'

const { Server } = rival('@hocuspocus/server')
const { encodeStateAsUpdate } = rival('yjs')

/** @param {{ dir: string }} host */
export async function serve({ dir }) {
  const server = new Server({
    address: '127.0.0.1',
    port: 0,
    quiet: true,
    stopOnSignals: false,
    /** @param {{ documentName: string, document: unknown }} stored */
    onStoreDocument: ({ documentName, document }) =>
      writeFile(join(dir, `${documentName}.bin`), encodeStateAsUpdate(document)),
  })
  await server.listen()
  return /** @type {number} */ (server.address.port)
}
