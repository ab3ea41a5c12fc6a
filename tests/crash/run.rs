//! A run of a room: edits, syncs, compactions, a rewrite, a close and a reopening, and what was
//! promised at which moment.

use crate::{
    disk::{Lie, SimDisk},
    format::{LIST, START_MS, change, parse, said, text},
    image::Image,
};
use heddle::storage::{FileStore, Opened, RoomStore, StorageError};
use std::{path::PathBuf, sync::Arc};

/// What a room says after its first changes, by clock; `said[0]` is the first one's.
pub(crate) type Said = Vec<String>;

/// What happened at a moment: after so many operations of the disk.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    /// An append began: its changes may be found from now on.
    Attempted { from: u64, said: Said },
    /// All up to this clock survive a kill.
    Appended(u64),
    /// All up to this clock survive power loss.
    Synced(u64),
}

/// A room that is driven as a server drives it: from memory, healing the store where it fails.
pub(crate) struct Driver {
    pub(crate) disk: SimDisk,
    pub(crate) store: Option<RoomStore>,
    pub(crate) said: Said,
    pub(crate) events: Vec<(usize, Event)>,
    /// How often something failed.
    pub(crate) failures: u64,
    /// Whether journals are archived, those of the last changes.
    pub(crate) has_history: bool,
    /// How often archiving failed.
    pub(crate) gaps: u64,
    attempt: u64,
}

/// How many changes a history goes back at least.
pub(crate) const REMEMBERED: u64 = 60;

pub(crate) fn dir() -> PathBuf {
    std::path::absolute("/rooms").unwrap()
}

pub(crate) fn room(disk: &SimDisk) -> FileStore {
    let id: Vec<u16> = "board".encode_utf16().collect();
    FileStore::new_on(Arc::new(disk.clone()), dir(), &id, LIST)
}

/// What an opened room says.
pub(crate) fn content(opened: &Opened) -> Said {
    let mut list = opened.snapshot.as_ref().map_or_else(Vec::new, |text| parse(text).unwrap().1);
    list.extend(opened.changes.iter().map(said));
    list
}

impl Driver {
    pub(crate) fn new(image: Image, lie: Lie) -> Self {
        Self {
            disk: SimDisk::new(image, lie),
            store: None,
            said: Vec::new(),
            events: Vec::new(),
            failures: 0,
            has_history: false,
            gaps: 0,
            attempt: 0,
        }
    }

    /// Opens the room, again where it failed. What is found is what goes on.
    pub(crate) fn open(&mut self) {
        for _ in 0..6 {
            match room(&self.disk).open() {
                Ok(opened) => {
                    self.said = content(&opened);
                    self.store = Some(opened.store);
                    self.mind_history();
                    self.note(Event::Synced(self.clock()));
                    return;
                }
                Err(error) => self.failed(&error),
            }
        }
        panic!("the room does not open any more");
    }

    pub(crate) fn clock(&self) -> u64 {
        u64::try_from(self.said.len()).unwrap()
    }

    fn note(&mut self, event: Event) {
        let moment = self.disk.moment();
        if let Event::Synced(clock) = event {
            self.events.push((moment, Event::Appended(clock)));
        }
        self.events.push((moment, event));
    }

    fn failed(&mut self, error: &StorageError) {
        self.failures += 1;
        assert!(
            matches!(error, StorageError::Io { .. } | StorageError::Poisoned { .. }),
            "another error than the disk's: {error}"
        );
    }

    /// Accepts `count` changes and appends them; what cannot be stored is taken back, and accepted
    /// anew with other words once the store is healed.
    pub(crate) fn edit(&mut self, count: u64) {
        for _ in 0..6 {
            let clock = self.clock();
            let size = usize::try_from(self.attempt % 4 * 17 + clock % 5 * 40).unwrap();
            let changes: Vec<_> = (clock + 1..=clock + count)
                .map(|clock| change(clock, self.attempt, size))
                .collect();
            let words: Said = changes.iter().map(said).collect();
            self.note(Event::Attempted { from: clock, said: words.clone() });
            match self.store.as_ref().unwrap().append(&changes) {
                Ok(()) => {
                    self.said.extend(words);
                    self.note(Event::Appended(self.clock()));
                    return;
                }
                Err(error) => {
                    self.failed(&error);
                    self.attempt += 1;
                    self.heal();
                }
            }
        }
        panic!("the room takes no changes any more");
    }

    pub(crate) fn sync(&mut self) {
        self.try_until_healed(RoomStore::sync);
    }

    /// Keeps what is not too old, and hears how that went.
    fn mind_history(&mut self) {
        if let (true, Some(store)) = (self.has_history, &self.store) {
            store.keep_history(START_MS + self.clock().saturating_sub(REMEMBERED));
            if let Some(trouble) = store.take_history_trouble() {
                assert!(matches!(trouble, StorageError::History { .. }), "{trouble}");
                self.gaps += 1;
            }
        }
    }

    pub(crate) fn compact(&mut self) {
        self.mind_history();
        self.try_until_healed(RoomStore::compact);
    }

    pub(crate) fn close(&mut self) {
        self.mind_history();
        self.try_until_healed(RoomStore::close);
        self.store = None;
    }

    pub(crate) fn rewrite(&mut self) {
        let text = text(self.clock(), &self.said);
        match self.store.as_ref().unwrap().rewrite(&text) {
            Ok(_) => self.note(Event::Synced(self.clock())),
            Err(error) => self.failed(&error),
        }
    }

    fn try_until_healed(&mut self, call: fn(&RoomStore) -> Result<(), StorageError>) {
        for _ in 0..6 {
            match call(self.store.as_ref().unwrap()) {
                Ok(()) => return self.note(Event::Synced(self.clock())),
                Err(error) => {
                    self.failed(&error);
                    self.heal();
                }
            }
        }
        panic!("the store does not heal");
    }

    fn heal(&mut self) {
        for _ in 0..6 {
            if !self.store.as_ref().unwrap().status().poisoned {
                return;
            }
            self.rewrite();
        }
        panic!("the store does not heal");
    }

    /// What a room goes through, in so many changes.
    pub(crate) fn run(&mut self, edits: u64) {
        self.open();
        let start = self.clock();
        while self.clock() < start + edits {
            self.edit(1 + self.clock() % 3 / 2);
            let done = (self.clock() - start) * 200 / edits;
            let turn = self.clock() % 20;
            if turn % 4 == 3 {
                self.sync();
            }
            match done {
                100..=101 => self.rewrite(),
                150..=151 => {
                    self.close();
                    self.open();
                }
                160..=161 => {
                    self.store = None;
                    self.open();
                }
                _ if turn == 7 || turn == 18 => self.compact(),
                _ => {}
            }
        }
        self.close();
    }
}
