// Refuses connections in every way and looks at no rejection.
import { setTimeout as wait } from 'node:timers/promises'
import { acceptConnection, RoomManager } from '../../../index.js'

const manager = new RoomManager()
const socket = { send() {}, close() {} }
const refuse = () => Promise.reject(new Error('no'))
const url = '/?roomId=r&clientId=c&token=t'

const refuseAtOnce = () => {
  throw new Error('no')
}
const closed = new RoomManager()
await closed.closeAll()

const hanging = acceptConnection({
  socket,
  url,
  manager,
  authorize: () => new Promise(() => {}),
})
const refused = [
  acceptConnection({ socket, url: '/', manager, authorize: refuse }),
  acceptConnection({ socket, url, manager, authorize: refuse }),
  acceptConnection({ socket, url, manager, authorize: refuseAtOnce }),
  acceptConnection({
    socket,
    url,
    manager: closed,
    authorize: () => ({ permissions: 'readwrite' }),
  }),
]
hanging.onClose()

await wait(50)
process.stdout.write(`${refused.length} refused, still here`)
