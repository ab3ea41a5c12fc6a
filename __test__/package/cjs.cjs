// `require` by a CommonJS module. The room stays open, and the process ends by itself.
'use strict'

const heddle = require('heddle')

void import('./room.mjs').then(({ editOnce, exportsOf }) => {
  const received = editOnce(heddle)
  const rooms = new heddle.RoomManager().getRoomIds()
  console.log(JSON.stringify({ names: exportsOf(heddle), received, rooms }))
})
