//! A room and its store: what the room accepts is handed to the store, and what the store tells goes back to the room.

use std::time::Duration;

use super::{
    delivery::Delivery,
    outbox::Outbox,
    recovery::Recovered,
    replay::{ReplayError, restore},
    resting::RestingRoom,
    room::{Room, RoomError},
    snapshot::Snapshot,
    store::{Store, StoreEvent},
};
use crate::{
    engine::{Clock, Input, SessionId},
    protocol::{
        canvas::changes::{self, ChangeText, Changes},
        limits::Limits,
    },
    storage::{Change, StorageError},
};

/// Something for the owner of a durable room to do.
#[derive(Debug)]
pub enum News<Text = Vec<u8>> {
    /// What the room wants done.
    Deliver(Delivery<Text>),
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

impl<Text> News<Text> {
    /// The same with its text, if it has one, in another form.
    pub(super) fn map<Other>(self, form: impl FnOnce(Text) -> Other) -> News<Other> {
        match self {
            Self::Deliver(delivery) => News::Deliver(delivery.map(form)),
            Self::Commit => News::Commit,
            Self::StoreFailed(error) => News::StoreFailed(error),
            Self::StoreHealed => News::StoreHealed,
            Self::StoreTrouble(error) => News::StoreTrouble(error),
            Self::Settled(ticket, outcome) => News::Settled(ticket, outcome),
        }
    }
}

/// A room whose changes are stored before anything shows them.
#[derive(Debug)]
pub struct DurableRoom {
    /// The room.
    pub room: RestingRoom,
    store: Option<Store>,
    /// Whether [`News::Commit`] has been said since the last commit.
    is_commit_due: bool,
}

impl DurableRoom {
    /// A room without a store.
    pub fn new(room: Room) -> Self {
        Self { room: RestingRoom::new(room), store: None, is_commit_due: false }
    }

    /// Takes over a room's files, and what they hold; false when they hold nothing, and the document stays as it is.
    pub fn adopt(&mut self, recovered: Recovered) -> Result<bool, RoomError> {
        let Recovered { document, store, cut_bytes: _ } = recovered;
        let (is_known, is_journal) = (document.is_some(), store.is_journal());
        // Of a room that breaks too the files are closed.
        self.store = Some(store);
        if let Some(document) = document {
            self.room.wake()?.adopt(document)?;
        }
        if is_journal {
            self.room.set_journaled();
        }
        Ok(is_known)
    }

    /// Handles an input that carries no frame.
    pub fn handle(&mut self, input: Input<'_>, out: &mut Outbox) -> Result<(), RoomError> {
        // Nobody is in a room at rest, and so all but a join is for somebody who has left.
        if self.room.awake().is_none() && !matches!(input, Input::Joined { .. }) {
            return Ok(());
        }
        self.room.wake()?.handle_into(input, out)?;
        self.conclude(out);
        Ok(())
    }

    /// Handles a frame.
    pub fn receive(
        &mut self,
        session: SessionId,
        frame: &[u8],
        out: &mut Outbox,
    ) -> Result<(), RoomError> {
        self.room.wake()?.receive_into(session, frame, out)?;
        self.conclude(out);
        Ok(())
    }

    /// Goes on with the catch-ups that come in steps, as [`Room::step`] does.
    pub fn step(&mut self, ready: &[SessionId], out: &mut Outbox) -> Result<(), RoomError> {
        self.room.wake()?.step_into(ready, out)?;
        self.conclude(out);
        Ok(())
    }

    /// Applies an edit by the server itself: the JSON text of a list of patches (PA11).
    pub fn edit(&mut self, patches: &[u8], out: &mut Outbox) -> Result<(), RoomError> {
        self.edit_within(patches, *self.room.limits(), out)
    }

    /// [`edit`](Self::edit), of any size: for patches that lead to what the room has held before.
    pub fn edit_unlimited(&mut self, patches: &[u8], out: &mut Outbox) -> Result<(), RoomError> {
        self.edit_within(patches, Limits::ACCEPTED_BEFORE, out)
    }

    fn edit_within(
        &mut self,
        patches: &[u8],
        limits: Limits,
        out: &mut Outbox,
    ) -> Result<(), RoomError> {
        self.room.wake_to_stay()?.edit_into(patches, limits, out)?;
        self.conclude(out);
        Ok(())
    }

    /// The changes up to this clock are stored, in a storage of the user's own. Gives what waited for them.
    pub fn stored(&mut self, clock: Clock, out: &mut Outbox) -> Result<(), RoomError> {
        if let Some(room) = self.room.awake_mut() {
            room.stored_into(clock, out)?;
        }
        self.conclude(out);
        Ok(())
    }

