//! How many sessions there are of each kind, so that nothing is encoded for nobody.

use super::{effect::Audience, session::Group};

/// How many sessions each delivery group has.
#[derive(Debug, Default)]
pub(super) struct Population {
    live: u32,
    whole_arrays: u32,
    held: u32,
}

impl Population {
    pub(super) fn enter(&mut self, group: Group) {
        if let Some(count) = self.count(group) {
            *count += 1;
        }
    }

    pub(super) fn exit(&mut self, group: Group) {
        if let Some(count) = self.count(group) {
            *count -= 1;
        }
    }

    fn count(&mut self, group: Group) -> Option<&mut u32> {
        match group {
            Group::Live => Some(&mut self.live),
            Group::WholeArrays => Some(&mut self.whole_arrays),
            Group::Held => Some(&mut self.held),
            Group::Mute => None,
        }
    }

    pub(super) fn audience(&self, left_out: Option<Group>) -> Audience {
        let others = |count: u32, group| count > u32::from(left_out == Some(group));
        Audience {
            live: others(self.live, Group::Live),
            whole_arrays: others(self.whole_arrays, Group::WholeArrays),
            held: others(self.held, Group::Held),
        }
    }
}
