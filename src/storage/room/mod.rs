//! One open room: its journal, its snapshot file and the lock on both.
//!
//! Locks, in the order in which they are taken: `work` (compacting, rewriting, closing: one at a
//! time, for as long as it takes), `syncing` (one sync at a time, and none while journals are
//! exchanged), `tail` (appending; never held over a sync). Appending takes `tail` only.

mod compact;
mod history;
mod logged;
mod open;
mod owner;
mod tail;

use super::{
    Change, Format, StorageError,
    checksum::bare,
    files::Files,
    journal::{Draft, RECORDS_START, Synced, slot},
    leftovers::Leftovers,
    lock::Lock,
    sync_log::SyncLog,
};
use crate::engine::Clock;
use history::History;
use std::{
    io::{self, ErrorKind},
    path::Path,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError, TryLockError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};
use tail::{Health, Journal, Tail};

pub(super) use logged::Written;
pub(super) use open::open;

/// What recovery found, and the store that goes on from there.
#[derive(Debug)]
pub struct Opened {
    /// The open room.
    pub store: RoomStore,
    /// The snapshot that the changes build on; `None` when the room has none.
    pub snapshot: Option<Vec<u8>>,
    /// What was journaled after it, in order, without gaps in the clocks.
    pub changes: Vec<Change>,
    /// How much of a torn end, never promised to anybody, was cut off the journal.
    pub cut_bytes: u64,
}

/// How a store stands. Reading it takes no lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// What the journal holds beyond its header, in bytes.
    pub journal_bytes: u64,
    /// The size of the snapshot file, in bytes.
    pub snapshot_bytes: u64,
    /// Whether changes were appended that no sync has covered yet.
    pub unsynced: bool,
    /// Whether a write failed: only [`RoomStore::rewrite`] helps.
    pub poisoned: bool,
}

/// The files of an open room, which are its owner's alone until it is closed or dropped. Only
/// [`close`](Self::close) leaves the room in its snapshot file alone.
///
/// Every call but [`status`](Self::status) and [`begin_close`](Self::begin_close) blocks. They may
/// come from any thread, and appending waits neither for a sync nor, but for a moment at its end,
/// for a compaction.
#[derive(Debug)]
pub struct RoomStore {
    pub(super) files: Files,
    format: Format,
    lock: Lock,
    tail: Mutex<Tail>,
    gauge: Gauge,
    /// There from the first work on: most of the rooms that are open have not been edited since.
    upkeep: OnceLock<Box<Upkeep>>,
}

/// What is done with a room's files beside appending to them.
#[derive(Debug, Default)]
struct Upkeep {
    work: Mutex<Leftovers>,
    syncing: Mutex<()>,
    /// The log that has what this room's journal has not synced.
    log: Mutex<Option<Arc<SyncLog>>>,
    history: Mutex<Option<History>>,
}

/// What [`RoomStore::status`] reads.
#[derive(Debug, Default)]
struct Gauge {
    journal_bytes: AtomicU64,
    snapshot_bytes: AtomicU64,
    unsynced: AtomicBool,
    poisoned: AtomicBool,
}

impl RoomStore {
    fn new(files: Files, format: Format, lock: Lock, tail: Tail, snapshot_bytes: u64) -> Self {
        let gauge = Gauge::default();
        gauge.snapshot_bytes.store(snapshot_bytes, Ordering::Relaxed);
        gauge.show(&tail);
        Self { files, format, lock, tail: Mutex::new(tail), gauge, upkeep: OnceLock::new() }
    }

    /// Writes changes to the end of the journal. Once it has returned they survive the death of the
    /// process, and power loss once a later [`sync`](Self::sync) has returned.
    ///
    /// Their clocks must go on from the last one by one each; others are refused. Any other error
    /// poisons the store: none of the changes counts as stored, though some may be found later.
    pub fn append(&self, changes: &[Change]) -> Result<(), StorageError> {
        self.append_to(&mut self.tail(), changes)
    }

