//! The frames that nearly all are, in one pass.

mod kinds;

use kinds::{Kinds, Known, with_kinds};

use super::{
    super::{
        json::{
            Names,
            checked::{
                Step, Values, before, byte, expect, integer, items, longer_number, more_items,
                name, number, short_number, string,
            },
            is_ascii,
        },
        limits::Limits,
    },
    patches::{FrameParts, set_bounds},
};
use crate::engine::{Delta, Field, PatchMemory, Patches, Update, Value, array_size};

/// How frames are decoded; what comes out is the same (CV7).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Decoding {
    /// Those that [`decode_usual`] knows by it, others as [`Self::Careful`] does.
    #[default]
    SinglePass,
    /// All by [`super::FrameText::read`] and [`super::decode_frame`].
    Careful,
}

/// The objects and arrays around a field's value in a frame.
const NESTING_OF_FIELDS: usize = 4;

/// What an update and a field take in a frame, roughly.
const UPDATE_BYTES: usize = 64;
const FIELD_BYTES: usize = 16;

/// What a number of a delta takes.
const NUMBER_BYTES: usize = 8;

/// For so many updates, fields or numbers there is room from the start.
const MOST_FORESEEN: usize = 256;

/// The field that makes or deletes its component.
const EXISTENCE: &[u8] = b"_exists";

/// What makes a value a buffer delta.
const DELTA_NAME: &[u8] = b"__buf";

/// Decodes a `patch` as clients send it into `parts`, which must hold nothing yet: canonical text, nothing beyond any limit, nothing
/// unknown. False for every other frame, which [`super::decode_frame`] then looks at from the start; so what is accepted here,
/// it would accept as the same.
#[must_use]
pub fn decode_usual<'f>(bytes: &'f [u8], limits: &Limits, parts: &mut FrameParts<'f>) -> bool {
    decode(bytes, limits, parts).is_some()
}

fn decode<'f>(bytes: &'f [u8], limits: &Limits, parts: &mut FrameParts<'f>) -> Option<()> {
    let is_text = is_ascii(bytes) || std::str::from_utf8(bytes).is_ok();
    if !is_text || bytes.len() > limits.frame_bytes {
        return None;
    }
    let depth = limits.depth.checked_sub(NESTING_OF_FIELDS)?;
    let reader = Reader { values: Values::new(DELTA_NAME), limits, depth };
    with_kinds(|kinds| {
        Decoder { reader, kinds, keys: 0, frame_bytes: bytes.len() }.frame(bytes, parts)
    })
}

struct Decoder<'f, 'l> {
    reader: Reader<'f, 'l>,
    kinds: &'l mut Kinds,
    /// How many component keys the frame has so far.
    keys: usize,
    frame_bytes: usize,
}

/// Reads names and values.
struct Reader<'f, 'l> {
    values: Values<'f>,
    limits: &'l Limits,
    /// How deep a field's value may be nested.
    depth: usize,
}

impl<'f> Decoder<'f, '_> {
    fn frame(mut self, text: &'f [u8], parts: &mut FrameParts<'f>) -> Option<()> {
        let FrameParts { message_id, document, presence, memory } = parts;
        let mut rest = expect(text, b"{\"type\":\"patch\"")?;
        loop {
            if let Some(value) = expect(rest, b",\"messageId\":") {
                rest = string(value)?.1;
                if message_id.replace(before(value, rest)?).is_some() {
                    return None;
                }
            } else if let Some(value) = expect(rest, b",\"documentPatches\":") {
                rest = self.patches(value, document, memory)?;
            } else if let Some(value) = expect(rest, b",\"ephemeralPatches\":") {
                rest = self.patches(value, presence, memory)?;
            } else {
                return (rest == b"}").then_some(());
            }
        }
    }

    /// Reads a list of patches, unless there was one.
    fn patches(
        &mut self,
        text: &'f [u8],
        patches: &mut Patches<'f>,
        memory: &mut PatchMemory<'f>,
    ) -> Option<&'f [u8]> {
        if !patches.text.is_empty() {
            return None;
        }
        let updates = (text.len() / UPDATE_BYTES + 1).min(MOST_FORESEEN);
        let fields = (text.len() / FIELD_BYTES + 1).min(MOST_FORESEEN);
        patches.take_memory(memory, updates, fields);
        set_bounds(patches, self.frame_bytes, self.reader.limits);
        let rest = items(byte(text, b'[')?, b']', |patch| {
            let rest = self.patch(patch, patches)?;
            patches.count += 1;
            Some(rest)
        })?;
        patches.text = before(text, rest)?;
        Some(rest)
    }

    fn patch(&mut self, text: &'f [u8], patches: &mut Patches<'f>) -> Option<&'f [u8]> {
        let first = patches.updates.len();
        let text = byte(text, b'{')?;
        if let Some(rest) = byte(text, b'}') {
            return Some(rest);
        }
        let (key, component) = self.key(text)?;
        let rest = self.component(key, component, patches)?;
        match rest.split_first()? {
            (b'}', rest) => Some(rest),
            (b',', rest) => self.other_components(rest, first, patches),
            _ => None,
        }
    }

    /// Steps over the components of a patch behind its first one, of which the update is the one at `first`.
    fn other_components(
        &mut self,
        text: &'f [u8],
        first: usize,
        patches: &mut Patches<'f>,
    ) -> Option<&'f [u8]> {
        let mut names = Names::default();
        names.note_other(patches.updates.get(first)?.key);
        let rest = more_items(text, b'}', |member| {
            let (key, component) = self.key(member)?;
            let earlier = patches.updates.get(first..)?.iter().map(|update| update.key);
            if names.repeats(key, earlier) {
                return None;
            }
            self.component(key, component, patches)
        })?;
        let all = patches.updates.get(first..)?.iter().map(|update| update.key);
        (!names.repeat(all)).then_some(rest)
    }

    #[inline]
    fn key(&mut self, text: &'f [u8]) -> Step<'f, &'f [u8]> {
        self.keys += 1;
        self.reader.name(text).filter(|_| self.keys <= self.reader.limits.keys)
    }

    fn component(
        &mut self,
        key: &'f [u8],
        text: &'f [u8],
        patches: &mut Patches<'f>,
    ) -> Option<&'f [u8]> {
        let first = patches.fields.len();
        let inside = byte(text, b'{')?;
        let kind = self.kinds.of(key, inside)?;
        let reader = &mut self.reader;
        if kind.longest > reader.limits.name_bytes {
            return None;
        }
        let mut may_have_existence = kind.has_existence;
        let rest = match kind.fields(inside, |name, value| reader.field(name, value, patches))? {
            Known::Whole(rest) => rest,
            Known::Part(text) => {
                let known = patches.fields.len() - first;
                let rest = reader.other_fields(text, first, patches)?;
                may_have_existence = true;
                kind.learn(patches.fields.get(first..)?.iter().map(|field| field.name), known);
                rest
            }
        };
        let mut existence = None;
        if may_have_existence
            && let Some(field) =
                patches.fields.get(first..)?.iter().find(|field| field.name == EXISTENCE)
        {
            existence = Some(is_true(&field.value)?);
        }
        let (patch, fields) = (patches.count, first..patches.fields.len());
        let text = before(text, rest)?;
        patches.updates.push(Update { patch, key, text, existence, fields });
        Some(rest)
    }
}