    /// What is not stored in a storage of the user's own will not be: it is taken back, and waits.
    pub fn store_failed(&mut self, out: &mut Outbox) -> Result<(), RoomError> {
        self.room.wake()?.store_failed_into(out)?;
        self.conclude(out);
        Ok(())
    }

    /// A storage of the user's own works again: what waited is handled.
    pub fn store_recovered(&mut self, out: &mut Outbox) -> Result<(), RoomError> {
        self.room.wake()?.store_recovered_into(out)?;
        self.conclude(out);
        Ok(())
    }

    /// Adds to what an input has caused that there is something to commit, where nobody knows yet; and rests where nobody is here.
    fn conclude(&mut self, out: &mut Outbox) {
        let Some(room) = self.room.awake() else { return };
        let (has_batch, is_empty) = (room.has_batch(), room.is_empty());
        if has_batch && !self.is_commit_due {
            self.is_commit_due = true;
            out.push(News::Commit);
        }
        if is_empty {
            self.rest();
        } else {
            self.room.note_visit();
        }
    }

    /// The store, once there is one.
    pub fn store(&self) -> Option<&Store> {
        self.store.as_ref()
    }

    /// Hands what was accepted since the last call to the store, and gives what may happen now.
    pub fn commit(&mut self, out: &mut Outbox) -> Result<(), RoomError> {
        self.is_commit_due = false;
        self.hand_over();
        self.poll(out)
    }

    /// Gives what has become of what was handed over before.
    pub fn poll(&mut self, out: &mut Outbox) -> Result<(), RoomError> {
        let mut broken = None;
        while let Some(event) = self.store.as_ref().and_then(Store::poll) {
            // Its files go on without a room that broke: whoever waits for them is still told.
            broken = self.hear(event, out).err().or(broken);
        }
        self.rest();
        match broken {
            Some(error) if out.is_empty() => Err(error),
            _ => Ok(()),
        }
    }

    /// Gives back what the next change can do without, where nobody is here.
    fn rest(&mut self) {
        self.room.rest();
        if self.room.is_empty()
            && let Some(store) = &self.store
        {
            store.rest();
        }
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
        self.room.wake()?.take_over(restore(snapshot, texts)?)
    }

    /// Begins a copy of the document as far as it is stored; `in_flight` is the text of what was taken and is not stored yet.
    pub fn begin_stored_snapshot(
        &mut self,
        in_flight: &[u8],
    ) -> Result<Option<Snapshot>, RoomError> {
        let changes = Changes::read(in_flight);
        let changes = changes.list().map_err(ReplayError::BadList)?;
        let texts: Vec<_> = changes.iter().map(|change| change.patches).collect();
        match self.room.awake_mut() {
            Some(room) => room.begin_stored_snapshot(&texts),
            // At rest everything is stored.
            None => self.room.begin_snapshot(),
        }
    }

    /// Stops waiting for a store that has not answered for so long.
    pub fn give_up(&mut self, after: Duration, out: &mut Outbox) -> Result<(), RoomError> {
        if let Some(store) = &self.store {
            store.give_up(after);
        }
        self.poll(out)
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

    fn hear(&mut self, event: StoreEvent, out: &mut Outbox) -> Result<(), RoomError> {
        match event {
            StoreEvent::Stored(clock) => {
                self.room.awake_mut().map_or(Ok(()), |room| room.stored_into(clock, out))
            }
            StoreEvent::Failed(error) => {
                out.push(News::StoreFailed(error));
                self.take_back(out)
            }
            StoreEvent::Healed => {
                out.push(News::StoreHealed);
                let recovered = self.room.wake().and_then(|room| room.store_recovered_into(out));
                self.hand_over();
                recovered
            }
            StoreEvent::Trouble(error) => {
                out.push(News::StoreTrouble(error));
                Ok(())
            }
            StoreEvent::Settled(ticket, outcome) => {
                out.push(News::Settled(ticket, outcome));
                Ok(())
            }
        }
    }

    /// Takes back what will not be stored, and says what the store is to be healed with.
    fn take_back(&mut self, out: &mut Outbox) -> Result<(), RoomError> {
        self.room.wake()?.store_failed_into(out)?;
        let stored = self.room.snapshot()?.text;
        if let Some(store) = &self.store {
            store.heal(stored);
        }
        Ok(())
    }
}

/// Milliseconds since 1970, for people who look at a room's history.
#[expect(clippy::disallowed_methods, reason = "when a change was made is no rule of the room")]
pub(super) fn wall_time_ms() -> u64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
