//! The store of one open room: what is written when, on which thread, and what happens when that fails.
//!
//! An append is made on the thread that serves the room, or, where a sync belongs to it or the device is slow, on the
//! device's commit thread. Everything else happens in the background and costs the serving thread nothing. Whatever there
//! is to tell becomes an event, in order; `notify` says that there are some.

mod requests;
mod upkeep;

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use self::{requests::Request, upkeep::Compaction};
use super::{
    device::{Batch, Device},
    history::History,
    snapshot::SnapshotText,
};
use crate::{
    engine::Clock,
    storage::{Change, RoomStore, StorageError},
};

/// What an ack promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Nothing until the next save.
    None,
    /// The change survives the death of the process.
    Process,
    /// The change survives power loss.
    Disk,
}

/// What became of something.
#[derive(Debug)]
pub enum StoreEvent {
    /// Everything up to this clock is stored.
    Stored(Clock),
    /// What is not stored yet will not be; the owner takes it back and calls [`Store::heal`].
    Failed(StorageError),
    /// The store is whole again, and holds what [`Store::heal`] was given.
    Healed,
    /// Something in the background failed, at no cost but space: it is tried again.
    Trouble(StorageError),
    /// The flush or the close with this ticket has ended.
    Settled(u32, Result<(), StorageError>),
}

/// Tells a store's owner, from any thread, that there are events. Must not call back.
pub type Notify = Box<dyn Fn() + Send + Sync>;

/// How a room is stored.
#[derive(Debug, Clone, Copy)]
pub struct StoreOptions {
    /// What an ack promises.
    pub level: Level,
    /// The least time between two compactions.
    pub compaction_gap: Duration,
}

/// A room's files and their upkeep, as the room's owner sees them. No method waits for the disk but [`commit`](Self::commit), for
/// one write to a file.
#[derive(Debug)]
pub struct Store {
    inner: Arc<Inner>,
}

pub(super) struct Inner {
    room: RoomStore,
    options: StoreOptions,
    device: Arc<Device>,
    notify: Notify,
    /// Held over a rewrite, so that no two of them overlap. Taken before `state`.
    healing: Mutex<()>,
    /// Never held over I/O.
    state: Mutex<State>,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Inner").field("room", &self.room).finish_non_exhaustive()
    }
}

#[derive(Default)]
struct State {
    events: VecDeque<StoreEvent>,
    /// Counts failures: a batch of an earlier age was taken back.
    age: u64,
    /// How many batches the commit thread was given, and how many of them have ended.
    handed: u64,
    ended: u64,
    /// There while nothing can be stored.
    failure: Option<Box<Failure>>,
    /// What was asked for, each with the number of the batch that must have ended before.
    requests: Vec<(u64, Request)>,
    /// How long changes are kept in the history; `None` where there is none.
    retention: Option<Duration>,
    is_sync_armed: bool,
    compaction: Compaction,
    is_closed: bool,
}

/// What is known of a store that does not work.
#[derive(Default)]
struct Failure {
    /// What it is rewritten with, once its owner has said.
    heal_with: Option<SnapshotText>,
    attempts: u32,
}

impl Store {
    /// Takes over the files of an open room. `notify` is called on other threads, and must not call back.
    pub(super) fn new(room: RoomStore, options: StoreOptions, notify: Notify) -> Self {
        let device = Device::numbered(room.device());
        let (healing, state) = (Mutex::default(), Mutex::default());
        Self { inner: Arc::new(Inner { room, options, device, notify, healing, state }) }
    }

    /// Stores changes, `last` being the clock of the last one. Their fate is an event, often at once.
    pub fn commit(&self, changes: Vec<Change>, last: Clock) {
        let inner = &self.inner;
        let mut state = inner.state();
        let in_place = inner.options.level == Level::Process && !state.is_busy();
        if in_place && inner.device.is_quick() {
            drop(state);
            if let Some(outcome) = inner.device.timed(|| inner.room.try_append(&changes)) {
                inner.state().finish(last, outcome);
                inner.keep_up();
                return;
            }
            state = inner.state();
        }
        state.handed += 1;
        let (number, age) = (state.handed, state.age);
        drop(state);
        inner.device.commit(Batch { store: Arc::clone(inner), changes, last, number, age });
    }

