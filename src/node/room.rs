//! One room, for lib/room.js.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use napi::{JsString, bindgen_prelude::Float64Array};
use napi_derive::napi;

use super::{
    error::{CodedError, ROOM_BROKEN, coded},
    history::{NativeHistory, NativePast, NativeRestoration},
    limits::NativeLimits,
    mailbox::Mailbox,
    opening::NativeOpening,
};
use crate::{
    engine::{Access, Clock, Input, SessionId},
    protocol::json::from_utf16,
    server::{Delivery, DurableRoom, News, Room, Snapshot, Store},
};

/// The engine of one room. Sessions are numbers that the caller never uses twice. What a method returns, if it returns
/// a string, is the text of an answer; `mailbox.rs` says how to read it.
#[derive(Debug)]
#[napi(custom_finalize)]
pub struct NativeRoom {
    pub(super) durable: DurableRoom,
    mailbox: Mailbox,
    /// What has not been answered yet.
    news: VecDeque<News>,
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
    pub(super) fn share(&self) -> Arc<[u8]> {
        Arc::clone(&self.snapshot.text)
    }
}

#[napi]
impl NativeRoom {
    /// An empty room that answers through `mailbox`. `wantsPatches`: whether CHANGED carries the patches.
    #[napi(constructor)]
    pub fn new(
        mailbox: Float64Array,
        wants_patches: bool,
        limits: NativeLimits,
    ) -> Result<Self, CodedError> {
        let room = Room::with_limits(wants_patches, limits.read());
        let room = room.map_err(|error| coded(ROOM_BROKEN, error))?;
        let durable = DurableRoom::new(room);
        Ok(Self { durable, mailbox: Mailbox::new(mailbox), news: VecDeque::new(), weight: 0 })
    }

    /// The number of the last change.
    #[napi(getter)]
    pub fn clock(&self) -> f64 {
        number(self.durable.room.clock())
    }

    /// How many components are alive.
    #[napi(getter)]
    pub fn components(&self) -> u32 {
        u32::try_from(self.durable.room.census().0).unwrap_or(u32::MAX)
    }

    /// How many tombstones there are.
    #[napi(getter)]
    pub fn tombstones(&self) -> u32 {
        u32::try_from(self.durable.room.census().1).unwrap_or(u32::MAX)
    }

    /// The size of the document: keys, names and values, and what keeping them costs.
    #[napi(getter)]
    pub fn document_bytes(&self) -> f64 {
        let bytes = self.durable.room.document_bytes();
        number(u64::try_from(bytes).unwrap_or(u64::MAX))
    }

    /// Starts from the JSON text of a snapshot. Throws `HEDDLE_BAD_SNAPSHOT`; then nothing has changed.
    #[napi]
    pub fn restore(&mut self, snapshot: String) -> Result<(), CodedError> {
        Ok(self.durable.room.restore(snapshot.as_bytes())?)
    }

    /// Copies the document as it is now.
    #[napi]
    pub fn snapshot(&mut self) -> Result<NativeSnapshot, CodedError> {
        Ok(NativeSnapshot { snapshot: self.durable.room.snapshot()? })
    }

    /// Adds a session of a client, whose id comes as JSON text.
    #[napi]
    pub fn join(
        &mut self,
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
        &mut self,
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
    pub fn receive_bytes(
        &mut self,
        session: i64,
        frame: &[u8],
    ) -> Result<Option<String>, CodedError> {
        self.receive(session, frame)
    }

    /// Removes a session.
    #[napi]
    pub fn leave(&mut self, session: i64) -> Result<Option<String>, CodedError> {
        self.handle(Input::Left { session: id(session) })
    }

    /// A session's socket does not drain: it is sent nothing until it has drained, or sends something.
    #[napi]
    pub fn lag(&mut self, session: i64) -> Result<Option<String>, CodedError> {
        self.handle(Input::Lagging { session: id(session) })
    }

    /// The socket of a session that lags has drained: it is sent what it lacks.
    #[napi]
    pub fn drained(&mut self, session: i64) -> Result<Option<String>, CodedError> {
        self.handle(Input::Drained { session: id(session) })
    }

    /// Goes on with the catch-ups that come in steps, of sessions that can take more. Nothing where all of them wait for
    /// something.
    #[napi]
    pub fn step(&mut self, ready: Vec<i64>) -> Result<Option<String>, CodedError> {
        let ready: Vec<SessionId> = ready.into_iter().map(id).collect();
        let deliveries = self.durable.room.step(&ready)?;
        Ok(self.answer(deliveries))
    }

    /// A session's rights; null when it is not here.
    #[napi(ts_return_type = "'readonly' | 'readwrite' | null")]
    pub fn permissions(&self, session: i64) -> Option<&'static str> {
        self.durable.room.access(id(session)).map(|access| match access {
            Access::ReadOnly => "readonly",
            Access::ReadWrite => "readwrite",
        })
    }