    /// [`append`](Self::append), unless it would have to wait for another thread: then `None`, and
    /// nothing was done.
    pub fn try_append(&self, changes: &[Change]) -> Option<Result<(), StorageError>> {
        let mut tail = match self.tail.try_lock() {
            Ok(tail) => tail,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return None,
        };
        Some(self.append_to(&mut tail, changes))
    }

    /// Makes all that was appended before the call survive power loss. An error poisons the store.
    pub fn sync(&self) -> Result<(), StorageError> {
        let _syncing = self.syncing();
        let (journal, clock) = {
            let tail = self.tail();
            tail.check(&self.files, &[Health::Sound, Health::Closing])?;
            let Some(journal) = &tail.journal else { return Ok(()) };
            (journal.clone(), tail.clock)
        };
        match self.sync_journal(&journal, clock) {
            Ok(synced) => {
                self.change(|tail| {
                    if let Some(journal) = &mut tail.journal {
                        journal.synced = synced;
                        journal.is_named = true;
                    }
                });
                Ok(())
            }
            Err(error) => {
                self.poison();
                Err(error)
            }
        }
    }

    /// How the store stands.
    pub fn status(&self) -> Status {
        Status {
            journal_bytes: self.gauge.journal_bytes.load(Ordering::Relaxed),
            snapshot_bytes: self.gauge.snapshot_bytes.load(Ordering::Relaxed),
            unsynced: self.gauge.unsynced.load(Ordering::Relaxed),
            poisoned: self.gauge.poisoned.load(Ordering::Relaxed),
        }
    }

    /// Starts a new journal that begins with this snapshot, in place of what was there. From the
    /// start of the call until it succeeds, appends are refused as poisoned. Returns the snapshot's
    /// clock; the next change must have the one after it.
    ///
    /// This is what heals a poisoned store, also after the whole directory has vanished.
    pub fn rewrite(&self, snapshot: &[u8]) -> Result<Clock, StorageError> {
        let _work = self.work();
        let _syncing = self.syncing();
        self.tail().check(&self.files, &[Health::Sound, Health::Poisoned])?;
        let has_failed = self.tail().health == Health::Poisoned;
        self.poison();
        let text = bare(snapshot);
        let clock = self.clock_of(&text, self.files.journal())?;
        self.lock.ensure(&self.files)?;
        self.archive_given_up(clock, has_failed);
        let journal = put_state(&self.files, &text, clock)?;
        self.change(|tail| {
            tail.journal = Some(Box::new(journal));
            tail.clock = clock;
            tail.health = Health::Sound;
        });
        Ok(clock)
    }

    /// Tells those who try to open the room that it will be free soon.
    pub fn begin_close(&self) {
        self.lock.begin_close();
    }

    /// Leaves everything in the snapshot file, removes the journal and gives up the lock. Appends
    /// are refused from the start. After an error the store is as before, and closing can be tried
    /// again. Closing a closed store does nothing.
    pub fn close(&self) -> Result<(), StorageError> {
        let mut work = self.work();
        if self.tail().health == Health::Closed {
            return Ok(());
        }
        self.tail().check(&self.files, &[Health::Sound])?;
        self.begin_close();
        self.change(|tail| tail.health = Health::Closing);
        let finished = self.finish(&mut work);
        self.change(|tail| match (tail.health, &finished) {
            (Health::Closing, Ok(())) => tail.health = Health::Closed,
            (Health::Closing, Err(_)) => tail.health = Health::Sound,
            (Health::Sound | Health::Poisoned | Health::Closed, _) => {}
        });
        if finished.is_ok() {
            self.leave_log();
            self.lock.release(&self.files);
        }
        finished
    }

    fn append_to(&self, tail: &mut Tail, changes: &[Change]) -> Result<(), StorageError> {
        let outcome = tail.append(&self.files, changes);
        self.gauge.show(tail);
        outcome
    }

