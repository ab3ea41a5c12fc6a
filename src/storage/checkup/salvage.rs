//! What can be had of a damaged room, written beside it.

use super::{
    super::{
        Change, Damage, Format, StorageError,
        checksum::{bare, seal},
        files::Files,
        lock::{Hold, Lock},
    },
    RoomFiles,
    evidence::{Evidence, Line},
};
use crate::engine::Clock;
use std::{
    io::{self, ErrorKind},
    path::PathBuf,
};

/// What became of salvaging a room.
#[derive(Debug)]
pub enum Salvage {
    /// The room has no files.
    Absent,
    /// Nothing is wrong with its files, whose clock this is; nothing was written.
    Healthy(Clock),
    /// What could be read is in a new file.
    Rescued(Rescue),
    /// Nothing could be read; nothing was written. These are the reasons.
    Hopeless(Vec<StorageError>),
}

/// What was rescued.
#[derive(Debug)]
pub struct Rescue {
    /// The new file: a snapshot.
    pub path: PathBuf,
    /// Its text, without the checksum.
    pub text: Vec<u8>,
    /// Its clock.
    pub clock: Clock,
    /// What it begins with.
    pub source: Source,
    /// How many changes of the journal it has on top of that.
    pub changes: usize,
    /// Why it may not be what the room was.
    pub doubts: Vec<Doubt>,
    /// What of the journal is not in it.
    pub loss: Option<Loss>,
    /// What is wrong with the files.
    pub problems: Vec<StorageError>,
    /// The room's files, which are as they were: a room opens on the new one only without them.
    pub files: Vec<PathBuf>,
}

/// What a rescued snapshot begins with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// This snapshot file.
    Snapshot(PathBuf),
    /// A snapshot that the journal holds itself.
    State,
    /// An empty room: the journal goes back to the beginning.
    Beginning,
}

/// Why a rescued snapshot may not be what the room was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// The snapshot file was changed by somebody other than heddle: some of what it says may be
    /// wrong.
    Content,
    /// That the changes were made on this snapshot is told by their clocks alone.
    Order,
}

/// The end of a journal that is not in the rescued snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss {
    /// The journal.
    pub path: PathBuf,
    /// Where it begins.
    pub offset: u64,
    /// How long it is.
    pub bytes: u64,
    /// The clock up to which the journal had been synced, where that is known and is lost.
    pub synced: Option<Clock>,
}

impl RoomFiles {
    /// Writes what can be read of a damaged room to `<name>.salvaged-<n>.json` beside it, with the
    /// smallest free n. The room's files stay as they are, and the new one survives power loss.
    ///
    /// The room's files are locked meanwhile: [`StorageError::Locked`] when somebody has it open.
    pub fn salvage(&self) -> Result<Salvage, StorageError> {
        let files = &self.files;
        if !files.folder.disk.is_dir(&files.folder.dir) {
            let error = io::Error::from(ErrorKind::NotFound);
            return Err(StorageError::io("find the directory", &*files.folder.dir)(error));
        }
        let found = self.existing()?;
        if found.is_empty() {
            return Ok(Salvage::Absent);
        }
        let (lock, was_left) = Lock::acquire(files, Hold::Open)?;
        let salvaged = self.salvage_locked(found);
        if was_left {
            // What the next owner would have to know.
            files.sync_dir()?;
        }
        lock.release(files);
        salvaged
    }

    /// The room's files, as far as they are there.
    fn existing(&self) -> Result<Vec<PathBuf>, StorageError> {
        let files = &self.files;
        let mut found = Vec::from_iter(files.locate()?);
        for path in [files.journal(), files.new_journal()] {
            if files.exists(&path)? {
                found.push(path);
            }
        }
        Ok(found)
    }

