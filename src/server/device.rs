//! One storage device: the threads that write to it, and whether it answers quickly.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::{Duration, Instant},
};

use super::{
    lane::{Lane, now},
    store::Inner,
};
use crate::{
    engine::Clock,
    storage::{Change, GroupCommit, RoomStore, StorageError},
};

/// An append that takes longer would be felt by every room of the process, were it made on the thread that serves them.
const QUICK: Duration = Duration::from_millis(200);

/// A sync that takes longer means that the next append may take as long: the kernel makes writers wait for the disk.
const SYNC_PATIENCE: Duration = Duration::from_secs(1);

/// When unsynced changes are synced at [`Level::Process`](super::store::Level::Process): half of the second that a power
/// loss may cost, the other half being for the sync itself.
const SYNC_AFTER: Duration = Duration::from_millis(500);

/// How long a device that was slow is not trusted.
const SLOW_FOR: Duration = Duration::from_secs(5);

/// How many rooms of a device are synced or compacted at a time.
const PARALLEL: usize = 4;

/// The devices that rooms are open on, by number.
static DEVICES: Mutex<BTreeMap<u64, Weak<Device>>> = Mutex::new(BTreeMap::new());

/// A device and its threads, shared by all rooms of the process that are stored there: one that hangs holds up no other.
#[derive(Debug)]
pub(super) struct Device {
    /// Appends that nobody waits for in place.
    pub(super) commits: Lane,
    /// Syncs in the background.
    syncs: Lane,
    /// Compactions, rewrites, last saves.
    pub(super) chores: Lane,
    /// What the commit thread does next, by the address of the store.
    batches: Mutex<BTreeMap<usize, Batch>>,
    /// The rooms that are synced next in the background.
    unsynced: Mutex<Vec<Arc<Inner>>>,
    /// How changes of several rooms are synced at once.
    group: Mutex<GroupCommit>,
    watch: Mutex<Watch>,
}

/// Changes of one room on their way to its journal.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) store: Arc<Inner>,
    pub(super) changes: Vec<Change>,
    /// The clock of the last one.
    pub(super) last: Clock,
    /// Counts the batches of the room.
    pub(super) number: u64,
    /// When they were made, counted in failures of the store.
    pub(super) age: u64,
}

#[derive(Debug, Default)]
struct Watch {
    slow_until: Option<Instant>,
    syncs: BTreeMap<u64, Instant>,
    next_sync: u64,
}

impl Device {
    /// The device with this number.
    pub(super) fn numbered(number: u64) -> Arc<Self> {
        let mut devices = DEVICES.lock().unwrap_or_else(PoisonError::into_inner);
        devices.retain(|_, device| device.strong_count() > 0);
        if let Some(device) = devices.get(&number).and_then(Weak::upgrade) {
            return device;
        }
        let device = Arc::new(Self {
            commits: Lane::new("heddle-commit", 1),
            syncs: Lane::new("heddle-sync", PARALLEL),
            chores: Lane::new("heddle-chore", PARALLEL),
            batches: Mutex::default(),
            unsynced: Mutex::default(),
            group: Mutex::default(),
            watch: Mutex::default(),
        });
        devices.insert(number, Arc::downgrade(&device));
        device
    }

    /// Hands a batch to the commit thread, where it joins one of the same room that waits there already.
    pub(super) fn commit(self: &Arc<Self>, batch: Batch) {
        let mut batches = self.batches();
        let is_first = batches.is_empty();
        match batches.entry(Arc::as_ptr(&batch.store).addr()) {
            Entry::Occupied(mut waiting) if waiting.get().age == batch.age => {
                let waiting = waiting.get_mut();
                waiting.changes.extend(batch.changes);
                (waiting.last, waiting.number) = (batch.last, batch.number);
            }
            // What an earlier age left was taken back.
            Entry::Occupied(mut waiting) => drop(waiting.insert(batch)),
            Entry::Vacant(place) => drop(place.insert(batch)),
        }
        if is_first {
            let device = Arc::clone(self);
            self.commits.run(Box::new(move || device.commit_all()));
        }
    }

    /// Stores all that waits, with one sync where syncs are wanted, and only then tells what became of it.
    fn commit_all(&self) {
        let batches = std::mem::take(&mut *self.batches());
        let (synced, unsynced): (Vec<_>, Vec<_>) = batches
            .values()
            .filter(|batch| batch.store.awaits(batch.age))
            .partition(|batch| batch.store.syncs());
        for batch in unsynced {
            // Another room's may have taken so long that this one has been taken back.
            if batch.store.awaits(batch.age) {
                batch.store.finish(batch, batch.store.files().append(&batch.changes));
            }
        }
        let changes: Vec<_> =
            synced.iter().map(|batch| (batch.store.files(), &*batch.changes)).collect();
        for (batch, outcome) in synced.iter().zip(self.commit_group(&changes)) {
            batch.store.finish(batch, outcome);
        }
    }

