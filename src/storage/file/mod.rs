//! One room's snapshot in one file.

use super::{
    Format, Opened, StorageError, disk,
    leftovers::{self, Leftovers},
    names,
};
use std::{
    io,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Keeps a room's snapshot as the file [`file_name`](super::file_name) of a directory.
///
/// Calls block. They may come from any thread and are done one at a time; of two that wait, either
/// may be next, so whoever needs an order (ST3) makes the second call after the first has returned.
/// Two stores, or two processes, may write the same room without tearing its file: the last one to
/// finish wins.
///
/// A file of the peer under the room's legacy name is read as long as the room has no file of its
/// own, and is superseded, not removed, by the first save. Deleting a room means deleting both.
#[derive(Debug)]
pub struct FileStore {
    dir: PathBuf,
    file_name: String,
    legacy_name: Option<String>,
    format: Format,
    /// Held over a whole load or save, which is what puts them one after the other. No other lock
    /// is taken under it.
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
    /// This file is there and could not be read: the room's own, or its legacy one.
    Unreadable(PathBuf),
}

impl FileStore {
    /// A store for the room `id`, a JS string of any content, in `dir`. Touches no file: `dir` need
    /// not exist, and is made by the first save. A relative `dir` is looked up at every call.
    pub fn new(dir: impl Into<PathBuf>, id: &[u16], format: Format) -> Self {
        let mut dir = dir.into();
        if dir.as_os_str().is_empty() {
            dir.push(".");
        }
        Self {
            dir,
            file_name: names::file_name(id),
            legacy_name: names::legacy_name(id),
            format,
            known: Mutex::new(Known { content: Content::Unknown, leftovers: Leftovers::default() }),
        }
    }

    /// The file that [`save`](Self::save) writes.
    pub fn path(&self) -> PathBuf {
        self.dir.join(&self.file_name)
    }

    /// Reads the snapshot as it is in the file, checked, or `None` when the room has no file.
    ///
    /// Changes nothing on the disk. An error means that there is a file, or may be one, that was
    /// not read; [`StorageError::Damaged`] when its bytes are no snapshot.
    pub fn load(&self) -> Result<Option<Vec<u8>>, StorageError> {
        let mut known = self.known();
        let (content, outcome) = self.examine();
        known.content = content;
        outcome
    }

    /// Puts a snapshot in place of what the file holds. Once it has returned, the snapshot survives
    /// power loss, and neither it nor an earlier call of this store has left another file.
    ///
    /// A failed save leaves the file as it was, but for a failed sync of the directory at the very
    /// end, after which either version may survive a power loss. What a killed process left beside
    /// the file is removed ten minutes after it was written.
    ///
    /// A file that could not be read is kept as `<file>.damaged-<n>`; if no [`load`](Self::load)
    /// has tried, this does, before it overwrites anything for the first time. The file never lacks
    /// a readable successor in between, except on file systems without hard links: there a crash at
    /// that moment leaves only the damaged one, renamed.
    pub fn save(&self, snapshot: &[u8]) -> Result<(), StorageError> {
        let mut known = self.known();
        if matches!(known.content, Content::Unknown) {
            known.content = match self.examine() {
                // What would be overwritten cannot even be told apart.
                (Content::Unknown, Err(error)) => return Err(error),
                (content, _) => content,
            };
        }

        disk::create_dirs(&self.dir).map_err(failed("create the directory", &self.dir))?;
        let path = self.path();
        let prefix = leftovers::prefix(&self.file_name);
        let temporary = disk::write_temporary(&self.dir, &prefix, leftovers::SUFFIX, snapshot)
            .map_err(failed("write a temporary file for", &path))?;

        if matches!(&known.content, Content::Unreadable(damaged) if *damaged == path) {
            disk::link_aside(&path).map_err(failed("set aside", &path))?;
            known.content = Content::Replaceable;
            // The second name first, or a power loss could leave neither.
            self.sync_dir()?;
        }
        disk::replace(temporary, &path).map_err(failed("replace", &path))?;
        if let Content::Unreadable(legacy) = &known.content {
            // Not in the way of the save; renamed once it has a successor, so that nobody takes it
            // for the room's.
            disk::move_aside(legacy).map_err(failed("set aside", legacy))?;
        }
        known.content = Content::Replaceable;
        self.sync_dir()?;

        known.leftovers.remove(&self.dir, &self.file_name);
        Ok(())
    }

    /// Locks the room's files and reads what they hold. Until the store that it gives is dropped or
    /// closed, nobody else can open the room.
    pub fn open(&self) -> Result<Opened, StorageError> {
        Err(failed("open", &self.path())(io::ErrorKind::Unsupported.into()))
    }

    /// Nothing panics under the lock but a `check`, and that before anything is changed: what the
    /// lock guards is as good as before.
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn examine(&self) -> (Content, Result<Option<Vec<u8>>, StorageError>) {
        let path = match self.locate() {
            Ok(Some(path)) => path,
            Ok(None) => return (Content::Replaceable, Ok(None)),
            Err(error) => return (Content::Unknown, Err(error)),
        };
        match self.read(&path) {
            Ok(snapshot) => (Content::Replaceable, Ok(Some(snapshot))),
            Err(error) => (Content::Unreadable(path), Err(error)),
        }
    }

    /// The file that holds the room: its own if there is one, else the peer's.
    fn locate(&self) -> Result<Option<PathBuf>, StorageError> {
        let path = self.path();
        if disk::exists(&path).map_err(failed("find", &path))? {
            return match disk::spelled_otherwise(&self.dir, &self.file_name) {
                Ok(false) => Ok(Some(path)),
                Ok(true) => Err(StorageError::NameTaken { path }),
                Err(error) => Err(failed("list", &self.dir)(error)),
            };
        }
        match &self.legacy_name {
            Some(name) if disk::lists(&self.dir, name).map_err(failed("list", &self.dir))? => {
                Ok(Some(self.dir.join(name)))
            }
            _ => Ok(None),
        }
    }

    fn read(&self, path: &Path) -> Result<Vec<u8>, StorageError> {
        let snapshot = disk::read(path).map_err(failed("read", path))?;
        match (self.format.check)(&snapshot) {
            Ok(_) => Ok(snapshot),
            Err(damage) => {
                Err(StorageError::Damaged { path: path.to_owned(), damage, clock: None })
            }
        }
    }

    fn sync_dir(&self) -> Result<(), StorageError> {
        disk::sync_dir(&self.dir).map_err(failed("sync", &self.dir))
    }
}

fn failed(operation: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StorageError {
    move |source| StorageError::Io { operation, path: path.to_owned(), source }
}

#[cfg(test)]
mod tests;
