//! One room, for lib/room.js.

use std::{
    cell::{RefCell, RefMut},
    rc::Rc,
    sync::Arc,
    time::Duration,
};

use napi::JsString;
use napi_derive::napi;

use super::{
    error::{CodedError, ROOM_BROKEN, coded},
    history::{NativeHistory, NativePast, NativeRestoration},
    limits::NativeLimits,
    mailbox::{Mailbox, NativeMailbox, Text},
    opening::NativeOpening,
    rooms::Registration,
};
use crate::{
    engine::{Access, Clock, Input, SessionId},
    protocol::{canvas::Decoding, json::from_utf16},
    server::{DurableRoom, Outbox, Room, RoomError, Snapshot, SnapshotText, Store},
};

/// The engine of one room. Sessions are numbers that the caller never uses twice. What a method returns, if it returns
/// a string, is the text of an answer; `mailbox.rs` says how to read it.
#[derive(Debug)]
#[napi(custom_finalize)]
pub struct NativeRoom {
    state: Rc<RefCell<RoomState>>,
    registration: Registration,
}

/// What the calls on a room share, those on the object and those by its number. Borrowed by one call at a time: none calls
/// into JS meanwhile.
#[derive(Debug)]
pub(super) struct RoomState {
    pub(super) durable: DurableRoom,
    mailbox: Rc<RefCell<Mailbox>>,
    /// What of the last answer did not fit the mailbox, which is rare.
    rest: Option<Box<Outbox>>,
    /// What the garbage collector was told that the room weighs, in bytes.
    pub(super) weight: i64,
}

/// A consistent copy of a room's document.
#[derive(Debug)]
#[napi]
pub struct NativeSnapshot {
    snapshot: Snapshot,
}

#[napi]
impl NativeSnapshot {
    /// The clock of its last change.
    #[napi(getter)]
    pub fn timestamp(&self) -> f64 {
        number(self.snapshot.clock)
    }

    /// The length of its JSON text, in bytes.
    #[napi(getter)]
    pub fn length(&self) -> u32 {
        u32::try_from(self.snapshot.text.len()).unwrap_or(u32::MAX)
    }

    /// Its JSON text.
    #[napi]
    pub fn text(&self) -> String {
        text(self.snapshot.text.to_vec())
    }
}

impl NativeSnapshot {
    /// Its JSON text, for another thread.
    pub(super) fn share(&self) -> SnapshotText {
        Arc::clone(&self.snapshot.text)
    }
}

#[napi]
impl NativeRoom {
    /// An empty room that answers through `mailbox`. `wantsPatches`: whether CHANGED carries the patches.
    /// `decodesCarefully`: whether frames are decoded without the fast decoder.
    #[napi(constructor)]
    pub fn new(
        mailbox: &NativeMailbox,
        wants_patches: bool,
        limits: NativeLimits,
        decodes_carefully: bool,
    ) -> Result<Self, CodedError> {
        let room = Room::with_limits(wants_patches, limits.share());
        let mut room = room.map_err(|error| coded(ROOM_BROKEN, error))?;
        if decodes_carefully {
            room.set_decoding(Decoding::Careful);
        }
        let durable = DurableRoom::new(room);
        let state = RoomState { durable, mailbox: mailbox.share(), rest: None, weight: 0 };
        let state = Rc::new(RefCell::new(state));
        let registration = Registration::of(&state);
        Ok(Self { state, registration })
    }

    /// Where the raw calls find the room: a place, and which of the rooms that were there.
    #[napi(getter)]
    pub fn place(&self) -> u32 {
        self.registration.number().place
    }

    /// The other part of it.
    #[napi(getter)]
    pub fn generation(&self) -> u32 {
        self.registration.number().generation
    }

    /// The number of the last change.
    #[napi(getter)]
    pub fn clock(&self) -> f64 {
        number(self.state().durable.room.clock())
    }

    /// How many components are alive.
    #[napi(getter)]
    pub fn components(&self) -> u32 {
        u32::try_from(self.state().durable.room.census().0).unwrap_or(u32::MAX)
    }

    /// How many tombstones there are.
    #[napi(getter)]
    pub fn tombstones(&self) -> u32 {
        u32::try_from(self.state().durable.room.census().1).unwrap_or(u32::MAX)
    }

    /// The size of the document: keys, names and values, and what keeping them costs.
    #[napi(getter)]
    pub fn document_bytes(&self) -> f64 {
        let bytes = self.state().durable.room.document_bytes();
        number(u64::try_from(bytes).unwrap_or(u64::MAX))
    }

    /// Starts from the JSON text of a snapshot. Throws `HEDDLE_BAD_SNAPSHOT`; then nothing has changed.
    #[napi]
    pub fn restore(&self, snapshot: String) -> Result<(), CodedError> {
        Ok(self.state().durable.room.wake()?.restore(snapshot.as_bytes())?)
    }

