//! How many sessions there are of each kind, so that nothing is encoded for nobody.

use super::{effect::Audience, session::Group};

/// How many sessions each delivery group has.
#[derive(Debug, Default)]
pub(super) struct Population {
    live: usize,
    whole_arrays: usize,
    held: usize,
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

    fn count(&mut self, group: Group) -> Option<&mut usize> {
        match group {
            Group::Live => Some(&mut self.live),
            Group::WholeArrays => Some(&mut self.whole_arrays),
            Group::Held => Some(&mut self.held),
            Group::Mute => None,
        }
    }

    pub(super) fn audience(&self, left_out: Option<Group>) -> Audience {
        let others = |count: usize, group| count > usize::from(left_out == Some(group));
        Audience {
            live: others(self.live, Group::Live),
            whole_arrays: others(self.whole_arrays, Group::WholeArrays),
            held: others(self.held, Group::Held),
        }
    }
}
