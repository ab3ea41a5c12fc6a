// SPEC.md section 9, rooms that journal.

const journaled = 'src/server/journaled.rs'
const provisional = 'src/server/provisional.rs'
const waiting = 'src/server/waiting.rs'
const undo = 'src/engine/document/undo.rs'
const fields = 'src/engine/fields.rs'
const effect = 'src/engine/effect.rs'
const postponed = 'src/engine/postponed.rs'
const replay = 'src/server/replay.rs'

/** @type {import('../../mutants.mjs').Mutant[]} */
export const durability = [
  {
    rule: 'DU12',
    file: provisional,
    find: 'if self.tail.is_empty() && entry.shows.is_none() {',
    replace: 'if self.tail.is_empty() {',
    why: 'broadcasts and acks before the change is stored',
  },
  {
    rule: 'DU12',
    file: effect,
    find: 'Self::Ack { .. } | Self::Resync { .. } | Self::CatchUp { .. } | Self::Synced(_) => true,',
    replace: `Self::Ack { .. } | Self::Resync { .. } => true,
            Self::CatchUp { .. } | Self::Synced(_) => self.is_document(),`,
    why: 'does not compile',
  },
]
