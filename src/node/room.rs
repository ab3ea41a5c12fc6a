//! One room, for lib/room.js.

use std::sync::Arc;

use napi::{
    JsString,
    bindgen_prelude::{Either3, Null, Uint8Array},
};
use napi_derive::napi;

use super::error::{CodedError, ROOM_BROKEN};
use crate::{
    engine::{Access, CloseReason, Input, SessionId},
    protocol::json::from_utf16,
    server::{Delivery, Room, Snapshot},
};

/// What is left to do, flattened: an op, then its operands. `lib/effects.js` reads it.
type Effects = Option<Vec<Operand>>;
type Operand = Either3<f64, String, Null>;

/// The ops of [`Effects`].
mod op {
    pub(super) const SEND: f64 = 0.0;
    pub(super) const BROADCAST: f64 = 1.0;
    pub(super) const PLACE: f64 = 2.0;
    pub(super) const CLOSE: f64 = 3.0;
    pub(super) const LEFT: f64 = 4.0;
    pub(super) const VERIFY_TOKEN: f64 = 5.0;
    pub(super) const CHANGED: f64 = 6.0;
}

/// Stands for "no session" in [`op::BROADCAST`].
const NOBODY: f64 = -1.0;

/// The engine of one room. Sessions are numbers that the caller never uses twice.
#[derive(Debug)]
#[napi]
pub struct NativeRoom {
    room: Room,
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
    /// An empty room. `wantsPatches`: whether CHANGED carries the patches.
    #[napi(constructor)]
    pub fn new(wants_patches: bool) -> Result<Self, CodedError> {
        let room = Room::new(wants_patches).map_err(|error| CodedError::new(ROOM_BROKEN, error))?;
        Ok(Self { room })
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
    #[napi(ts_return_type = "Array<number | string | null> | null")]
    pub fn join(
        &mut self,
        session: i64,
        client_id: String,
        permissions: String,
        held: bool,
    ) -> Result<Effects, CodedError> {
        let client = client_id.trim_matches('"').as_bytes();
        self.handle(Input::Joined {
            session: id(session),
            client,
            access: access(&permissions),
            held,
        })
    }

    /// Handles a frame that came as text.
    #[napi(ts_return_type = "Array<number | string | null> | null")]
    pub fn receive_text(
        &mut self,
        session: i64,
        frame: JsString<'_>,
    ) -> Result<Effects, CodedError> {
        let utf8 = frame.into_utf8().map_err(unreadable)?;
        let utf8 = utf8.as_str().map_err(unreadable)?;
        // Lone surrogates have no UTF-8 and were replaced: look at what was really there.
        if utf8.contains(char::REPLACEMENT_CHARACTER) {
            let utf16 = frame.into_utf16().map_err(unreadable)?;
            return self.receive(session, from_utf16(utf16.as_slice()).as_bytes());
        }
        self.receive(session, utf8.as_bytes())
    }

    /// Handles a frame that came as bytes.
    #[napi(ts_return_type = "Array<number | string | null> | null")]
    pub fn receive_bytes(
        &mut self,
        session: i64,
        frame: Uint8Array,
    ) -> Result<Effects, CodedError> {
        self.receive(session, &frame)
    }

    /// Removes a session.
    #[napi(ts_return_type = "Array<number | string | null> | null")]
    pub fn leave(&mut self, session: i64) -> Result<Effects, CodedError> {
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
    #[napi(ts_return_type = "Array<number | string | null> | null")]
    pub fn token_refused(&mut self, session: i64, attempt: u32) -> Result<Effects, CodedError> {
        self.handle(Input::TokenRefused { session: id(session), attempt })
    }

    /// Applies an edit by the server itself: the JSON text of a list of patches. Throws `HEDDLE_BAD_PATCH`; then nothing
    /// has changed.
    #[napi(ts_return_type = "Array<number | string | null> | null")]
    pub fn apply_patches(&mut self, patches: String) -> Result<Effects, CodedError> {
        Ok(flatten(self.room.edit(patches.as_bytes())?))
    }
}

impl NativeRoom {
    fn receive(&mut self, session: i64, frame: &[u8]) -> Result<Effects, CodedError> {
        Ok(flatten(self.room.receive(id(session), frame)?))
    }

    fn handle(&mut self, input: Input<'_>) -> Result<Effects, CodedError> {
        Ok(flatten(self.room.handle(input)?))
    }
}

fn flatten(deliveries: Vec<Delivery>) -> Effects {
    if deliveries.is_empty() {
        return None;
    }
    let mut effects = Vec::with_capacity(deliveries.len() * 4);
    let operand = |session: SessionId| Either3::A(number(session));
    for delivery in deliveries {
        match delivery {
            Delivery::Send(session, frame) => {
                effects.extend([Either3::A(op::SEND), operand(session), Either3::B(text(frame))]);
            }
            Delivery::Broadcast(groups, except, frame) => {
                let except = Either3::A(except.map_or(NOBODY, number));
                let groups = Either3::A(f64::from(groups));
                effects.extend([
                    Either3::A(op::BROADCAST),
                    groups,
                    except,
                    Either3::B(text(frame)),
                ]);
            }
            Delivery::Place(session, group) => {
                effects.extend([
                    Either3::A(op::PLACE),
                    operand(session),
                    Either3::A(f64::from(group)),
                ]);
            }
            Delivery::Close(session, reason) => {
                let (code, reason) = close_code(reason);
                let reason = Either3::B(String::from(reason));
                effects.extend([Either3::A(op::CLOSE), operand(session), Either3::A(code), reason]);
            }
            Delivery::Left(session, remaining) => {
                let remaining = u32::try_from(remaining).unwrap_or(u32::MAX);
                effects.extend([
                    Either3::A(op::LEFT),
                    operand(session),
                    Either3::A(f64::from(remaining)),
                ]);
            }
            Delivery::VerifyToken(session, attempt, token) => {
                let attempt = Either3::A(f64::from(attempt));
                effects.extend([
                    Either3::A(op::VERIFY_TOKEN),
                    operand(session),
                    attempt,
                    Either3::B(text(token)),
                ]);
            }
            Delivery::Changed(patches) => {
                let patches = patches.map_or(Either3::C(Null), |patches| Either3::B(text(patches)));
                effects.extend([Either3::A(op::CHANGED), patches]);
            }
        }
    }
    Some(effects)
}

/// The close codes of SPEC.md (CC1): below 4500 a client may come back.
fn close_code(reason: CloseReason) -> (f64, &'static str) {
    match reason {
        CloseReason::FrameRefused => (4400.0, "frame refused"),
        CloseReason::TokenRefused => (4401.0, "token refused"),
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
fn number(integer: u64) -> f64 {
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
