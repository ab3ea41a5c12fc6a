//! The harness: a room in a directory of its own.

use crate::format::{LIST, change, parse, said};
use heddle::storage::{FileStore, Opened, RoomStore, StorageError};
use std::{
    fs,
    path::{Path, PathBuf},
};
use tempfile::TempDir;

pub(crate) struct Room {
    pub(crate) dir: TempDir,
}

impl Room {
    pub(crate) fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn files(&self) -> FileStore {
        Self::files_in(self.dir.path())
    }

    pub(crate) fn files_in(dir: &Path) -> FileStore {
        FileStore::new(dir, &"board".encode_utf16().collect::<Vec<_>>(), LIST)
    }

    pub(crate) fn open(&self) -> Opened {
        self.files().open().unwrap()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// The names in the directory.
    pub(crate) fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.dir.path()).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// Leaves the directory as a killed process would: the lock is free, nothing else is done.
    pub(crate) fn killed(opened: Opened) {
        drop(opened.store);
    }
}

/// Appends changes with these clocks, each of a few bytes.
pub(crate) fn append(store: &RoomStore, clocks: std::ops::RangeInclusive<u64>) {
    try_append(store, clocks).unwrap();
}

pub(crate) fn try_append(
    store: &RoomStore,
    clocks: std::ops::RangeInclusive<u64>,
) -> Result<(), StorageError> {
    store.append(&clocks.map(|clock| change(clock, 0, 2)).collect::<Vec<_>>())
}

/// The clock that a room was opened at, and how many changes it has had.
pub(crate) fn content(opened: &Opened) -> (u64, Vec<String>) {
    let (mut clock, mut list) = match &opened.snapshot {
        Some(text) => parse(text).unwrap(),
        None => (0, Vec::new()),
    };
    for change in &opened.changes {
        clock = change.clock;
        list.push(said(change));
    }
    (clock, list)
}

/// What a room holds after the changes with these clocks.
pub(crate) fn after(clock: u64) -> (u64, Vec<String>) {
    (clock, (1..=clock).map(|clock| said(&change(clock, 0, 2))).collect())
}
