//! Putting journals into the archive, and removing them when they are old.

use super::{
    super::{
        StorageError,
        checksum::seal,
        disk::Temporary,
        files::Files,
        leftovers,
        recovery::{Found, JournalFile},
    },
    Kind, Segment, contents, snapshot_path,
};
use crate::engine::Clock;
use std::path::Path;

/// What to do where a file cannot have a second name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Copying {
    /// It is copied.
    Allowed,
    /// It is not archived.
    Refused,
}

/// Archives the changes that were found in a room's files, with what they continue, durably. The journal they are in
/// must have been synced.
pub(in super::super) fn archive(
    files: &Files,
    found: &Found,
    copying: Copying,
) -> Result<(), StorageError> {
    let (Some(segment), Some(journal)) = (Segment::of(found), &found.journal) else {
        return Ok(());
    };
    let dir = files.history();
    let created = files.folder.disk.create_dirs(&dir);
    created.map_err(StorageError::io("create the directory", &dir))?;
    go_back(files, segment.base)?;
    if let Some(snapshot) = found.snapshot.as_ref().filter(|_| !journal.has_state) {
        let bytes = || Ok(seal(found.text.as_deref().unwrap_or_default()));
        put(files, &snapshot.path, &snapshot_path(files, segment.base), copying, bytes)?;
    }
    let path = segment.journal(files);
    put(files, &journal.path, &path, copying, || copy(files, found, journal, &path))?;
    files.folder.disk.sync_dir(&dir).map_err(StorageError::io("sync", &dir))
}

/// Removes what was archived of changes that the room has gone back behind, or is about to archive again.
fn go_back(files: &Files, base: Clock) -> Result<(), StorageError> {
    for (kind, path) in contents(files)? {
        let is_ahead = match kind {
            Kind::Journal(segment) => segment.base >= base,
            Kind::Snapshot(clock) => clock >= base,
            Kind::Temporary => false,
        };
        if is_ahead {
            files.remove(&path)?;
        }
    }
    Ok(())
}

/// Gives a file a second name, or its content to a new one.
fn put(
    files: &Files,
    from: &Path,
    to: &Path,
    copying: Copying,
    bytes: impl FnOnce() -> Result<Vec<u8>, StorageError>,
) -> Result<(), StorageError> {
    match files.folder.disk.link(from, to) {
        Ok(()) => return Ok(()),
        Err(error) if copying == Copying::Refused => {
            return Err(StorageError::io("archive", from)(error));
        }
        // Why it cannot be linked is of no interest: whether it can be copied decides.
        Err(_) => {}
    }
    let bytes = bytes()?;
    let temporary = Temporary::create(&files.folder.disk, &files.history(), "", leftovers::SUFFIX);
    let kept = temporary.and_then(|temporary| {
        temporary.write(&bytes, 0)?;
        temporary.sync()?;
        temporary.keep(to)
    });
    kept.map(drop).map_err(StorageError::io("write", to))
}

/// A journal of the changes that were found, and nothing else.
fn copy(
    files: &Files,
    found: &Found,
    journal: &JournalFile,
    path: &Path,
) -> Result<Vec<u8>, StorageError> {
    let copied = found.draft(files, journal.has_state);
    copied.map(|(draft, _)| draft.bytes).map_err(StorageError::io("write", path))
}

/// Removes the segments whose changes are all older than `since_ms`, and what belongs to no segment.
pub(in super::super) fn prune(files: &Files, since_ms: u64) -> Result<(), StorageError> {
    let contents = contents(files)?;
    let is_kept = |segment: &Segment| segment.newest_ms >= since_ms;
    let bases: Vec<Clock> = contents
        .iter()
        .filter_map(|(kind, _)| match kind {
            Kind::Journal(segment) => is_kept(segment).then_some(segment.base),
            Kind::Snapshot(_) | Kind::Temporary => None,
        })
        .collect();
    let mut is_removed = false;
    for (kind, path) in &contents {
        let stays = match kind {
            Kind::Journal(segment) => is_kept(segment),
            Kind::Snapshot(_) => true,
            // The room has one owner, who is here.
            Kind::Temporary => false,
        };
        if !stays {
            files.remove(path)?;
            is_removed = true;
        }
    }
    if is_removed {
        // A segment that power loss brings back must find its snapshot.
        let dir = files.history();
        files.folder.disk.sync_dir(&dir).map_err(StorageError::io("sync", &dir))?;
    }
    for (kind, path) in &contents {
        if matches!(kind, Kind::Snapshot(clock) if !bases.contains(clock)) {
            files.remove(path)?;
        }
    }
    Ok(())
}
