//! Provisional changes: what they replaced is kept until they are stored, and put back when they cannot be.

use std::collections::VecDeque;

use super::{Clock, Document, Field, Growth, Link, Replaced, Slot, hash, index, key_size};

/// Room for steps that one burst of changes needed is not kept for ever.
const KEEP_STEPS: usize = 1024;

/// What provisional changes did, in order. Taken back from the end, so that each step finds what it left.
#[derive(Debug)]
pub(super) struct Undo {
    /// The clock of the last change that is stored.
    stored: Clock,
    steps: VecDeque<(Clock, Step)>,
}

#[derive(Debug)]
enum Step {
    /// A component came to the end of the slots.
    Inserted,
    Written(Written),
}

/// What a write or a deletion replaced.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) slot: Slot,
    pub(super) alive: bool,
    pub(super) changed: Clock,
    /// Where the component was in the list of changes; none where it stayed at its head.
    pub(super) place: Option<Place>,
    pub(super) replaced: Replaced,
}

/// The neighbours of a component in the list of changes. One that was in the list, and not at its head, has a newer one.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) older: Link,
    pub(super) newer: Link,
}

impl Undo {
    pub(super) fn inserted(&mut self, clock: Clock) {
        self.steps.push_back((clock, Step::Inserted));
    }

    pub(super) fn written(&mut self, clock: Clock, written: Written) {
        self.steps.push_back((clock, Step::Written(written)));
    }
}

impl Document {
    /// From now on changes are provisional until [`Self::settle`] says that they are stored. What has changed so far
    /// counts as stored.
    pub(in crate::engine) fn keep_provisional(&mut self) {
        self.undo = Some(Undo { stored: self.clock, steps: VecDeque::new() });
    }

    /// The clock of the last change that cannot be taken back any more.
    pub fn stored(&self) -> Clock {
        self.undo.as_ref().map_or(self.clock, |undo| undo.stored)
    }

    /// As [`Self::write`], where the change may be taken back.
    #[inline(never)]
    pub(super) fn write_provisionally(&mut self, slot: Slot, alive: bool, fields: &[Field<'_>]) {
        let (clock, scratch) = (self.clock, self.scratch.get_or_insert_default());
        let Some(component) = self.slots.get_mut(index(slot)) else { return };
        let (replaced, growth) = component.fields.replace(fields, clock, scratch);
        self.usage.grow(growth, &component.key, &component.fields);
        self.touch_provisionally(slot, alive, replaced);
    }

    /// As [`Self::touch`], and keeps what there was before if the change is provisional.
    pub(super) fn touch_provisionally(&mut self, slot: Slot, alive: bool, replaced: Replaced) {
        let Some((changed, place)) = self.touch(slot) else { return };
        if let Some(undo) = &mut self.undo {
            undo.written(self.clock, Written { slot, alive, changed, place, replaced });
        }
    }

    /// The changes up to this clock are stored. `rests`: whether nobody is here, so that hardly any will follow.
    pub(in crate::engine) fn settle(&mut self, clock: Clock, rests: bool) {
        let Some(undo) = &mut self.undo else { return };
        undo.stored = clock.clamp(undo.stored, self.clock);
        while undo.steps.front().is_some_and(|(clock, _)| *clock <= undo.stored) {
            undo.steps.pop_front();
        }
        if undo.steps.is_empty() {
            undo.steps.shrink_to(if rests { 0 } else { KEEP_STEPS });
        }
    }

    /// Gives back what the next change can do without: nobody is here.
    pub(super) fn rest_undo(&mut self) {
        if let Some(undo) = &mut self.undo
            && undo.steps.is_empty()
        {
            undo.steps = VecDeque::new();
        }
    }

    /// Takes back every change that is not stored, clock and all.
    pub(in crate::engine) fn take_back(&mut self) {
        let Some(undo) = &mut self.undo else { return };
        let (stored, steps) = (undo.stored, std::mem::take(&mut undo.steps));
        for (_, step) in steps.into_iter().rev() {
            match step {
                Step::Inserted => self.remove_last(),
                Step::Written(written) => self.unwrite(written),
            }
        }
        self.clock = stored;
    }

    fn remove_last(&mut self) {
        if let Some(last) = self.slots.len().checked_sub(1).and_then(|it| Slot::try_from(it).ok()) {
            self.keep_for_copy(last);
        }
        let Some(component) = self.slots.pop() else { return };
        self.usage.change(Growth { added: 0, removed: key_size(&component.key) });
        let slot = self.slots.len();
        let hash = hash(self.hash_keys, &component.key);
        if let Ok(entry) = self.by_key.find_entry(hash, |found| index(*found) == slot) {
            entry.remove();
        }
    }

    fn unwrite(&mut self, Written { slot, alive, changed, place, replaced }: Written) {
        self.keep_for_copy(slot);
        self.set_alive(slot, alive);
        if let Some(place) = place {
            self.move_from_head(slot, &place);
        }
        if let Some(component) = self.slots.get_mut(index(slot)) {
            component.stamp.set_changed(changed);
            let removed = component.fields.size();
            component.fields.take_back(replaced);
            self.usage.change(Growth { added: component.fields.size(), removed });
        }
    }

    /// Moves the component at the head of the list of changes to where it was before.
    fn move_from_head(&mut self, slot: Slot, place: &Place) {
        let Some(component) = self.slots.get_mut(index(slot)) else { return };
        self.newest = component.older;
        (component.older, component.newer) = (place.older, place.newer);
        if let Some(component) = self.neighbour(self.newest) {
            component.newer = Link::NONE;
        }
        if place.newer == Link::NONE {
            return;
        }
        if let Some(component) = self.neighbour(place.older) {
            component.newer = Link::to(slot);
        }
        if let Some(component) = self.neighbour(place.newer) {
            component.older = Link::to(slot);
        }
    }
}