    /// Sets a session's rights; anything but `readwrite` is `readonly`.
    #[napi]
    pub fn set_permissions(&mut self, session: i64, permissions: String) -> Result<(), CodedError> {
        let input = Input::AccessChanged { session: id(session), access: access(&permissions) };
        self.handle(input).map(|_| ())
    }

    /// A token refresh succeeded. False when its outcome no longer counts.
    #[napi]
    pub fn token_verified(
        &mut self,
        session: i64,
        attempt: u32,
        permissions: String,
    ) -> Result<bool, CodedError> {
        let session = id(session);
        let counts = self.durable.room.awaits(session, attempt);
        self.handle(Input::TokenVerified { session, attempt, access: access(&permissions) })?;
        Ok(counts)
    }

    /// A token refresh was refused. Nothing happens when its outcome no longer counts.
    #[napi]
    pub fn token_refused(
        &mut self,
        session: i64,
        attempt: u32,
    ) -> Result<Option<String>, CodedError> {
        self.handle(Input::TokenRefused { session: id(session), attempt })
    }

    /// Applies an edit by the server itself: the JSON text of a list of patches. Throws `HEDDLE_BAD_PATCH`; then nothing
    /// has changed.
    #[napi]
    pub fn apply_patches(&mut self, patches: String) -> Result<Option<String>, CodedError> {
        let deliveries = self.durable.room.edit(patches.as_bytes())?;
        Ok(self.answer(deliveries))
    }
}

#[napi]
impl NativeRoom {
    /// Takes over a room's document and its files. False when nothing was stored: then the document stays as it is.
    #[napi]
    pub fn adopt(&mut self, opening: &NativeOpening) -> Result<bool, CodedError> {
        match opening.take() {
            Some(recovered) => Ok(self.durable.adopt(recovered)?),
            None => Err(coded("HEDDLE_INVALID_ARGUMENT", "the opening was taken over already")),
        }
    }

    /// The next part of an answer that did not fit the mailbox.
    #[napi]
    pub fn more(&mut self) -> Option<String> {
        self.mailbox.post(&mut self.news)
    }

    /// Stores what was accepted since the last call, and answers with what may be shown now.
    #[napi]
    pub fn commit(&mut self) -> Result<Option<String>, CodedError> {
        let news = self.durable.commit()?;
        Ok(self.tell(news))
    }

    /// Answers with what has become of earlier commits, flushes and closes.
    #[napi]
    pub fn poll(&mut self) -> Result<Option<String>, CodedError> {
        let news = self.durable.poll()?;
        Ok(self.tell(news))
    }

    /// Takes back what the store has not answered to for so many milliseconds.
    #[napi]
    pub fn give_up(&mut self, after_ms: u32) -> Result<Option<String>, CodedError> {
        let news = self.durable.give_up(Duration::from_millis(after_ms.into()))?;
        Ok(self.tell(news))
    }

    /// Drops the last edit by the server itself if it was taken back, instead of having it wait. False when it was not.
    #[napi]
    pub fn forget_edit(&mut self) -> bool {
        self.durable.room.forget_edit()
    }

    /// Whether a commit is under way on another thread.
    #[napi(getter)]
    pub fn is_busy(&self) -> bool {
        self.durable.store().is_some_and(Store::is_busy)
    }

    /// Whether something was accepted that is not stored.
    #[napi(getter)]
    pub fn has_unstored(&self) -> bool {
        self.durable.room.has_unstored()
    }

    /// How many bytes are kept until what was accepted is stored.
    #[napi(getter)]
    pub fn unstored_bytes(&self) -> f64 {
        number(u64::try_from(self.durable.room.unstored_bytes()).unwrap_or(u64::MAX))
    }

    /// Brings the room's snapshot file up to date; SETTLED says when.
    #[napi]
    pub fn flush_store(&self, ticket: u32) {
        if let Some(store) = self.durable.store() {
            store.flush(ticket);
        }
    }

    /// The clock up to which everything is stored.
    #[napi(getter)]
    pub fn stored_clock(&self) -> f64 {
        number(self.durable.room.stored_clock())
    }

