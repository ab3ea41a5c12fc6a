//! Frames to clients.

use std::collections::BTreeMap;

use super::PROTOCOL_VERSION;
use crate::engine::{
    Applied, Clock, Component, Field, Fields, Group, Message, Patches, Room, Value,
};

/// A patch up to the inside of its client's name.
pub(super) const PATCH_OF: &[u8] = b"{\"type\":\"patch\",\"clientId\":\"";
pub(super) const DOCUMENT_PATCHES: &[u8] = b",\"documentPatches\":";
pub(super) const EPHEMERAL_PATCHES: &[u8] = b",\"ephemeralPatches\":";
pub(super) const TIMESTAMP: &[u8] = b",\"timestamp\":";
const MESSAGE_ID: &[u8] = b",\"messageId\":";

/// What a change takes beside the client's name and the lists of patches, at most.
const CHANGE_BYTES: usize = 128;

/// Appends the text of a message to the sessions of one delivery group. False, and nothing is appended, when that group
/// gets nothing of it, or only in pieces ([`super::encode_for_one`]).
///
/// Encodes what the room holds now, so it must run before the room handles anything else.
pub fn encode(message: &Message<'_>, group: Group, room: &Room, out: &mut Vec<u8>) -> bool {
    let mut frame = Frame { out };
    match message {
        // These go to one session, in pieces.
        Message::Presence { .. } | Message::CatchUp { .. } | Message::Handed { .. } => {
            return false;
        }
        Message::ClientCount(count) => {
            frame.open(b"{\"type\":\"clientCount\"").number(b",\"count\":", count)
        }
        Message::Change(applied) => return encode_applied(applied, group, room, out),
        Message::PresenceGone { client, keys } => frame.open(PATCH_OF).name(client).deletions(keys),
        Message::Ack { message_id, clock } => {
            frame.open(b"{\"type\":\"ack\"").json(MESSAGE_ID, *message_id).number(TIMESTAMP, clock)
        }
        Message::Resync { since } => {
            frame.open(b"{\"type\":\"resync\"").number(b",\"since\":", since)
        }
        Message::Synced(clock) => frame.open(b"{\"type\":\"synced\"").number(TIMESTAMP, clock),
        Message::VersionMismatch => frame
            .open(b"{\"type\":\"version-mismatch\"")
            .number(b",\"serverProtocolVersion\":", &PROTOCOL_VERSION),
        Message::Refused(refusal, message_id) => {
            frame
                .open(b"{\"type\":\"error\"")
                .string(b",\"code\":", refusal.code.as_str())
                .string(b",\"message\":", &refusal.message);
            frame.json(MESSAGE_ID, *message_id)
        }
    };
    frame.out.push(b'}');
    true
}

/// Appends the text of patches that were applied, as [`encode`] does.
pub fn encode_applied(applied: &Applied<'_>, group: Group, room: &Room, out: &mut Vec<u8>) -> bool {
    let Applied { client, clock, document, late, presence } = applied;
    let document = (group != Group::Held && !document.is_empty()).then_some(*document);
    let presence = (!presence.is_empty()).then_some(*presence);
    if document.is_none() && presence.is_none() {
        return false;
    }
    let client = client.as_deref().unwrap_or_default();
    let arrays = Arrays { spelled_out: group == Group::WholeArrays, room, client };
    let length = |patches: Option<&Patches<'_>>| patches.map_or(0, |it| it.text.len());
    out.reserve(length(document) + length(presence) + client.len() + CHANGE_BYTES);
    let mut frame = Frame { out };
    frame.open(PATCH_OF).name(client);
    if let (Some(document), Some(clock)) = (document, clock) {
        frame.document_patches(document, late, &arrays).number(TIMESTAMP, clock);
    }
    if let Some(presence) = presence {
        frame.presence_patches(presence, &arrays);
    }
    frame.out.push(b'}');
    true
}

/// How a group sees arrays that deltas change.
struct Arrays<'a> {
    /// Deltas become the arrays that they led to (CV1).
    spelled_out: bool,
    room: &'a Room,
    client: &'a [u8],
}

/// A frame being written, member by member.
pub(super) struct Frame<'o> {
    pub(super) out: &'o mut Vec<u8>,
}

