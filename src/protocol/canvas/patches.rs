//! Lists of patches: their shape, and the deltas in them.

use super::{
    super::{json::Reader, limits::Limits},
    loaded::check_name,
};
use crate::engine::{
    Delta, Field, Frame, PatchMemory, Patches, Quota, Refusal, RefusalCode, Update, Value,
    array_size,
};

/// What a frame is decoded into.
#[derive(Debug, Default)]
pub struct FrameParts<'f> {
    /// The JSON text of its `messageId`, if it has one.
    pub(super) message_id: Option<&'f [u8]>,
    pub(super) document: Patches<'f>,
    pub(super) presence: Patches<'f>,
    /// For the first list of patches; most frames have one.
    pub(super) memory: PatchMemory<'f>,
}

impl<'f> FrameParts<'f> {
    /// Nothing yet, and memory for patches.
    pub fn within(memory: PatchMemory<'f>) -> Self {
        Self { message_id: None, document: Patches::NONE, presence: Patches::NONE, memory }
    }

    /// The `patch` that was decoded.
    #[inline]
    pub fn patch(&self) -> Frame<'_> {
        let Self { message_id, document, presence, memory: _ } = self;
        Frame::Patch { message_id: *message_id, document, presence }
    }

    /// Memory for the patches of any other frame.
    pub fn into_memory<'g>(self) -> PatchMemory<'g> {
        let Self { document, presence, message_id: _, memory: _ } = self;
        if document.is_empty() { presence.into_memory() } else { document.into_memory() }
    }
}

/// Decodes the canonical text of a list of patches into one that may hold others. `keys` counts the components of the frame so
/// far.
pub(super) fn decode_patches<'f>(
    text: &'f [u8],
    frame_bytes: usize,
    limits: &Limits,
    keys: &mut usize,
    patches: &mut Patches<'f>,
) -> Result<(), Refusal> {
    *patches = Patches { text, ..Patches::default() };
    set_bounds(patches, frame_bytes, limits);
    let mut decoder = Decoder { limits, keys, patches };
    let mut reader = Reader::new(text);
    if !reader.eat(b'[') {
        return Err(bad_patch("a list of patches must be an array"));
    }
    while reader.item() {
        decoder.patch(&mut reader)?;
    }
    Ok(())
}

/// Sets what bounds the patches of a frame of this length.
pub(super) fn set_bounds(patches: &mut Patches<'_>, frame_bytes: usize, limits: &Limits) {
    patches.growth = frame_bytes
        .saturating_mul(limits.buffer_growth_per_byte)
        .saturating_add(limits.buffer_growth_base);
    patches.is_exempt = limits.quota == Quota::NONE;
}

/// The component keys in a list of patches that may be malformed in any way.
pub(super) fn touched_keys(list: Option<&[u8]>) -> Vec<&[u8]> {
    let mut keys = Vec::new();
    let Some(list) = list else { return keys };
    let mut reader = Reader::new(list);
    if !reader.eat(b'[') {
        return keys;
    }
    while reader.item() {
        let mut patch = Reader::new(reader.value());
        if patch.eat(b'{') {
            while let Some(key) = patch.name() {
                patch.value();
                keys.push(key);
            }
        }
    }
    keys
}

struct Decoder<'f, 'l> {
    limits: &'l Limits,
    keys: &'l mut usize,
    patches: &'l mut Patches<'f>,
}

