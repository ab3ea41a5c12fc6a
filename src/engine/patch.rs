//! Patches as a frame carries them: borrowed text, already known to be well-formed.

use std::{mem, ops::Range};

use super::{buffer::Delta, emptied::emptied};

/// The document patches, or the presence patches, of one frame; by default none. Flat, so that they are two lists however many
/// they are, which the next frame is decoded into.
#[derive(Debug, Default)]
pub struct Patches<'f> {
    /// The JSON text of the list, `[{…},…]`.
    pub text: &'f [u8],
    /// How many patches the list holds; 0 counts as no list at all (PA4).
    pub count: usize,
    /// The components that the patches touch, in order.
    pub updates: Vec<Update<'f>>,
    /// The fields of all updates, in order; [`Update::fields`] points into it.
    pub fields: Vec<Field<'f>>,
    /// Whether any field is a [`Value::Delta`].
    pub has_deltas: bool,
    /// By how many numbers the deltas of the frame may make arrays grow (LM6).
    pub growth: usize,
    /// The size of all arrays that the deltas make, as the quota has it.
    pub arrays: usize,
    /// Whether the room's quota does not count: the room has held all of it before.
    pub is_exempt: bool,
}

/// What one patch says of one component.
#[derive(Debug)]
pub struct Update<'f> {
    /// The index of the patch in its list.
    pub patch: usize,
    /// The component's key.
    pub key: &'f [u8],
    /// The JSON text of the component's object.
    pub text: &'f [u8],
    /// `_exists`: true creates, false deletes, none changes what is alive.
    pub existence: Option<bool>,
    /// The fields, `_exists` among them, as a range of [`Patches::fields`].
    pub fields: Range<usize>,
}

/// One field of an update.
#[derive(Debug)]
pub struct Field<'f> {
    /// The field's name.
    pub name: &'f [u8],
    /// What it becomes.
    pub value: Value<'f>,
}

/// What an update writes into a field.
#[derive(Debug)]
pub enum Value<'f> {
    /// A JSON value, replacing the old one.
    Json(&'f [u8]),
    /// A change to an array of numbers, with its own JSON text.
    Delta(&'f [u8], Box<Delta>),
}

/// Why a frame is refused. Not an error of the program: it becomes a reply to the peer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The stable code that the peer and the counters see.
    pub code: RefusalCode,
    /// A sentence for people, naming the value and the limit.
    pub message: String,
}

/// The codes of SPEC.md section 11.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusalCode {
    /// `bad-json`
    BadJson,
    /// `bad-frame`
    BadFrame,
    /// `bad-patch`
    BadPatch,
    /// `bad-delta`
    BadDelta,
    /// `frame-too-large`
    FrameTooLarge,
    /// `too-deep`
    TooDeep,
    /// `too-many-keys`
    TooManyKeys,
    /// `name-too-long`
    NameTooLong,
    /// `buffer-too-large`
    BufferTooLarge,
    /// `too-many-fields`
    TooManyFields,
    /// `component-too-large`
    ComponentTooLarge,
    /// `document-too-large`
    DocumentTooLarge,
    /// `too-many-components`
    TooManyComponents,
    /// `presence-too-large`
    PresenceTooLarge,
}

impl RefusalCode {
    /// The code as it stands on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BadJson => "bad-json",
            Self::BadFrame => "bad-frame",
            Self::BadPatch => "bad-patch",
            Self::BadDelta => "bad-delta",
            Self::FrameTooLarge => "frame-too-large",
            Self::TooDeep => "too-deep",
            Self::TooManyKeys => "too-many-keys",
            Self::NameTooLong => "name-too-long",
            Self::BufferTooLarge => "buffer-too-large",
            Self::TooManyFields => "too-many-fields",
            Self::ComponentTooLarge => "component-too-large",
            Self::DocumentTooLarge => "document-too-large",
            Self::TooManyComponents => "too-many-components",
            Self::PresenceTooLarge => "presence-too-large",
        }
    }
}

impl Refusal {
    /// Refuses with `code`, for the reason in `message`.
    pub fn new(code: RefusalCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

/// The memory of patches that are not needed any more, for others.
#[derive(Debug, Default)]
pub struct PatchMemory<'f> {
    updates: Vec<Update<'f>>,
    fields: Vec<Field<'f>>,
}

/// The updates, and the fields, that there is room for at most: what one component's change needs. Every room that somebody is in
/// keeps this.
const KEPT_UPDATES: usize = 8;
const KEPT_FIELDS: usize = 32;

impl<'f> Patches<'f> {
    /// No patches at all.
    pub const NONE: Self = Self {
        text: &[],
        count: 0,
        updates: Vec::new(),
        fields: Vec::new(),
        has_deltas: false,
        growth: 0,
        arrays: 0,
        is_exempt: false,
    };

    /// [`NONE`](Self::NONE), to be borrowed.
    pub fn none() -> &'static Self {
        static NONE: Patches<'_> = Patches::NONE;
        &NONE
    }

    /// Takes memory that others had, with room for so many updates and fields: for what holds no patches yet.
    pub fn take_memory(&mut self, memory: &mut PatchMemory<'f>, updates: usize, fields: usize) {
        mem::swap(&mut self.updates, &mut memory.updates);
        mem::swap(&mut self.fields, &mut memory.fields);
        self.updates.reserve(updates);
        self.fields.reserve(fields);
    }

    /// The memory of these patches, for any others.
    pub fn into_memory<'g>(self) -> PatchMemory<'g> {
        let (updates, fields) = (self.updates, self.fields);
        PatchMemory {
            updates: if updates.capacity() > KEPT_UPDATES { Vec::new() } else { emptied(updates) },
            fields: if fields.capacity() > KEPT_FIELDS { Vec::new() } else { emptied(fields) },
        }
    }

    /// True when there is nothing to apply: no list, or an empty one (PA4).
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The fields of one of these patches' updates.
    pub fn fields_of(&self, update: &Update<'f>) -> &[Field<'f>] {
        self.fields.get(update.fields.clone()).unwrap_or_default()
    }
}

/// Whether two names are the same. Most are short, and most that are not the same differ in length.
#[inline]
pub(super) fn is_same_name(one: &[u8], other: &[u8]) -> bool {
    if one.len() != other.len() {
        return false;
    }
    match one.len() {
        0 => true,
        1..4 => {
            let middle = one.len() / 2;
            one.first() == other.first()
                && one.get(middle) == other.get(middle)
                && one.last() == other.last()
        }
        4..8 => {
            one.first_chunk::<4>() == other.first_chunk::<4>()
                && one.last_chunk::<4>() == other.last_chunk::<4>()
        }
        8..=16 => {
            one.first_chunk::<8>() == other.first_chunk::<8>()
                && one.last_chunk::<8>() == other.last_chunk::<8>()
        }
        _ => one == other,
    }
}