impl Frame<'_> {
    /// Begins with the member that tells its kind.
    #[inline]
    pub(super) fn open(&mut self, kind: &[u8]) -> &mut Self {
        self.out.extend_from_slice(kind);
        self
    }

    /// A member is given as what stands before its value: comma, name and colon.
    #[inline]
    pub(super) fn member(&mut self, member: &[u8]) -> &mut Vec<u8> {
        self.out.extend_from_slice(member);
        self.out
    }

    #[inline]
    pub(super) fn number<N: itoa::Integer + Copy>(
        &mut self,
        member: &[u8],
        number: &N,
    ) -> &mut Self {
        let mut digits = itoa::Buffer::new();
        self.member(member).extend_from_slice(digits.format(*number).as_bytes());
        self
    }

    /// The inside of a string that was opened, and its end.
    #[inline]
    pub(super) fn name(&mut self, inside: &[u8]) -> &mut Self {
        self.out.extend_from_slice(inside);
        self.out.push(b'"');
        self
    }

    /// A string of our own or of a peer's, escaped here.
    fn string(&mut self, member: &[u8], text: &str) -> &mut Self {
        self.member(member).push(b'"');
        for character in text.chars() {
            match character {
                '"' => self.out.extend_from_slice(b"\\\""),
                '\\' => self.out.extend_from_slice(b"\\\\"),
                _ => self.out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
            }
        }
        self.out.push(b'"');
        self
    }

    #[inline]
    fn json(&mut self, member: &[u8], json: Option<&[u8]>) -> &mut Self {
        if let Some(json) = json {
            self.member(member).extend_from_slice(json);
        }
        self
    }

    #[inline]
    fn document_patches(
        &mut self,
        patches: &Patches<'_>,
        late: &[usize],
        arrays: &Arrays<'_>,
    ) -> &mut Self {
        self.member(DOCUMENT_PATCHES);
        let document = arrays.room.document();
        let current = |key: &[u8]| document.get(key).map(Component::fields);
        self.patches(patches, late, arrays.spelled_out, current)
    }

    fn presence_patches(&mut self, patches: &Patches<'_>, arrays: &Arrays<'_>) -> &mut Self {
        self.member(EPHEMERAL_PATCHES);
        let current = |key: &[u8]| arrays.room.presence().get(arrays.client, key);
        self.patches(patches, &[], arrays.spelled_out, current)
    }

    /// A list of patches as it came, but for late updates and, where arrays are spelled out, for deltas.
    fn patches<'a>(
        &mut self,
        patches: &Patches<'_>,
        late: &[usize],
        spell_out: bool,
        current: impl Fn(&[u8]) -> Option<&'a Fields>,
    ) -> &mut Self {
        let spell_out = spell_out && patches.has_deltas;
        if late.is_empty() && !spell_out {
            self.out.extend_from_slice(patches.text);
            return self;
        }
        let last = if spell_out { last_writes(patches) } else { BTreeMap::new() };
        let mut updates = patches.updates.iter().enumerate().peekable();
        self.list(patches.count, |patch, frame| {
            let mut object = Object::open(frame.out);
            while let Some((position, update)) =
                updates.next_if(|(_, update)| update.patch == patch)
            {
                if late.binary_search(&position).is_ok() {
                    continue;
                }
                let out = object.member(update.key);
                if spell_out {
                    let is_last = |name| last.get(&(update.key, name)) == Some(&position);
                    whole_arrays(patches.fields_of(update), current(update.key), is_last, out);
                } else {
                    out.extend_from_slice(update.text);
                }
            }
            object.close();
        });
        self
    }

    fn list(&mut self, count: usize, mut item: impl FnMut(usize, &mut Self)) {
        self.out.push(b'[');
        for index in 0..count {
            if index > 0 {
                self.out.push(b',');
            }
            item(index, self);
        }
        self.out.push(b']');
    }

    fn deletions(&mut self, keys: &[Box<[u8]>]) -> &mut Self {
        self.member(EPHEMERAL_PATCHES);
        self.out.push(b'[');
        let mut object = Object::open(self.out);
        for key in keys {
            object.member(key).extend_from_slice(TOMBSTONE);
        }
        object.close();
        self.out.push(b']');
        self
    }
}

pub(super) const TOMBSTONE: &[u8] = b"{\"_exists\":false}";

/// An object being written.
pub(super) struct Object<'o> {
    out: &'o mut Vec<u8>,
    empty: bool,
}

impl<'o> Object<'o> {
    pub(super) fn open(out: &'o mut Vec<u8>) -> Self {
        out.push(b'{');
        Self { out, empty: true }
    }

    /// Starts a member; the caller writes its value.
    pub(super) fn member(&mut self, name: &[u8]) -> &mut Vec<u8> {
        if !self.empty {
            self.out.push(b',');
        }
        self.empty = false;
        push_quoted(name, self.out);
        self.out.push(b':');
        self.out
    }

    pub(super) fn close(self) {
        self.out.push(b'}');
    }
}

#[inline]
pub(super) fn push_quoted(inside: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    out.extend_from_slice(inside);
    out.push(b'"');
}

pub(super) fn component_since(component: &Component, since: Option<Clock>, out: &mut Vec<u8>) {
    if component.is_alive() {
        fields_since(component.fields(), since, out);
    } else {
        out.extend_from_slice(TOMBSTONE);
    }
}

/// An object of the fields newer than `since`; of all fields when there is no such clock.
pub(super) fn fields_since(fields: &Fields, since: Option<Clock>, out: &mut Vec<u8>) {
    let mut object = Object::open(out);
    for (name, clock, content) in fields.iter() {
        if since.is_none_or(|since| clock > since) {
            content.write(object.member(name));
        }
    }
    object.close();
}

/// An update's fields with each delta replaced by the array as it is now: what the whole frame led to is what a client
/// that merges the frame must end with. It stands where the frame writes the field last, and nowhere else: a delta may be a
/// thousandth of its array. An array that is not stored (MG3) is left out, since nobody has one.
fn whole_arrays<'f>(
    fields: &[Field<'f>],
    current: Option<&Fields>,
    is_last: impl Fn(&'f [u8]) -> bool,
    out: &mut Vec<u8>,
) {
    let mut object = Object::open(out);
    for field in fields {
        match &field.value {
            Value::Json(json) => object.member(field.name).extend_from_slice(json),
            Value::Delta(..) if !is_last(field.name) => {}
            Value::Delta(..) => {
                if let Some(content) = current.and_then(|current| current.get(field.name)) {
                    content.write(object.member(field.name));
                }
            }
        }
    }
    object.close();
}

/// The last update of a frame that writes each field, by key and name.
fn last_writes<'f>(patches: &Patches<'f>) -> BTreeMap<(&'f [u8], &'f [u8]), usize> {
    let updates = patches.updates.iter().enumerate();
    updates
        .flat_map(|(position, update)| {
            let fields = patches.fields_of(update).iter();
            fields.map(move |field| ((update.key, field.name), position))
        })
        .collect()
}
