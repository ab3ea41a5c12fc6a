//! How much a document, or one client's presence, may hold: reckoned before anything changes.
//!
//! The *size* of what is held counts the bytes of keys, of field names and of values, each as canonical JSON text without
//! the quotes around names. That of a document or a presence also counts what keeping them costs beside the text:
//! [`COMPONENT_BYTES`] for each component or tombstone, [`FIELD_BYTES`] for each field. An array of numbers that deltas change counts [`ARRAY_BYTES`] and
//! [`NUMBER_BYTES`] for each number, and as text no more than that, so that what a room holds fits again when it is loaded.
//!
//! Most frames are let through on an upper bound ([`Bounds::are_far`]): what is there, and all that the frame's text and its deltas
//! could add. Only over it a [`Ledger`] plays the frame's updates over the sizes of the components that they touch.

use std::collections::BTreeMap;

use super::{
    buffer::count_numbers,
    fields::Fields,
    patch::{Field, Patches, Refusal, RefusalCode, Update, Value},
};

/// How much a room may hold (SPEC.md section 11).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// Fields of a component.
    pub fields: usize,
    /// The size of a component, its key included, but for what keeping it costs beside the text.
    pub component_bytes: usize,
    /// The size of the document.
    pub document_bytes: usize,
    /// Components that are alive.
    pub components: usize,
    /// The size of one client's presence.
    pub presence_bytes: usize,
}

impl Quota {
    /// Bounds nothing.
    pub const NONE: Self = Self {
        fields: usize::MAX,
        component_bytes: usize::MAX,
        document_bytes: usize::MAX,
        components: usize::MAX,
        presence_bytes: usize::MAX,
    };
}

/// What a component or a tombstone costs beside its text: without it, millions of short keys would count as nothing.
const COMPONENT_BYTES: usize = 64;

/// What a field costs beside its text.
pub(super) const FIELD_BYTES: usize = 8;

/// What an array of numbers costs beside its numbers.
const ARRAY_BYTES: usize = 24;

/// What a number of an array costs.
const NUMBER_BYTES: usize = 8;

/// The size of a component or a tombstone, but for its fields.
pub(super) fn key_size(key: &[u8]) -> usize {
    key.len().saturating_add(COMPONENT_BYTES)
}

/// The size that counts for a component, of so many fields of this size.
fn component_size(key: &[u8], fields: usize, bytes: usize) -> usize {
    bytes.saturating_sub(fields.saturating_mul(FIELD_BYTES)).saturating_add(key.len())
}

/// The size of a field with a value of this size.
pub(super) fn field_size(name: &[u8], value: usize) -> usize {
    name.len().saturating_add(value).saturating_add(FIELD_BYTES)
}

/// The size of a value that is JSON text.
#[inline]
pub(super) fn json_size(json: &[u8]) -> usize {
    if is_array(json) { text_size(json, count_numbers(json)) } else { json.len() }
}

/// Whether a value is an array: only then is its size another than its length.
#[inline]
pub(super) fn is_array(json: &[u8]) -> bool {
    json.first() == Some(&b'[')
}

/// The size of a value that is JSON text, of an array of so many numbers if it is one.
pub(super) fn text_size(json: &[u8], numbers: Option<usize>) -> usize {
    numbers.map_or(json.len(), |numbers| array_size(numbers).min(json.len()))
}

/// The size of an array of so many numbers.
pub fn array_size(numbers: usize) -> usize {
    numbers.saturating_mul(NUMBER_BYTES).saturating_add(ARRAY_BYTES)
}

/// By how much a write made something larger, and smaller.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Growth {
    pub(super) added: usize,
    pub(super) removed: usize,
}

/// The size of what is held, and marks that no component has ever been above.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Usage {
    /// The exact size.
    pub(super) bytes: usize,
    largest: usize,
    most_fields: usize,
}

impl Usage {
    pub(super) const NONE: Self = Self { bytes: 0, largest: 0, most_fields: 0 };

    pub(super) fn change(&mut self, growth: Growth) {
        self.bytes = self.bytes.saturating_add(growth.added).saturating_sub(growth.removed);
    }

    /// Takes note of how a component has grown that has been written.
    #[inline]
    pub(super) fn grow(&mut self, growth: Growth, key: &[u8], fields: &Fields) {
        // Where nothing was added values were written over by others that are as long.
        if growth.added > 0 {
            self.change(growth);
            self.note(key, fields);
        }
    }

