//! Storing changes of several rooms with one sync.

use super::{
    super::{Change, RoomStore, StorageError, room::Written},
    Entry, FullLog, SyncLog,
};
use std::{
    collections::BTreeMap,
    io,
    path::PathBuf,
    sync::{Arc, MutexGuard, Weak},
};

/// Commits batches, each with as few syncs as there are directories in it.
#[derive(Debug, Default)]
pub struct GroupCommit {
    /// The logs that rooms still need, by directory.
    logs: BTreeMap<PathBuf, Weak<SyncLog>>,
}

/// Changes of one room that are in its journal, and not synced.
struct Unsynced<'s> {
    place: usize,
    store: &'s RoomStore,
    written: Written,
    /// Its journal is not exchanged for another one before this ends.
    _syncing: MutexGuard<'s, ()>,
}

impl GroupCommit {
    /// Stores changes so that they survive power loss, each room's wholly or not at all; every room comes once. Gives the
    /// outcome of each, and logs that have become full, to be settled elsewhere.
    pub fn commit(
        &mut self,
        batch: &[(&RoomStore, &[Change])],
    ) -> (Vec<Result<(), StorageError>>, Vec<FullLog>) {
        let mut outcomes: Vec<Result<(), StorageError>> = Vec::with_capacity(batch.len());
        let mut unsynced: BTreeMap<&PathBuf, Vec<Unsynced<'_>>> = BTreeMap::new();
        for (place, (store, changes)) in batch.iter().enumerate() {
            let syncing = store.syncing();
            outcomes.push(match store.append_for_log(changes) {
                Ok(Some(written)) => {
                    let waiting = Unsynced { place, store, written, _syncing: syncing };
                    unsynced.entry(&store.files.dir).or_default().push(waiting);
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
            let (places, stores): (Vec<_>, Vec<_>) =
                rooms.iter().map(|room| (room.place, room.store)).unzip();
            let outcome = self.sync_together(rooms);
            for (place, store) in places.into_iter().zip(stores) {
                if let (Err(error), Some(slot)) = (&outcome, outcomes.get_mut(place)) {
                    *slot = Err(store.sync_failed(error));
                }
            }
            full.extend(outcome.ok().flatten());
        }
        (outcomes, full)
    }

    /// Syncs rooms of one directory. An error poisons them.
    fn sync_together(&mut self, rooms: Vec<Unsynced<'_>>) -> Result<Option<FullLog>, StorageError> {
        if let [room] = rooms.as_slice() {
            // A sync of its own costs no more.
            let store = room.store;
            drop(rooms);
            return store.sync().map(|()| None);
        }
        let Some(first) = rooms.first() else { return Ok(None) };
        let log = self.log(first.store);
        let entries: Vec<_> = rooms.iter().map(Unsynced::entry).collect();
        let outcome = log.commit(&entries);
        for room in &rooms {
            match &outcome {
                Ok(_) => room.store.logged(&room.written, &log),
                Err(_) => room.store.poison(),
            }
        }
        outcome
    }

    fn log(&mut self, store: &RoomStore) -> Arc<SyncLog> {
        self.logs.retain(|_, log| log.strong_count() > 0);
        if let Some(log) = self.logs.get(&store.files.dir).and_then(Weak::upgrade) {
            return log;
        }
        let log = Arc::new(SyncLog::new(&store.files));
        self.logs.insert(store.files.dir.clone(), Arc::downgrade(&log));
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

impl RoomStore {
    /// The error of one of several rooms that a failed sync was for.
    fn sync_failed(&self, error: &StorageError) -> StorageError {
        StorageError::io("sync", self.files.journal())(io::Error::other(error.to_string()))
    }
}