    /// The history of a room in files.
    #[napi]
    pub fn history(&self) -> Option<NativeHistory> {
        self.durable.store().map(|store| NativeHistory::new(store.history()))
    }

    /// How to get from the document as it is now to what it was.
    #[napi]
    pub fn plan_restoration(&mut self, past: &NativePast) -> Result<NativeRestoration, CodedError> {
        let plan = self.durable.room.plan_restoration(past.get())?;
        Ok(NativeRestoration { patches: text(plan.patches), kept: text(plan.kept) })
    }

    /// Applies the patches of a restoration, whatever their size, as an edit by the server itself.
    #[napi]
    pub fn apply_restoration(&mut self, patches: String) -> Result<Option<String>, CodedError> {
        let deliveries = self.durable.room.edit_unlimited(patches.as_bytes())?;
        Ok(self.answer(deliveries))
    }

    // For a storage of the user's own

    /// Makes what is accepted from now on wait until [`Self::stored`] says that it is stored.
    #[napi]
    pub fn journal(&mut self) {
        self.durable.room.set_journaled();
    }

    /// Puts in place what a storage holds: the JSON texts of a snapshot, if there is one, and of the changes after it. Throws
    /// `HEDDLE_BAD_SNAPSHOT`; then nothing has changed.
    #[napi]
    pub fn recover(&mut self, snapshot: Option<String>, changes: String) -> Result<(), CodedError> {
        Ok(self.durable.recover(snapshot.as_deref().map(str::as_bytes), changes.as_bytes())?)
    }

    /// The changes that nobody has taken yet, as the JSON text of a list.
    #[napi]
    pub fn take_batch(&mut self) -> Option<String> {
        self.durable.take_text().map(text)
    }

    /// Everything up to this clock is stored.
    #[napi]
    pub fn stored(&mut self, clock: i64) -> Result<Option<String>, CodedError> {
        let deliveries = self.durable.room.stored(Clock::try_from(clock).unwrap_or(0))?;
        Ok(self.answer(deliveries))
    }

    /// What is not stored will not be: it is taken back, and waits.
    #[napi]
    pub fn store_failed(&mut self) -> Result<Option<String>, CodedError> {
        let deliveries = self.durable.room.store_failed()?;
        Ok(self.answer(deliveries))
    }

    /// The store works again: what waited is handled.
    #[napi]
    pub fn store_recovered(&mut self) -> Result<Option<String>, CodedError> {
        let deliveries = self.durable.room.store_recovered()?;
        Ok(self.answer(deliveries))
    }

    /// Copies the document as far as it is stored. `inFlight` is the text of what was taken and is not stored yet.
    #[napi]
    pub fn stored_snapshot(&mut self, in_flight: String) -> Result<NativeSnapshot, CodedError> {
        Ok(NativeSnapshot { snapshot: self.durable.stored_snapshot(in_flight.as_bytes())? })
    }

    // For a room in files

    /// Puts a snapshot in place of all that the files hold; SETTLED says when.
    #[napi]
    pub fn save_snapshot(&self, ticket: u32, snapshot: &NativeSnapshot) {
        if let Some(store) = self.durable.store() {
            store.save(ticket, snapshot.share());
        }
    }

    /// Tells who asks for the room's files that they will be free soon.
    #[napi]
    pub fn begin_close(&self) {
        if let Some(store) = self.durable.store() {
            store.begin_close();
        }
    }

    /// Lets go of the files, with `save` after leaving everything in the snapshot file; SETTLED says when.
    #[napi]
    pub fn close_store(&self, ticket: u32, save: bool) {
        if let Some(store) = self.durable.store() {
            store.close(ticket, save);
        }
    }
}

impl NativeRoom {
    fn receive(&mut self, session: i64, frame: &[u8]) -> Result<Option<String>, CodedError> {
        let deliveries = self.durable.room.receive(id(session), frame)?;
        Ok(self.answer(deliveries))
    }

    fn answer(&mut self, deliveries: Vec<Delivery>) -> Option<String> {
        let news = self.durable.news(deliveries);
        self.tell(news)
    }

    fn tell(&mut self, news: VecDeque<News>) -> Option<String> {
        self.news.extend(news);
        self.mailbox.post(&mut self.news)
    }

    fn handle(&mut self, input: Input<'_>) -> Result<Option<String>, CodedError> {
        let deliveries = self.durable.room.handle(input)?;
        Ok(self.answer(deliveries))
    }
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
