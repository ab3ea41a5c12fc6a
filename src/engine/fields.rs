//! The fields of one component, packed.
//!
//! A room holds hundreds of thousands of components of a few small fields each, so a component's fields are one
//! allocation: a run of entries
//!
//! ```text
//! entry := name-length name clock tag bytes?
//! tag   := length << 1           the value's JSON text follows
//!        | index << 1 | 1        the value is detached
//! ```
//!
//! with every number a LEB128 varint. Values that are large, or arrays that deltas change in place, are *detached*: kept
//! beside the entries, so that a write to a small neighbour does not copy them.

use super::{
    Clock,
    buffer::{Delta, count_numbers, parse_numbers, write_numbers},
    patch::{Field, Value},
    quota::{FIELD_BYTES, Growth, array_size, field_size, json_size},
};

/// From this many bytes on a value is kept beside the packed entries.
const DETACH_BYTES: usize = 1024;

/// A buffer that one huge component needed is not kept for the others.
const KEEP_BYTES: usize = 64 << 10;

/// What the shortest entry takes: a number each for the lengths of name and value and for the clock, and one digit.
const LEAST_ENTRY_BYTES: usize = 4;

/// From this many fields on an update is searched by its sorted names.
const SEARCH_SORTED: usize = 16;

/// Fields by name, each with its value and the clock of its last write. Iterates in the order of first writes.
#[derive(Debug, Default)]
pub struct Fields {
    entries: Box<[u8]>,
    #[expect(
        clippy::box_collection,
        reason = "most components have none, and a pointer is all that they pay"
    )]
    detached: Option<Box<Vec<Detached>>>,
}

/// A value beside the entries; or, in fields that a merge replaced, where it has gone.
#[derive(Debug)]
enum Detached {
    /// With its size as the quota has it, so that nobody has to read it for that.
    Json(Box<[u8]>, usize),
    Numbers(Vec<f64>),
    /// It stands at this index of the newer fields now.
    Moved(usize),
    /// There, and changed: the delta leads back.
    Changed(usize, Box<Delta>),
}

impl Default for Detached {
    fn default() -> Self {
        Self::Moved(0)
    }
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
    /// How many numbers it has; none where it is no array of numbers.
    pub(super) fn numbers(&self) -> Option<usize> {
        match self {
            Self::Json(json) => count_numbers(json),
            Self::Numbers(numbers) => Some(numbers.len()),
        }
    }

    /// Appends the JSON text of the value.
    pub fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Json(json) => out.extend_from_slice(json),
            Self::Numbers(numbers) => write_numbers(numbers, out),
        }
    }
}

impl Detached {
    /// As the quota has it.
    fn size(&self) -> usize {
        match self {
            Self::Json(_, size) => *size,
            Self::Numbers(numbers) => array_size(numbers.len()),
            Self::Moved(_) | Self::Changed(..) => 0,
        }
    }
}

