//! The rooms, for lib/engine.js.

use std::{cell::RefCell, rc::Rc, sync::Arc};

use napi::{Env, JsString, bindgen_prelude::Uint32Array};
use napi_derive::napi;

use super::{
    error::{CodedError, ROOM_BROKEN, coded},
    limits::NativeLimits,
    mailbox::{Mailbox, NativeMailbox, Text},
    retirement,
    rooms::{self, RoomNumber},
};
use crate::{
    engine::{Access, Input, SessionId},
    protocol::{canvas::Decoding, json::from_utf16},
    server::{DurableRoom, Outbox, Room, RoomError, Snapshot, SnapshotText},
};

/// The rooms of one JS thread. Each is a number and no object: one of a class would take as much memory as an idle room. What a
/// method does, it does with the room whose number is in `address`. Sessions are numbers that the caller never uses twice.
/// What a method returns, if it returns a string, is the text of an answer; `mailbox.rs` says how to read it.
#[napi]
pub struct NativeRooms {
    address: Uint32Array,
    mailbox: Rc<RefCell<Mailbox>>,
}

impl std::fmt::Debug for NativeRooms {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("NativeRooms")
            .field("mailbox", &self.mailbox)
            .finish_non_exhaustive()
    }
}

/// A room, with what answering takes. Borrowed by one call at a time: none calls into JS meanwhile.
#[derive(Debug)]
pub(super) struct RoomState {
    pub(super) durable: DurableRoom,
    mailbox: Rc<RefCell<Mailbox>>,
    /// What of the last answer did not fit the mailbox, which is rare.
    rest: Option<Box<Outbox>>,
    /// What the garbage collector was told that the room weighs, in bytes.
    pub(super) weight: i64,
}

impl RoomState {
    /// Whether its answers go into this mailbox.
    pub(super) fn answers_through(&self, mailbox: &Rc<RefCell<Mailbox>>) -> bool {
        Rc::ptr_eq(&self.mailbox, mailbox)
    }
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
impl NativeRooms {
    /// The rooms that answer through `mailbox`. `address` is where lib/ says which of them it is about: its place and its
    /// generation.
    #[napi(constructor)]
    pub fn new(env: Env, mailbox: &NativeMailbox, address: Uint32Array) -> napi::Result<Self> {
        let mailbox = mailbox.share();
        env.add_env_cleanup_hook(Rc::downgrade(&mailbox), |mailbox| {
            if let Some(mailbox) = mailbox.upgrade() {
                retirement::forget_all(&mailbox);
            }
        })?;
        Ok(Self { address, mailbox })
    }

    /// Makes an empty room and gives its number: a place, and which of the rooms that were there it is. `wantsPatches`: whether
    /// CHANGED carries the patches. `decodesCarefully`: whether frames are decoded without the fast decoder.
    #[napi]
    pub fn open(
        &self,
        wants_patches: bool,
        limits: NativeLimits,
        decodes_carefully: bool,
    ) -> Result<Vec<u32>, CodedError> {
        let room = Room::with_limits(wants_patches, limits.share());
        let mut room = room.map_err(|error| coded(ROOM_BROKEN, error))?;
        if decodes_carefully {
            room.set_decoding(Decoding::Careful);
        }
        let durable = DurableRoom::new(room);
        let mailbox = Rc::clone(&self.mailbox);
        let RoomNumber { place, generation } =
            rooms::add(RoomState { durable, mailbox, rest: None, weight: 0 });
        Ok(vec![place, generation])
    }

    /// The number of the last change.
    #[napi(getter)]
    pub fn clock(&self) -> Result<f64, CodedError> {
        Ok(number(self.room()?.borrow_mut().durable.room.clock()))
    }

    /// How many components are alive.
    #[napi(getter)]
    pub fn components(&self) -> Result<u32, CodedError> {
        Ok(u32::try_from(self.room()?.borrow_mut().durable.room.census().0).unwrap_or(u32::MAX))
    }

    /// How many tombstones there are.
    #[napi(getter)]
    pub fn tombstones(&self) -> Result<u32, CodedError> {
        Ok(u32::try_from(self.room()?.borrow_mut().durable.room.census().1).unwrap_or(u32::MAX))
    }

