//! Snapshots: a room's document as one JSON text, `{ timestamp, state, timestamps }`.

use std::collections::BTreeMap;

use super::{
    super::json::{Flaw, Form, Reader, canonicalize, scan},
    encode::{Object, TOMBSTONE, fields_since},
};
use crate::engine::{Clock, Component, Document, MAX_CLOCK, RefusalCode, Restore};

/// Nesting that a snapshot may have: what a frame may have, and some more for snapshots that others wrote.
const DEPTH: usize = 256;

/// Why text is no snapshot.
#[derive(Debug, thiserror::Error)]
#[error("{reason}")]
pub struct BadSnapshot {
    reason: String,
    offset: Option<usize>,
    refusal: Option<RefusalCode>,
}

impl BadSnapshot {
    /// What a frame like it would be refused for, where that is what is wrong.
    pub fn refusal(&self) -> Option<RefusalCode> {
        self.refusal
    }

    /// The byte at which the text is no JSON, if that is what is wrong.
    pub fn offset(&self) -> Option<u64> {
        self.offset.and_then(|offset| u64::try_from(offset).ok())
    }
}

impl From<Flaw> for BadSnapshot {
    fn from(flaw: Flaw) -> Self {
        let (offset, refusal) = match flaw {
            Flaw::Syntax(offset) => (Some(offset), None),
            Flaw::Depth(_) => (None, Some(RefusalCode::TooDeep)),
        };
        Self { reason: flaw.to_string(), offset, refusal }
    }
}

/// Checks that text is a snapshot, as [`decode`] would.
pub fn check(text: &[u8]) -> Result<(), BadSnapshot> {
    decode(text, (0, 0)).map(|_| ())
}

/// Reads a snapshot, ours or the peer's.
pub fn decode(text: &[u8], hash_keys: (u64, u64)) -> Result<Document, BadSnapshot> {
    if let Err(error) = std::str::from_utf8(text) {
        return Err(bad(format!("no valid UTF-8 at byte {}", error.valid_up_to())));
    }
    match scan(text, DEPTH)? {
        Form::Canonical => read(text, hash_keys),
        Form::Loose => read(&canonicalize(text), hash_keys),
    }
}

/// Writes a snapshot.
pub fn encode(document: &Document) -> Vec<u8> {
    let mut out = Vec::new();
    let mut snapshot = Object::open(&mut out);
    push_clock(document.clock(), snapshot.member(b"timestamp"));
    let mut state = Object::open(snapshot.member(b"state"));
    for component in document.components() {
        let out = state.member(component.key());
        if component.is_alive() {
            fields_since(component.fields(), None, out);
        } else {
            out.extend_from_slice(TOMBSTONE);
        }
    }
    state.close();
    let mut timestamps = Object::open(snapshot.member(b"timestamps"));
    for component in document.components() {
        encode_clocks(component, timestamps.member(component.key()));
    }
    timestamps.close();
    snapshot.close();
    out
}

fn encode_clocks(component: &Component, out: &mut Vec<u8>) {
    let mut clocks = Object::open(out);
    if component.is_alive() {
        for (name, clock, _) in component.fields().iter() {
            push_clock(clock, clocks.member(name));
        }
    } else {
        push_clock(component.changed(), clocks.member(b"_exists"));
    }
    clocks.close();
}

fn push_clock(clock: Clock, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(clock).as_bytes());
}

fn read(text: &[u8], hash_keys: (u64, u64)) -> Result<Document, BadSnapshot> {
    let [timestamp, state, timestamps] = members(text)?;
    let clock = clock(timestamp, MAX_CLOCK)
        .ok_or_else(|| bad("timestamp must be a non-negative integer"))?;
    let clocks: BTreeMap<_, _> = object(timestamps, "timestamps")?.collect();
    let mut restore = Restore::new(hash_keys, clock);
    for (key, component) in object(state, "state")? {
        let clocks = match clocks.get(key) {
            Some(clocks) => field_clocks(key, clocks, clock)?,
            None => BTreeMap::new(),
        };
        read_component(key, component, &clocks, clock, &mut restore)?;
    }
    Ok(restore.finish())
}

fn read_component(
    key: &[u8],
    component: &[u8],
    clocks: &BTreeMap<&[u8], Clock>,
    clock: Clock,
    restore: &mut Restore,
) -> Result<(), BadSnapshot> {
    let fields = object(component, &format!("component \"{}\"", String::from_utf8_lossy(key)))?;
    // DU10: what has no clock of its own counts as written last.
    let clock_of = |name: &[u8]| clocks.get(name).copied().unwrap_or(clock);
    if fields.clone().any(|(name, json)| name == b"_exists" && json == b"false") {
        restore.tombstone(key, clock_of(b"_exists"));
    } else {
        restore.component(key, fields.map(|(name, json)| (name, clock_of(name), json)));
    }
    Ok(())
}

/// The three members of a snapshot.
fn members(text: &[u8]) -> Result<[&[u8]; 3], BadSnapshot> {
    let mut found = [None; 3];
    for (name, value) in object(text, "a snapshot")? {
        match name {
            b"timestamp" => found[0] = Some(value),
            b"state" => found[1] = Some(value),
            b"timestamps" => found[2] = Some(value),
            _ => {}
        }
    }
    let [timestamp, state, timestamps] = found;
    let missing = |name: &str| bad(format!("a snapshot needs {name}"));
    Ok([
        timestamp.ok_or_else(|| missing("timestamp"))?,
        state.ok_or_else(|| missing("state"))?,
        timestamps.ok_or_else(|| missing("timestamps"))?,
    ])
}

fn field_clocks<'t>(
    key: &[u8],
    clocks: &'t [u8],
    limit: Clock,
) -> Result<BTreeMap<&'t [u8], Clock>, BadSnapshot> {
    let key = String::from_utf8_lossy(key);
    object(clocks, &format!("the timestamps of \"{key}\""))?
        .map(|(name, json)| match clock(json, limit) {
            Some(clock) => Ok((name, clock)),
            None => Err(bad(format!(
                "the timestamp of \"{}\" of \"{key}\" must be an integer from 0 to the snapshot's timestamp {limit}",
                String::from_utf8_lossy(name)
            ))),
        })
        .collect()
}

/// The members of an object: names and the text of their values.
fn object<'t>(
    text: &'t [u8],
    what: &str,
) -> Result<impl Iterator<Item = (&'t [u8], &'t [u8])> + Clone + use<'t>, BadSnapshot> {
    let mut reader = Reader::new(text);
    if !reader.eat(b'{') {
        return Err(bad(format!("{what} must be an object")));
    }
    Ok(std::iter::repeat(()).scan(reader, |reader, ()| Some((reader.name()?, reader.value()))))
}

fn clock(json: &[u8], limit: Clock) -> Option<Clock> {
    std::str::from_utf8(json).ok()?.parse().ok().filter(|clock| *clock <= limit)
}

fn bad(message: impl Into<String>) -> BadSnapshot {
    BadSnapshot { reason: message.into(), offset: None, refusal: None }
}
