// The server of the soak: rooms in files at their defaults, real sockets. It says where it listens, and how it is whenever it
// gets a message, over the channel of the process that forked it; it closes all rooms when that channel ends.
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { WebSocketServer } from 'ws'
import { acceptConnection, FileStorage, RoomManager } from '../../index.js'

const [dir = ''] = process.argv.slice(2)
let errors = 0
const manager = new RoomManager({
  createStorage: (roomId) => new FileStorage({ dir, roomId }),
  onError: () => {
    errors += 1
  },
})
const delays = monitorEventLoopDelay()
delays.enable()

const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
server.on('connection', (socket, request) => {
  const connection = acceptConnection({
    socket,
    url: request.url ?? '',
    manager,
    authorize: ({ token }) => {
      if (token === 'refused') throw new Error('refused')
      return { permissions: 'readwrite' }
    },
  })
  connection.ready.catch(() => {
    errors += 1
    socket.close()
  })
  socket.on('message', connection.onMessage)
  socket.on('close', connection.onClose)
  socket.on('error', connection.onError)
})
server.on('listening', () => {
  const address = server.address()
  process.send?.({ port: typeof address === 'object' ? address?.port : undefined })
})

process.on('message', () => {
  const { rss, heapUsed, external, arrayBuffers } = process.memoryUsage()
  process.send?.({
    rss,
    heapUsed,
    external: external + arrayBuffers,
    handles: process.getActiveResourcesInfo().length,
    rooms: manager.getRoomIds().length,
    sockets: server.clients.size,
    delayMs: delays.max / 1e6,
    cpu: process.cpuUsage().user + process.cpuUsage().system,
    errors,
  })
  delays.reset()
})

process.on('disconnect', async () => {
  for (const socket of server.clients) socket.terminate()
  server.close()
  await manager.closeAll()
  process.exit()
})