/// The size of a stored value as the quota has it.
fn stored_size(stored: &Stored<'_>, detached: &[Detached]) -> usize {
    match stored {
        Stored::Packed(json) => json_size(json),
        Stored::Detached(index) => detached.get(*index).map_or(0, Detached::size),
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
        Entries { rest: &self.entries }
            .map(|entry| (entry.name, entry.clock, self.content(&entry.stored)))
    }

    /// The value of one field.
    pub fn get(&self, name: &[u8]) -> Option<Content<'_>> {
        self.iter().find(|(found, ..)| *found == name).map(|(.., content)| content)
    }

    /// Every field's name and its size, as the quota has it.
    pub(super) fn sizes(&self) -> impl Iterator<Item = (&[u8], usize)> {
        Entries { rest: &self.entries }.map(|entry| {
            let value = stored_size(&entry.stored, self.detached.as_ref().map_or(&[], |it| it));
            (entry.name, field_size(entry.name, value))
        })
    }

    /// The size of all fields.
    pub(super) fn size(&self) -> usize {
        self.sizes().fold(0, |sum, (_, size)| size.saturating_add(sum))
    }

    /// At least [`Self::size`], and quicker.
    pub(super) fn size_bound(&self) -> usize {
        let detached = self.detached.iter().flat_map(|detached| detached.iter());
        let packed = self.entries.len().saturating_add(self.count_bound() * FIELD_BYTES);
        detached.fold(packed, |sum, value| sum.saturating_add(value.size()))
    }

    /// At least how many fields there are.
    pub(super) fn count_bound(&self) -> usize {
        self.entries.len() / LEAST_ENTRY_BYTES
    }

    /// Writes an update's fields, each with `clock`; the others stay as they are (MG1, MG6).
    ///
    /// Deltas must have been checked before.
    pub(super) fn merge(
        &mut self,
        update: &[Field<'_>],
        clock: Clock,
        scratch: &mut Scratch,
    ) -> Growth {
        self.replace(update, clock, false, scratch).1
    }

    /// As [`Self::merge`], and returns what was there before, which [`Self::take_back`] can put back if it is `undoable`,
    /// and by how much the fields have grown.
    pub(super) fn replace(
        &mut self,
        update: &[Field<'_>],
        clock: Clock,
        undoable: bool,
        scratch: &mut Scratch,
    ) -> (Self, Growth) {
        let mut growth = Growth::default();
        let mut lookup = Lookup::new(update, scratch);
        let Self { entries, mut detached } = std::mem::take(self);
        let mut nothing = Vec::new();
        let mut old = Old { detached: detached.as_deref_mut().unwrap_or(&mut nothing), undoable };
        let mut next = Builder::new(std::mem::take(&mut scratch.entries), entries.len());

        for entry in (Entries { rest: &entries }) {
            let found = lookup.find(entry.name);
            if found.is_some() {
                growth.removed += field_size(entry.name, stored_size(&entry.stored, old.detached));
            }
            match found {
                Some(Field { value: Value::Json(json), .. }) => {
                    growth.added += next.json(entry.name, clock, json);
                }
                Some(Field { value: Value::Delta(_, delta), .. }) => {
                    let mut numbers = old.numbers(&entry.stored, delta, next.detached.len());
                    delta.apply(&mut numbers);
                    growth.added += next.detached(entry.name, clock, Detached::Numbers(numbers));
                }
                None => next.keep(&entry, &mut old),
            }
        }
        for field in lookup.unmatched() {
            growth.added += match &field.value {
                Value::Json(json) => next.json(field.name, clock, json),
                Value::Delta(_, delta) => {
                    let mut numbers = Vec::new();
                    delta.apply(&mut numbers);
                    next.detached(field.name, clock, Detached::Numbers(numbers))
                }
            };
        }
        lookup.recycle(scratch);
        *self = next.finish(scratch);
        (Self { entries, detached }, growth)
    }

    /// Puts back what an undoable merge replaced; later merges must have been taken back before.
    pub(super) fn take_back(&mut self, mut old: Self) {
        let mut newer = std::mem::take(&mut self.detached);
        let mut take = |index: usize| {
            newer.as_mut().and_then(|newer| newer.get_mut(index)).map(std::mem::take)
        };
        for value in old.detached.iter_mut().flat_map(|detached| detached.iter_mut()) {
            let back = match value {
                Detached::Json(..) | Detached::Numbers(_) => None,
                Detached::Moved(index) => take(*index),
                Detached::Changed(index, back) => match take(*index) {
                    Some(Detached::Numbers(mut numbers)) => {
                        back.apply(&mut numbers);
                        Some(Detached::Numbers(numbers))
                    }
                    other => other,
                },
            };
            if let Some(back) = back {
                *value = back;
            }
        }
        *self = old;
    }

    /// Adds a field as a snapshot holds it. Names must not repeat.
    pub(super) fn collect<'a>(
        fields: impl Iterator<Item = (&'a [u8], Clock, &'a [u8])>,
        scratch: &mut Scratch,
    ) -> Self {
        let mut next = Builder::new(std::mem::take(&mut scratch.entries), 0);
        for (name, clock, json) in fields {
            next.json(name, clock, json);
        }
        next.finish(scratch)
    }

    fn content<'a>(&'a self, stored: &Stored<'a>) -> Content<'a> {
        match stored {
            Stored::Packed(json) => Content::Json(json),
            Stored::Detached(index) => {
                match self.detached.as_ref().and_then(|detached| detached.get(*index)) {
                    Some(Detached::Json(json, _)) => Content::Json(json),
                    Some(Detached::Numbers(numbers)) => Content::Numbers(numbers),
                    Some(Detached::Moved(_) | Detached::Changed(..)) | None => {
                        Content::Json(b"null")
                    }
                }
            }
        }
    }
}

