//! The fields of one component.
//!
//! A room holds hundreds of thousands of components of a few small fields each, so a component's fields are one
//! allocation, a run of [`entries`], which each write copies ([`packed`]). Those of the few components where that would cost
//! more than what is written are found by their names ([`wide`]). Values that are large, or arrays that deltas change in place,
//! are [`detached`]: kept beside the entries, so that a write to a small neighbour does not copy them.

mod detached;
mod entries;
mod overwriting;
mod packed;
mod resting;
mod rewriting;
mod wide;
mod writer;

use detached::Detached;
pub(super) use entries::push_number;
use entries::{Entry, Stored};
use packed::Packed;
pub(super) use resting::Unpacking;
use wide::{Overwritten, Wide};

use super::{
    Clock,
    buffer::{count_numbers, write_numbers},
    patch::Field,
    quota::{Growth, field_size, json_size},
};

/// With more bytes of entries fields are wide.
const MOST_PACKED_BYTES: usize = 1024;

/// Fields by name, each with its value and the clock of its last write. Iterates in the order of first writes.
#[derive(Debug, Clone, Default)]
pub struct Fields(Form);

#[derive(Debug, Clone)]
enum Form {
    Packed(Packed),
    Wide(Box<Wide>),
}

impl Default for Form {
    fn default() -> Self {
        Self::Packed(Packed::default())
    }
}

/// What a write replaced.
#[derive(Debug)]
pub(super) enum Replaced {
    /// All there was.
    Whole(Fields),
    /// Some of what there is.
    Part(Box<Overwritten>),
}

/// The value of a field as it is stored.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Content<'a> {
    /// Canonical JSON text.
    Json(&'a [u8]),
    /// An array that a delta has changed.
    Numbers(&'a [f64]),
}

impl Content<'_> {
    /// Appends the JSON text of the value.
    pub fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Json(json) => out.extend_from_slice(json),
            Self::Numbers(numbers) => write_numbers(numbers, out),
        }
    }
}

/// Buffers that merges reuse, so that a write allocates nothing but the component's new entries.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    entries: Vec<u8>,
    matched: Vec<bool>,
    by_name: Vec<usize>,
}