    /// Takes note of a component that has been written.
    pub(super) fn note(&mut self, key: &[u8], fields: &Fields) {
        self.largest = self.largest.max(fields.size_bound().saturating_add(key_size(key)));
        self.most_fields = self.most_fields.max(fields.count_bound());
    }

    /// Takes up another, so that each part is at least as large as in both.
    #[inline]
    pub(super) fn cover(&mut self, other: &Self) {
        self.bytes = self.bytes.max(other.bytes);
        self.largest = self.largest.max(other.largest);
        self.most_fields = self.most_fields.max(other.most_fields);
    }
}

/// The bounds of a document, or of a client's presence.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    pub(super) fields: usize,
    pub(super) component_bytes: usize,
    pub(super) components: usize,
    pub(super) bytes: usize,
    /// Whether what is deleted leaves a tombstone.
    pub(super) keeps_tombstones: bool,
    pub(super) code: RefusalCode,
    /// What is bounded, for people.
    pub(super) what: &'static str,
}

impl Bounds {
    pub(super) fn of_document(quota: &Quota) -> Self {
        Self {
            fields: quota.fields,
            component_bytes: quota.component_bytes,
            components: quota.components,
            bytes: quota.document_bytes,
            keeps_tombstones: true,
            code: RefusalCode::DocumentTooLarge,
            what: "the document",
        }
    }

    pub(super) fn of_presence(quota: &Quota) -> Self {
        Self {
            fields: quota.fields,
            component_bytes: quota.component_bytes,
            components: usize::MAX,
            bytes: quota.presence_bytes,
            keeps_tombstones: false,
            code: RefusalCode::PresenceTooLarge,
            what: "the client's presence",
        }
    }

    /// Whether patches leave something in its bounds, whatever they write: holds what is there, and all that their text and their
    /// deltas could add. Quick, and where it fails they may still.
    #[inline]
    pub(super) fn are_far(&self, patches: &Patches<'_>, usage: &Usage, alive: usize) -> bool {
        let (fields, updates) = (patches.fields.len(), patches.updates.len());
        // No list is as long as the address space.
        let costs = patches.text.len() + fields * FIELD_BYTES + updates * COMPONENT_BYTES;
        let adds = patches.arrays.saturating_add(costs);
        usage.bytes.saturating_add(adds) <= self.bytes
            && usage.largest.saturating_add(adds) <= self.component_bytes
            && usage.most_fields + fields <= self.fields
            && alive + updates <= self.components
    }

    /// Refuses patches that would make something grow over its bound. What becomes smaller, or stays as it is, may be
    /// over it.
    ///
    /// `bytes` is the size of what is there. `stored` gives the fields under a key and whether they are alive; a key that is not there
    /// has none.
    pub(super) fn check<'a>(
        &self,
        patches: &Patches<'_>,
        bytes: usize,
        alive: usize,
        stored: impl Fn(&[u8]) -> Option<(&'a Fields, bool)>,
    ) -> Result<(), Refusal> {
        let mut ledger = Ledger::default();
        for update in &patches.updates {
            let draft =
                ledger.drafts.entry(update.key).or_insert_with(|| Draft::of(stored(update.key)));
            draft.take(update, patches.fields_of(update), self.keeps_tombstones);
        }
        ledger.settle(self, bytes, alive)
    }
}

/// What the components that a frame touches would become.
#[derive(Default)]
struct Ledger<'u> {
    drafts: BTreeMap<&'u [u8], Draft<'u>>,
}

impl Ledger<'_> {
    fn settle(self, bounds: &Bounds, bytes: usize, alive: usize) -> Result<(), Refusal> {
        let mut total = Growth::default();
        let (mut born, mut died) = (0_usize, 0_usize);
        for (key, draft) in &self.drafts {
            let (was, is) = (draft.was.text_size(key), draft.now.text_size(key));
            if is > bounds.component_bytes && is > was {
                let message = over(&named(key), is, "bytes", bounds.component_bytes);
                return Err(Refusal::new(RefusalCode::ComponentTooLarge, message));
            }
            if draft.now.fields > bounds.fields && draft.now.fields > draft.was.fields {
                let message = over(&named(key), draft.now.fields, "fields", bounds.fields);
                return Err(Refusal::new(RefusalCode::TooManyFields, message));
            }
            total.added = total.added.saturating_add(draft.now.size(key));
            total.removed = total.removed.saturating_add(draft.was.size(key));
            born += usize::from(draft.now.alive && !draft.was.alive);
            died += usize::from(draft.was.alive && !draft.now.alive);
        }
        let components = alive.saturating_add(born).saturating_sub(died);
        if components > bounds.components && born > died {
            let message = over(bounds.what, components, "components", bounds.components);
            return Err(Refusal::new(RefusalCode::TooManyComponents, message));
        }
        let after = bytes.saturating_add(total.added).saturating_sub(total.removed);
        if after > bounds.bytes && after > bytes {
            return Err(Refusal::new(bounds.code, over(bounds.what, after, "bytes", bounds.bytes)));
        }
        Ok(())
    }
}

