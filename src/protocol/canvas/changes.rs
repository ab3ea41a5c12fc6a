//! Changes as a storage of the user's own keeps them: `[{ timestamp, time, clientId, patches }, ...]`.

use super::{
    super::{json::Reader, limits::Limits},
    decode::FrameText,
    encode::Object,
};
use crate::engine::Clock;

/// One accepted change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChangeText<'t> {
    /// Its number.
    pub clock: Clock,
    /// When it was accepted, in milliseconds since 1970.
    pub time_ms: u64,
    /// Whose it is: the inside of a JSON string.
    pub client: &'t [u8],
    /// The JSON text of its document patches.
    pub patches: &'t [u8],
}

/// What a list of a room's history says of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PastText<'t> {
    /// As in [`ChangeText`].
    pub clock: Clock,
    /// As in [`ChangeText`].
    pub time_ms: u64,
    /// As in [`ChangeText`].
    pub client: &'t [u8],
}

/// Writes a list of a room's history: `[{ timestamp, time, clientId }, ...]`.
pub fn encode_past<'t>(changes: impl Iterator<Item = PastText<'t>>) -> Vec<u8> {
    let mut out = vec![b'['];
    for (position, change) in changes.enumerate() {
        if position > 0 {
            out.push(b',');
        }
        let mut object = Object::open(&mut out);
        push_past(change, &mut object);
        object.close();
    }
    out.push(b']');
    out
}

/// Writes changes.
pub fn encode<'t>(changes: impl Iterator<Item = ChangeText<'t>>) -> Vec<u8> {
    let mut out = vec![b'['];
    for (position, change) in changes.enumerate() {
        if position > 0 {
            out.push(b',');
        }
        let mut object = Object::open(&mut out);
        let ChangeText { clock, time_ms, client, patches: _ } = change;
        push_past(PastText { clock, time_ms, client }, &mut object);
        object.member(b"patches").extend_from_slice(change.patches);
        object.close();
    }
    out.push(b']');
    out
}

fn push_past(change: PastText<'_>, object: &mut Object<'_>) {
    push_number(change.clock, object.member(b"timestamp"));
    push_number(change.time_ms, object.member(b"time"));
    let client = object.member(b"clientId");
    client.push(b'"');
    client.extend_from_slice(change.client);
    client.push(b'"');
}

/// Changes that were read, and the canonical text that they lie in.
#[derive(Debug)]
pub struct Changes<'t>(FrameText<'t>);

impl<'t> Changes<'t> {
    /// Reads the text of a list of changes, whatever its size.
    pub fn read(text: &'t [u8]) -> Self {
        Self(FrameText::read(text, &Limits::ACCEPTED_BEFORE))
    }

    /// The changes, in the order of the list; the reason when it is none, naming the item.
    pub fn list(&self) -> Result<Vec<ChangeText<'_>>, String> {
        let text = self.0.sound().map_err(|refusal| refusal.message)?;
        let mut reader = Reader::new(text);
        if !reader.eat(b'[') {
            return Err("changes must be an array".to_owned());
        }
        let mut changes = Vec::new();
        while reader.item() {
            let change = read_change(reader.value());
            changes.push(change.map_err(|reason| format!("change {}: {reason}", changes.len()))?);
        }
        Ok(changes)
    }
}

fn read_change(text: &[u8]) -> Result<ChangeText<'_>, String> {
    let mut reader = Reader::new(text);
    if !reader.eat(b'{') {
        return Err("must be an object".to_owned());
    }
    let (mut clock, mut time_ms, mut client, mut patches) = (None, None, None, None);
    while let Some(name) = reader.name() {
        let value = reader.value();
        match name {
            b"timestamp" => clock = number(value),
            b"time" => time_ms = number(value),
            b"clientId" => client = value.strip_prefix(b"\"").and_then(|v| v.strip_suffix(b"\"")),
            b"patches" => patches = value.starts_with(b"[").then_some(value),
            _ => {}
        }
    }
    Ok(ChangeText {
        clock: clock.ok_or("timestamp must be an integer from 0 on")?,
        time_ms: time_ms.ok_or("time must be an integer from 0 on")?,
        client: client.ok_or("clientId must be a string")?,
        patches: patches.ok_or("patches must be an array")?,
    })
}

fn number(json: &[u8]) -> Option<u64> {
    std::str::from_utf8(json).ok()?.parse().ok()
}

fn push_number(number: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_come_back_as_they_were_written() {
        let changes = [
            ChangeText {
                clock: 1,
                time_ms: 1_700_000_000_000,
                client: b"a\\\"b",
                patches: b"[{}]",
            },
            ChangeText {
                clock: 2,
                time_ms: 0,
                client: b"",
                patches: br#"[{"k":{"_exists":true}}]"#,
            },
        ];

        let text = encode(changes.into_iter());

        assert_eq!(Changes::read(&text).list().unwrap(), changes);
        assert_eq!(encode([].into_iter()), b"[]");
    }

    #[test]
    fn what_is_no_change_is_named() {
        for (text, reason) in [
            ("{}", "changes must be an array"),
            ("[1]", "change 0: must be an object"),
            (r#"[{"timestamp":-1}]"#, "change 0: timestamp must be an integer from 0 on"),
            (
                r#"[{"timestamp":1,"time":1,"clientId":"","patches":[]},{"timestamp":2,"time":1,"clientId":"","patches":{}}]"#,
                "change 1: patches must be an array",
            ),
        ] {
            assert_eq!(Changes::read(text.as_bytes()).list().unwrap_err(), reason);
        }
    }
}