    /// Keeps what is cut from the journal, until all of a part is older than this.
    pub fn keep_history(&self, retention: Duration) {
        self.inner.state().retention = Some(retention);
    }

    /// What reads the history, on threads where that may take its time.
    pub fn history(&self) -> History {
        History { store: Arc::clone(&self.inner) }
    }

    /// The next event.
    pub fn poll(&self) -> Option<StoreEvent> {
        self.inner.state().events.pop_front()
    }

    /// Gives back what the next event can do without.
    pub(super) fn rest(&self) {
        let events = &mut self.inner.state().events;
        if events.is_empty() {
            *events = VecDeque::new();
        }
    }

    /// Whether changes are to be committed.
    pub fn is_journal(&self) -> bool {
        self.inner.options.level != Level::None
    }

    /// Whether a commit has not ended yet.
    pub fn is_busy(&self) -> bool {
        self.inner.state().is_busy()
    }

    /// Stops waiting for what is in flight: the disk does not answer.
    pub fn give_up(&self, after: Duration) {
        let mut state = self.inner.state();
        if state.is_busy() {
            let error = self.inner.room.timed_out(after);
            state.fail(error);
        }
        drop(state);
        self.inner.start_requests();
    }

    /// After [`StoreEvent::Failed`]: tries, again and again, to put `snapshot`, the text of the stored state, in place.
    pub fn heal(&self, snapshot: SnapshotText) {
        if let Some(failure) = &mut self.inner.state().failure {
            failure.heal_with = Some(snapshot);
        }
        self.inner.heal_later();
    }

    /// Puts a snapshot in place of all that is stored.
    pub fn save(&self, ticket: u32, snapshot: SnapshotText) {
        self.inner.request(Request::Save(ticket, snapshot));
    }

    /// Brings the snapshot file up to date and syncs everything, now.
    pub fn flush(&self, ticket: u32) {
        self.inner.request(Request::Flush(ticket));
    }

    /// Tells who asks for the files that they will be free soon.
    pub fn begin_close(&self) {
        self.inner.room.begin_close();
    }

    /// Lets go of files that were never written.
    pub fn release(&self) {
        self.inner.room.release();
    }

    /// Ends everything, with `save` after leaving the whole room in its snapshot file, and lets others open the room.
    pub fn close(&self, ticket: u32, save: bool) {
        self.begin_close();
        self.inner.state().is_closed = true;
        self.inner.request(Request::Close(ticket, save));
    }
}

impl State {
    fn is_busy(&self) -> bool {
        self.ended < self.handed
    }

    fn finish(&mut self, last: Clock, outcome: Result<(), StorageError>) {
        match outcome {
            Ok(()) => self.events.push_back(StoreEvent::Stored(last)),
            Err(error) => self.fail(error),
        }
    }

    fn fail(&mut self, error: StorageError) {
        self.age += 1;
        self.ended = self.handed;
        // What was handed over since an event that waits to be polled is taken back with the rest.
        if self.failure.is_none() {
            self.failure = Some(Box::default());
            self.events.push_back(StoreEvent::Failed(error));
        }
    }
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, event: StoreEvent) {
        self.state().events.push_back(event);
        (self.notify)();
    }

    // On the commit thread

    /// Whether a batch of this age has not been taken back meanwhile.
    pub(super) fn awaits(&self, age: u64) -> bool {
        self.state().age == age
    }

    /// Whether what is appended must be synced.
    pub(super) fn syncs(&self) -> bool {
        self.options.level == Level::Disk
    }

    /// How long changes are kept in the history, where they are.
    pub(super) fn retention(&self) -> Option<Duration> {
        self.state().retention
    }

    /// The files.
    pub(super) fn files(&self) -> &RoomStore {
        &self.room
    }

    /// Syncs the journal.
    pub(super) fn sync(&self) -> Result<(), StorageError> {
        self.device.watched(|| self.room.sync())
    }

    /// Tells what became of a batch.
    pub(super) fn finish(self: &Arc<Self>, batch: &Batch, outcome: Result<(), StorageError>) {
        let mut state = self.state();
        if state.age != batch.age {
            return;
        }
        state.ended = batch.number;
        state.finish(batch.last, outcome);
        drop(state);
        (self.notify)();
        self.keep_up();
        self.start_requests();
    }
}
