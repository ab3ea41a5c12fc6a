//! Choices that the fuzzer makes. When its bytes are used up everything chosen is the first.

use arbitrary::Unstructured;

/// Where choices come from.
pub(super) struct Choices<'d>(Unstructured<'d>);

impl<'d> Choices<'d> {
    pub(super) fn new(data: &'d [u8]) -> Self {
        Self(Unstructured::new(data))
    }

    pub(super) fn are_left(&self) -> bool {
        !self.0.is_empty()
    }

    /// A number below `end`.
    pub(super) fn below(&mut self, end: usize) -> usize {
        self.0.choose_index(end).unwrap_or(0)
    }

    pub(super) fn byte(&mut self) -> u8 {
        self.0.arbitrary().unwrap_or(0)
    }

    pub(super) fn number(&mut self) -> u64 {
        self.0.arbitrary().unwrap_or(0)
    }

    /// True once in so many times, and never when nothing is left.
    pub(super) fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 1
    }

    pub(super) fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }

    /// Up to so many bytes as the fuzzer has them.
    pub(super) fn bytes(&mut self, most: usize) -> &'d [u8] {
        let count = self.below(most + 1).min(self.0.len());
        self.0.bytes(count).unwrap_or_default()
    }
}
