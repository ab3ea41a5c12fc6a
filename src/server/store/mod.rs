//! The store of one open room: what is written when, on which thread, and what happens when that fails.
//!
//! An append is made on the thread that serves the room, or, where a sync belongs to it or the device is slow, on the
//! device's commit thread. Everything else happens in the background and costs the serving thread nothing. Whatever there
//! is to tell becomes an event, in order; [`Notify`] says that there are some.

mod requests;
mod state;
mod terms;
mod upkeep;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use self::{requests::Request, state::State, terms::Terms};
use super::{
    device::{Batch, Device},
    history::History,
    snapshot::SnapshotText,
};
use crate::{
    engine::{Clock, lazy::Lazy},
    storage::{Change, RoomStore, StorageError},
};

pub use terms::{Level, Notify, StoreOptions};

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

/// A room's files and their upkeep, as the room's owner sees them. No method waits for the disk but [`commit`](Self::commit), for
/// one write to a file.
#[derive(Debug)]
pub struct Store {
    inner: Arc<Inner>,
}

pub(super) struct Inner {
    room: RoomStore,
    terms: Arc<Terms>,
    /// The room's, as its owner has it.
    number: u32,
    /// Held over a rewrite, so that no two of them overlap. Taken before `state`.
    healing: Mutex<()>,
    /// Never held over I/O.
    state: Mutex<Lazy<State>>,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Inner").field("room", &self.room).finish_non_exhaustive()
    }
}

impl Store {
    /// Takes over the files of an open room.
    pub(super) fn new(room: RoomStore, options: StoreOptions, notify: Notify) -> Self {
        let device = Device::numbered(room.device());
        let Notify { tell, number } = notify;
        let terms = Terms::shared(options, &device, &tell);
        let (healing, state) = (Mutex::default(), Mutex::new(Lazy::new()));
        Self { inner: Arc::new(Inner { room, terms, number, healing, state }) }
    }

    /// Stores changes, `last` being the clock of the last one. Their fate is an event, often at once.
    pub fn commit(&self, changes: Vec<Change>, last: Clock) {
        let inner = &self.inner;
        let mut state = inner.state();
        let device = &inner.terms.device;
        let in_place = inner.terms.options.level == Level::Process && !state.is_busy();
        if in_place && device.is_quick() {
            drop(state);
            if let Some(outcome) = device.timed(|| inner.room.try_append(&changes)) {
                inner.state().make().finish(last, outcome);
                inner.keep_up();
                return;
            }
            state = inner.state();
        }
        let (number, age) = state.make().hand_over();
        drop(state);
        device.commit(Batch { store: Arc::clone(inner), changes, last, number, age });
    }

    /// What reads the history, on threads where that may take its time; `None` where there is none.
    pub fn history(&self) -> Option<History> {
        self.inner.terms.options.retention.map(|_| History { store: Arc::clone(&self.inner) })
    }

    /// The next event.
    pub fn poll(&self) -> Option<StoreEvent> {
        self.inner.state().made()?.events.pop_front()
    }

    /// Gives back what the next event can do without.
    pub(super) fn rest(&self) {
        state::rest(&mut self.inner.state());
    }

    /// Whether changes are to be committed.
    pub fn is_journal(&self) -> bool {
        self.inner.terms.options.level != Level::None
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
            state.make().fail(error);
        }
        drop(state);
        self.inner.start_requests();
    }

    /// After [`StoreEvent::Failed`]: tries, again and again, to put `snapshot`, the text of the stored state, in place.
    pub fn heal(&self, snapshot: SnapshotText) {
        if let Some(State { failure: Some(failure), .. }) = self.inner.state().made() {
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
        self.inner.state().make().is_closed = true;
        self.inner.request(Request::Close(ticket, save));
    }
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, Lazy<State>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, event: StoreEvent) {
        self.state().make().events.push_back(event);
        self.notify();
    }

    fn notify(&self) {
        (self.terms.tell)(self.number);
    }

    // On the commit thread

    /// Whether a batch of this age has not been taken back meanwhile.
    pub(super) fn awaits(&self, age: u64) -> bool {
        self.state().age == age
    }

    /// Whether what is appended must be synced.
    pub(super) fn syncs(&self) -> bool {
        self.terms.options.level == Level::Disk
    }

    /// How long changes are kept in the history, where they are.
    pub(super) fn retention(&self) -> Option<Duration> {
        self.terms.options.retention
    }

    /// The files.
    pub(super) fn files(&self) -> &RoomStore {
        &self.room
    }

    /// Syncs the journal.
    pub(super) fn sync(&self) -> Result<(), StorageError> {
        self.terms.device.watched(|| self.room.sync())
    }

    /// Tells what became of a batch.
    pub(super) fn finish(self: &Arc<Self>, batch: &Batch, outcome: Result<(), StorageError>) {
        let mut state = self.state();
        if state.age != batch.age {
            return;
        }
        let made = state.make();
        made.ended = batch.number;
        made.finish(batch.last, outcome);
        drop(state);
        self.notify();
        self.keep_up();
        self.start_requests();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server has as many of them as rooms; with them go a name, and the file that is locked.
    #[test]
    fn lc20_an_idle_store_is_small() {
        assert!(size_of::<Inner>() <= 248, "{}", size_of::<Inner>());
    }

    #[test]
    fn lc20_a_store_that_has_done_its_work_keeps_nothing_of_it() {
        let mut state = Lazy::<State>::new();
        let (number, age) = state.make().hand_over();
        state::rest(&mut state);
        assert!(state.is_busy(), "the batch is on its way");

        state.make().ended = number;
        state.make().finish(1, Ok(()));
        state::rest(&mut state);
        assert_eq!(state.events.len(), 1, "nobody has heard of it");

        state.make().events.clear();
        state::rest(&mut state);
        assert!(state.made().is_none());
        assert_eq!(age, 0);
    }

    #[test]
    fn lc20_a_store_that_has_failed_still_knows_what_was_taken_back() {
        let mut state = Lazy::<State>::new();
        let (_, age) = state.make().hand_over();
        state.make().fail(StorageError::Poisoned { path: "room.journal".into() });
        state.make().failure = None;
        state.make().events.clear();

        state::rest(&mut state);

        assert!(state.age > age);
    }
}
