// heddle whose sockets are written 16 ms apart.
import { serveWith } from './heddle.mjs'

export const serve = serveWith({ writeIntervalMs: 16 })