/// One packed entry.
struct Entry<'a> {
    name: &'a [u8],
    clock: Clock,
    stored: Stored<'a>,
}

enum Stored<'a> {
    Packed(&'a [u8]),
    Detached(usize),
}

/// The detached values of fields that are being replaced. What the new ones need is moved to them, not copied.
struct Old<'o> {
    detached: &'o mut [Detached],
    /// Whether what a delta overwrites is kept.
    undoable: bool,
}

impl Old<'_> {
    /// Moves a value to an index of the new fields.
    fn take(&mut self, index: usize, to: usize) -> Option<Detached> {
        self.detached.get_mut(index).map(|value| std::mem::replace(value, Detached::Moved(to)))
    }

    /// The array that a delta is about to change, for an index of the new fields.
    fn numbers(&mut self, stored: &Stored<'_>, delta: &Delta, to: usize) -> Vec<f64> {
        let index = match stored {
            Stored::Packed(json) => return parse_numbers(json).unwrap_or_default(),
            Stored::Detached(index) => *index,
        };
        let Some(value) = self.detached.get_mut(index) else { return Vec::new() };
        match value {
            Detached::Json(json, _) => parse_numbers(json).unwrap_or_default(),
            Detached::Numbers(numbers) => {
                let numbers = std::mem::take(numbers);
                *value = if self.undoable {
                    Detached::Changed(to, Box::new(delta.back_to(&numbers)))
                } else {
                    Detached::Moved(to)
                };
                numbers
            }
            Detached::Moved(_) | Detached::Changed(..) => Vec::new(),
        }
    }
}

/// Reads packed entries one after the other.
struct Entries<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Entries<'a> {
    type Item = Entry<'a>;

    fn next(&mut self) -> Option<Entry<'a>> {
        let length = self.number()?;
        let name = self.bytes(length)?;
        let clock = self.number()?;
        let tag = self.number()?;
        let stored = if tag & 1 == 1 {
            Stored::Detached(usize::try_from(tag >> 1).ok()?)
        } else {
            Stored::Packed(self.bytes(tag >> 1)?)
        };
        Some(Entry { name, clock, stored })
    }
}

impl<'a> Entries<'a> {
    fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        let mut shift = 0_u32;
        loop {
            let (byte, rest) = self.rest.split_first()?;
            self.rest = rest;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
            shift += 7;
        }
    }

    fn bytes(&mut self, length: u64) -> Option<&'a [u8]> {
        let (bytes, rest) = self.rest.split_at_checked(usize::try_from(length).ok()?)?;
        self.rest = rest;
        Some(bytes)
    }
}

/// Writes the entries of a component anew.
struct Builder {
    entries: Vec<u8>,
    detached: Vec<Detached>,
}

impl Builder {
    fn new(mut entries: Vec<u8>, expected: usize) -> Self {
        entries.clear();
        entries.reserve(expected);
        Self { entries, detached: Vec::new() }
    }

    /// Returns the size of the field.
    fn json(&mut self, name: &[u8], clock: Clock, json: &[u8]) -> usize {
        let size = json_size(json);
        if json.len() >= DETACH_BYTES {
            return self.detached(name, clock, Detached::Json(json.into(), size));
        }
        self.packed(name, clock, json);
        field_size(name, size)
    }

