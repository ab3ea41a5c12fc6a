//! One room's files, for who loads and saves whole snapshots, and for who opens the room.

use super::{
    Format, Opened, StorageError,
    checksum::bare,
    disk::{Disk, RealDisk},
    files::Files,
    leftovers::Leftovers,
    lock::{Hold, Lock},
    recovery::{Found, find},
    room,
};
use std::{
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// How often a room is read again that did not make sense: its owner may have gone on meanwhile.
const MAX_READS: usize = 5;

/// Keeps a room as the file [`file_name`](super::file_name) of a directory, and as a journal beside
/// it while the room is open.
///
/// Calls block. They may come from any thread and are done one at a time; of two that wait, either
/// may be next, so whoever needs an order (ST3) makes the second call after the first has returned.
/// Of two stores that save the same room the last one to finish wins.
///
/// A file of the peer under the room's legacy name is read as long as the room has no file of its
/// own, and is superseded, not removed, by the first save. Deleting a room means deleting both.
#[derive(Debug)]
pub struct FileStore {
    files: Files,
    format: Format,
    /// Held over a whole load or save, which is what puts them one after the other. The locks on
    /// the files are taken under it.
    known: Mutex<Known>,
}

/// What a store knows of the room's files from having read and written them.
#[derive(Debug)]
struct Known {
    content: Content,
    leftovers: Leftovers,
}

#[derive(Debug)]
enum Content {
    /// Neither read nor written.
    Unknown,
    /// What a save would overwrite is nothing, or a snapshot.
    Replaceable,
    /// This file is there and could not be read: the room's own, or its legacy one, or its journal.
    Unreadable(PathBuf),
}

impl FileStore {
    /// A store for the room `id`, a JS string of any content, in `dir`. Touches no file: `dir` need
    /// not exist, and is made by the first save. A relative `dir` is looked up at every call.
    pub fn new(dir: impl Into<PathBuf>, id: &[u16], format: Format) -> Self {
        Self::new_on(RealDisk::shared(), dir, id, format)
    }

    /// [`new`](Self::new) on another disk than this machine's.
    pub fn new_on(
        disk: Arc<dyn Disk>,
        dir: impl Into<PathBuf>,
        id: &[u16],
        format: Format,
    ) -> Self {
        Self {
            files: Files::new(disk, dir.into(), id),
            format,
            known: Mutex::new(Known { content: Content::Unknown, leftovers: Leftovers::default() }),
        }
    }

    /// The file that [`save`](Self::save) writes.
    pub fn path(&self) -> PathBuf {
        self.files.snapshot()
    }

    /// Locks the room's files and reads what they hold. Until the store that it gives is closed or
    /// dropped, nobody else can open the room.
    ///
    /// [`StorageError::Locked`] tells, within 100 ms, who has it; while an owner in this process is
    /// closing, it is worth trying again. After [`StorageError::Damaged`] the files are as they
    /// were.
    pub fn open(&self) -> Result<Opened, StorageError> {
        room::open(&self.files, self.format)
    }

    /// Reads the room's snapshot, with the changes that a journal adds to it, or `None` when the
    /// room has no file. Takes no lock: of a room that somebody has open it reads what is in the
    /// files at this moment.
    ///
    /// Changes nothing on the disk. An error means that there is a file, or may be one, that was
    /// not read; [`StorageError::Damaged`] when it holds something else than was written.
    pub fn load(&self) -> Result<Option<Vec<u8>>, StorageError> {
        let mut known = self.known();
        let (content, outcome) = self.examine();
        known.content = content;
        let Found { text, changes, journal, .. } = outcome?;
        if changes.is_empty() {
            return Ok(text);
        }
        match (self.format.replay)(text.as_deref(), &changes) {
            Ok(text) => Ok(Some(text)),
            Err(damage) => {
                let path = journal.map_or_else(|| self.path(), |journal| journal.path);
                known.content = Content::Unreadable(path.clone());
                Err(StorageError::Damaged { path, damage, clock: None })
            }
        }
    }

    /// Puts a snapshot in place of all that the room's files hold. Once it has returned, the
    /// snapshot survives power loss, and neither it nor an earlier call of this store has left
    /// another file. A room that somebody has open is left alone ([`StorageError::Locked`]).
    ///
    /// A failed save leaves the room as it was, but for a failed sync at the very end, after which
    /// either version may survive a power loss. What a killed process left beside the file is
    /// removed ten minutes after it was written.
    ///
    /// A file that could not be read is kept as `<file>.damaged-<n>`; if no [`load`](Self::load)
    /// has tried, this does, before it overwrites anything for the first time. The file never lacks
    /// a readable successor in between, except on file systems without hard links: there a crash at
    /// that moment leaves only the damaged one, renamed.
    pub fn save(&self, snapshot: &[u8]) -> Result<(), StorageError> {
        let mut known = self.known();
        if matches!(known.content, Content::Unknown) {
            known.content = self.examined()?;
        }
        let (lock, _) = Lock::acquire(&self.files, Hold::Saving)?;
        let mut is_halfway = false;
        let saved = self.save_locked(&mut known, snapshot, &mut is_halfway);
        if !is_halfway {
            lock.release(&self.files);
        }
        // Else the lock file stays, as after a death, and tells the next owner to sync names.
        drop(lock);
        saved?;
        known.leftovers.remove(&*self.files.folder.disk, &self.files.folder.dir, &self.files.name);
        Ok(())
    }

    /// `is_halfway` while files have names that may not last.
    fn save_locked(
        &self,
        known: &mut Known,
        snapshot: &[u8],
        is_halfway: &mut bool,
    ) -> Result<(), StorageError> {
        let files = &self.files;
        let text = bare(snapshot);
        let journals = self.journals()?;
        *is_halfway = !journals.is_empty();
        if !journals.is_empty() {
            self.supersede(&journals, known, &text)?;
        }
        let path = files.snapshot();
        let (temporary, _) = files.write_snapshot(&text)?;

        if matches!(&known.content, Content::Unreadable(damaged) if *damaged == path) {
            files.folder.disk.link_aside(&path).map_err(StorageError::io("set aside", &path))?;
            known.content = Content::Replaceable;
            // The second name first, or a power loss could leave neither.
            files.sync_dir()?;
        }
        temporary.keep(&path).map_err(StorageError::io("replace", &path))?;
        *is_halfway = true;
        if let Content::Unreadable(legacy) = &known.content {
            // Not in the way of the save; renamed once it has a successor, so that nobody takes it
            // for the room's.
            files.folder.disk.move_aside(legacy).map_err(StorageError::io("set aside", legacy))?;
        }
        known.content = Content::Replaceable;
        files.sync_dir()?;
        if !journals.is_empty() {
            files.remove(&files.journal())?;
            files.sync_dir()?;
        }
        *is_halfway = false;
        Ok(())
    }

    /// What an owner that did not finish left beside the snapshot.
    fn journals(&self) -> Result<Vec<PathBuf>, StorageError> {
        let mut found = Vec::new();
        for path in [self.files.journal(), self.files.new_journal()] {
            if self.files.exists(&path)? {
                found.push(path);
            }
        }
        Ok(found)
    }

    /// Puts a journal that says the same as the new snapshot in place of those that would not
    /// continue it.
    fn supersede(
        &self,
        journals: &[PathBuf],
        known: &mut Known,
        text: &[u8],
    ) -> Result<(), StorageError> {
        let files = &self.files;
        known.content = self.examined()?;
        if let Content::Unreadable(damaged) = &known.content
            && journals.contains(damaged)
        {
            files
                .folder
                .disk
                .link_aside(damaged)
                .map_err(StorageError::io("set aside", damaged))?;
            files.sync_dir()?;
            // Damage to the journal was found first, and says nothing about the snapshot.
            known.content = match files.locate()? {
                Some(path) if files.read_snapshot(path.clone(), self.format).is_err() => {
                    Content::Unreadable(path)
                }
                _ => Content::Replaceable,
            };
        }
        let clock = (self.format.check)(text).unwrap_or_default();
        room::put_state(files, text, clock).map(drop)
    }

    /// Nothing panics under the lock but a [`Format`], and that before anything is changed: what
    /// the lock guards is as good as before.
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a save would overwrite; an error when that cannot even be told.
    fn examined(&self) -> Result<Content, StorageError> {
        match self.examine() {
            (Content::Unknown, Err(error)) => Err(error),
            (content, _) => Ok(content),
        }
    }

    fn examine(&self) -> (Content, Result<Found, StorageError>) {
        let mut outcome = find(&self.files, self.format);
        for _ in 1..MAX_READS {
            // Only a room that has, or had, a journal changes in more than one step.
            let again = matches!(&outcome, Err(error) if self.may_be_passing(error));
            if !again {
                break;
            }
            outcome = find(&self.files, self.format);
        }
        match outcome {
            Ok(found) => (Content::Replaceable, Ok(found)),
            Err(error) => match unreadable(&error) {
                Some(path) => (Content::Unreadable(path), Err(error)),
                None => (Content::Unknown, Err(error)),
            },
        }
    }

    fn may_be_passing(&self, error: &StorageError) -> bool {
        unreadable(error).is_some_and(|path| path != self.path())
    }
}

/// The file that an error says is there and could not be read.
fn unreadable(error: &StorageError) -> Option<PathBuf> {
    match error {
        StorageError::Damaged { path, .. } | StorageError::Io { operation: "read", path, .. } => {
            Some(path.clone())
        }
        StorageError::Io { .. }
        | StorageError::NameTaken { .. }
        | StorageError::Locked { .. }
        | StorageError::Poisoned { .. }
        | StorageError::NoHistory { .. }
        | StorageError::History { .. } => None,
    }
}

#[cfg(test)]
mod tests;
