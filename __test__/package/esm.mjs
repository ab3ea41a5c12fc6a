// Named imports by an ES module. The room stays open, and the process ends by itself.
import * as heddle from 'heddle'
import { RoomManager } from 'heddle'
import { editOnce, exportsOf } from './room.mjs'

const received = editOnce(heddle)
console.log(
  JSON.stringify({ names: exportsOf(heddle), received, rooms: new RoomManager().getRoomIds() }),
)