    /// Copies the document as it is now.
    #[napi]
    pub fn snapshot(&self) -> Result<NativeSnapshot, CodedError> {
        Ok(NativeSnapshot { snapshot: self.state().durable.room.snapshot()? })
    }

    /// Begins a copy of the document as it is now. Gives it where that is little work; else `continueSnapshot` does, later.
    #[napi]
    pub fn begin_snapshot(&self) -> Result<Option<NativeSnapshot>, CodedError> {
        Ok(shared(self.state().durable.room.begin_snapshot()?))
    }

    /// Does a share of the copy that was begun last. Gives it once it is whole.
    #[napi]
    pub fn continue_snapshot(&self) -> Result<Option<NativeSnapshot>, CodedError> {
        Ok(shared(self.state().durable.room.continue_snapshot()?))
    }

    /// Adds a session of a client, whose id comes as JSON text.
    #[napi]
    pub fn join(
        &self,
        session: i64,
        client_id: String,
        permissions: String,
        held: bool,
    ) -> Result<Option<String>, CodedError> {
        let client = client_id.as_bytes();
        let client = client
            .strip_prefix(b"\"")
            .and_then(|client| client.strip_suffix(b"\""))
            .unwrap_or(client);
        self.handle(Input::Joined {
            session: id(session),
            client,
            access: access(&permissions),
            held,
        })
    }

    /// Handles a frame that came as text.
    #[napi]
    pub fn receive_text(
        &self,
        session: i64,
        frame: JsString<'_>,
    ) -> Result<Option<String>, CodedError> {
        let utf8 = frame.into_utf8().map_err(unreadable)?;
        let utf8 = utf8.as_str().map_err(unreadable)?;
        // Lone surrogates have no UTF-8 and were replaced: look at what was really there.
        if utf8.contains(char::REPLACEMENT_CHARACTER) {
            let utf16 = frame.into_utf16().map_err(unreadable)?;
            // The view ends with a NUL that is no part of the string.
            let units = utf16.as_slice().split_last().map_or(&[][..], |(_, units)| units);
            return self.receive(session, from_utf16(units).as_bytes());
        }
        self.receive(session, utf8.as_bytes())
    }

    /// Handles a frame that came as bytes.
    #[napi]
    pub fn receive_bytes(&self, session: i64, frame: &[u8]) -> Result<Option<String>, CodedError> {
        self.receive(session, frame)
    }

    /// Removes a session.
    #[napi]
    pub fn leave(&self, session: i64) -> Result<Option<String>, CodedError> {
        self.handle(Input::Left { session: id(session) })
    }

    /// A session's socket does not drain: it is sent nothing until it has drained, or sends something.
    #[napi]
    pub fn lag(&self, session: i64) -> Result<Option<String>, CodedError> {
        self.handle(Input::Lagging { session: id(session) })
    }

    /// The socket of a session that lags has drained: it is sent what it lacks.
    #[napi]
    pub fn drained(&self, session: i64) -> Result<Option<String>, CodedError> {
        self.handle(Input::Drained { session: id(session) })
    }

    /// Goes on with the catch-ups that come in steps, of sessions that can take more. Nothing where all of them wait for
    /// something.
    #[napi]
    pub fn step(&self, ready: Vec<i64>) -> Result<Option<String>, CodedError> {
        let ready: Vec<SessionId> = ready.into_iter().map(id).collect();
        self.answer(|room, out| room.step(&ready, out))
    }

    /// A session's rights; null when it is not here.
    #[napi(ts_return_type = "'readonly' | 'readwrite' | null")]
    pub fn permissions(&self, session: i64) -> Option<&'static str> {
        self.state().durable.room.access(id(session)).map(|access| match access {
            Access::ReadOnly => "readonly",
            Access::ReadWrite => "readwrite",
        })
    }

    /// Sets a session's rights; anything but `readwrite` is `readonly`.
    #[napi]
    pub fn set_permissions(&self, session: i64, permissions: String) -> Result<(), CodedError> {
        let input = Input::AccessChanged { session: id(session), access: access(&permissions) };
        self.handle(input).map(|_| ())
    }

    /// A token refresh succeeded. False when its outcome no longer counts.
    #[napi]
    pub fn token_verified(
        &self,
        session: i64,
        attempt: u32,
        permissions: String,
    ) -> Result<bool, CodedError> {
        let session = id(session);
        let counts = self.state().durable.room.awaits(session, attempt);
        self.handle(Input::TokenVerified { session, attempt, access: access(&permissions) })?;
        Ok(counts)
    }

    /// A token refresh was refused. Nothing happens when its outcome no longer counts.
    #[napi]
    pub fn token_refused(&self, session: i64, attempt: u32) -> Result<Option<String>, CodedError> {
        self.handle(Input::TokenRefused { session: id(session), attempt })
    }

    /// Applies an edit by the server itself: the JSON text of a list of patches. Throws `HEDDLE_BAD_PATCH`; then nothing
    /// has changed.
    #[napi]
    pub fn apply_patches(&self, patches: String) -> Result<Option<String>, CodedError> {
        self.answer(|room, out| room.edit(patches.as_bytes(), out))
    }
}