    fn salvage_locked(&self, files: Vec<PathBuf>) -> Result<Salvage, StorageError> {
        let inspection = self.look();
        let mut problems = inspection.problems;
        if problems.is_empty() {
            let text = inspection.snapshot.as_deref();
            match (self.format.replay)(text, &inspection.changes) {
                Ok(_) => return Ok(Salvage::Healthy(inspection.clock.unwrap_or(0))),
                Err(damage) => problems.push(self.unreplayable(damage)),
            }
        }
        let is_whole = problems.iter().all(|problem| self.is_of_snapshot(problem));
        let evidence = Evidence::gather(&self.files, self.format);
        let journal = evidence.journal.as_ref().map(|journal| {
            let synced = journal.remains.synced.map(|synced| synced.clock);
            (journal.path.clone(), journal.remains.end, journal.bytes, synced)
        });
        let Some(line) = evidence.best(self.format, is_whole) else {
            return Ok(Salvage::Hopeless(problems));
        };
        let Line { source, text, changes, unused_from, doubts, .. } = line;
        let Some(replayed) = longest(self.format, text.as_deref(), &changes) else {
            return Ok(Salvage::Hopeless(problems));
        };
        let loss = journal.and_then(|(path, end, bytes, synced)| {
            let unreplayed = changes.get(replayed.changes).map(|(offset, _)| *offset);
            let offset = unreplayed.or(unused_from).unwrap_or(end);
            let synced = synced.filter(|synced| *synced > replayed.clock);
            let bytes = bytes.saturating_sub(offset);
            (bytes > 0 || synced.is_some()).then_some(Loss { path, offset, bytes, synced })
        });
        let path = write(&self.files, &replayed.text)?;
        let Replayed { text, clock, changes } = replayed;
        Ok(Salvage::Rescued(Rescue {
            path,
            text,
            clock,
            source,
            changes,
            doubts,
            loss,
            problems,
            files,
        }))
    }

    fn is_of_snapshot(&self, problem: &StorageError) -> bool {
        let snapshot = self.files.locate().ok().flatten();
        match problem {
            StorageError::Damaged { path, .. } | StorageError::Io { path, .. } => {
                snapshot.as_ref() == Some(path)
            }
            StorageError::NameTaken { .. }
            | StorageError::Locked { .. }
            | StorageError::Poisoned { .. }
            | StorageError::NoHistory { .. }
            | StorageError::History { .. } => false,
        }
    }

    /// The error of a journal whose changes cannot have been made on its snapshot.
    pub fn unreplayable(&self, damage: Damage) -> StorageError {
        StorageError::Damaged { path: self.files.journal(), damage, clock: None }
    }
}

/// Changes on top of a snapshot.
struct Replayed {
    text: Vec<u8>,
    clock: Clock,
    changes: usize,
}

/// As many of the changes as make sense. The search is binary: what the first of them lead to is
/// the same however many follow.
fn longest(format: Format, text: Option<&[u8]>, changes: &[(u64, Change)]) -> Option<Replayed> {
    let changes: Vec<Change> = changes.iter().map(|(_, change)| change.clone()).collect();
    let replay = |count: usize| {
        let some = changes.get(..count)?;
        let text = (format.replay)(text, some).ok()?;
        let clock = (format.check)(&text).ok()?;
        Some(Replayed { text, clock, changes: count })
    };
    if let Some(all) = replay(changes.len()) {
        return Some(all);
    }
    let mut best = replay(0)?;
    let mut too_many = changes.len();
    while best.changes + 1 < too_many {
        let middle = best.changes.midpoint(too_many);
        match replay(middle) {
            Some(replayed) => best = replayed,
            None => too_many = middle,
        }
    }
    let is_anything = text.is_some() || best.changes > 0;
    is_anything.then_some(best)
}

/// Writes a snapshot beside the room's, under a name of its own.
fn write(files: &Files, text: &[u8]) -> Result<PathBuf, StorageError> {
    let mut number = 1_u64;
    let path = loop {
        let path = files.folder.dir.join(format!("{}.salvaged-{number}.json", files.stem()));
        if !files.exists(&path)? {
            break path;
        }
        number += 1;
    };
    // Nobody else takes that name: the room is locked.
    let temporary = files.write_aside(&path, &seal(&bare(text)))?;
    temporary.keep(&path).map_err(StorageError::io("write", &path))?;
    files.sync_dir()?;
    Ok(path)
}
