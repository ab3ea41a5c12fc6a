// Where the servers under test get their sockets: `ws` on Node, Bun's own on Bun. All of them share these few lines.
import { once } from 'node:events'

/**
 * What a server under test does with a socket.
 * @typedef {{ onMessage(data: any): void, onClose(): void }} Handlers
 * @typedef {(socket: any, url: string) => Handlers} Accept
 */

/**
 * Serves on loopback; resolves to the port.
 * @param {Accept} accept
 * @returns {Promise<number>}
 */
export function listen(accept) {
  return process.versions.bun ? listenOnBun(accept) : listenOnNode(accept)
}

/** @param {Accept} accept */
async function listenOnNode(accept) {
  const { WebSocketServer } = await import('ws')
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, backlog: 4_096 })
  server.on('connection', (socket, request) => {
    const { onMessage, onClose } = accept(socket, request.url ?? '')
    socket.on('message', onMessage)
    socket.on('close', onClose)
    socket.on('error', onClose)
  })
  await once(server, 'listening')
  return /** @type {import('node:net').AddressInfo} */ (server.address()).port
}

/** @param {Accept} accept */
async function listenOnBun(accept) {
  const { Bun } = /** @type {any} */ (globalThis)
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    /** @param {any} request @param {any} self */
    fetch: (request, self) =>
      self.upgrade(request, { data: { url: request.url } }) ? undefined : new Response('no'),
    websocket: {
      /** @param {any} socket */
      open(socket) {
        socket.data.handlers = accept(socket, socket.data.url)
      },
      /** @param {any} socket @param {any} data */
      message: (socket, data) => socket.data.handlers.onMessage(data),
      /** @param {any} socket */
      close: (socket) => socket.data.handlers?.onClose(),
    },
  })
  return server.port
}