#[napi]
impl NativeRoom {
    /// Takes over a room's document and its files. False when nothing was stored: then the document stays as it is.
    #[napi]
    pub fn adopt(&self, opening: &NativeOpening) -> Result<bool, CodedError> {
        match opening.take() {
            Some(recovered) => Ok(self.state().durable.adopt(recovered)?),
            None => Err(coded("HEDDLE_INVALID_ARGUMENT", "the opening was taken over already")),
        }
    }

    /// The next part of an answer that did not fit the mailbox.
    #[napi]
    pub fn more(&self) -> Result<Option<String>, CodedError> {
        self.answer(|_, _| Ok(()))
    }

    /// Stores what was accepted since the last call, and answers with what may be shown now.
    #[napi]
    pub fn commit(&self) -> Result<Option<String>, CodedError> {
        self.answer(DurableRoom::commit)
    }

    /// Answers with what has become of earlier commits, flushes and closes.
    #[napi]
    pub fn poll(&self) -> Result<Option<String>, CodedError> {
        self.answer(DurableRoom::poll)
    }

    /// Takes back what the store has not answered to for so many milliseconds.
    #[napi]
    pub fn give_up(&self, after_ms: u32) -> Result<Option<String>, CodedError> {
        let after = Duration::from_millis(after_ms.into());
        self.answer(|room, out| room.give_up(after, out))
    }

    /// Drops the last edit by the server itself if it was taken back, instead of having it wait. False when it was not.
    #[napi]
    pub fn forget_edit(&self) -> bool {
        self.state().durable.room.forget_edit()
    }

    /// Whether a commit is under way on another thread.
    #[napi(getter)]
    pub fn is_busy(&self) -> bool {
        self.state().durable.store().is_some_and(Store::is_busy)
    }

    /// Whether something was accepted that is not stored.
    #[napi(getter)]
    pub fn has_unstored(&self) -> bool {
        self.state().durable.room.has_unstored()
    }

    /// How many bytes are kept until what was accepted is stored.
    #[napi(getter)]
    pub fn unstored_bytes(&self) -> f64 {
        number(u64::try_from(self.state().durable.room.unstored_bytes()).unwrap_or(u64::MAX))
    }

    /// Brings the room's snapshot file up to date; SETTLED says when.
    #[napi]
    pub fn flush_store(&self, ticket: u32) {
        if let Some(store) = self.state().durable.store() {
            store.flush(ticket);
        }
    }

    /// The clock up to which everything is stored.
    #[napi(getter)]
    pub fn stored_clock(&self) -> f64 {
        number(self.state().durable.room.stored_clock())
    }

    /// The history of a room in files.
    #[napi]
    pub fn history(&self) -> Option<NativeHistory> {
        self.state().durable.store().map(|store| NativeHistory::new(store.history()))
    }

    /// How to get from the document as it is now to what it was.
    #[napi]
    pub fn plan_restoration(&self, past: &NativePast) -> Result<NativeRestoration, CodedError> {
        let plan = self.state().durable.room.plan_restoration(past.get())?;
        Ok(NativeRestoration { patches: text(plan.patches), kept: text(plan.kept) })
    }

    /// Applies the patches of a restoration, whatever their size, as an edit by the server itself.
    #[napi]
    pub fn apply_restoration(&self, patches: String) -> Result<Option<String>, CodedError> {
        self.answer(|room, out| room.edit_unlimited(patches.as_bytes(), out))
    }

    // For a storage of the user's own

    /// Makes what is accepted from now on wait until [`Self::stored`] says that it is stored.
    #[napi]
    pub fn journal(&self) -> Result<(), CodedError> {
        self.state().durable.room.wake()?.set_journaled();
        Ok(())
    }

    /// Puts in place what a storage holds: the JSON texts of a snapshot, if there is one, and of the changes after it. Throws
    /// `HEDDLE_BAD_SNAPSHOT`; then nothing has changed.
    #[napi]
    pub fn recover(&self, snapshot: Option<String>, changes: String) -> Result<(), CodedError> {
        Ok(self
            .state()
            .durable
            .recover(snapshot.as_deref().map(str::as_bytes), changes.as_bytes())?)
    }

    /// The changes that nobody has taken yet, as the JSON text of a list.
    #[napi]
    pub fn take_batch(&self) -> Option<String> {
        self.state().durable.take_text().map(text)
    }

