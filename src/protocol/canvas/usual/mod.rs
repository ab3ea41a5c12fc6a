//! The frames that nearly all are, in one pass.

use super::{
    super::{
        json::{CheckedReader, Names},
        limits::Limits,
    },
    patches::no_patches,
};
use crate::engine::{Delta, Field, Frame, PatchList, Patches, Update, Value, array_size};

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

/// For so many updates or fields there is room from the start.
const MOST_FORESEEN: usize = 256;

/// What makes a value a buffer delta.
const DELTA_NAME: &[u8] = b"__buf";

/// Decodes a `patch` as clients send it: canonical text, nothing beyond any limit, nothing unknown. None for every other frame,
/// which [`super::decode_frame`] then looks at from the start; so what is accepted here, it would accept as the same.
pub fn decode_usual<'f>(bytes: &'f [u8], limits: &Limits) -> Option<Frame<'f>> {
    let is_text = bytes.is_ascii() || std::str::from_utf8(bytes).is_ok();
    if !is_text || bytes.len() > limits.frame_bytes {
        return None;
    }
    let depth = limits.depth.checked_sub(NESTING_OF_FIELDS)?;
    let text = CheckedReader::new(bytes, DELTA_NAME);
    Decoder { text, limits, depth, keys: 0, frame_bytes: bytes.len() }.frame()
}

struct Decoder<'f, 'l> {
    text: CheckedReader<'f>,
    limits: &'l Limits,
    /// How deep a field's value may be nested.
    depth: usize,
    /// How many component keys the frame has so far.
    keys: usize,
    frame_bytes: usize,
}

impl<'f> Decoder<'f, '_> {
    fn frame(mut self) -> Option<Frame<'f>> {
        self.text.expect(b"{\"type\":\"patch\"")?;
        let (mut message_id, mut document, mut presence) = (None, None, None);
        while !self.text.ends(b'}')? {
            let is_first = match self.text.name()? {
                b"messageId" => message_id.replace(self.string()?).is_none(),
                b"documentPatches" => document.replace(self.patches()?).is_none(),
                b"ephemeralPatches" => presence.replace(self.patches()?).is_none(),
                _ => false,
            };
            if !is_first {
                return None;
            }
        }
        let (document, presence) = (document.unwrap_or_default(), presence.unwrap_or_default());
        self.text.is_at_end().then_some(Frame::Patch { message_id, document, presence })
    }

    fn string(&mut self) -> Option<&'f [u8]> {
        let start = self.text.at();
        self.text.string()?;
        self.text.since(start)
    }

    fn patches(&mut self) -> Option<Patches<'f>> {
        let start = self.text.at();
        let rest = self.frame_bytes - start;
        let mut patches = PatchList {
            updates: Vec::with_capacity((rest / UPDATE_BYTES + 1).min(MOST_FORESEEN)),
            fields: Vec::with_capacity((rest / FIELD_BYTES + 1).min(MOST_FORESEEN)),
            ..no_patches(self.frame_bytes, self.limits)
        };
        self.text.expect(b"[")?;
        if !self.text.eat(b']') {
            loop {
                self.patch(&mut patches)?;
                patches.count += 1;
                if self.text.ends(b']')? {
                    break;
                }
            }
        }
        patches.text = self.text.since(start)?;
        Some(patches.into())
    }

    fn patch(&mut self, patches: &mut PatchList<'f>) -> Option<()> {
        self.text.expect(b"{")?;
        if self.text.eat(b'}') {
            return Some(());
        }
        let first = patches.updates.len();
        let mut names = Names::default();
        loop {
            let key = self.name()?;
            let earlier = patches.updates.get(first..)?.iter().map(|update| update.key);
            self.keys += 1;
            if names.repeats(key, earlier) || self.keys > self.limits.keys {
                return None;
            }
            self.component(key, patches)?;
            if self.text.ends(b'}')? {
                break;
            }
        }
        let all = patches.updates.get(first..)?.iter().map(|update| update.key);
        (!names.repeat(all)).then_some(())
    }

    fn component(&mut self, key: &'f [u8], patches: &mut PatchList<'f>) -> Option<()> {
        let start = self.text.at();
        let first = patches.fields.len();
        let mut existence = None;
        self.text.expect(b"{")?;
        if !self.text.eat(b'}') {
            let mut names = Names::default();
            loop {
                let name = self.name()?;
                let earlier = patches.fields.get(first..)?.iter().map(|field| field.name);
                if names.repeats(name, earlier) {
                    return None;
                }
                let value = self.value(patches)?;
                if name == b"_exists" {
                    existence = Some(is_true(&value)?);
                }
                patches.fields.push(Field { name, value });
                if self.text.ends(b'}')? {
                    break;
                }
            }
            if names.repeat(patches.fields.get(first..)?.iter().map(|field| field.name)) {
                return None;
            }
        }
        let (patch, fields) = (patches.count, first..patches.fields.len());
        let text = self.text.since(start)?;
        patches.updates.push(Update { patch, key, text, existence, fields });
        Some(())
    }

    fn name(&mut self) -> Option<&'f [u8]> {
        self.text.name().filter(|name| name.len() <= self.limits.name_bytes)
    }

    fn value(&mut self, patches: &mut PatchList<'f>) -> Option<Value<'f>> {
        let start = self.text.at();
        let is_delta =
            self.text.peek() == Some(b'{') && self.text.expect(b"{\"__buf\":1,\"len\":").is_some();
        if !is_delta {
            return self.text.value(self.depth).map(Value::Json);
        }
        // An object, a list of runs, a run, its numbers.
        self.depth.checked_sub(4)?;
        let delta = self.delta().filter(|delta| delta.len <= self.limits.buffer_numbers)?;
        patches.has_deltas = true;
        patches.arrays = patches.arrays.saturating_add(array_size(delta.len));
        Some(Value::Delta(self.text.since(start)?, Box::new(delta)))
    }

    /// The rest of a delta, from its length on.
    fn delta(&mut self) -> Option<Delta> {
        let mut delta = Delta { len: self.text.integer()?, ..Delta::default() };
        self.text.expect(b",\"runs\":[")?;
        if !self.text.eat(b']') {
            loop {
                self.run(&mut delta)?;
                if self.text.ends(b']')? {
                    break;
                }
            }
        }
        self.text.expect(b"}")?;
        Some(delta)
    }

    fn run(&mut self, delta: &mut Delta) -> Option<()> {
        self.text.expect(b"[")?;
        let offset = self.text.integer()?;
        self.text.expect(b",[")?;
        let before = delta.numbers.len();
        if !self.text.eat(b']') {
            loop {
                delta.numbers.push(self.text.number()?);
                if self.text.ends(b']')? {
                    break;
                }
            }
        }
        self.text.expect(b"]")?;
        delta.runs.push((offset, delta.numbers.len() - before));
        Some(())
    }
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
