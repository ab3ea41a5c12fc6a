//! Snapshots: a room's document as one JSON text, `{ timestamp, state, timestamps }`.

use super::{
    super::json::{Flaw, Form, Reader, canonicalize, scan},
    encode::{Object, component_since, push_quoted},
    lookup::Lookup,
};
use crate::engine::{Clock, Component, Document, MAX_CLOCK, RefusalCode, Restore, Slot};

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
    let mut out = open(document.clock());
    let mut first = true;
    for component in document.components() {
        push_state(component, &mut first, &mut out);
    }
    begin_clocks(&mut out);
    first = true;
    for component in document.components() {
        push_clocks(component, &mut first, &mut out);
    }
    close(&mut out);
    out
}

/// Writes a snapshot of the document as it was when this was made, little by little while the document goes on.
#[derive(Debug)]
pub struct Encoder {
    out: Vec<u8>,
    part: Part,
    next: Slot,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    State,
    Clocks,
}

impl Encoder {
    /// Begins a snapshot, in place of one that has not ended.
    pub fn begin(document: &mut Document) -> Self {
        document.begin_copy();
        let mut out = open(document.clock());
        // Moving what is written to where there is more space would cost more than a step. What is reserved in vain is never
        // touched, and so takes no memory; where it cannot be had, the text grows as it does.
        let _is_reserved = out.try_reserve(document.bytes().saturating_mul(2)).is_ok();
        Self { out, part: Part::State, next: 0 }
    }

    /// Writes about so many bytes of text; a component counts at least `LEAST_COST`. True when there is no more.
    pub fn step(&mut self, document: &mut Document, bytes: usize) -> bool {
        let end = self.out.len().saturating_add(bytes);
        let mut cost = 0_usize;
        while self.out.len().saturating_add(cost) < end {
            let mut first = self.next == 0;
            match (self.part, document.copied(self.next)) {
                (Part::State, Some(component)) => push_state(component, &mut first, &mut self.out),
                (Part::Clocks, Some(component)) => {
                    push_clocks(component, &mut first, &mut self.out);
                }
                (Part::State, None) => {
                    begin_clocks(&mut self.out);
                    (self.part, self.next) = (Part::Clocks, 0);
                    continue;
                }
                (Part::Clocks, None) => {
                    close(&mut self.out);
                    document.end_copy();
                    return true;
                }
            }
            self.next += 1;
            cost += LEAST_COST;
        }
        if self.part == Part::Clocks {
            document.done_copying(self.next);
        }
        false
    }

    /// The text, once there is no more to write.
    pub fn into_text(self) -> Vec<u8> {
        self.out
    }
}

/// What writing a component counts beside its text: tombstones are short.
const LEAST_COST: usize = 64;

fn open(clock: Clock) -> Vec<u8> {
    let mut out = Vec::from(&b"{\"timestamp\":"[..]);
    push_clock(clock, &mut out);
    out.extend_from_slice(b",\"state\":{");
    out
}

fn push_state(component: &Component, first: &mut bool, out: &mut Vec<u8>) {
    push_key(component, first, out);
    component_since(component, None, out);
}

fn begin_clocks(out: &mut Vec<u8>) {
    out.extend_from_slice(b"},\"timestamps\":{");
}

fn push_clocks(component: &Component, first: &mut bool, out: &mut Vec<u8>) {
    push_key(component, first, out);
    encode_clocks(component, out);
}

fn close(out: &mut Vec<u8>) {
    out.extend_from_slice(b"}}");
}

fn push_key(component: &Component, first: &mut bool, out: &mut Vec<u8>) {
    if !std::mem::replace(first, false) {
        out.push(b',');
    }
    push_quoted(component.key(), out);
    out.push(b':');
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
    let mut clocks = Lookup::default();
    clocks.members.extend(Members(&mut object(timestamps, || "timestamps".to_owned())?));
    let mut restore = Restore::new(hash_keys, clock);
    let mut of_fields = Lookup::default();
    let mut fields = Vec::new();
    let mut components = object(state, || "state".to_owned())?;
    while let Some(key) = components.name() {
        of_fields.clear();
        if let Some(clocks) = clocks.get(key) {
            read_clocks(key, clocks, clock, &mut of_fields)?;
        }
        enter(&mut components, || format!("component \"{}\"", String::from_utf8_lossy(key)))?;
        fields.clear();
        fields.extend(Members(&mut components));
        add_component(key, &fields, &mut of_fields, clock, &mut restore);
    }
    Ok(restore.finish())
}

fn add_component(
    key: &[u8],
    fields: &[(&[u8], &[u8])],
    clocks: &mut Lookup<'_, Clock>,
    clock: Clock,
    restore: &mut Restore,
) {
    // DU10: what has no clock of its own counts as written last.
    let mut clock_of = |name: &[u8]| clocks.get(name).unwrap_or(clock);
    if fields.iter().any(|(name, json)| *name == b"_exists" && *json == b"false") {
        restore.tombstone(key, clock_of(b"_exists"));
    } else {
        restore.component(key, fields.iter().map(|(name, json)| (*name, clock_of(name), *json)));
    }
}

/// The three members of a snapshot.
fn members(text: &[u8]) -> Result<[&[u8]; 3], BadSnapshot> {
    let mut found = [None; 3];
    for (name, value) in Members(&mut object(text, || "a snapshot".to_owned())?) {
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

/// Reads the clocks of a component's fields.
fn read_clocks<'t>(
    key: &[u8],
    clocks: &'t [u8],
    limit: Clock,
    found: &mut Lookup<'t, Clock>,
) -> Result<(), BadSnapshot> {
    let key = || String::from_utf8_lossy(key);
    let mut clocks = object(clocks, || format!("the timestamps of \"{}\"", key()))?;
    for (name, json) in Members(&mut clocks) {
        let clock = clock(json, limit).ok_or_else(|| {
            bad(format!(
                "the timestamp of \"{}\" of \"{}\" must be an integer from 0 to the snapshot's timestamp {limit}",
                String::from_utf8_lossy(name),
                key(),
            ))
        })?;
        found.members.push((name, clock));
    }
    Ok(())
}

/// The members of an object that a reader is in: names and the text of their values.
struct Members<'r, 't>(&'r mut Reader<'t>);

impl<'t> Iterator for Members<'_, 't> {
    type Item = (&'t [u8], &'t [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        Some((self.0.name()?, self.0.value()))
    }
}

/// A reader in the object that is the whole of `text`.
fn object(text: &[u8], what: impl FnOnce() -> String) -> Result<Reader<'_>, BadSnapshot> {
    let mut reader = Reader::new(text);
    enter(&mut reader, what)?;
    Ok(reader)
}

/// Steps into an object.
fn enter(reader: &mut Reader<'_>, what: impl FnOnce() -> String) -> Result<(), BadSnapshot> {
    if reader.eat(b'{') { Ok(()) } else { Err(bad(format!("{} must be an object", what()))) }
}

fn clock(json: &[u8], limit: Clock) -> Option<Clock> {
    std::str::from_utf8(json).ok()?.parse().ok().filter(|clock| *clock <= limit)
}

fn bad(message: impl Into<String>) -> BadSnapshot {
    BadSnapshot { reason: message.into(), offset: None, refusal: None }
}
