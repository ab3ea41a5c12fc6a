//! What a room's files hold together: the newest good snapshot and the changes after it.
//!
//! Only reads. A journal that is torn at its end is put in order when the room is opened.

use super::{
    Change, Damage, Format, StorageError,
    checksum::Identity,
    disk::as_offset,
    files::{Files, Snapshot},
    journal::{Draft, Flaw, Placed, RECORDS_START, Record, Scan, Synced, scan, scan_unsynced},
    sync_log::overlay,
};
use crate::engine::Clock;
use std::{
    io,
    path::{Path, PathBuf},
};

/// The state of a room, as its files tell it.
#[derive(Debug)]
pub(super) struct Found {
    /// The snapshot that the changes build on.
    pub(super) text: Option<Vec<u8>>,
    pub(super) changes: Vec<Change>,
    /// The clock after the last change.
    pub(super) clock: Clock,
    /// The snapshot file. Its text is in `text`, unless the journal has one that supersedes it.
    pub(super) snapshot: Option<SnapshotFile>,
    pub(super) journal: Option<JournalFile>,
}

/// What is known of a snapshot file once it has been read.
#[derive(Clone, Debug)]
pub(super) struct SnapshotFile {
    pub(super) path: PathBuf,
    pub(super) identity: Identity,
    /// Whether heddle wrote it, and so has synced it.
    pub(super) was_sealed: bool,
    /// Its size.
    pub(super) bytes: u64,
}

/// What is known of a journal once it has been read.
#[derive(Debug)]
pub(super) struct JournalFile {
    pub(super) path: PathBuf,
    /// Without its records. `None` where not even the header is good, which only a journal that was
    /// never synced may be.
    pub(super) scan: Option<Scan>,
    /// What is torn at its end, in bytes.
    pub(super) torn_bytes: u64,
    /// Whether the snapshot that the changes build on comes from the journal.
    pub(super) has_state: bool,
}

/// Where replaying starts.
#[derive(Clone, Copy)]
enum Start {
    /// From the snapshot file, with the records from this offset.
    Snapshot { from: u64 },
    /// From the record with this index.
    State { index: usize },
}

/// Reads a room's files. Who has no lock on them tries again after an error: between two of these
/// reads an owner may go on.
pub(super) fn find(files: &Files, format: Format) -> Result<Found, StorageError> {
    // Before the snapshot: what the journal marks as covered is in a snapshot that came later.
    let journal = read_journal(files)?;
    let snapshot = files.locate()?.map(|path| files.read_snapshot(path, format)).transpose()?;
    combine(files, journal, snapshot, format)
}

/// Reads the journal of a room, if it has one.
pub(super) fn read_journal(files: &Files) -> Result<Option<JournalFile>, StorageError> {
    let Some((path, bytes)) = read_journal_bytes(files)? else { return Ok(None) };
    let scan = if path == files.journal() {
        scan(&bytes, &files.name).map(Some)
    } else {
        scan_unsynced(&bytes, &files.name)
    };
    let scan = scan.map_err(|flaw| damaged(&path, flaw))?;
    let torn_bytes = scan.as_ref().map_or_else(|| as_offset(bytes.len()), |scan| scan.cut_bytes);
    Ok(Some(JournalFile { path, scan, torn_bytes, has_state: false }))
}

/// The journal of a room as bytes, if it has one: its own, or one that was never synced.
pub(super) fn read_journal_bytes(
    files: &Files,
) -> Result<Option<(PathBuf, Vec<u8>)>, StorageError> {
    let Some((path, mut bytes)) = read_journal_alone(files)? else { return Ok(None) };
    overlay(files, &mut bytes)?;
    Ok(Some((path, bytes)))
}

/// [`read_journal_bytes`] without what a log of several rooms may have of it.
pub(super) fn read_journal_alone(
    files: &Files,
) -> Result<Option<(PathBuf, Vec<u8>)>, StorageError> {
    for path in [files.journal(), files.new_journal()] {
        if files.exists(&path)? {
            let bytes = files.folder.disk.read(&path).map_err(StorageError::io("read", &path))?;
            return Ok(Some((path, bytes)));
        }
    }
    Ok(None)
}

