// `npm run guard`: whether a frame costs what it did, natively and at the border. Both halves are also measured with 20 % more
// work planted into them, which must turn them red: else they would not see a loss of that size either.
//
//   npm run guard                    green as it is and red with the plant, four checks
//   npm run guard -- --planted 20    judges what is planted: red
//   npm run guard -- --update        takes what it measures as the figures to compare with
import { parseArgs } from 'node:util'
import { fail, requireRust } from '../../scripts/requirements.mjs'
import { setup } from '../../scripts/setup.mjs'
import { runSteps } from '../../scripts/steps.mjs'
import { guardSteps, plantedSteps, update } from './halves.mjs'

const { values } = parseArgs({
  options: { planted: { type: 'string' }, update: { type: 'boolean', default: false } },
})

try {
  setup()
  requireRust()
  if (values.update) await update()
  else await runSteps('guard', values.planted ? plantedSteps(Number(values.planted)) : guardSteps)
} catch (error) {
  fail(error)
}
