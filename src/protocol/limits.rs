//! What a frame may ask for. No honest client comes near any of these.

use crate::engine::Quota;

/// The limits that decoding enforces (SPEC.md section 11).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a frame.
    pub frame_bytes: usize,
    /// Nesting of objects and arrays.
    pub depth: usize,
    /// Component keys of a frame, those of all its patches together.
    pub keys: usize,
    /// Bytes of a key or field name, as JSON text without the quotes.
    pub name_bytes: usize,
    /// Numbers of an array that a delta makes.
    pub buffer_numbers: usize,
    /// Numbers that the deltas of a frame may ask for beyond [`Self::buffer_growth_per_byte`].
    pub buffer_growth_base: usize,
    /// Numbers that the deltas of a frame may ask for, per byte of the frame.
    pub buffer_growth_per_byte: usize,
    /// What the room may hold, which the engine enforces.
    pub quota: Quota,
}

impl Limits {
    /// For what was accepted before, under limits that may have been others: nothing but recursion is bounded, and how much
    /// memory a few bytes may ask for. An array of so many numbers is as large as the largest document.
    pub const ACCEPTED_BEFORE: Self = Self {
        frame_bytes: usize::MAX,
        depth: 256,
        keys: usize::MAX,
        name_bytes: usize::MAX,
        buffer_numbers: 1 << 27,
        buffer_growth_base: usize::MAX,
        buffer_growth_per_byte: usize::MAX,
        quota: Quota::NONE,
    };
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            frame_bytes: 16 << 20,
            depth: 64,
            keys: 100_000,
            name_bytes: 16 << 10,
            buffer_numbers: 1 << 20,
            buffer_growth_base: 65_536,
            buffer_growth_per_byte: 64,
            quota: Quota {
                fields: 10_000,
                component_bytes: 16 << 20,
                document_bytes: 1 << 30,
                components: 1_000_000,
                presence_bytes: 1 << 20,
            },
        }
    }
}
