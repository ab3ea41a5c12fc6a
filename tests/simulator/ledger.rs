//! What a room must hold, by the rules alone: plain maps, no index, no packed text.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{
    patch::{Fields, Patch, existence, materialize},
    replica::patches,
};

/// A component as the rules want it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Entry {
    /// False for a tombstone.
    pub alive: bool,
    /// Its fields, `_exists` among them; none for a tombstone.
    pub fields: Fields,
    /// The clock of each field's last write.
    pub clocks: BTreeMap<String, u64>,
    /// The clock of its last change.
    pub changed: u64,
    /// The clock of the last creation that was written into it.
    pub born: u64,
}

/// The document, the presence and the answered messages of a room.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    /// The clock of the last change.
    pub clock: u64,
    /// Components and tombstones.
    pub entries: BTreeMap<String, Entry>,
    /// The clock that each handled patch was given, by message id.
    pub handled: BTreeMap<String, u64>,
    /// The presence keys of each client.
    pub shown: BTreeMap<String, BTreeSet<String>>,
}

impl Ledger {
    /// Handles a frame as the room must.
    pub fn handle(&mut self, client: &str, frame: &Value) {
        let document = patches(frame, "documentPatches");
        if !document.is_empty() {
            self.change(&document);
        }
        self.show(client, frame, true);
        if let Some(id) = frame["messageId"].as_str() {
            self.handled.insert(id.to_owned(), self.clock);
        }
    }

    /// Makes one change.
    pub fn change(&mut self, document: &[Patch]) {
        self.clock += 1;
        for patch in document {
            self.apply(patch);
        }
    }

    /// Notes the presence of a client; what it takes back only where that is handled at once.
    pub fn show(&mut self, client: &str, frame: &Value, at_once: bool) {
        let shown = self.shown.entry(client.to_owned()).or_default();
        for (key, fields) in patches(frame, "ephemeralPatches").into_iter().flatten() {
            match existence(&fields) {
                Some(true) => {
                    shown.insert(key);
                }
                Some(false) if at_once => {
                    shown.remove(&key);
                }
                Some(false) | None => {}
            }
        }
    }

    /// Merges one document patch (MG1 to MG7, TB1, TB2).
    pub fn apply(&mut self, patch: &Patch) {
        for (key, fields) in patch {
            let clock = self.clock;
            match existence(fields) {
                Some(false) => {
                    let tomb = Entry { changed: clock, ..Entry::default() };
                    self.entries.insert(key.clone(), tomb);
                }
                Some(true) => {
                    let entry = self.entries.entry(key.clone()).or_default();
                    if !entry.alive {
                        *entry = Entry { alive: true, ..Entry::default() };
                    }
                    entry.write(fields, clock);
                    entry.born = clock;
                }
                None => {
                    if let Some(entry) = self.entries.get_mut(key).filter(|entry| entry.alive) {
                        entry.write(fields, clock);
                    }
                }
            }
        }
    }

    /// The components that are alive, without `_exists`.
    pub fn alive(&self) -> BTreeMap<String, Fields> {
        let alive = self.entries.iter().filter(|(_, entry)| entry.alive);
        alive.map(|(key, entry)| (key.clone(), without_existence(&entry.fields))).collect()
    }
}

impl Entry {
    fn write(&mut self, fields: &Fields, clock: u64) {
        self.fields = materialize(Some(&self.fields), fields);
        self.clocks.extend(fields.keys().map(|name| (name.clone(), clock)));
        if !fields.is_empty() {
            self.changed = clock;
        }
    }
}

/// Fields without `_exists`.
pub fn without_existence(fields: &Fields) -> Fields {
    fields
        .iter()
        .filter(|(name, _)| *name != "_exists")
        .map(|(k, v)| (k.clone(), v.clone()))
        .collect()
}