impl Fields {
    /// Every field: its name, the clock of its last write, its value.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], Clock, Content<'_>)> {
        self.entries().map(|entry| (entry.name, entry.clock, self.content(&entry.stored)))
    }

    /// The value of one field.
    pub fn get(&self, name: &[u8]) -> Option<Content<'_>> {
        self.find(name).map(|entry| self.content(&entry.stored))
    }

    /// How many numbers a delta finds in a field: none (`Some(0)`) where there is no such field, and no array (`None`) where
    /// that holds anything else.
    pub(super) fn base(&self, name: &[u8]) -> Option<usize> {
        self.find(name).map_or(Some(0), |entry| match entry.stored {
            Stored::Packed(json) => count_numbers(json),
            Stored::Detached(index) => self.detached().get(index).and_then(Detached::numbers),
        })
    }

    /// The size of one field, as the quota has it.
    pub(super) fn size_of(&self, name: &[u8]) -> Option<usize> {
        self.find(name).map(|entry| self.entry_size(&entry))
    }

    /// The size of all fields.
    pub(super) fn size(&self) -> usize {
        match &self.0 {
            Form::Packed(packed) => {
                packed.entries().fold(0, |sum, entry| self.entry_size(&entry).saturating_add(sum))
            }
            Form::Wide(wide) => wide.size(),
        }
    }

    /// At least [`Self::size`], and quicker.
    pub(super) fn size_bound(&self) -> usize {
        match &self.0 {
            Form::Packed(packed) => packed.size_bound(),
            Form::Wide(wide) => wide.size(),
        }
    }

    /// About how much text tells what is newer than `since`, and hardly less than that; since 0 everything is.
    pub(super) fn size_since(&self, since: Clock) -> usize {
        if since == 0 {
            return self.size_bound();
        }
        let newer = self.entries().filter(|entry| entry.clock > since);
        newer.fold(0, |sum, entry| self.entry_size(&entry).saturating_add(sum))
    }

    /// How many fields there are.
    pub(super) fn count(&self) -> usize {
        match &self.0 {
            Form::Packed(packed) => packed.entries().count(),
            Form::Wide(wide) => wide.count(),
        }
    }

    /// At least [`Self::count`], and quicker.
    pub(super) fn count_bound(&self) -> usize {
        match &self.0 {
            Form::Packed(packed) => packed.count_bound(),
            Form::Wide(wide) => wide.count(),
        }
    }

    /// Writes an update's fields, each with `clock`; the others stay as they are (MG1, MG6).
    ///
    /// Deltas must have been checked before.
    #[inline]
    pub(super) fn merge(
        &mut self,
        update: &[Field<'_>],
        clock: Clock,
        scratch: &mut Scratch,
    ) -> Growth {
        match &mut self.0 {
            Form::Packed(packed) => {
                let growth = packed.merge(update, clock, scratch);
                self.widen();
                growth
            }
            Form::Wide(wide) => wide.merge(update, clock),
        }
    }

    /// As [`Self::merge`], and returns what was there before, which [`Self::take_back`] can put back, and by how much the fields have
    /// grown.
    pub(super) fn replace(
        &mut self,
        update: &[Field<'_>],
        clock: Clock,
        scratch: &mut Scratch,
    ) -> (Replaced, Growth) {
        match &mut self.0 {
            Form::Packed(packed) => {
                let (old, growth) = packed.replace(update, clock, scratch);
                self.widen();
                (Replaced::Whole(Self(Form::Packed(old))), growth)
            }
            Form::Wide(wide) => {
                let (overwritten, growth) = wide.write(update, clock, true);
                (Replaced::Part(Box::new(overwritten)), growth)
            }
        }
    }

    /// Puts back what a write replaced; later merges must have been taken back before.
    pub(super) fn take_back(&mut self, replaced: Replaced) {
        match (replaced, &mut self.0) {
            (Replaced::Whole(mut old), newer) => {
                if let Form::Packed(packed) = &mut old.0 {
                    packed.take_back(newer.detached_mut());
                }
                *self = old;
            }
            (Replaced::Part(overwritten), Form::Wide(wide)) => wide.take_back(*overwritten),
            // Only a write to wide fields replaces a part, and leaves them wide.
            (Replaced::Part(_), Form::Packed(_)) => {}
        }
    }

    /// Adds a field as a snapshot holds it. Names must not repeat.
    pub(super) fn collect<'a>(
        fields: impl Iterator<Item = (&'a [u8], Clock, &'a [u8])>,
        scratch: &mut Scratch,
    ) -> Self {
        let mut collected = Self(Form::Packed(Packed::collect(fields, scratch)));
        collected.widen();
        collected
    }

    #[inline]
    fn widen(&mut self) {
        if let Form::Packed(packed) = &mut self.0
            && packed.entries.len() > MOST_PACKED_BYTES
        {
            self.0 = Self::widened(std::mem::take(packed));
        }
    }

    #[cold]
    fn widened(packed: Packed) -> Form {
        Form::Wide(Box::new(Wide::of(packed)))
    }

    fn entries(&self) -> impl Iterator<Item = Entry<'_>> {
        let (packed, wide) = match &self.0 {
            Form::Packed(packed) => (Some(packed.entries()), None),
            Form::Wide(wide) => (None, Some(wide.entries())),
        };
        packed.into_iter().flatten().chain(wide.into_iter().flatten())
    }

    fn find(&self, name: &[u8]) -> Option<Entry<'_>> {
        match &self.0 {
            Form::Packed(packed) => packed.find(name),
            Form::Wide(wide) => wide.find(name),
        }
    }

    fn detached(&self) -> &[Detached] {
        match &self.0 {
            Form::Packed(packed) => packed.detached(),
            Form::Wide(wide) => wide.detached(),
        }
    }

    fn entry_size(&self, entry: &Entry<'_>) -> usize {
        field_size(entry.name, stored_size(&entry.stored, self.detached()))
    }

    fn content<'a>(&'a self, stored: &Stored<'a>) -> Content<'a> {
        match stored {
            Stored::Packed(json) => Content::Json(json),
            Stored::Detached(index) => match self.detached().get(*index) {
                Some(Detached::Json(json, _)) => Content::Json(json),
                Some(Detached::Numbers(numbers)) => Content::Numbers(numbers),
                Some(Detached::Moved(_) | Detached::Changed(..)) | None => Content::Json(b"null"),
            },
        }
    }
}

impl Form {
    fn detached_mut(&mut self) -> &mut [Detached] {
        match self {
            Self::Packed(packed) => packed.detached.as_mut().map_or(&mut [], |detached| detached),
            Self::Wide(wide) => wide.detached_mut(),
        }
    }
}

/// The size of a stored value as the quota has it.
#[inline]
fn stored_size(stored: &Stored<'_>, detached: &[Detached]) -> usize {
    match stored {
        Stored::Packed(json) => json_size(json),
        Stored::Detached(index) => detached.get(*index).map_or(0, Detached::size),
    }
}

#[cfg(test)]
mod tests;
