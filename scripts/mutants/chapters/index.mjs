// The mutants, chapter by chapter as in SPEC.md.
import { anyBytes } from './any-bytes.mjs'
import { checking } from './checking.mjs'
import { dialect } from './dialect.mjs'
import { durability } from './durability.mjs'
import { fastPaths } from './fast-paths.mjs'
import { heartbeat } from './heartbeat.mjs'
import { history } from './history.mjs'
import { joining } from './joining.mjs'
import { journal } from './journal.mjs'
import { lifecycle } from './lifecycle.mjs'
import { limits } from './limits.mjs'
import { locks } from './locks.mjs'
import { merging } from './merging.mjs'
import { patches } from './patches.mjs'
import { presence } from './presence.mjs'
import { rates } from './rates.mjs'
import { reconnect } from './reconnect.mjs'
import { rights } from './rights.mjs'
import { saving } from './saving.mjs'
import { seen } from './seen.mjs'
import { slowReaders } from './slow-readers.mjs'
import { sockets } from './sockets.mjs'
import { stores } from './stores.mjs'

export const chapters = [
  joining,
  patches,
  merging,
  presence,
  reconnect,
  rights,
  saving,
  durability,
  stores,
  limits,
  lifecycle,
  sockets,
  dialect,
  checking,
  journal,
  locks,
  history,
  seen,
  slowReaders,
  anyBytes,
  rates,
  heartbeat,
  fastPaths,
]
