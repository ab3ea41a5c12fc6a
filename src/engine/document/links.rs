//! What a component holds of its place in the list of changes, small: a server holds millions of them.

use super::{Clock, Slot};

/// The neighbour of a component in the list of changes, if it has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Link(Slot);

impl Link {
    /// No slot has this number: there would have to be 4,294,967,296 of them.
    pub(super) const NONE: Self = Self(Slot::MAX);

    pub(super) fn to(slot: Slot) -> Self {
        Self(slot)
    }

    pub(super) fn slot(self) -> Option<Slot> {
        (self != Self::NONE).then_some(self.0)
    }
}

impl Default for Link {
    fn default() -> Self {
        Self::NONE
    }
}

/// The clock of a component's last change, and in its lowest bit whether the component is alive. Clocks are numbers that JSON can hold
/// exactly, so the highest bit of one is free.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Stamp(u64);

impl Stamp {
    /// Both in one number, for [`Self::of`].
    pub(super) fn number(self) -> u64 {
        self.0
    }

    pub(super) fn of(number: u64) -> Self {
        Self(number)
    }

    pub(super) fn changed(self) -> Clock {
        self.0 >> 1
    }

    pub(super) fn is_alive(self) -> bool {
        self.0 & 1 == 1
    }

    /// Returns the clock before.
    pub(super) fn set_changed(&mut self, clock: Clock) -> Clock {
        let before = self.changed();
        self.0 = clock << 1 | self.0 & 1;
        before
    }

    /// Returns whether the component was alive.
    pub(super) fn set_alive(&mut self, alive: bool) -> bool {
        let before = self.is_alive();
        self.0 = self.0 & !1 | u64::from(alive);
        before
    }
}
