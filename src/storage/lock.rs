//! One owner for a room's files.
//!
//! The kernel's lock on `<name>.lock` decides, between processes and within one; it ends with its
//! process. The file's existence says nothing, its content only who to name in a refusal. What the
//! kernel cannot tell is kept here, for the owners in this process: whether one is closing.

use super::{Owner, StorageError, disk::DiskFile, files::Files};
use sha2::{Digest, Sha256};
use std::{
    collections::BTreeMap,
    io::{self, ErrorKind},
    path::Path,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    thread,
    time::Duration,
};

/// How often a lock that another process has is tried again, and how long apart: it may be about
/// to finish a single save. Together less than the 100 ms within which a refusal is due.
const TRIES: u32 = 10;
const PAUSE: Duration = Duration::from_millis(8);

/// The lock file may be removed between being opened and being locked, once for each owner that
/// leaves in between.
const MAX_RACES: u32 = 1000;

/// The owners in this process. No other lock is taken under this one.
static OWNERS: Mutex<BTreeMap<Key, Sitting>> = Mutex::new(BTreeMap::new());
static NEXT_NUMBER: AtomicU32 = AtomicU32::new(0);
/// Told whenever an owner leaves.
static FREED: Condvar = Condvar::new();

/// What an owner does with the files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hold {
    /// One save, which others of this process wait for.
    Saving,
    /// An open room.
    Open,
    /// A room that is about to let go.
    Closing,
}

/// The lock on a room's files. Dropping it lets go; the lock file stays then, as after the death of
/// a process, for the next owner to know that its predecessor did not finish.
#[derive(Debug)]
pub(super) struct Lock {
    /// The kernel's lock; `None` once it was released. Dropped first, so that whoever finds the seat free finds it too.
    held: Mutex<Option<Arc<dyn DiskFile>>>,
    seat: Seat,
}

/// The place of an owner among those of this process.
#[derive(Debug)]
struct Seat {
    key: Key,
    /// Tells apart those who have it one after the other.
    number: u32,
}

/// What stands for the path of a lock file: shorter, as a server has very many of them open, and no other path's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key([u8; 16]);

#[derive(Debug)]
struct Sitting {
    number: u32,
    hold: Hold,
}

impl Lock {
    /// Locks a room's files, whose directory is made if it is not there. Tells whether an owner before did not finish.
    pub(super) fn acquire(files: &Files, hold: Hold) -> Result<(Self, bool), StorageError> {
        files.create_dirs()?;
        let dir = files
            .folder
            .disk
            .resolve(&files.folder.dir)
            .map_err(StorageError::io("find", &*files.folder.dir))?;
        let path = dir.join(files.lock().file_name().unwrap_or_default());
        let seat = Seat::take(Key::of(&path), hold)
            .map_err(|owner| StorageError::Locked { path: files.snapshot(), owner })?;
        let (file, was_left) = lock_file(files)?;
        Ok((Self { held: Mutex::new(Some(file)), seat }, was_left))
    }

    /// Tells who asks that the owner is about to let go.
    pub(super) fn begin_close(&self) {
        if let Some(sitting) = owners().get_mut(&self.seat.key)
            && sitting.number == self.seat.number
        {
            sitting.hold = Hold::Closing;
        }
    }

    /// Locks anew if the lock file was removed, by whoever removes files that are not theirs.
    pub(super) fn ensure(&self, files: &Files) -> Result<(), StorageError> {
        let mut held = self.held();
        let path = files.lock();
        if let Some(file) = &mut *held
            && !file.is_at(&path).map_err(StorageError::io("find", &path))?
        {
            files.create_dirs()?;
            (*file, _) = lock_file(files)?;
        }
        Ok(())
    }

    /// Lets go and leaves no lock file.
    pub(super) fn release(&self, files: &Files) {
        // Removed while it is locked: whoever opened it before finds out, and makes a new one. One
        // that cannot be removed is a file too many, nothing else.
        let path = files.lock();
        let Some(file) = self.held().take() else { return };
        if file.is_at(&path).unwrap_or(false) {
            drop(files.folder.disk.remove(&path));
        }
        drop(file);
        self.seat.leave();
    }