    /// Everything up to this clock is stored.
    #[napi]
    pub fn stored(&self, clock: i64) -> Result<Option<String>, CodedError> {
        self.answer(|room, out| room.stored(Clock::try_from(clock).unwrap_or(0), out))
    }

    /// What is not stored will not be: it is taken back, and waits.
    #[napi]
    pub fn store_failed(&self) -> Result<Option<String>, CodedError> {
        self.answer(DurableRoom::store_failed)
    }

    /// The store works again: what waited is handled.
    #[napi]
    pub fn store_recovered(&self) -> Result<Option<String>, CodedError> {
        self.answer(DurableRoom::store_recovered)
    }

    /// Begins a copy of the document as far as it is stored, like `beginSnapshot`. `inFlight` is the text of what was taken
    /// and is not stored yet.
    #[napi]
    pub fn begin_stored_snapshot(
        &self,
        in_flight: String,
    ) -> Result<Option<NativeSnapshot>, CodedError> {
        Ok(shared(self.state().durable.begin_stored_snapshot(in_flight.as_bytes())?))
    }

    // For a room in files

    /// Puts a snapshot in place of all that the files hold; SETTLED says when.
    #[napi]
    pub fn save_snapshot(&self, ticket: u32, snapshot: &NativeSnapshot) {
        if let Some(store) = self.state().durable.store() {
            store.save(ticket, snapshot.share());
        }
    }

    /// Tells who asks for the room's files that they will be free soon.
    #[napi]
    pub fn begin_close(&self) {
        if let Some(store) = self.state().durable.store() {
            store.begin_close();
        }
    }

    /// Lets go of the files, with `save` after leaving everything in the snapshot file; SETTLED says when.
    #[napi]
    pub fn close_store(&self, ticket: u32, save: bool) {
        if let Some(store) = self.state().durable.store() {
            store.close(ticket, save);
        }
    }
}

impl RoomState {
    /// Does something and writes the answer; its text, or none when there is nothing to do.
    pub(super) fn answer<'o>(
        &mut self,
        out: &'o mut Outbox,
        work: impl FnOnce(&mut DurableRoom, &mut Outbox) -> Result<(), RoomError>,
    ) -> Result<Option<Text<'o>>, RoomError> {
        if let Some(rest) = self.rest.take() {
            out.append_all(*rest);
        }
        work(&mut self.durable, out)?;
        if out.is_empty() {
            self.mailbox.borrow_mut().post_nothing(self.durable.room.unstored_bytes());
            return Ok(None);
        }
        let mut rest = Outbox::default();
        let text = self.mailbox.borrow_mut().post(out, &mut rest);
        self.rest = (!rest.is_empty()).then(|| Box::new(rest));
        Ok(Some(text))
    }
}

impl NativeRoom {
    pub(super) fn state(&self) -> RefMut<'_, RoomState> {
        self.state.borrow_mut()
    }

    fn receive(&self, session: i64, frame: &[u8]) -> Result<Option<String>, CodedError> {
        self.answer(|room, out| room.receive(id(session), frame, out))
    }

    fn handle(&self, input: Input<'_>) -> Result<Option<String>, CodedError> {
        self.answer(|room, out| room.handle(input, out))
    }

    fn answer(
        &self,
        work: impl FnOnce(&mut DurableRoom, &mut Outbox) -> Result<(), RoomError>,
    ) -> Result<Option<String>, CodedError> {
        let mut out = Outbox::default();
        let answer = self.state().answer(&mut out, work)?;
        Ok(answer.map(|answer| text(answer.bytes.into_owned())))
    }
}

fn shared(snapshot: Option<Snapshot>) -> Option<NativeSnapshot> {
    snapshot.map(|snapshot| NativeSnapshot { snapshot })
}

/// Anything but `readwrite` is `readonly` (AU1).
fn access(permissions: &str) -> Access {
    if permissions == "readwrite" { Access::ReadWrite } else { Access::ReadOnly }
}

/// Sessions are counted from 0 by lib/.
fn id(session: i64) -> SessionId {
    SessionId::try_from(session).unwrap_or(SessionId::MAX)
}

/// Clocks and sessions stay below 2^53, so a double holds them exactly.
pub(super) fn number(integer: u64) -> f64 {
    let (high, low) = (integer >> 32, integer & 0xffff_ffff);
    let half = |half: u64| f64::from(u32::try_from(half).unwrap_or(u32::MAX));
    half(high) * 4_294_967_296.0 + half(low)
}

/// What the layers below write is UTF-8, because they only ever copy whole pieces of checked text.
pub(super) fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

fn unreadable(error: napi::Error) -> CodedError {
    coded("HEDDLE_INVALID_ARGUMENT", error)
}
