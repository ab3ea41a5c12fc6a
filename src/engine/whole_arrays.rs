//! Sessions that get whole arrays for deltas: those of version 1.

use std::collections::BTreeMap;

use super::{
    effect::{CloseReason, Effect},
    patch::{Patches, Value},
    quota::array_size,
    room::Room,
    session::{Group, SessionId},
};

/// How many numbers one frame may make the room spell out: deltas of a few bytes may change any number of arrays, and a
/// runtime has no text for them all.
const MOST_NUMBERS: usize = 1 << 22;

impl Room {
    /// Closes the sessions for which the deltas of a frame would have to be spelled out, where that is too much for one
    /// (CV9). A `reconnect` gives them the arrays in pieces.
    #[inline]
    pub(super) fn spare_whole_arrays(
        &mut self,
        sender: Option<SessionId>,
        patches: &Patches<'_>,
        effects: &mut Vec<Effect<'_>>,
    ) {
        if may_spell_out_too_much(patches) && numbers_of(patches) > MOST_NUMBERS {
            self.close_whole_arrays(sender, effects);
        }
    }

    #[cold]
    fn close_whole_arrays(&mut self, sender: Option<SessionId>, effects: &mut Vec<Effect<'_>>) {
        let readers: Vec<SessionId> = self
            .sessions
            .iter()
            .filter(|(id, session)| {
                session.group == Group::WholeArrays
                    && Some(**id) != sender
                    && !self.laggards.contains_key(id)
            })
            .map(|(id, _)| *id)
            .collect();
        for session in readers {
            self.close(session, CloseReason::TooSlow, effects);
        }
    }
}

/// Whether [`Room::spare_whole_arrays`] may have to do anything.
#[inline]
pub(super) fn may_spell_out_too_much(patches: &Patches<'_>) -> bool {
    patches.arrays > array_size(MOST_NUMBERS)
}

/// How many numbers the arrays have that deltas change, each of them once.
#[cold]
fn numbers_of(patches: &Patches<'_>) -> usize {
    let mut lengths = BTreeMap::new();
    for update in &patches.updates {
        for field in patches.fields_of(update) {
            if let Value::Delta(_, delta) = &field.value {
                lengths.insert((update.key, field.name), delta.len);
            }
        }
    }
    lengths.into_values().fold(0, usize::saturating_add)
}