impl<'f> Reader<'f, '_> {
    /// Steps over the value of a field whose name is known to be one.
    #[inline]
    fn field(
        &mut self,
        name: &'f [u8],
        text: &'f [u8],
        patches: &mut Patches<'f>,
    ) -> Option<&'f [u8]> {
        let rest = match text.first()? {
            b'"' => string(text)?.1,
            b'-' | b'0'..=b'9' => short_number(text).or_else(|| longer_number(text))?,
            _ => {
                let (value, rest) = self.value(text, patches)?;
                patches.fields.push(Field { name, value });
                return Some(rest);
            }
        };
        patches.fields.push(Field { name, value: Value::Json(before(text, rest)?) });
        Some(rest)
    }

    /// Steps over fields that were not known, behind those from `first` on that were, and over the end of the component.
    #[cold]
    fn other_fields(
        &mut self,
        text: &'f [u8],
        first: usize,
        patches: &mut Patches<'f>,
    ) -> Option<&'f [u8]> {
        let mut names = Names::default();
        let none_yet = patches.fields.len() == first;
        patches.fields.get(first..)?.iter().for_each(|field| names.note_other(field.name));
        let item = |member| {
            let (name, value) = self.name(member)?;
            let earlier = patches.fields.get(first..)?.iter().map(|field| field.name);
            if names.repeats(name, earlier) {
                return None;
            }
            let (value, rest) = self.value(value, patches)?;
            patches.fields.push(Field { name, value });
            Some(rest)
        };
        let rest = if none_yet { items(text, b'}', item) } else { more_items(text, b'}', item) }?;
        let all = patches.fields.get(first..)?.iter().map(|field| field.name);
        (!names.repeat(all)).then_some(rest)
    }

    #[inline]
    fn name(&self, text: &'f [u8]) -> Step<'f, &'f [u8]> {
        name(text).filter(|(name, _)| name.len() <= self.limits.name_bytes)
    }

    fn value(&mut self, text: &'f [u8], patches: &mut Patches<'f>) -> Step<'f, Value<'f>> {
        if text.first() == Some(&b'{')
            && let Some(delta) = expect(text, b"{\"__buf\":1,\"len\":")
        {
            return self.delta(text, delta, patches);
        }
        let (json, rest) = self.values.value(text, self.depth)?;
        Some((Value::Json(json), rest))
    }

    /// A delta: its `text`, and the `rest` of it from its length on.
    fn delta(
        &self,
        text: &'f [u8],
        rest: &'f [u8],
        patches: &mut Patches<'f>,
    ) -> Step<'f, Value<'f>> {
        // An object, a list of runs, a run, its numbers.
        self.depth.checked_sub(4)?;
        let (len, rest) = integer(rest)?;
        if len > self.limits.buffer_numbers {
            return None;
        }
        let foreseen = (rest.len() / NUMBER_BYTES + 1).min(MOST_FORESEEN);
        let mut delta =
            Delta { len, runs: Vec::with_capacity(1), numbers: Vec::with_capacity(foreseen) };
        let rest = expect(rest, b",\"runs\":[")?;
        let rest = byte(items(rest, b']', |item| run(item, &mut delta))?, b'}')?;
        patches.has_deltas = true;
        patches.arrays = patches.arrays.saturating_add(array_size(len));
        Some((Value::Delta(before(text, rest)?, Box::new(delta)), rest))
    }
}

/// Steps over a run of a delta.
fn run<'f>(text: &'f [u8], delta: &mut Delta) -> Option<&'f [u8]> {
    let (offset, rest) = integer(byte(text, b'[')?)?;
    let first = delta.numbers.len();
    let rest = items(expect(rest, b",[")?, b']', |item| {
        let (value, rest) = number(item)?;
        delta.numbers.push(value);
        Some(rest)
    })?;
    delta.runs.push((offset, delta.numbers.len() - first));
    byte(rest, b']')
}

fn is_true(value: &Value<'_>) -> Option<bool> {
    match value {
        Value::Json(b"true") => Some(true),
        Value::Json(b"false") => Some(false),
        Value::Json(_) | Value::Delta(..) => None,
    }
}

#[cfg(test)]
mod tests;
