//! One room, for lib/room.js.

use std::sync::Arc;

use napi::{JsString, bindgen_prelude::Float64Array};
use napi_derive::napi;

use super::{
    error::{CodedError, ROOM_BROKEN},
    mailbox::Mailbox,
};
use crate::{
    engine::{Access, Input, SessionId},
    protocol::json::from_utf16,
    server::{Room, Snapshot},
};

/// The engine of one room. Sessions are numbers that the caller never uses twice. What a method returns, if it returns
/// a string, is the text of an answer; `mailbox.rs` says how to read it.
#[derive(Debug)]
#[napi]
pub struct NativeRoom {
    room: Room,
    mailbox: Mailbox,
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
    pub fn new(mailbox: Float64Array, wants_patches: bool) -> Result<Self, CodedError> {
        let room = Room::new(wants_patches).map_err(|error| CodedError::new(ROOM_BROKEN, error))?;
        Ok(Self { room, mailbox: Mailbox::new(mailbox) })
    }

    /// The number of the last change.
    #[napi(getter)]
    pub fn clock(&self) -> f64 {
        number(self.room.clock())
    }

    /// How many components are alive.
    #[napi(getter)]
    pub fn components(&self) -> u32 {
        u32::try_from(self.room.census().0).unwrap_or(u32::MAX)
    }

    /// How many tombstones there are.
    #[napi(getter)]
    pub fn tombstones(&self) -> u32 {
        u32::try_from(self.room.census().1).unwrap_or(u32::MAX)
    }

    /// Starts from the JSON text of a snapshot. Throws `HEDDLE_BAD_SNAPSHOT`; then nothing has changed.
    #[napi]
    pub fn restore(&mut self, snapshot: String) -> Result<(), CodedError> {
        Ok(self.room.restore(snapshot.as_bytes())?)
    }

    /// Copies the document as it is now.
    #[napi]
    pub fn snapshot(&mut self) -> Result<NativeSnapshot, CodedError> {
        Ok(NativeSnapshot { snapshot: self.room.snapshot()? })
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

    /// A session's rights; null when it is not here.
    #[napi(ts_return_type = "'readonly' | 'readwrite' | null")]
    pub fn permissions(&self, session: i64) -> Option<&'static str> {
        self.room.access(id(session)).map(|access| match access {
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
        let counts = self.room.awaits(session, attempt);
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
        self.mailbox.post(self.room.edit(patches.as_bytes())?)
    }
}

impl NativeRoom {
    fn receive(&mut self, session: i64, frame: &[u8]) -> Result<Option<String>, CodedError> {
        self.mailbox.post(self.room.receive(id(session), frame)?)
    }

    fn handle(&mut self, input: Input<'_>) -> Result<Option<String>, CodedError> {
        self.mailbox.post(self.room.handle(input)?)
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
    CodedError::new("HEDDLE_INVALID_ARGUMENT", error)
}