/// A component as it was, and as the updates seen so far would leave it.
struct Draft<'u> {
    was: Tally,
    now: Tally,
    /// What was there, unless the updates have deleted it.
    stored: Option<&'u Fields>,
    /// The size of each field that the updates wrote.
    written: BTreeMap<&'u [u8], usize>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Tally {
    /// Whether there is anything, be it a tombstone.
    exists: bool,
    alive: bool,
    fields: usize,
    /// The size of all fields.
    bytes: usize,
}

impl Tally {
    /// The size that counts for a component.
    fn text_size(&self, key: &[u8]) -> usize {
        if self.exists { component_size(key, self.fields, self.bytes) } else { 0 }
    }

    /// The size that counts for a whole.
    fn size(&self, key: &[u8]) -> usize {
        if self.exists { self.bytes.saturating_add(key_size(key)) } else { 0 }
    }
}

impl<'u> Draft<'u> {
    fn of<'a: 'u>(stored: Option<(&'a Fields, bool)>) -> Self {
        let was = stored.map_or_else(Tally::default, |(fields, alive)| Tally {
            exists: true,
            alive,
            fields: fields.count(),
            bytes: fields.size(),
        });
        let stored = stored.map(|(fields, _)| fields);
        Self { was, now: was, stored, written: BTreeMap::new() }
    }

    /// Does what a merge would (MG2, MG3, TB1, TB2).
    fn take(&mut self, update: &Update<'u>, fields: &'u [Field<'u>], keeps_tombstones: bool) {
        match update.existence {
            Some(false) => {
                self.stored = None;
                self.written.clear();
                self.now = Tally { exists: keeps_tombstones, ..Tally::default() };
            }
            Some(true) => {
                (self.now.exists, self.now.alive) = (true, true);
                self.write(fields);
            }
            None if self.now.alive => self.write(fields),
            None => {}
        }
    }

    fn write(&mut self, fields: &'u [Field<'u>]) {
        for field in fields {
            let value = match &field.value {
                Value::Json(json) => json_size(json),
                Value::Delta(_, delta) => array_size(delta.len),
            };
            let size = field_size(field.name, value);
            let before = self.written.insert(field.name, size);
            let before = before.or_else(|| self.stored?.size_of(field.name));
            self.now.fields += usize::from(before.is_none());
            self.now.bytes =
                self.now.bytes.saturating_add(size).saturating_sub(before.unwrap_or_default());
        }
    }
}

/// Refuses a document that holds more than a room may: what is loaded, where nothing has to grow to be refused.
pub fn check_document(document: &super::Document, quota: &Quota) -> Result<(), Refusal> {
    let refuse = |code, message| Err(Refusal::new(code, message));
    for component in document.components() {
        let (count, bytes) = (component.fields().count(), component.fields().size());
        let size = component_size(component.key(), count, bytes);
        if size > quota.component_bytes {
            let message = over(&named(component.key()), size, "bytes", quota.component_bytes);
            return refuse(RefusalCode::ComponentTooLarge, message);
        }
        if count > quota.fields {
            let message = over(&named(component.key()), count, "fields", quota.fields);
            return refuse(RefusalCode::TooManyFields, message);
        }
    }
    let what = "the document";
    if document.alive() > quota.components {
        let message = over(what, document.alive(), "components", quota.components);
        return refuse(RefusalCode::TooManyComponents, message);
    }
    if document.bytes() > quota.document_bytes {
        let message = over(what, document.bytes(), "bytes", quota.document_bytes);
        return refuse(RefusalCode::DocumentTooLarge, message);
    }
    Ok(())
}

/// How much of a key a message shows.
const SHOWN_KEY_BYTES: usize = 128;

fn named(key: &[u8]) -> String {
    let shown = key.get(..SHOWN_KEY_BYTES).unwrap_or(key);
    let more = if shown.len() < key.len() { "..." } else { "" };
    format!("component \"{}{more}\"", String::from_utf8_lossy(shown))
}

fn over(what: &str, value: usize, unit: &str, limit: usize) -> String {
    format!("{what} would have {value} {unit}, over the limit of {limit}")
}
