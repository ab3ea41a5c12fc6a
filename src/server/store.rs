//! The store of one open room: what is written when, on which thread, and what happens when that fails.
//!
//! An append is made on the thread that serves the room, or, where a sync belongs to it or the device is slow, on the
//! device's commit thread. Everything else happens in the background and costs the serving thread nothing. Whatever there
//! is to tell becomes an event, in order; `notify` says that there are some.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use super::{
    device::{Batch, Device},
    history::{History, oldest_ms},
    lane::now,
};
use crate::{
    engine::Clock,
    storage::{Change, RoomStore, StorageError},
};

/// When unsynced changes are synced at [`Level::Process`]: half of the second that a power loss may cost, the other half
/// being for the sync itself.
const SYNC_AFTER: Duration = Duration::from_millis(500);

/// The first pause after a failure; each further one is twice as long.
const FIRST_RETRY: Duration = Duration::from_millis(100);

/// The longest pause between two attempts.
const LONGEST_RETRY: Duration = Duration::from_secs(30);

/// How often the last save of a closed room is tried (DU11).
const LAST_SAVE_ATTEMPTS: u32 = 5;

/// A journal smaller than this is not worth a compaction, however small the snapshot is.
const LEAST_JOURNAL_BYTES: u64 = 64 << 10;

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
    failure: Option<Failure>,
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
    heal_with: Option<Arc<[u8]>>,
    attempts: u32,
}

/// When the next compaction may be.
#[derive(Default)]
struct Compaction {
    is_running: bool,
    not_before: Option<Instant>,
    /// How many in a row have failed.
    failures: u32,
}

impl Compaction {
    fn may_begin(&self) -> bool {
        !self.is_running && self.not_before.is_none_or(|time| time <= now())
    }
}

/// What the owner asked for, with the ticket of its answer.
enum Request {
    Save(u32, Arc<[u8]>),
    Flush(u32),
    Close(u32, bool),
}