/// Puts the changes of a journal on top of what they build on.
pub(super) fn combine(
    files: &Files,
    mut journal: Option<JournalFile>,
    snapshot: Option<Snapshot>,
    format: Format,
) -> Result<Found, StorageError> {
    let (text, snapshot) = snapshot.map(split).unzip();
    let identity = snapshot.as_ref().map(|snapshot: &SnapshotFile| snapshot.identity);
    let clock = identity.map_or(0, |identity| identity.clock);
    let mut found = Found { text, changes: Vec::new(), clock, snapshot, journal: None };
    if let Some(JournalFile { path, scan: Some(scan), has_state, .. }) = &mut journal {
        let records = std::mem::take(&mut scan.records);
        match start(&records, scan.header.base, identity) {
            Some(start) => {
                *has_state = matches!(start, Start::State { .. });
                found.replay(records, start, format).map_err(|flaw| damaged(path, flaw))?;
            }
            None if records.iter().any(|placed| matches!(placed.record, Record::Change(_))) => {
                return Err(damaged(path, misfit(files, scan.header.base, identity)));
            }
            None => {}
        }
    }
    found.journal = journal;
    Ok(found)
}

fn split(snapshot: Snapshot) -> (Vec<u8>, SnapshotFile) {
    let Snapshot { path, text, identity, was_sealed, bytes } = snapshot;
    (text, SnapshotFile { path, identity, was_sealed, bytes })
}

/// The newest place that the snapshot file, or a snapshot in the journal, stands for.
fn start(records: &[Placed], base: Option<Identity>, file: Option<Identity>) -> Option<Start> {
    let mut found = (base == file).then_some(Start::Snapshot { from: RECORDS_START });
    for (index, Placed { record, .. }) in records.iter().enumerate() {
        match record {
            Record::Mark { offset, snapshot } if Some(*snapshot) == file => {
                found = Some(Start::Snapshot { from: *offset });
            }
            Record::State(_) => found = Some(Start::State { index }),
            Record::Mark { .. } | Record::Change(_) => {}
        }
    }
    found
}

fn misfit(files: &Files, base: Option<Identity>, file: Option<Identity>) -> Flaw {
    let needs = match base {
        Some(base) => format!("it continues a snapshot with the clock {}", base.clock),
        None => "it continues an empty room".to_owned(),
    };
    let has = match file {
        Some(file) => format!("{} is another one, with the clock {}", files.name, file.clock),
        None => format!("there is no {}", files.name),
    };
    Flaw { offset: 0, clock: file.map(|file| file.clock), reason: format!("{needs}, but {has}") }
}

impl Found {
    /// A new journal with the changes; with `has_state` also with the snapshot that they build on,
    /// which otherwise is in a file. It says that it is synced.
    pub(super) fn draft(&self, files: &Files, has_state: bool) -> io::Result<(Draft, Synced)> {
        let file = self.snapshot.as_ref().filter(|_| !has_state);
        let base = file.map(|file| file.identity);
        let mut draft = Draft::new(&files.header(base));
        if let Some(text) = self.text.as_deref().filter(|_| has_state) {
            draft.chain.push_state(&mut draft.bytes, text)?;
        }
        for change in &self.changes {
            draft.chain.push_change(&mut draft.bytes, change)?;
        }
        let synced = draft.seal(self.clock);
        Ok((draft, synced))
    }

    fn replay(&mut self, records: Vec<Placed>, start: Start, format: Format) -> Result<(), Flaw> {
        let from = match start {
            Start::Snapshot { from } => from,
            Start::State { index } => records.get(index).map_or(0, |placed| placed.offset),
        };
        for Placed { offset, record } in records {
            match record {
                Record::State(text) if offset == from => {
                    self.clock = (format.check)(&text).map_err(|damage| Flaw {
                        offset,
                        clock: None,
                        reason: format!("it holds no snapshot: {damage}"),
                    })?;
                    self.text = Some(text);
                }
                Record::Change(change) if offset >= from => {
                    if self.clock.checked_add(1) != Some(change.clock) {
                        return Err(Flaw {
                            offset,
                            clock: Some(self.clock),
                            reason: format!(
                                "the change {} does not follow the clock {}",
                                change.clock, self.clock
                            ),
                        });
                    }
                    self.clock = change.clock;
                    self.changes.push(change);
                }
                Record::State(_) | Record::Change(_) | Record::Mark { .. } => {}
            }
        }
        Ok(())
    }
}

pub(super) fn damaged(path: &Path, flaw: Flaw) -> StorageError {
    StorageError::Damaged {
        path: path.to_owned(),
        damage: Damage { offset: Some(flaw.offset), reason: flaw.reason },
        clock: flaw.clock,
    }
}
