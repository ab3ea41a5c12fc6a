//! A store beside the room: it has changes later than the room made them, or never.

use std::collections::{BTreeMap, VecDeque};

use heddle::server::{Change, RestingRoom, Room, replay};
use serde_json::Value;

use super::{ledger::Ledger, patch::Patch, replica::patches};

/// What is left when the server is killed, and what is on its way there.
#[derive(Debug, Default)]
pub struct Store {
    snapshot: Option<Vec<u8>>,
    /// The changes after the snapshot.
    journal: Vec<Change>,
    on_the_way: VecDeque<Change>,
    /// What a room with everything that is stored must hold.
    ledger: Ledger,
    /// The document patches of each message, by its id.
    messages: BTreeMap<String, Vec<Patch>>,
}

impl Store {
    /// The room as it was stored.
    pub fn open(&self) -> Room {
        let mut room = Room::new(false).unwrap();
        if let Some(snapshot) = &self.snapshot {
            room.restore(snapshot).unwrap();
        }
        room.set_journaled();
        room.replay(self.changes()).unwrap();
        assert_eq!(room.snapshot().unwrap().text.to_vec(), self.text());
        room
    }

    /// The snapshot that the stored room would give.
    pub fn text(&self) -> Vec<u8> {
        replay(self.snapshot.as_deref(), self.changes()).unwrap()
    }

    /// The number of the last change that is stored.
    pub fn clock(&self) -> u64 {
        self.ledger.clock
    }

    /// How many changes are on their way.
    pub fn waiting(&self) -> usize {
        self.on_the_way.len()
    }

    /// Takes the changes that a room has made; they count for `ledger` at once.
    pub fn take(&mut self, room: &mut RestingRoom, ledger: &mut Ledger) {
        for change in room.take_batch().unwrap_or_default() {
            ledger.change(&document(&change));
            assert_eq!(ledger.clock, change.clock);
            self.on_the_way.push_back(change);
        }
    }

    /// So many of the changes on their way arrive.
    pub fn finish(&mut self, count: usize) {
        for change in self.on_the_way.drain(..count) {
            self.ledger.change(&document(&change));
            self.journal.push(change);
        }
    }

    /// Loses what is on its way; the ledger goes back to what is stored.
    pub fn lose(&mut self, ledger: &mut Ledger) {
        self.on_the_way.clear();
        ledger.clock = self.ledger.clock;
        ledger.entries = self.ledger.entries.clone();
    }

    /// Makes a snapshot of everything that is stored.
    pub fn compact(&mut self) {
        self.snapshot = Some(self.text());
        self.journal.clear();
    }

    /// Remembers what a message wants done.
    pub fn expect(&mut self, frame: &Value) {
        if let Some(id) = frame["messageId"].as_str() {
            self.messages.insert(id.to_owned(), patches(frame, "documentPatches"));
        }
    }

    /// Checks that a frame shows nothing but what is stored, and acks nothing else.
    pub fn check(&self, frame: &Value) -> Result<(), String> {
        let Some(clock) = frame["timestamp"].as_u64() else { return Ok(()) };
        if clock > self.clock() {
            return Err(format!("{frame} shows a change that is not stored"));
        }
        let asked = frame["messageId"].as_str().and_then(|id| self.messages.get(id));
        let change = self.journal.iter().find(|change| change.clock == clock);
        match (asked, change) {
            (Some(asked), Some(change)) if !asked.is_empty() && document(change) != *asked => {
                Err(format!("{frame} acks what is not stored under its clock: {change:?}"))
            }
            _ => Ok(()),
        }
    }

    fn changes(&self) -> impl Iterator<Item = (u64, &[u8])> {
        self.journal.iter().map(|change| (change.clock, &*change.patches))
    }
}

fn document(change: &Change) -> Vec<Patch> {
    serde_json::from_slice(&change.patches).unwrap()
}