impl<'f> Decoder<'f, '_> {
    fn patch(&mut self, reader: &mut Reader<'f>) -> Result<(), Refusal> {
        if !reader.eat(b'{') {
            return Err(bad_patch("a patch must be an object"));
        }
        while let Some(key) = reader.name() {
            *self.keys += 1;
            if *self.keys > self.limits.keys {
                let message = format!("a frame with more than {} component keys", self.limits.keys);
                return Err(Refusal::new(RefusalCode::TooManyKeys, message));
            }
            check_name(key, self.limits)?;
            self.component(key, reader)?;
        }
        self.patches.count += 1;
        Ok(())
    }

    fn component(&mut self, key: &'f [u8], reader: &mut Reader<'f>) -> Result<(), Refusal> {
        let text = reader.rest();
        let first = self.patches.fields.len();
        let mut existence = None;
        if !reader.eat(b'{') {
            return Err(bad_patch(&format!(
                "component \"{}\" must be an object",
                String::from_utf8_lossy(key)
            )));
        }
        while let Some(name) = reader.name() {
            check_name(name, self.limits)?;
            let json = reader.value();
            if name == b"_exists" {
                existence = match json {
                    b"true" => Some(true),
                    b"false" => Some(false),
                    _ => return Err(bad_patch("_exists must be true or false")),
                };
            }
            let value = self.value(json)?;
            self.patches.fields.push(Field { name, value });
        }
        let length = text.len() - reader.rest().len();
        let text = text.get(..length).unwrap_or_default();
        let fields = first..self.patches.fields.len();
        self.patches.updates.push(Update {
            patch: self.patches.count,
            key,
            text,
            existence,
            fields,
        });
        Ok(())
    }

    fn value(&mut self, json: &'f [u8]) -> Result<Value<'f>, Refusal> {
        if !json.starts_with(b"{") || !is_delta(json) {
            return Ok(Value::Json(json));
        }
        let delta = decode_delta(json).ok_or_else(|| {
            let message = "a buffer delta needs a len, and runs of [offset, [numbers]], all of them non-negative integers \
                           or finite numbers";
            Refusal::new(RefusalCode::BadDelta, message)
        })?;
        if delta.len > self.limits.buffer_numbers {
            let message = format!(
                "a buffer of {} numbers is over the limit of {}",
                delta.len, self.limits.buffer_numbers
            );
            return Err(Refusal::new(RefusalCode::BufferTooLarge, message));
        }
        self.patches.has_deltas = true;
        self.patches.arrays = self.patches.arrays.saturating_add(array_size(delta.len));
        Ok(Value::Delta(json, Box::new(delta)))
    }
}

fn bad_patch(message: &str) -> Refusal {
    Refusal::new(RefusalCode::BadPatch, message)
}

/// An object is a delta when its `__buf` is 1.
fn is_delta(json: &[u8]) -> bool {
    member(json, b"__buf") == Some(b"1")
}

fn decode_delta(json: &[u8]) -> Option<Delta> {
    let mut delta = Delta { len: integer(member(json, b"len")?)?, ..Delta::default() };
    let mut runs = Reader::new(member(json, b"runs")?);
    if !runs.eat(b'[') {
        return None;
    }
    while runs.item() {
        if !runs.eat(b'[') || !runs.item() {
            return None;
        }
        let offset = integer(runs.value())?;
        if !runs.item() || !runs.eat(b'[') {
            return None;
        }
        let before = delta.numbers.len();
        while runs.item() {
            delta.numbers.push(number(runs.value())?);
        }
        delta.runs.push((offset, delta.numbers.len() - before));
        // Exactly an offset and numbers.
        if runs.item() {
            return None;
        }
    }
    Some(delta)
}

fn member<'f>(object: &'f [u8], wanted: &[u8]) -> Option<&'f [u8]> {
    let mut reader = Reader::new(object);
    reader.eat(b'{');
    while let Some(name) = reader.name() {
        let value = reader.value();
        if name == wanted {
            return Some(value);
        }
    }
    None
}

/// A non-negative integer. What a double holds but `usize` does not is larger than every array.
fn integer(json: &[u8]) -> Option<usize> {
    let large = |json: &[u8]| {
        number(json).filter(|number| *number > 0.0 && number.fract() == 0.0).map(|_| usize::MAX)
    };
    if json.iter().all(u8::is_ascii_digit) {
        return std::str::from_utf8(json).ok()?.parse().ok().or_else(|| large(json));
    }
    large(json)
}

fn number(json: &[u8]) -> Option<f64> {
    json.first().filter(|byte| matches!(byte, b'-' | b'0'..=b'9'))?;
    std::str::from_utf8(json).ok()?.parse().ok()
}
