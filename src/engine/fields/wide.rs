//! Many fields: a write costs what it writes, not what stands beside it, and so does taking it back.

use super::{
    super::{
        Clock,
        patch::{Field, Value},
        quota::{Growth, field_size},
    },
    detached::{DETACH_BYTES, Detached, changed_array},
    entries::{Entries, Entry, MOST_HEAD_BYTES, Stored},
    packed::Packed,
    stored_size,
};

/// Entries one behind the other, found by name. One that is written again goes to the end; the old one stays as waste.
/// A value that was detached once stays so, however small its successors are.
#[derive(Debug, Clone)]
pub(super) struct Wide {
    text: Vec<u8>,
    /// Where each field's entry is, in the order of first writes.
    places: Vec<usize>,
    /// The indices of `places`, sorted by the fields' names.
    by_name: Vec<u32>,
    detached: Vec<Detached>,
    size: usize,
}

/// What a write found: enough to undo it.
#[derive(Debug)]
pub(in crate::engine) struct Overwritten {
    fields: usize,
    detached: usize,
    size: usize,
    values: Vec<Before>,
}

/// A field before a write.
#[derive(Debug)]
struct Before {
    field: usize,
    clock: Clock,
    value: Detached,
    /// Where the value was detached, if it was.
    index: Option<usize>,
}

impl Wide {
    pub(super) fn of(packed: Packed) -> Self {
        let (text, detached) = (packed.entries.into_vec(), packed.detached.unwrap_or_default());
        let (mut places, mut size) = (Vec::new(), 0_usize);
        let (mut entries, mut place) = (Entries { rest: &text }, 0);
        while let Some((entry, bytes)) = entries.next_with_bytes() {
            places.push(place);
            place += bytes.len();
            size =
                size.saturating_add(field_size(entry.name, stored_size(&entry.stored, &detached)));
        }
        let mut wide = Self { text, places, by_name: Vec::new(), detached: *detached, size };
        let mut by_name: Vec<u32> = (0..wide.places.len()).map(narrow).collect();
        by_name.sort_unstable_by_key(|field| wide.name(index(*field)));
        wide.by_name = by_name;
        wide
    }

    pub(super) fn count(&self) -> usize {
        self.places.len()
    }

    pub(super) fn size(&self) -> usize {
        self.size
    }

    pub(super) fn detached(&self) -> &[Detached] {
        &self.detached
    }

    pub(super) fn detached_mut(&mut self) -> &mut [Detached] {
        &mut self.detached
    }

    /// The entries one behind the other, in the order of first writes, without waste.
    pub(super) fn text_in_order(&self) -> Vec<u8> {
        let entries = self.places.iter().filter_map(|place| self.rest(*place).next_with_bytes());
        entries.flat_map(|(_, bytes)| bytes).copied().collect()
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = Entry<'_>> {
        self.places.iter().filter_map(|place| self.rest(*place).next())
    }