    fn packed(&mut self, name: &[u8], clock: Clock, json: &[u8]) {
        self.head(name, clock);
        self.number(length(json) << 1);
        self.entries.extend_from_slice(json);
    }

    /// Returns the size of the field.
    fn detached(&mut self, name: &[u8], clock: Clock, value: Detached) -> usize {
        self.head(name, clock);
        self.number(length(&self.detached) << 1 | 1);
        let size = value.size();
        self.detached.push(value);
        field_size(name, size)
    }

    /// Takes over an entry that the update does not touch.
    fn keep(&mut self, entry: &Entry<'_>, old: &mut Old<'_>) {
        match entry.stored {
            Stored::Packed(json) => self.packed(entry.name, entry.clock, json),
            Stored::Detached(index) => {
                if let Some(value) = old.take(index, self.detached.len()) {
                    self.detached(entry.name, entry.clock, value);
                }
            }
        }
    }

    fn finish(self, scratch: &mut Scratch) -> Fields {
        let fields = Fields {
            entries: self.entries.as_slice().into(),
            detached: (!self.detached.is_empty()).then(|| Box::new(self.detached)),
        };
        if self.entries.capacity() <= KEEP_BYTES {
            scratch.entries = self.entries;
        }
        fields
    }

    fn head(&mut self, name: &[u8], clock: Clock) {
        self.number(length(name));
        self.entries.extend_from_slice(name);
        self.number(clock);
    }

    fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.entries.push(u8::try_from(number & 0x7f).unwrap_or_default() | 0x80);
            number >>= 7;
        }
        self.entries.push(u8::try_from(number).unwrap_or_default());
    }
}

fn length<T>(slice: &[T]) -> u64 {
    u64::try_from(slice.len()).unwrap_or(u64::MAX)
}

/// Finds an update's fields by name and remembers which were found.
struct Lookup<'u, 'f> {
    update: &'u [Field<'f>],
    matched: Vec<bool>,
    by_name: Vec<usize>,
}