    /// Nothing under it panics. [`owners`] may be locked under it.
    fn held(&self) -> MutexGuard<'_, Option<Arc<dyn DiskFile>>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Key {
    fn of(path: &Path) -> Self {
        let digest = Sha256::digest(path.as_os_str().as_encoded_bytes());
        Self(digest.first_chunk().copied().unwrap_or_default())
    }
}

impl Seat {
    /// Takes the place of an owner, or tells who has it.
    fn take(key: Key, hold: Hold) -> Result<Self, Owner> {
        let mut owners = owners();
        let mut patience = TRIES;
        loop {
            match owners.get(&key) {
                None => {
                    let number = NEXT_NUMBER.fetch_add(1, Ordering::Relaxed);
                    owners.insert(key, Sitting { number, hold });
                    return Ok(Self { key, number });
                }
                Some(Sitting { hold: Hold::Saving, .. }) if hold == Hold::Saving => {
                    owners = FREED.wait(owners).unwrap_or_else(PoisonError::into_inner);
                }
                Some(Sitting { hold: Hold::Saving, .. }) if patience > 0 => {
                    patience -= 1;
                    let waited = FREED.wait_timeout(owners, PAUSE);
                    owners = waited.unwrap_or_else(PoisonError::into_inner).0;
                }
                Some(other) => {
                    let closing = other.hold == Hold::Closing;
                    let pid = Some(std::process::id());
                    return Err(Owner { pid, this_process: true, closing });
                }
            }
        }
    }
}

impl Seat {
    /// Gives the place up, if that has not been done.
    fn leave(&self) {
        let mut owners = owners();
        if owners.get(&self.key).is_some_and(|sitting| sitting.number == self.number) {
            owners.remove(&self.key);
            drop(owners);
            FREED.notify_all();
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.leave();
    }
}

/// The map is whole whenever the lock is free: nothing under it panics between two changes.
fn owners() -> MutexGuard<'static, BTreeMap<Key, Sitting>> {
    OWNERS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Opens or creates the lock file and locks it; tells whether it was there.
fn lock_file(files: &Files) -> Result<(Arc<dyn DiskFile>, bool), StorageError> {
    let path = files.lock();
    let failed = |error| StorageError::io("lock", &path)(error);
    let mut patience = TRIES;
    for _ in 0..MAX_RACES {
        let (file, was_there) = open_or_create(files).map_err(failed)?;
        if !file.try_lock().map_err(failed)? {
            if patience == 0 {
                return Err(StorageError::Locked { path: files.snapshot(), owner: named(&*file) });
            }
            patience -= 1;
            thread::sleep(PAUSE);
        } else if file.is_at(&path).map_err(failed)? {
            // For a refusal to name us; a full disk must not keep a room closed.
            drop(file.write_all_at(format!("{:<32}\n", std::process::id()).as_bytes(), 0));
            return Ok((file, was_there));
        }
    }
    Err(failed(ErrorKind::TimedOut.into()))
}

fn open_or_create(files: &Files) -> io::Result<(Arc<dyn DiskFile>, bool)> {
    let path = files.lock();
    for _ in 0..MAX_RACES {
        match files.folder.disk.open(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                match files.folder.disk.create(&path) {
                    // Somebody else was quicker.
                    Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                    created => return Ok((created?, false)),
                }
            }
            opened => return Ok((opened?, true)),
        }
    }
    Err(ErrorKind::AlreadyExists.into())
}

/// Who wrote the lock file. On Windows nobody else can read it.
fn named(file: &dyn DiskFile) -> Owner {
    let mut bytes = [0; 33];
    let read = file.read_at(&mut bytes, 0).unwrap_or(0);
    owner(bytes.get(..read).unwrap_or_default())
}

/// Who has locked a room's files, for who wants to know and not to have them.
pub(super) fn find_owner(files: &Files) -> Result<Option<Owner>, StorageError> {
    let path = files.lock();
    if !files.folder.disk.is_locked(&path).map_err(StorageError::io("look at", &path))? {
        return Ok(None);
    }
    Ok(Some(owner(&files.folder.disk.read(&path).unwrap_or_default())))
}

/// The owner that the text of a lock file names.
fn owner(text: &[u8]) -> Owner {
    let text = std::str::from_utf8(text).ok();
    let pid: Option<u32> = text.and_then(|text| text.trim().parse().ok());
    Owner { pid, this_process: pid == Some(std::process::id()), closing: false }
}
