//! A copy of the document as it is at one clock, read little by little while the document goes on.
//!
//! Slots never move, so the copy is read by slot. Whatever is about to change a component that the reader has not done with
//! keeps it here first: a copy costs what is read, and what changes meanwhile.

use std::collections::BTreeMap;

use super::{Clock, Component, Document, Slot, index};

/// What there is of a copy beside the document itself.
#[derive(Debug)]
pub(super) struct Copying {
    clock: Clock,
    /// How many slots there were.
    slots: Slot,
    /// Those before this one are not needed any more.
    done: Slot,
    /// What has changed since.
    kept: BTreeMap<Slot, Component>,
}

impl Document {
    /// Begins a copy of the document as it is now, in place of one that has not ended.
    pub fn begin_copy(&mut self) {
        let slots = Slot::try_from(self.slots.len()).unwrap_or(Slot::MAX);
        let kept = BTreeMap::new();
        self.copying = Some(Box::new(Copying { clock: self.clock, slots, done: 0, kept }));
    }

    /// The clock of the copy that was begun.
    pub fn copied_clock(&self) -> Clock {
        self.copying.as_ref().map_or(self.clock, |copying| copying.clock)
    }

    /// A component of the copy, in the order of [`components`](Self::components); none behind the last one.
    pub fn copied(&self, slot: Slot) -> Option<&Component> {
        let copying = self.copying.as_ref()?;
        if slot >= copying.slots {
            return None;
        }
        copying.kept.get(&slot).or_else(|| self.slots.get(index(slot)))
    }

    /// The copy is not read any more before this slot.
    pub fn done_copying(&mut self, before: Slot) {
        if let Some(copying) = &mut self.copying {
            copying.done = before;
            copying.kept = copying.kept.split_off(&before);
        }
    }

    /// The copy has been read.
    pub fn end_copy(&mut self) {
        self.copying = None;
    }

    /// Keeps a component, which is about to change, for whoever reads the copy.
    #[inline]
    pub(super) fn keep_for_copy(&mut self, slot: Slot) {
        if self.copying.is_some() {
            self.keep(slot);
        }
    }

    #[cold]
    fn keep(&mut self, slot: Slot) {
        let Some(copying) = &mut self.copying else { return };
        if slot < copying.done || slot >= copying.slots || copying.kept.contains_key(&slot) {
            return;
        }
        if let Some(component) = self.slots.get(index(slot)) {
            copying.kept.insert(slot, component.clone());
        }
    }
}
