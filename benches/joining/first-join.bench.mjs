// The first client joins a large room since the process has it: nothing can have been prepared.
import { joinFigures, joinGoals, openLargeRoom, sampleJoins, witnessJoins } from '../jobs/joins.mjs'

/** @type {import('../frame/scenario.mjs').Scenario<import('../jobs/joins.mjs').Joining, import('../jobs/joins.mjs').JoinParams>} */
export const scenario = {
  name: 'first-join',
  measures:
    'the first join of a room that nobody has joined with an empty document yet, fake sockets',
  figures: joinFigures,
  rounds: { full: 5, quick: 2 },
  fresh: true,
  cases: [
    {
      name: '100,000 components, alone',
      params: { components: 100_000, joiners: 1 },
      goals: joinGoals,
    },
  ],
  setup: openLargeRoom,
  check: witnessJoins,
  run: sampleJoins,
}
