// Does a join cost more than its bytes?

import { sizedCases } from '../jobs/growth.mjs'
import { joinSettled, openLargeRoom, witnessJoins } from '../jobs/joins.mjs'

/** A sample joins again until it has received so much, so that small joins can be timed too. */
const SAMPLE_LENGTH = 8_000_000

/** @type {import('../frame/scenario.mjs').Scenario<import('../jobs/joins.mjs').Joining, import('../jobs/growth.mjs').Size>} */
export const scenario = {
  name: 'growth-joins',
  measures: 'joins with an empty document of a room with this many components, an edit before each',
  figures: {
    perByte: {
      unit: 'ns',
      measures: 'processor time of the process for each byte that the joiner is sent',
    },
  },
  rounds: { full: 9, quick: 3 },
  cases: sizedCases([1_000, 10_000, 100_000], 'components'),
  setup: (side, { size }) => openLargeRoom(side, { components: size, joiners: 1 }),
  check: witnessJoins,
  async run(world) {
    let length = 0
    const before = process.cpuUsage()
    while (length < SAMPLE_LENGTH) length += await joinSettled(world)
    const { user, system } = process.cpuUsage(before)
    return { perByte: ((user + system) * 1_000) / length }
  },
}