impl Store {
    /// Takes over the files of an open room. `notify` is called on other threads, and must not call back.
    pub(super) fn new(room: RoomStore, device: u64, options: StoreOptions, notify: Notify) -> Self {
        let device = Device::numbered(device);
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
    pub fn heal(&self, snapshot: Arc<[u8]>) {
        if let Some(failure) = &mut self.inner.state().failure {
            failure.heal_with = Some(snapshot);
        }
        self.inner.heal_later();
    }

    /// Puts a snapshot in place of all that is stored.
    pub fn save(&self, ticket: u32, snapshot: Arc<[u8]>) {
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
            self.failure = Some(Failure::default());
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

    pub(super) fn append(&self, changes: &[Change]) -> Result<(), StorageError> {
        self.room.append(changes)
    }

    fn sync(&self) -> Result<(), StorageError> {
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

    // In the background

    /// After an append: sees to it that it is synced before long, and the journal compacted when it has outgrown the snapshot.
    fn keep_up(self: &Arc<Self>) {
        let status = self.room.status();
        let mut state = self.state();
        if state.failure.is_some() {
            return;
        }
        // At `Disk` it is synced already, in its journal or in a log.
        if status.unsynced && !state.is_sync_armed && self.options.level == Level::Process {
            state.is_sync_armed = true;
            let store = Arc::clone(self);
            self.device.syncs.run_after(SYNC_AFTER, Box::new(move || store.sync_in_background()));
        }
        let outgrown = status.journal_bytes > status.snapshot_bytes.max(LEAST_JOURNAL_BYTES);
        if outgrown && !state.is_closed && state.compaction.may_begin() {
            state.compaction.is_running = true;
            let store = Arc::clone(self);
            self.device.chores.run(Box::new(move || store.compact_in_background()));
        }
    }

    fn sync_in_background(&self) {
        self.state().is_sync_armed = false;
        if let Err(error) = self.sync() {
            self.failed_in_background(error);
        }
    }

    fn compact_in_background(&self) {
        let outcome = self.minding_history(RoomStore::compact);
        let mut state = self.state();
        let compaction = &mut state.compaction;
        compaction.is_running = false;
        compaction.failures = if outcome.is_ok() { 0 } else { compaction.failures + 1 };
        let pause = pause(compaction.failures).max(self.options.compaction_gap);
        compaction.not_before = now().checked_add(pause);
        // Of a room that was closed meanwhile the last save tells.
        let is_news = compaction.failures == 1 && !state.is_closed;
        drop(state);
        if let Err(error) = outcome {
            if self.room.status().poisoned {
                self.failed_in_background(error);
            } else if is_news {
                self.tell(StoreEvent::Trouble(error));
            }
        }
    }

    /// A failure that no batch reports: nothing more can be stored in these files.
    fn failed_in_background(&self, error: StorageError) {
        let mut state = self.state();
        // The last save of a closed room finds out for itself, and is who tells.
        if !state.is_closed {
            state.fail(error);
            drop(state);
            (self.notify)();
        }
    }

    fn heal_later(self: &Arc<Self>) {
        let pause = match &mut self.state().failure {
            Some(failure) => {
                failure.attempts += 1;
                pause(failure.attempts)
            }
            None => return,
        };
        let store = Arc::clone(self);
        self.device.chores.run_after(
            pause,
            Box::new(move || {
                if !store.state().is_closed && store.try_to_heal().is_err() {
                    store.heal_later();
                }
            }),
        );
    }

    /// Rewrites a failed store; nothing to do for one that has not failed.
    fn try_to_heal(&self) -> Result<(), StorageError> {
        let healing = self.healing.lock().unwrap_or_else(PoisonError::into_inner);
        let heal_with = match &self.state().failure {
            Some(failure) => failure.heal_with.clone(),
            None => return Ok(()),
        };
        // Its owner may not have taken back yet what is not stored.
        let snapshot = heal_with.ok_or_else(|| self.room.refusal())?;
        self.minding_history(|room| room.rewrite(&snapshot))?;
        let mut state = self.state();
        state.failure = None;
        // What waits in a closed room has nobody to wait for it.
        if !state.is_closed {
            state.events.push_back(StoreEvent::Healed);
        }
        drop(state);
        drop(healing);
        (self.notify)();
        Ok(())
    }

    /// Does what may archive a part of the journal, and tells of it where that began to fail.
    fn minding_history<T>(&self, work: impl FnOnce(&RoomStore) -> T) -> T {
        let retention = self.state().retention;
        if let Some(retention) = retention {
            self.room.keep_history(oldest_ms(retention));
        }
        let outcome = work(&self.room);
        if let Some(error) = self.room.take_history_trouble() {
            self.tell(StoreEvent::Trouble(error));
        }
        outcome
    }

    // Flush and close

    fn request(self: &Arc<Self>, request: Request) {
        let mut state = self.state();
        let after = state.handed;
        state.requests.push((after, request));
        drop(state);
        self.start_requests();
    }

    fn start_requests(self: &Arc<Self>) {
        let mut state = self.state();
        let ended = state.ended;
        let requests = std::mem::take(&mut state.requests);
        let (due, waiting) = requests.into_iter().partition(|(after, _)| *after <= ended);
        state.requests = waiting;
        drop(state);
        for (_, request) in due {
            let store = Arc::clone(self);
            self.device.chores.run(Box::new(move || match request {
                Request::Save(ticket, snapshot) => {
                    store.tell(StoreEvent::Settled(ticket, store.room.save(&snapshot)));
                }
                Request::Flush(ticket) => {
                    store.tell(StoreEvent::Settled(ticket, store.flush()));
                }
                Request::Close(ticket, save) => store.close(ticket, save, 1),
            }));
        }
    }

    fn flush(&self) -> Result<(), StorageError> {
        self.try_to_heal()?;
        self.minding_history(RoomStore::compact).inspect_err(|_| {
            if self.room.status().poisoned {
                self.failed_in_background(self.room.refusal());
            }
        })
    }

    fn close(self: &Arc<Self>, ticket: u32, save: bool, attempt: u32) {
        let outcome = if save {
            self.try_to_heal().and_then(|()| self.minding_history(RoomStore::close))
        } else {
            Ok(())
        };
        match outcome {
            Err(error) if attempt < LAST_SAVE_ATTEMPTS => {
                self.close_failed(error, attempt);
                let store = Arc::clone(self);
                let again = Box::new(move || store.close(ticket, save, attempt + 1));
                self.device.chores.run_after(pause(attempt), again);
            }
            outcome => {
                self.room.release();
                self.tell(StoreEvent::Settled(ticket, outcome));
            }
        }
    }

    /// Tells of a last save that failed. Files that take no more writes need what their owner has in memory.
    fn close_failed(&self, error: StorageError, attempt: u32) {
        let mut state = self.state();
        if self.room.status().poisoned && state.failure.is_none() {
            state.fail(error);
        } else if attempt == 1 {
            state.events.push_back(StoreEvent::Trouble(error));
        }
        drop(state);
        (self.notify)();
    }
}

/// The pause after so many failures in a row.
fn pause(failures: u32) -> Duration {
    match failures {
        0 => Duration::ZERO,
        _ => FIRST_RETRY.saturating_mul(1 << (failures - 1).min(16)).min(LONGEST_RETRY),
    }
}