    pub(super) fn find(&self, name: &[u8]) -> Option<Entry<'_>> {
        let field = *self.by_name.get(self.search(name).ok()?)?;
        self.entry(index(field))
    }

    /// As [`super::Fields::merge`].
    #[inline(never)]
    pub(super) fn merge(&mut self, update: &[Field<'_>], clock: Clock) -> Growth {
        self.write(update, clock, false).1
    }

    /// As [`super::Fields::replace`].
    pub(super) fn write(
        &mut self,
        update: &[Field<'_>],
        clock: Clock,
        undoable: bool,
    ) -> (Overwritten, Growth) {
        let mut growth = Growth::default();
        let mut overwritten = Overwritten {
            fields: self.places.len(),
            detached: self.detached.len(),
            size: self.size,
            values: Vec::new(),
        };
        for Field { name, value } in update {
            let stored = match self.search(name) {
                Ok(at) => {
                    let field = self.by_name.get(at).map_or(usize::MAX, |field| index(*field));
                    let Some(mut before) = self.before(field) else { continue };
                    growth.removed += field_size(name, before.value.size());
                    let stored = self.value(value, Some(&mut before), undoable);
                    self.place(field, &Entry { name, clock, stored });
                    if undoable {
                        overwritten.values.push(before);
                    }
                    stored
                }
                Err(at) => {
                    let field = self.places.len();
                    self.places.push(0);
                    self.by_name.insert(at, narrow(field));
                    let stored = self.value(value, None, undoable);
                    self.place(field, &Entry { name, clock, stored });
                    stored
                }
            };
            growth.added += field_size(name, stored_size(&stored, &self.detached));
        }
        self.size = self.size.saturating_add(growth.added).saturating_sub(growth.removed);
        (overwritten, growth)
    }

    /// Undoes a write; later ones must have been undone before.
    pub(super) fn take_back(&mut self, overwritten: Overwritten) {
        for Before { field, clock, mut value, index } in overwritten.values.into_iter().rev() {
            value.put_back(&mut self.detached);
            let name = self.name(field).to_vec();
            let stored = match (index, &value) {
                (None, Detached::Json(json, _)) => Stored::Packed(json),
                (index, _) => Stored::Detached(index.unwrap_or_default()),
            };
            self.place(field, &Entry { name: &name, clock, stored });
            if let Some(slot) = index.and_then(|index| self.detached.get_mut(index)) {
                *slot = value;
            }
        }
        self.detached.truncate(overwritten.detached);
        if self.places.len() > overwritten.fields {
            self.places.truncate(overwritten.fields);
            self.by_name.retain(|field| index(*field) < overwritten.fields);
        }
        self.size = overwritten.size;
    }

    /// Takes a field's value out.
    fn before(&mut self, field: usize) -> Option<Before> {
        let Entry { clock, stored, .. } = self.entry(field)?;
        Some(match stored {
            Stored::Packed(json) => {
                Before { field, clock, value: Detached::json(json), index: None }
            }
            Stored::Detached(index) => {
                let value = std::mem::take(self.detached.get_mut(index)?);
                Before { field, clock, value, index: Some(index) }
            }
        })
    }

    /// Where the new value of a field is, which is put there if it is to be detached.
    fn value<'v>(
        &mut self,
        value: &'v Value<'_>,
        before: Option<&mut Before>,
        undoable: bool,
    ) -> Stored<'v> {
        let place = before.as_ref().and_then(|before| before.index);
        let detached = match value {
            Value::Json(json) if place.is_none() && json.len() < DETACH_BYTES => {
                return Stored::Packed(json);
            }
            Value::Json(json) => Detached::json(json),
            Value::Delta(_, delta) => Detached::Numbers(match before {
                Some(before) => before.value.change(delta, place.unwrap_or_default(), undoable),
                None => changed_array(b"[]", delta),
            }),
        };
        let index = place.unwrap_or(self.detached.len());
        match self.detached.get_mut(index) {
            Some(slot) => *slot = detached,
            None => self.detached.push(detached),
        }
        Stored::Detached(index)
    }

    /// Writes a field's entry.
    fn place(&mut self, field: usize, entry: &Entry<'_>) {
        let json = if let Stored::Packed(json) = entry.stored { json.len() } else { 0 };
        let most = entry.name.len() + json + MOST_HEAD_BYTES;
        if self.text.capacity() - self.text.len() < most {
            self.clear_waste(most);
        }
        let place = self.text.len();
        entry.write(&mut self.text);
        if let Some(slot) = self.places.get_mut(field) {
            *slot = place;
        }
    }

    /// Writes all entries anew, with room for half as much again and `more`.
    fn clear_waste(&mut self, more: usize) {
        let lengths: Vec<usize> = self.places.iter().map(|place| self.length(*place)).collect();
        let live: usize = lengths.iter().sum();
        let mut text = Vec::with_capacity(live + live / 2 + more);
        for (place, length) in self.places.iter_mut().zip(lengths) {
            let entry = self.text.get(*place..).and_then(|rest| rest.get(..length));
            *place = text.len();
            text.extend_from_slice(entry.unwrap_or_default());
        }
        self.text = text;
    }

    fn length(&self, place: usize) -> usize {
        self.rest(place).next_with_bytes().map_or(0, |(_, bytes)| bytes.len())
    }

    /// The index of `by_name` where a name is, or would be.
    fn search(&self, name: &[u8]) -> Result<usize, usize> {
        self.by_name.binary_search_by_key(&name, |field| self.name(index(*field)))
    }

    fn name(&self, field: usize) -> &[u8] {
        self.entry(field).map(|entry| entry.name).unwrap_or_default()
    }

    fn entry(&self, field: usize) -> Option<Entry<'_>> {
        self.rest(*self.places.get(field)?).next()
    }

    fn rest(&self, place: usize) -> Entries<'_> {
        Entries { rest: self.text.get(place..).unwrap_or_default() }
    }
}

fn narrow(field: usize) -> u32 {
    u32::try_from(field).unwrap_or(u32::MAX)
}

fn index(field: u32) -> usize {
    usize::try_from(field).unwrap_or(usize::MAX)
}