    /// The size of the document: keys, names and values, and what keeping them costs.
    #[napi(getter)]
    pub fn document_bytes(&self) -> Result<f64, CodedError> {
        let bytes = self.room()?.borrow_mut().durable.room.document_bytes();
        Ok(number(u64::try_from(bytes).unwrap_or(u64::MAX)))
    }

    /// Starts from the JSON text of a snapshot. Throws `HEDDLE_BAD_SNAPSHOT`; then nothing has changed.
    #[napi]
    pub fn restore(&self, snapshot: String) -> Result<(), CodedError> {
        Ok(self.room()?.borrow_mut().durable.room.wake()?.restore(snapshot.as_bytes())?)
    }

    /// Copies the document as it is now.
    #[napi]
    pub fn snapshot(&self) -> Result<NativeSnapshot, CodedError> {
        Ok(NativeSnapshot { snapshot: self.room()?.borrow_mut().durable.room.snapshot()? })
    }

    /// Begins a copy of the document as it is now. Gives it where that is little work; else `continueSnapshot` does, later.
    #[napi]
    pub fn begin_snapshot(&self) -> Result<Option<NativeSnapshot>, CodedError> {
        Ok(shared(self.room()?.borrow_mut().durable.room.begin_snapshot()?))
    }

    /// Does a share of the copy that was begun last. Gives it once it is whole.
    #[napi]
    pub fn continue_snapshot(&self) -> Result<Option<NativeSnapshot>, CodedError> {
        Ok(shared(self.room()?.borrow_mut().durable.room.continue_snapshot()?))
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
    pub fn permissions(&self, session: i64) -> Result<Option<&'static str>, CodedError> {
        Ok(self.room()?.borrow_mut().durable.room.access(id(session)).map(|access| match access {
            Access::ReadOnly => "readonly",
            Access::ReadWrite => "readwrite",
        }))
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
        let counts = self.room()?.borrow_mut().durable.room.awaits(session, attempt);
        self.handle(Input::TokenVerified { session, attempt, access: access(&permissions) })?;
        Ok(counts)
    }

    /// A token refresh was refused. Nothing happens when its outcome no longer counts.
    #[napi]
    pub fn token_refused(&self, session: i64, attempt: u32) -> Result<Option<String>, CodedError> {
        self.handle(Input::TokenRefused { session: id(session), attempt })
    }

    /// The next part of an answer that did not fit the mailbox.
    #[napi]
    pub fn more(&self) -> Result<Option<String>, CodedError> {
        self.answer(|_, _| Ok(()))
    }

    /// Applies an edit by the server itself: the JSON text of a list of patches. Throws `HEDDLE_BAD_PATCH`; then nothing
    /// has changed.
    #[napi]
    pub fn apply_patches(&self, patches: String) -> Result<Option<String>, CodedError> {
        self.answer(|room, out| room.edit(patches.as_bytes(), out))
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
        Ok(Some(self.mailbox.borrow_mut().post(out, &mut self.rest)))
    }
}

impl NativeRooms {
    /// The room that lib/ is about.
    pub(super) fn room(&self) -> Result<Rc<RefCell<RoomState>>, CodedError> {
        rooms::find(self.number()).ok_or_else(no_such_room)
    }

    /// Its number.
    pub(super) fn number(&self) -> RoomNumber {
        let part = |index: usize| self.address.get(index).copied().unwrap_or(u32::MAX);
        RoomNumber { place: part(0), generation: part(1) }
    }

    fn receive(&self, session: i64, frame: &[u8]) -> Result<Option<String>, CodedError> {
        self.answer(|room, out| room.receive(id(session), frame, out))
    }

    fn handle(&self, input: Input<'_>) -> Result<Option<String>, CodedError> {
        self.answer(|room, out| room.handle(input, out))
    }

    pub(super) fn answer(
        &self,
        work: impl FnOnce(&mut DurableRoom, &mut Outbox) -> Result<(), RoomError>,
    ) -> Result<Option<String>, CodedError> {
        let mut out = Outbox::default();
        let answer = self.room()?.borrow_mut().answer(&mut out, work)?;
        Ok(answer.map(|answer| text(answer.bytes.into_owned())))
    }
}

pub(super) fn shared(snapshot: Option<Snapshot>) -> Option<NativeSnapshot> {
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

fn no_such_room() -> CodedError {
    coded(ROOM_BROKEN, "no such room")
}

fn unreadable(error: napi::Error) -> CodedError {
    coded("HEDDLE_INVALID_ARGUMENT", error)
}
