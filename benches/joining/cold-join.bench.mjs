// Clients that have seen nothing join a large room in which people work.
import {
  joinGoals as goals,
  joinFigures,
  openLargeRoom,
  rehearse,
  sampleJoins,
  witnessJoins,
} from '../jobs/joins.mjs'

/** @type {import('../frame/scenario.mjs').Scenario<import('../jobs/joins.mjs').Joining, import('../jobs/joins.mjs').JoinParams>} */
export const scenario = {
  name: 'cold-join',
  measures:
    'clients with an empty document join a room that was joined before and edited since, fake sockets',
  figures: joinFigures,
  rounds: { full: 7, quick: 3 },
  cases: [
    {
      name: '100,000 components, alone',
      params: { components: 100_000, joiners: 1 },
      quick: true,
      goals,
    },
    {
      name: '100,000 components, five at once',
      params: { components: 100_000, joiners: 5 },
      goals,
    },
  ],
  setup: openLargeRoom,
  check: witnessJoins,
  rehearse,
  run: sampleJoins,
}