    /// Syncs a journal as far as it went when it was looked at.
    fn sync_journal(&self, journal: &Journal, clock: Clock) -> Result<Synced, StorageError> {
        let reached = Synced { sequence: journal.synced.sequence + 1, offset: journal.end, clock };
        let (at, slot) = slot(journal.header_checksum, reached);
        if !journal.is_named {
            let path = self.files.new_journal();
            let failed = StorageError::io("sync", &path);
            // What it says is not true before the sync, but nobody believes it before the rename.
            journal
                .file
                .write_all_at(&slot, at)
                .and_then(|()| journal.file.sync_all())
                .map_err(failed)?;
            expect_at(journal, &path)?;
            let rename = StorageError::io("rename", &path);
            self.files.folder.disk.rename(&path, &self.files.journal()).map_err(rename)?;
            self.files.sync_dir()?;
            return Ok(reached);
        }

        let path = self.files.journal();
        expect_at(journal, &path)?;
        if journal.synced.offset == journal.end {
            return Ok(journal.synced);
        }
        journal.file.sync_data().map_err(StorageError::io("sync", &path))?;
        journal.file.write_all_at(&slot, at).map_err(StorageError::io("write to", &path))?;
        Ok(reached)
    }

    fn upkeep(&self) -> &Upkeep {
        self.upkeep.get_or_init(Box::default)
    }

    fn work(&self) -> MutexGuard<'_, Leftovers> {
        self.upkeep().work.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn syncing(&self) -> MutexGuard<'_, ()> {
        self.upkeep().syncing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nothing panics under it; were it otherwise, what it guards would be as good as before.
    fn tail(&self) -> MutexGuard<'_, Tail> {
        self.tail.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, edit: impl FnOnce(&mut Tail)) {
        let mut tail = self.tail();
        edit(&mut tail);
        tail.forget_safe();
        self.gauge.show(&tail);
    }

    pub(super) fn poison(&self) {
        self.change(|tail| tail.health = Health::Poisoned);
    }
}

/// A file that has lost its name would be gone with the last handle to it.
fn expect_at(journal: &Journal, path: &Path) -> Result<(), StorageError> {
    match journal.file.is_at(path) {
        Ok(true) => Ok(()),
        Ok(false) => {
            let error = io::Error::new(ErrorKind::NotFound, "it was removed or replaced");
            Err(StorageError::io("find", path)(error))
        }
        Err(error) => Err(StorageError::io("find", path)(error)),
    }
}

/// Puts a new journal in place, durably, that begins with the [`bare`] text of a snapshot and so
/// needs nothing else.
pub(super) fn put_state(files: &Files, text: &[u8], clock: Clock) -> Result<Journal, StorageError> {
    files.create_dirs()?;
    let path = files.journal();
    let mut draft = Draft::new(&files.header(None));
    let written = draft.chain.push_state(&mut draft.bytes, text);
    written.map_err(StorageError::io("write a snapshot to", &path))?;
    let synced = draft.seal(clock);
    let temporary = files.write_aside(&path, &draft.bytes)?;
    let file = temporary.keep(&path).map_err(StorageError::io("replace", &path))?;
    files.remove(&files.new_journal())?;
    files.sync_dir()?;
    Ok(Journal::placed(&draft, file, synced))
}

impl Gauge {
    fn show(&self, tail: &Tail) {
        let (bytes, unsynced) = match &tail.journal {
            Some(journal) => {
                let bytes = journal.end.saturating_sub(RECORDS_START);
                (bytes, !journal.is_named || journal.synced.offset < journal.end)
            }
            None => (0, false),
        };
        self.journal_bytes.store(bytes, Ordering::Relaxed);
        self.unsynced.store(unsynced, Ordering::Relaxed);
        self.poisoned.store(tail.health == Health::Poisoned, Ordering::Relaxed);
    }
}
