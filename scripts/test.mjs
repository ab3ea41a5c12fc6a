// `npm test`: sets the clone up and runs every test: Rust without and with the bindings, then the addon on Node and on Bun.
import { fail, requireRust } from './requirements.mjs'
import { bunPath, fetchRuntimes } from './runtimes.mjs'
import { setup } from './setup.mjs'
import { cargoTest, runSteps, vitest } from './steps.mjs'

/** What needs strace is left to `npm run check`. */
const withoutTraces = ['--exclude', '__test__/order.test.ts']

try {
  setup()
  requireRust()
  fetchRuntimes()
  await runSteps('tests', [
    cargoTest('Rust without Node', ['--no-default-features']),
    cargoTest('Rust with the bindings', []),
    vitest('vitest on Node', process.execPath, [], withoutTraces),
    vitest('vitest on Bun', bunPath(), ['--bun'], withoutTraces),
  ])
} catch (error) {
  fail(error)
}
