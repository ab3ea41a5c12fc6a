//! One open room: its journal, its snapshot and the lock on both.

use super::{Change, StorageError};
use crate::engine::Clock;

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

/// The files of an open room. Dropping it gives up the lock; only [`close`](Self::close) leaves the
/// room in its snapshot file alone.
///
/// Every call but [`status`](Self::status) and [`begin_close`](Self::begin_close) blocks. They may
/// come from any thread.
#[derive(Debug)]
pub struct RoomStore {
    _private: (),
}

impl RoomStore {
    /// Writes changes to the end of the journal. Once it has returned they survive the death of the
    /// process, and power loss once a later [`sync`](Self::sync) has returned.
    ///
    /// Their clocks must go on from the last one by one each. After an error none of them counts as
    /// stored, and the store is poisoned.
    pub fn append(&self, _changes: &[Change]) -> Result<(), StorageError> {
        Ok(())
    }

    /// [`append`](Self::append), unless it would have to wait for another thread: then `None`, and
    /// nothing was done.
    pub fn try_append(&self, changes: &[Change]) -> Option<Result<(), StorageError>> {
        Some(self.append(changes))
    }

    /// Makes all that was appended before the call survive power loss. An error poisons the store.
    pub fn sync(&self) -> Result<(), StorageError> {
        Ok(())
    }

    /// How the store stands.
    pub fn status(&self) -> Status {
        Status { journal_bytes: 0, snapshot_bytes: 0, unsynced: false, poisoned: false }
    }

    /// Puts a new snapshot in place that stands for all that was appended before the call, and cuts
    /// the journal to what came after. Appends and syncs go on meanwhile.
    pub fn compact(&self) -> Result<(), StorageError> {
        Ok(())
    }

    /// Starts a new journal that begins with this snapshot, in place of one that failed. From the
    /// start of the call until it succeeds, appends are refused as poisoned. Returns the snapshot's
    /// clock; the next change appended must have the one after it.
    pub fn rewrite(&self, _snapshot: &[u8]) -> Result<Clock, StorageError> {
        Ok(0)
    }

    /// Tells those who try to open the room that it will be free soon.
    pub fn begin_close(&self) {}

    /// Leaves everything in the snapshot file, removes the journal and gives up the lock. After an
    /// error the store is still open, and closing can be tried again.
    pub fn close(&self) -> Result<(), StorageError> {
        Ok(())
    }
}