    /// Syncs a room before long, together with others that ask for it.
    pub(super) fn sync_soon(self: &Arc<Self>, store: Arc<Inner>) {
        let mut unsynced = self.unsynced();
        let is_first = unsynced.is_empty();
        unsynced.push(store);
        drop(unsynced);
        if is_first {
            let device = Arc::clone(self);
            self.syncs.run_after(SYNC_AFTER, Box::new(move || device.sync_all()));
        }
    }

    /// Syncs all that wait for it: with one sync those that can share one, each of the others by itself.
    fn sync_all(&self) {
        let unsynced = std::mem::take(&mut *self.unsynced());
        for store in &unsynced {
            store.begin_sync();
        }
        let (sharing, single): (Vec<_>, Vec<_>) =
            unsynced.into_iter().partition(|store| store.can_share_sync());
        for store in single {
            self.syncs.run(Box::new(move || store.synced(store.sync())));
        }
        let nothing: &[Change] = &[];
        let rooms: Vec<_> = sharing.iter().map(|store| (store.files(), nothing)).collect();
        for (store, outcome) in sharing.iter().zip(self.commit_group(&rooms)) {
            store.synced(outcome);
        }
    }

    /// Stores changes of several rooms with as few syncs as can be.
    fn commit_group(&self, changes: &[(&RoomStore, &[Change])]) -> Vec<Result<(), StorageError>> {
        let mut group = self.group.lock().unwrap_or_else(PoisonError::into_inner);
        let (outcomes, full) = self.watched(|| group.commit(changes));
        drop(group);
        for log in full {
            // One that cannot be settled stays on the disk, and harms nobody.
            self.chores.run(Box::new(move || drop(log.settle())));
        }
        outcomes
    }

    fn unsynced(&self) -> MutexGuard<'_, Vec<Arc<Inner>>> {
        self.unsynced.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn batches(&self) -> MutexGuard<'_, BTreeMap<usize, Batch>> {
        self.batches.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether an append may be made on the thread that serves the rooms.
    pub(super) fn is_quick(&self) -> bool {
        let watch = self.watch();
        if watch.slow_until.is_none() && watch.syncs.is_empty() {
            return true;
        }
        let now = now();
        watch.slow_until.is_none_or(|until| until <= now)
            && watch.syncs.values().all(|start| now - *start < SYNC_PATIENCE)
    }

    /// Does what should be quick, and remembers when it was not.
    pub(super) fn timed<T>(&self, work: impl FnOnce() -> T) -> T {
        let start = now();
        let result = work();
        let end = now();
        if end - start > QUICK {
            self.watch().slow_until = Some(end + SLOW_FOR);
        }
        result
    }

    /// Does a sync, during which [`is_quick`](Self::is_quick) can see how long it has taken.
    pub(super) fn watched<T>(&self, sync: impl FnOnce() -> T) -> T {
        let mut watch = self.watch();
        let number = watch.next_sync;
        watch.next_sync += 1;
        watch.syncs.insert(number, now());
        drop(watch);
        let result = sync();
        self.watch().syncs.remove(&number);
        result
    }

    fn watch(&self) -> MutexGuard<'_, Watch> {
        self.watch.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn a_device_is_shared_as_long_as_somebody_has_it() {
        let one = Device::numbered(u64::MAX);

        assert!(Arc::ptr_eq(&one, &Device::numbered(u64::MAX)));
        assert!(!Arc::ptr_eq(&one, &Device::numbered(u64::MAX - 1)));
    }

    #[test]
    fn a_slow_append_is_remembered() {
        let device = Device::numbered(u64::MAX - 2);
        device.timed(|| {});
        assert!(device.is_quick());

        device.timed(|| thread::sleep(QUICK + Duration::from_millis(5)));

        assert!(!device.is_quick());
    }

    #[test]
    fn a_sync_is_watched_until_it_returns() {
        let device = Device::numbered(u64::MAX - 3);

        device.watched(|| {
            assert!(device.is_quick(), "it has only begun");
            let long_ago = now().checked_sub(SYNC_PATIENCE).unwrap();
            device.watch().syncs.values_mut().for_each(|start| *start = long_ago);
            assert!(!device.is_quick());
        });

        assert!(device.is_quick());
    }
}
