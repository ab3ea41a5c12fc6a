//! A room and its store: what the room accepts is handed to the store, and what the store tells goes back to the room.

use std::{collections::VecDeque, time::Duration};

use super::{
    delivery::Delivery,
    recovery::Recovered,
    replay::{ReplayError, restore},
    room::{Room, RoomError},
    snapshot::Snapshot,
    store::{Store, StoreEvent},
};
use crate::{
    protocol::canvas::changes::{self, ChangeText, Changes},
    storage::{Change, StorageError},
};

/// Something for the owner of a durable room to do.
#[derive(Debug)]
pub enum News {
    /// What the room wants done.
    Deliver(Delivery),
    /// The room has accepted changes that are to be committed.
    Commit,
    /// Nothing can be stored at the moment; what was not stored has been taken back and waits.
    StoreFailed(StorageError),
    /// The store works again.
    StoreHealed,
    /// Something in the background failed that costs nothing but space; it is tried again.
    StoreTrouble(StorageError),
    /// The flush or the close with this ticket has ended.
    Settled(u32, Result<(), StorageError>),
}

/// A room whose changes are stored before anything shows them.
#[derive(Debug)]
pub struct DurableRoom {
    /// The room.
    pub room: Room,
    store: Option<Store>,
    /// Whether [`News::Commit`] has been said since the last commit.
    is_commit_due: bool,
}

impl DurableRoom {
    /// A room without a store.
    pub fn new(room: Room) -> Self {
        Self { room, store: None, is_commit_due: false }
    }

    /// Takes over a room's files, and what they hold; false when they hold nothing, and the document stays as it is.
    pub fn adopt(&mut self, recovered: Recovered) -> Result<bool, RoomError> {
        let Recovered { document, store, cut_bytes: _ } = recovered;
        let is_known = document.is_some();
        if let Some(document) = document {
            self.room.adopt(document)?;
        }
        if store.is_journal() {
            self.room.set_journaled();
        }
        self.store = Some(store);
        Ok(is_known)
    }

    /// What an input has caused.
    pub fn news(&mut self, deliveries: Vec<Delivery>) -> VecDeque<News> {
        let mut news: VecDeque<_> = deliveries.into_iter().map(News::Deliver).collect();
        if !self.is_commit_due && self.room.has_batch() {
            self.is_commit_due = true;
            news.push_back(News::Commit);
        }
        news
    }

    /// The store, once there is one.
    pub fn store(&self) -> Option<&Store> {
        self.store.as_ref()
    }

    /// Hands what was accepted since the last call to the store, and gives what may happen now.
    pub fn commit(&mut self) -> Result<VecDeque<News>, RoomError> {
        let mut news = VecDeque::new();
        self.is_commit_due = false;
        self.hand_over();
        self.hear(&mut news)?;
        Ok(news)
    }

    /// Gives what has become of what was handed over before.
    pub fn poll(&mut self) -> Result<VecDeque<News>, RoomError> {
        let mut news = VecDeque::new();
        self.hear(&mut news)?;
        Ok(news)
    }

    /// The text of the changes that nobody has taken yet, for a storage of the user's own.
    pub fn take_text(&mut self) -> Option<Vec<u8>> {
        self.is_commit_due = false;
        let time_ms = wall_time_ms();
        self.room.take_batch().map(|accepted| {
            changes::encode(accepted.iter().map(|change| ChangeText {
                clock: change.clock,
                time_ms,
                client: &change.client,
                patches: &change.patches,
            }))
        })
    }

    /// Puts in place what a storage of the user's own holds: a snapshot, and the text of the changes after it.
    pub fn recover(&mut self, snapshot: Option<&[u8]>, changes: &[u8]) -> Result<(), RoomError> {
        let changes = Changes::read(changes);
        let changes = changes.list().map_err(ReplayError::BadList)?;
        let texts = changes.iter().map(|change| (change.clock, change.patches));
        self.room.take_over(restore(snapshot, texts)?)
    }

    /// Begins a copy of the document as far as it is stored; `in_flight` is the text of what was taken and is not stored yet.
    pub fn begin_stored_snapshot(
        &mut self,
        in_flight: &[u8],
    ) -> Result<Option<Snapshot>, RoomError> {
        let changes = Changes::read(in_flight);
        let changes = changes.list().map_err(ReplayError::BadList)?;
        let texts: Vec<_> = changes.iter().map(|change| change.patches).collect();
        self.room.begin_stored_snapshot(&texts)
    }

    /// Stops waiting for a store that has not answered for so long.
    pub fn give_up(&mut self, after: Duration) -> Result<VecDeque<News>, RoomError> {
        if let Some(store) = &self.store {
            store.give_up(after);
        }
        self.poll()
    }

    fn hand_over(&mut self) {
        let Some(store) = &self.store else { return };
        let Some(accepted) = self.room.take_batch() else { return };
        let Some(last) = accepted.last().map(|change| change.clock) else { return };
        let time_ms = wall_time_ms();
        let changes = accepted.into_iter().map(|change| Change {
            clock: change.clock,
            time_ms,
            client: change.client,
            patches: change.patches,
        });
        store.commit(changes.collect(), last);
    }

    fn hear(&mut self, news: &mut VecDeque<News>) -> Result<(), RoomError> {
        let mut broken = None;
        while let Some(event) = self.store.as_ref().and_then(Store::poll) {
            let deliveries = match event {
                StoreEvent::Stored(clock) => self.room.stored(clock),
                StoreEvent::Failed(error) => {
                    news.push_back(News::StoreFailed(error));
                    self.take_back()
                }
                StoreEvent::Healed => {
                    news.push_back(News::StoreHealed);
                    let deliveries = self.room.store_recovered();
                    self.hand_over();
                    deliveries
                }
                StoreEvent::Trouble(error) => {
                    news.push_back(News::StoreTrouble(error));
                    continue;
                }
                StoreEvent::Settled(ticket, outcome) => {
                    news.push_back(News::Settled(ticket, outcome));
                    continue;
                }
            };
            match deliveries {
                Ok(deliveries) => news.extend(deliveries.into_iter().map(News::Deliver)),
                // Its files go on without it: whoever waits for them is still told.
                Err(error) => broken = Some(error),
            }
        }
        match broken {
            Some(error) if news.is_empty() => Err(error),
            _ => Ok(()),
        }
    }

    /// Takes back what will not be stored, and says what the store is to be healed with.
    fn take_back(&mut self) -> Result<Vec<Delivery>, RoomError> {
        let deliveries = self.room.store_failed()?;
        let stored = self.room.snapshot()?.text;
        if let Some(store) = &self.store {
            store.heal(stored);
        }
        Ok(deliveries)
    }
}

/// Milliseconds since 1970, for people who look at a room's history.
#[expect(clippy::disallowed_methods, reason = "when a change was made is no rule of the room")]
pub(super) fn wall_time_ms() -> u64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
