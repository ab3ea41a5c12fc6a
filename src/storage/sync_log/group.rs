//! Storing changes of several rooms with one sync.

use super::{
    super::{Change, RoomStore, StorageError, room::Written},
    Entry, FullLog, SyncLog,
};
use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, MutexGuard, Weak},
};

/// Commits batches, each with as few syncs as there are directories in it.
#[derive(Debug, Default)]
pub struct GroupCommit {
    /// The logs that rooms still need, by directory.
    logs: BTreeMap<Arc<Path>, Weak<SyncLog>>,
}

/// Changes of one room that are in its journal, and not synced.
struct Unsynced<'s> {
    place: usize,
    store: &'s RoomStore,
    written: Written,
    /// Its journal is not exchanged for another one before this ends.
    syncing: MutexGuard<'s, ()>,
}

impl GroupCommit {
    /// Stores changes so that they survive power loss, with all that was appended before, each room's wholly or not at
    /// all; every room comes once, perhaps without a change. Gives the outcome of each, and logs that have become full, to
    /// be settled elsewhere.
    pub fn commit(
        &mut self,
        batch: &[(&RoomStore, &[Change])],
    ) -> (Vec<Result<(), StorageError>>, Vec<FullLog>) {
        let mut outcomes: Vec<Result<(), StorageError>> = Vec::with_capacity(batch.len());
        let mut unsynced: BTreeMap<&Path, Vec<Unsynced<'_>>> = BTreeMap::new();
        for (place, (store, changes)) in batch.iter().enumerate() {
            let syncing = store.syncing();
            outcomes.push(match store.append_for_log(changes) {
                Ok(Some(written)) => {
                    let waiting = Unsynced { place, store, written, syncing };
                    unsynced.entry(&store.files.folder.dir).or_default().push(waiting);
                    Ok(())
                }
                Ok(None) => {
                    drop(syncing);
                    store.sync()
                }
                Err(error) => Err(error),
            });
        }
        let mut full = Vec::new();
        for (_, rooms) in unsynced {
            if self.sync_together(&rooms, &mut full) {
                continue;
            }
            for Unsynced { place, store, written: _, syncing } in rooms {
                drop(syncing);
                if let Some(slot) = outcomes.get_mut(place) {
                    *slot = store.sync();
                }
            }
        }
        (outcomes, full)
    }

    /// Syncs rooms of one directory. False where each is to be synced by itself: one alone costs no more, and a log that
    /// cannot be written says nothing about the journals.
    fn sync_together(&mut self, rooms: &[Unsynced<'_>], full: &mut Vec<FullLog>) -> bool {
        let [first, _, ..] = rooms else { return false };
        let log = self.log(first.store);
        let entries: Vec<_> = rooms.iter().map(Unsynced::entry).collect();
        let Ok(outgrown) = log.commit(&entries) else { return false };
        for room in rooms {
            room.store.logged(&room.written, &log);
        }
        full.extend(outgrown);
        true
    }

    fn log(&mut self, store: &RoomStore) -> Arc<SyncLog> {
        self.logs.retain(|_, log| log.strong_count() > 0);
        if let Some(log) = self.logs.get(&store.files.folder.dir).and_then(Weak::upgrade) {
            return log;
        }
        let log = Arc::new(SyncLog::new(&store.files));
        self.logs.insert(Arc::clone(&store.files.folder.dir), Arc::downgrade(&log));
        log
    }
}

impl Unsynced<'_> {
    fn entry(&self) -> Entry<'_> {
        Entry {
            name: &self.store.files.name,
            journal: self.written.journal,
            offset: self.written.offset,
            bytes: &self.written.bytes,
        }
    }
}
