//! Few fields: one allocation, written anew by each merge that changes the length of a value.

use std::cell::RefCell;

use super::{
    super::{
        Clock,
        patch::{Field, Value},
        quota::{FIELD_BYTES, Growth, array_size, field_size},
    },
    Scratch,
    detached::{DETACH_BYTES, Detached, changed_array},
    entries::{Entries, Entry, LEAST_ENTRY_BYTES, Stored, number_bytes},
    rewriting::Rewriting,
    stored_size,
};

/// A buffer that one huge component needed is not kept for the others.
pub(super) const KEEP_BYTES: usize = 64 << 10;

/// From this many fields on an update is searched by its sorted names.
const SEARCH_SORTED: usize = 16;

thread_local! {
    /// One for all rooms: each of thousands would else keep some hundred bytes for it.
    static REWRITING: RefCell<Rewriting> = const { RefCell::new(Rewriting::new()) };
}

#[derive(Debug, Clone, Default)]
pub(super) struct Packed {
    pub(super) entries: Box<[u8]>,
    #[expect(
        clippy::box_collection,
        reason = "most components have none, and a pointer is all that they pay"
    )]
    pub(super) detached: Option<Box<Vec<Detached>>>,
}

impl Packed {
    pub(super) fn entries(&self) -> Entries<'_> {
        Entries { rest: &self.entries }
    }

    pub(super) fn detached(&self) -> &[Detached] {
        self.detached.as_ref().map_or(&[], |detached| detached)
    }

    pub(super) fn find(&self, name: &[u8]) -> Option<Entry<'_>> {
        self.entries().find(|entry| entry.name == name)
    }

    /// At least the size of all fields, and quicker.
    pub(super) fn size_bound(&self) -> usize {
        let packed = self.entries.len().saturating_add(self.count_bound() * FIELD_BYTES);
        self.detached().iter().fold(packed, |sum, value| sum.saturating_add(value.size()))
    }

    /// At least how many fields there are.
    pub(super) fn count_bound(&self) -> usize {
        self.entries.len() / LEAST_ENTRY_BYTES
    }

    /// As [`super::Fields::merge`].
    pub(super) fn merge(
        &mut self,
        update: &[Field<'_>],
        clock: Clock,
        scratch: &mut Scratch,
    ) -> Growth {
        let usual = if self.detached.is_none() {
            self.rewrite(update, clock)
        } else {
            self.change_in_place(update, clock)
        };
        usual.unwrap_or_else(|| self.rebuild(update, clock, false, scratch).1)
    }

    /// As [`super::Fields::replace`], but for what is returned: fields that [`Self::take_back`] can put back.
    pub(super) fn replace(
        &mut self,
        update: &[Field<'_>],
        clock: Clock,
        scratch: &mut Scratch,
    ) -> (Self, Growth) {
        if self.detached.is_none() {
            let old = Self { entries: self.entries.clone(), detached: None };
            return (old, self.merge(update, clock, scratch));
        }
        self.rebuild(update, clock, true, scratch)
    }

    /// Writes whatever there is anew. Gives what it was, for [`Self::take_back`] if it is `undoable`, and by how much it grew.
    fn rebuild(
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
        let old = detached.as_deref_mut().unwrap_or(&mut nothing);
        let mut next = Builder::new(std::mem::take(&mut scratch.entries), entries.len());

        let mut rest = Entries { rest: &entries };
        while let Some((entry, bytes)) = rest.next_with_bytes() {
            let found = lookup.find(entry.name);
            if found.is_some() {
                growth.removed += field_size(entry.name, stored_size(&entry.stored, old));
            }
            match found {
                Some(Field { value: Value::Json(json), .. }) => {
                    growth.added += next.json(entry.name, clock, json);
                }
                Some(Field { value: Value::Delta(_, delta), .. }) => {
                    let to = next.detached.len();
                    let numbers = match entry.stored {
                        Stored::Packed(json) => changed_array(json, delta),
                        Stored::Detached(index) => old
                            .get_mut(index)
                            .map(|value| value.change(delta, to, undoable))
                            .unwrap_or_default(),
                    };
                    growth.added += next.detached(entry.name, clock, Detached::Numbers(numbers));
                }
                None => next.keep(&entry, bytes, old),
            }
        }
        for Field { name, value } in lookup.unmatched() {
            growth.added += match value {
                Value::Json(json) => next.json(name, clock, json),
                Value::Delta(_, delta) => {
                    let numbers = changed_array(b"[]", delta);
                    next.detached(name, clock, Detached::Numbers(numbers))
                }
            };
        }
        lookup.recycle(scratch);
        *self = next.finish(scratch);
        (Self { entries, detached }, growth)
    }

    /// [`Self::merge`] as it usually is.
    #[inline]
    fn rewrite(&mut self, update: &[Field<'_>], clock: Clock) -> Option<Growth> {
        REWRITING.with_borrow_mut(|rewriting| rewriting.write(&mut self.entries, update, clock))
    }

    /// [`Self::merge`] of one delta, as who draws sends them, to an array that has been changed before.
    fn change_in_place(&mut self, update: &[Field<'_>], clock: Clock) -> Option<Growth> {
        let [Field { name, value: Value::Delta(_, delta) }] = update else { return None };
        let mut rest = self.entries();
        let entry = rest.find(|entry| entry.name == *name)?;
        let Stored::Detached(index) = entry.stored else { return None };
        let end = self.entries.len() - rest.rest.len();
        let at = entry.clock_at(end).filter(|at| at.len() == number_bytes(clock).1)?;
        let Some(Detached::Numbers(numbers)) = self.detached.as_mut()?.get_mut(index) else {
            return None;
        };
        let removed = field_size(name, array_size(numbers.len()));
        delta.apply(numbers);
        let (bytes, length) = number_bytes(clock);
        self.entries.get_mut(at)?.copy_from_slice(bytes.get(..length)?);
        Some(Growth { added: field_size(name, array_size(delta.len)), removed })
    }

    /// Makes fields that were replaced what they were; `newer` are the detached values of those that took their place.
    pub(super) fn take_back(&mut self, newer: &mut [Detached]) {
        for value in self.detached.iter_mut().flat_map(|detached| detached.iter_mut()) {
            value.put_back(newer);
        }
    }

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
}

/// A field's text, if it becomes a value that stands among the entries.
#[inline]
pub(super) fn small_json<'f>(field: &Field<'f>) -> Option<&'f [u8]> {
    match field.value {
        Value::Json(json) if json.len() < DETACH_BYTES => Some(json),
        Value::Json(_) | Value::Delta(..) => None,
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
        if json.len() >= DETACH_BYTES {
            return self.detached(name, clock, Detached::json(json));
        }
        let stored = Stored::Packed(json);
        Entry { name, clock, stored }.write(&mut self.entries);
        field_size(name, stored_size(&stored, &[]))
    }

    /// Returns the size of the field.
    fn detached(&mut self, name: &[u8], clock: Clock, value: Detached) -> usize {
        let stored = Stored::Detached(self.detached.len());
        Entry { name, clock, stored }.write(&mut self.entries);
        let size = value.size();
        self.detached.push(value);
        field_size(name, size)
    }

    /// Takes over an entry that the update does not touch. A detached value is moved, not copied.
    fn keep(&mut self, entry: &Entry<'_>, bytes: &[u8], old: &mut [Detached]) {
        match entry.stored {
            Stored::Packed(_) => self.entries.extend_from_slice(bytes),
            Stored::Detached(index) => {
                if let Some(value) = old.get_mut(index) {
                    let value = std::mem::replace(value, Detached::Moved(self.detached.len()));
                    self.detached(entry.name, entry.clock, value);
                }
            }
        }
    }

    fn finish(self, scratch: &mut Scratch) -> Packed {
        let fields = Packed {
            entries: self.entries.as_slice().into(),
            detached: (!self.detached.is_empty()).then(|| Box::new(self.detached)),
        };
        if self.entries.capacity() <= KEEP_BYTES {
            scratch.entries = self.entries;
        }
        fields
    }
}

/// Finds an update's fields by name and remembers which were found.
struct Lookup<'u, 'f> {
    update: &'u [Field<'f>],
    matched: Vec<bool>,
    by_name: Vec<usize>,
    /// Where the next one is likely to be: clients write their fields in one order.
    likely: usize,
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
        Self { update, matched, by_name, likely: 0 }
    }

    fn find(&mut self, name: &[u8]) -> Option<&'u Field<'f>> {
        let is_likely = self.update.get(self.likely).is_some_and(|field| field.name == name);
        let index = if is_likely {
            self.likely
        } else if self.update.len() < SEARCH_SORTED {
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
        self.likely = index + 1;
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
