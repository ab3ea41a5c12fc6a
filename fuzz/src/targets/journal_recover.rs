//! Any bytes as the files of a room.

use super::{
    choices::Choices,
    journal_bytes::{Chosen, ROOM},
};
use crate::{
    disk::{Lie, SimDisk},
    image::Image,
};
use heddle::{
    server::{CANVAS, inspect, replay, salvage},
    storage::{Change, FileStore, Opened, RoomFiles, RoomName, Salvage, StorageError},
};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

const JOURNAL: &str = "board.journal";
const LOG: &str = "heddle-sync-0.log";

/// Opens a room of any bytes: an error that leaves them as they are, or a room that goes on, and says the same after a
/// restart. Looking at it and salvaging it never fail worse than that.
pub fn journal_recover(data: &[u8]) {
    let mut choices = Choices::new(data);
    let chosen = Chosen::by(&mut choices);
    let dir = std::path::absolute("/rooms").unwrap();
    let snapshot_name = if choices.once_in(16) { "Board.json" } else { "board.json" };
    let journal_name = if choices.once_in(8) { "board.journal-new" } else { JOURNAL };
    // A log has bytes of journals only that have their name.
    let log = chosen.log.filter(|_| journal_name == JOURNAL);
    let mut files: Vec<(PathBuf, Vec<u8>)> = Vec::new();
    for (name, bytes) in
        [(snapshot_name, chosen.snapshot), (journal_name, chosen.journal), (LOG, log)]
    {
        files.extend(bytes.map(|bytes| (dir.join(name), bytes)));
    }
    let opens = opened(&disk(&files), &dir).map(|opened| text(&opened));
    let is_good = matches!(opens, Ok(Ok(_)));
    if is_good || choices.once_in(64) {
        inspect_it(&dir, &files, is_good);
    }
    salvage_it(&dir, &files);
    open(&dir, &files);
}

fn disk(files: &[(PathBuf, Vec<u8>)]) -> SimDisk {
    let files: Vec<_> = files.iter().map(|(path, bytes)| (path.as_path(), &bytes[..])).collect();
    SimDisk::new(Image::with(&files), Lie::None)
}

fn outside(disk: &SimDisk, dir: &Path) -> RoomFiles {
    let id: Vec<u16> = ROOM.encode_utf16().collect();
    RoomFiles::new_on(Arc::new(disk.clone()), dir, &RoomName::of(&id), CANVAS)
}

/// Says that a room is good exactly where it opens. What is damaged is looked at again after a while, so that this takes
/// its time.
fn inspect_it(dir: &Path, files: &[(PathBuf, Vec<u8>)], is_good: bool) {
    let disk = disk(files);
    let (inspection, census) = inspect(&outside(&disk, dir));
    assert_eq!(census.is_some(), is_good, "{:?}", inspection.problems);
    assert_eq!(inspection.problems.is_empty(), is_good);
    assert_unchanged(&disk, files);
}

/// Leaves all files as they are, and what it rescues is a room.
fn salvage_it(dir: &Path, files: &[(PathBuf, Vec<u8>)]) {
    let disk = disk(files);
    if let Ok((Salvage::Rescued(rescue), census)) = salvage(&outside(&disk, dir)) {
        assert!(census.is_some(), "rescued what is no room");
        assert_eq!((CANVAS.check)(&rescue.text).unwrap(), rescue.clock);
    }
    assert_unchanged(&disk, files);
}

/// Asserts that the files are there as they were; a log may have been settled.
fn assert_unchanged(disk: &SimDisk, files: &[(PathBuf, Vec<u8>)]) {
    let image = disk.image();
    let has_log = files.iter().any(|(path, _)| path.ends_with(LOG));
    for (path, bytes) in files.iter().filter(|_| !has_log) {
        let file = image.file(path).unwrap();
        assert_eq!(image.bytes(file), bytes, "{} was changed", path.display());
    }
}

fn opened(disk: &SimDisk, dir: &Path) -> Result<Opened, StorageError> {
    let id: Vec<u16> = ROOM.encode_utf16().collect();
    FileStore::new_on(Arc::new(disk.clone()), dir, &id, CANVAS).open()
}

/// What an opened room says; the error is that its changes do not fit.
fn text(opened: &Opened) -> Result<Vec<u8>, heddle::server::ReplayError> {
    let changes = opened.changes.iter().map(|change| (change.clock, &*change.patches));
    replay(opened.snapshot.as_deref(), changes)
}

fn open(dir: &Path, files: &[(PathBuf, Vec<u8>)]) {
    let disk = disk(files);
    let first = match opened(&disk, dir) {
        Ok(opened) => opened,
        Err(StorageError::Damaged { .. }) => return assert_unchanged(&disk, files),
        Err(error) => panic!("neither a room nor damage: {error}"),
    };
    let Ok(before) = text(&first) else { return };
    let clock = (CANVAS.check)(&before).unwrap();
    // As if its process died at once: the next one finds the same.
    drop(first);
    let again = opened(&disk, dir).unwrap();
    assert_eq!(text(&again).unwrap(), before, "opening the room changed it");
    if clock >= heddle::engine::MAX_CLOCK {
        return;
    }
    let change = Change {
        clock: clock + 1,
        time_ms: 1,
        client: (*b"c").into(),
        patches: (*br#"[{"z":{"_exists":true}}]"#).into(),
    };
    again.store.append(&[change]).unwrap();
    again.store.sync().unwrap();
    drop(again);
    let reopened = match opened(&disk, dir) {
        // Who has a journal needs to know what the directory's logs have of it; who had none did not.
        Err(StorageError::Damaged { path, .. }) if path.ends_with(LOG) => return,
        reopened => reopened.unwrap(),
    };
    let after = text(&reopened).unwrap();
    drop(reopened);
    assert_eq!((CANVAS.check)(&after).unwrap(), clock + 1, "an appended change is gone");
    let last = opened(&disk, dir).unwrap();
    last.store.close().unwrap();
    drop(last);
    let closed = opened(&disk, dir).unwrap();
    assert!(closed.changes.is_empty(), "a closed room is its snapshot alone");
    assert_eq!(text(&closed).unwrap(), after, "closing the room changed it");
}
