// `npm start`: sets the clone up and serves the demo in this very process, so that Ctrl-C reaches it.
import { fail } from './requirements.mjs'

import { setup } from './setup.mjs'

try {
  setup()
} catch (error) {
  fail(error)
}
await import('../examples/demo/server.mjs')
