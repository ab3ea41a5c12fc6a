// heddle whose sockets are written 8 ms apart.
import { serveWith } from './heddle.mjs'

export const serve = serveWith({ writeIntervalMs: 8 })
