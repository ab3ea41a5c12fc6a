//! The harness: the room `board` in a directory of its own, and ways to spoil it.

use crate::format::{LIST, change, said};
use heddle::storage::{FileStore, Inspection, RoomFiles, RoomName, RoomStore, Salvage};
use std::{fs, ops::RangeInclusive, path::PathBuf, time::SystemTime};
use tempfile::TempDir;

/// Where the records of a journal begin.
pub(crate) const RECORDS_START: usize = 1536;

pub(crate) struct Room {
    pub(crate) dir: TempDir,
}

impl Room {
    pub(crate) fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    /// A room of which the snapshot has the changes 1 to 3, and the journal, synced, 4 to 6.
    pub(crate) fn crashed() -> Self {
        let room = Self::new();
        let store = room.open();
        append(&store, 1..=3);
        store.compact().unwrap();
        append(&store, 4..=6);
        store.sync().unwrap();
        room
    }

    /// A room whose journal, synced, begins with a snapshot at clock 3, and has the changes 4 to 6.
    pub(crate) fn rewritten() -> Self {
        let room = Self::new();
        let store = room.open();
        append(&store, 1..=3);
        store.compact().unwrap();
        store.rewrite(&crate::format::text(3, &after(3))).unwrap();
        append(&store, 4..=6);
        store.sync().unwrap();
        room
    }

    /// A room that never had a snapshot; its journal, synced, has the changes 1 to 6.
    pub(crate) fn young() -> Self {
        let room = Self::new();
        let store = room.open();
        append(&store, 1..=6);
        store.sync().unwrap();
        room
    }

    pub(crate) fn open(&self) -> RoomStore {
        self.store().open().unwrap().store
    }

    pub(crate) fn store(&self) -> FileStore {
        FileStore::new(self.dir.path(), &id(), LIST)
    }

    pub(crate) fn files(&self) -> RoomFiles {
        RoomFiles::new(self.dir.path(), &RoomName::of(&id()), LIST)
    }

    pub(crate) fn inspect(&self) -> Inspection {
        self.files().inspect()
    }

    pub(crate) fn salvage(&self) -> Salvage {
        self.files().salvage().unwrap()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn bytes(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        fs::write(self.path(name), bytes).unwrap();
    }

    /// Turns one bit of a file.
    pub(crate) fn flip(&self, name: &str, at: usize) {
        let mut bytes = self.bytes(name);
        bytes[at] ^= 1;
        self.write(name, bytes);
    }

    pub(crate) fn remove(&self, name: &str) {
        fs::remove_file(self.path(name)).unwrap();
    }

    /// All files but for what an owner leaves when it is killed: names, checksums and when they were written.
    pub(crate) fn everything(&self) -> Vec<(String, u32, SystemTime)> {
        let entries = fs::read_dir(self.dir.path()).unwrap().map(Result::unwrap);
        let mut all: Vec<_> = entries
            .map(|entry| {
                let written = entry.metadata().unwrap().modified().unwrap();
                let checksum = crc32c::crc32c(&fs::read(entry.path()).unwrap());
                (entry.file_name().into_string().unwrap(), checksum, written)
            })
            .filter(|(name, ..)| name != "board.lock")
            .collect();
        all.sort();
        all
    }
}

fn id() -> Vec<u16> {
    "board".encode_utf16().collect()
}

/// Appends changes with these clocks, each of a few bytes.
pub(crate) fn append(store: &RoomStore, clocks: RangeInclusive<u64>) {
    store.append(&clocks.map(|clock| change(clock, 0, 2)).collect::<Vec<_>>()).unwrap();
}

/// What a room's changes up to this clock have said.
pub(crate) fn after(clock: u64) -> Vec<String> {
    (1..=clock).map(|clock| said(&change(clock, 0, 2))).collect()
}

/// What is wrong, for a reader.
pub(crate) fn complaints(inspection: &Inspection) -> Vec<String> {
    let named = inspection.problems.iter().map(ToString::to_string);
    named.map(|text| text.rsplit('/').next().unwrap_or_default().to_owned()).collect()
}
