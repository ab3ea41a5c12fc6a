//! Opening a room: recovery, and putting its journal in order.

use super::{
    super::{
        Format, StorageError,
        files::Files,
        lock::{Hold, Lock},
        recovery::{Found, JournalFile, find},
        sync_log::settle_orphans,
    },
    Opened, RoomStore,
    tail::{Health, Journal, Tail},
};
use std::io::ErrorKind;

/// Locks a room's files and reads what they hold.
pub(in super::super) fn open(files: &Files, format: Format) -> Result<Opened, StorageError> {
    let files = files.absolute()?;
    let (lock, was_left) = Lock::acquire(&files, Hold::Open)?;
    if was_left {
        // Its owner may have died between renaming a file and making the name last.
        files.sync_dir()?;
    }
    settle_orphans(&files);
    let found = find(&files, format).inspect_err(|_| lock.release(&files))?;
    trust(&files, &found)?;
    let cut_bytes = found.journal.as_ref().map_or(0, |journal| journal.torn_bytes);
    let journal = settle(&files, &found)?;

    let Found { text, changes, clock, snapshot, .. } = found;
    let tail = Tail {
        health: Health::Sound,
        clock,
        base: snapshot.as_ref().map(|snapshot| snapshot.identity),
        journal: journal.map(Box::new),
        recent: None,
    };
    let snapshot_bytes = snapshot.map_or(0, |snapshot| snapshot.bytes);
    let store = RoomStore::new(files, format, lock, tail, snapshot_bytes);
    Ok(Opened { store, snapshot: text, changes, cut_bytes })
}

/// Makes a snapshot last that somebody else wrote: changes will build on it.
fn trust(files: &Files, found: &Found) -> Result<(), StorageError> {
    match &found.snapshot {
        Some(snapshot) if !snapshot.was_sealed => {
            match files.folder.disk.sync_file(&snapshot.path) {
                Err(error) if error.kind() == ErrorKind::PermissionDenied => {}
                synced => synced.map_err(StorageError::io("sync", &snapshot.path))?,
            }
            files.sync_dir()
        }
        _ => Ok(()),
    }
}

/// Leaves a journal that can be appended to, synced as far as it goes, or none.
fn settle(files: &Files, found: &Found) -> Result<Option<Journal>, StorageError> {
    let Some(file) = &found.journal else { return Ok(None) };
    let is_named = file.path == files.journal();
    if is_named && files.exists(&files.new_journal())? {
        // Never synced, and not needed by the one that was.
        files.remove(&files.new_journal())?;
        files.sync_dir()?;
    }
    if found.changes.is_empty() && !file.has_state {
        // The snapshot that stands for it first.
        files.sync_dir()?;
        files.remove(&file.path)?;
        files.sync_dir()?;
        return Ok(None);
    }
    match go_on(files, file)? {
        Some(journal) if is_named => Ok(Some(journal)),
        _ => copy(files, found, file).map(Some),
    }
}

/// The journal as it is, if all of it is good and synced.
fn go_on(files: &Files, file: &JournalFile) -> Result<Option<Journal>, StorageError> {
    let Some(scan) = &file.scan else { return Ok(None) };
    let Some(synced) = scan.synced.filter(|synced| synced.offset == scan.end) else {
        return Ok(None);
    };
    if file.torn_bytes > 0 {
        return Ok(None);
    }
    Ok(Some(Journal {
        file: files.folder.disk.open(&file.path).map_err(StorageError::io("open", &file.path))?,
        is_named: true,
        id: scan.header.id,
        header_checksum: scan.header_checksum,
        end: scan.end,
        chain: scan.chain,
        synced,
        logged: 0,
        is_needed: true,
    }))
}

/// A new journal with what was found in the old one. Nothing behind the synced part of that one can
/// be trusted to last: a sync of it may have failed before its owner died, and syncing again would
/// succeed without writing anything.
fn copy(files: &Files, found: &Found, old: &JournalFile) -> Result<Journal, StorageError> {
    let path = files.journal();
    let drafted = found.draft(files, old.has_state);
    let (draft, synced) = drafted.map_err(StorageError::io("write", &path))?;

    let temporary = files.write_aside(&path, &draft.bytes)?;
    // The snapshot that it names first.
    files.sync_dir()?;
    let file = temporary.keep(&path).map_err(StorageError::io("replace", &path))?;
    if old.path != path {
        files.remove(&old.path)?;
    }
    files.sync_dir()?;
    Ok(Journal::placed(&draft, file, synced))
}
