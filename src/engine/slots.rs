//! Sets of slots of a document, as ranges in order: a walk over a document leaves few of them, however long it is.

use std::ops::Range;

use super::document::Slot;

/// Some slots of a document.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Slots(Vec<Range<Slot>>);

impl Slots {
    /// The slots from `start` to before `end`.
    pub(super) fn range(start: Slot, end: Slot) -> Self {
        Self(std::iter::once(start..end).filter(|range| !range.is_empty()).collect())
    }

    /// These slots, in whatever order.
    pub(super) fn collect(mut slots: Vec<Slot>) -> Self {
        slots.sort_unstable();
        let mut ranges: Vec<Range<Slot>> = Vec::new();
        for slot in slots {
            match ranges.last_mut() {
                Some(last) if last.end >= slot => last.end = slot.saturating_add(1),
                _ => ranges.push(slot..slot.saturating_add(1)),
            }
        }
        Self(ranges)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn contains(&self, slot: Slot) -> bool {
        self.first_from(slot) == Some(slot)
    }

    /// The first slot that is not before `start`.
    pub(super) fn first_from(&self, start: Slot) -> Option<Slot> {
        let at = self.0.partition_point(|range| range.end <= start);
        self.0.get(at).map(|range| range.start.max(start))
    }

    /// The slots that are in both.
    pub(super) fn and(&self, other: &Self) -> Self {
        let mut both = Vec::new();
        let (mut ours, mut theirs) = (self.0.iter().peekable(), other.0.iter().peekable());
        while let (Some(our), Some(their)) = (ours.peek(), theirs.peek()) {
            let (start, end) = (our.start.max(their.start), our.end.min(their.end));
            if start < end {
                both.push(start..end);
            }
            if our.end < their.end {
                ours.next()
            } else {
                theirs.next()
            };
        }
        Self(both)
    }

    /// Takes out the slots that are in `other`.
    pub(super) fn remove(&mut self, other: &Self) {
        let mut rest = Vec::with_capacity(self.0.len());
        let mut holes = other.0.iter().peekable();
        for range in &self.0 {
            let mut start = range.start;
            while let Some(hole) = holes.peek().filter(|hole| hole.start < range.end) {
                if start < hole.start {
                    rest.push(start..hole.start);
                }
                start = start.max(hole.end);
                if hole.end > range.end {
                    // It may go on in the next range.
                    break;
                }
                holes.next();
            }
            if start < range.end {
                rest.push(start..range.end);
            }
        }
        self.0 = rest;
    }

    /// Adds the slots that are in `other`.
    pub(super) fn add(&mut self, other: &Self) {
        let mut ranges: Vec<Range<Slot>> = self.0.iter().chain(&other.0).cloned().collect();
        ranges.sort_unstable_by_key(|range| range.start);
        self.0.clear();
        for range in ranges {
            match self.0.last_mut() {
                Some(last) if last.end >= range.start => last.end = last.end.max(range.end),
                _ => self.0.push(range),
            }
        }
    }

    /// The slot after the last.
    pub(super) fn end(&self) -> Slot {
        self.0.last().map_or(0, |range| range.end)
    }

    /// The slots, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = Slot> {
        self.0.iter().cloned().flatten()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::{collection::vec, prelude::*};

    use super::*;

    fn set(slots: &Slots) -> BTreeSet<Slot> {
        slots.iter().collect()
    }

    proptest! {
        #[test]
        fn slots_are_a_set(ours in vec(0_u32..40, 0..30), theirs in vec(0_u32..40, 0..30), at in 0_u32..41) {
            let (left, right) = (Slots::collect(ours.clone()), Slots::collect(theirs.clone()));
            let ours: BTreeSet<Slot> = ours.into_iter().collect();
            let theirs: BTreeSet<Slot> = theirs.into_iter().collect();
            let (mut less, mut more) = (left.clone(), left.clone());
            less.remove(&right);
            more.add(&right);

            prop_assert_eq!(&set(&left), &ours);
            prop_assert_eq!(left.contains(at), ours.contains(&at));
            prop_assert_eq!(left.first_from(at), ours.range(at..).next().copied());
            prop_assert_eq!(set(&left.and(&right)), &ours & &theirs);
            prop_assert_eq!(set(&less), &ours - &theirs);
            prop_assert_eq!(set(&more), &ours | &theirs);
            prop_assert_eq!(less.is_empty(), ours.is_subset(&theirs));
            // Neighbours are one range, so that a walk leaves few.
            prop_assert_eq!(&more, &Slots::collect(more.iter().collect()));
        }
    }
}