impl<'u, 'f> Lookup<'u, 'f> {
    fn new(update: &'u [Field<'f>], scratch: &mut Scratch) -> Self {
        let mut matched = std::mem::take(&mut scratch.matched);
        matched.clear();
        matched.resize(update.len(), false);
        let mut by_name = std::mem::take(&mut scratch.by_name);
        by_name.clear();
        if update.len() >= SEARCH_SORTED {
            by_name.extend(0..update.len());
            by_name.sort_unstable_by_key(|index| update.get(*index).map(|field| field.name));
        }
        Self { update, matched, by_name }
    }

    fn find(&mut self, name: &[u8]) -> Option<&'u Field<'f>> {
        let index = if self.update.len() < SEARCH_SORTED {
            self.update.iter().position(|field| field.name == name)?
        } else {
            let at = self
                .by_name
                .binary_search_by_key(&Some(name), |index| {
                    self.update.get(*index).map(|field| field.name)
                })
                .ok()?;
            *self.by_name.get(at)?
        };
        if let Some(matched) = self.matched.get_mut(index) {
            *matched = true;
        }
        self.update.get(index)
    }

    fn unmatched(&self) -> impl Iterator<Item = &'u Field<'f>> {
        self.update
            .iter()
            .zip(&self.matched)
            .filter(|(_, matched)| !**matched)
            .map(|(field, _)| field)
    }

    fn recycle(self, scratch: &mut Scratch) {
        scratch.matched = self.matched;
        scratch.by_name = self.by_name;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::engine::buffer::Delta;

    fn json<'f>(name: &'f str, value: &'f str) -> Field<'f> {
        Field { name: name.as_bytes(), value: Value::Json(value.as_bytes()) }
    }

    fn delta(name: &str, len: usize, offset: usize, number: f64) -> Field<'_> {
        let delta = Delta { len, runs: vec![(offset, 1)], numbers: vec![number] };
        Field { name: name.as_bytes(), value: Value::Delta(b"", Box::new(delta)) }
    }

    fn merged(updates: &[(&[Field<'_>], Clock)]) -> Fields {
        let mut fields = Fields::default();
        for (update, clock) in updates {
            fields.merge(update, *clock, &mut Scratch::default());
        }
        fields
    }

    fn read(fields: &Fields) -> Vec<(String, Clock, String)> {
        fields
            .iter()
            .map(|(name, clock, content)| {
                let mut text = Vec::new();
                content.write(&mut text);
                (
                    String::from_utf8_lossy(name).into_owned(),
                    clock,
                    String::from_utf8_lossy(&text).into_owned(),
                )
            })
            .collect()
    }

    #[test]
    fn mg1_the_last_write_wins_per_field() {
        let fields = merged(&[
            (&[json("x", "1"), json("y", "2")], 1),
            (&[json("y", "30"), json("z", "4")], 2),
        ]);

        let expected = [("x", 1, "1"), ("y", 2, "30"), ("z", 2, "4")];
        assert_eq!(
            read(&fields),
            expected.map(|(name, clock, value)| (name.into(), clock, value.into()))
        );
    }

    #[test]
    fn mg7_a_delta_builds_on_text_on_a_delta_and_on_nothing() {
        let fields = merged(&[
            (&[json("a", "[1,2]")], 1),
            (&[delta("a", 3, 2, 9.0), delta("b", 2, 1, 5.0)], 2),
            (&[delta("a", 3, 0, 7.0)], 300),
        ]);

        assert_eq!(fields.get(b"a"), Some(Content::Numbers(&[7.0, 2.0, 9.0])));
        assert_eq!(fields.get(b"b"), Some(Content::Numbers(&[0.0, 5.0])));
    }

    #[test]
    fn mg9_only_arrays_of_numbers_accept_a_delta() {
        let fields = merged(&[(
            &[json("a", "[1]"), json("s", "\"x\""), json("n", "[null]"), delta("d", 3, 0, 1.0)],
            1,
        )]);

        let bases = ["a", "d", "s", "n"].map(|name| fields.get(name.as_bytes())?.numbers());
        assert_eq!(bases, [Some(1), Some(3), None, None]);
    }

    #[test]
    fn large_values_survive_writes_to_their_neighbours() {
        let large = format!("\"{}\"", "x".repeat(5_000));

        let fields = merged(&[
            (&[json("large", &large), json("x", "1")], 1),
            (&[json("x", "2")], 2),
            (&[json("large", "0")], 3),
            (&[json("large", &large)], 4),
        ]);

        assert_eq!(fields.get(b"large"), Some(Content::Json(large.as_bytes())));
        assert_eq!(fields.get(b"x"), Some(Content::Json(b"2")));
    }

    proptest! {
        #[test]
        fn mg1_merging_equals_a_map(
            updates in prop::collection::vec(
                prop::collection::btree_map("[a-z]{1,2}", "[0-9]{1,3}", 0..40), 1..8
            )
        ) {
            let mut expected = BTreeMap::new();
            let mut fields = Fields::default();
            for (step, update) in updates.iter().enumerate() {
                let clock = Clock::try_from(step * 1_000).unwrap();
                let update: Vec<_> = update.iter().map(|(name, value)| json(name, value)).collect();
                fields.merge(&update, clock, &mut Scratch::default());
                for field in &update {
                    let Value::Json(value) = field.value else { continue };
                    expected.insert(
                        String::from_utf8_lossy(field.name).into_owned(),
                        (clock, String::from_utf8_lossy(value).into_owned()),
                    );
                }
            }

            let actual: BTreeMap<_, _> =
                read(&fields).into_iter().map(|(name, clock, value)| (name, (clock, value))).collect();
            prop_assert_eq!(actual, expected);
        }
    }
}
