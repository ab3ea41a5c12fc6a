//! What the owner of the sockets has to do, in order.

use crate::engine::{CloseReason, Group, RefusalCode, SessionId};

/// One thing to do. Texts are JSON, shared by all who get them.
#[derive(Debug, PartialEq, Eq)]
pub enum Delivery<Text = Vec<u8>> {
    /// Send to one session.
    Send(SessionId, Text),
    /// Send to every session in these [`groups`], but one.
    Broadcast(u32, Option<SessionId>, Text),
    /// A frame of this session was refused; it has been told.
    Refused(SessionId, RefusalCode),
    /// Put the session into this one of the [`groups`].
    Place(SessionId, u32),
    /// Close the session's socket.
    Close(SessionId, CloseReason),
    /// The session has left, and so many remain.
    Left(SessionId, usize),
    /// From now on the session is being caught up in steps, or not any more. As long as it is, its frames have to wait.
    Walks(SessionId, bool),
    /// Send to these sessions: a step of their catch-ups.
    Piece(Vec<SessionId>, Text),
    /// Verify this token, a JSON string, as this attempt.
    VerifyToken(SessionId, u32, Text),
    /// The document changed; the patches' JSON text where somebody wants it.
    Changed(Option<Text>),
}

impl<Text> Delivery<Text> {
    /// The same with its text, if it has one, in another form.
    pub(super) fn map<Other>(self, form: impl FnOnce(Text) -> Other) -> Delivery<Other> {
        match self {
            Self::Send(session, text) => Delivery::Send(session, form(text)),
            Self::Broadcast(groups, except, text) => {
                Delivery::Broadcast(groups, except, form(text))
            }
            Self::Refused(session, code) => Delivery::Refused(session, code),
            Self::Place(session, group) => Delivery::Place(session, group),
            Self::Close(session, reason) => Delivery::Close(session, reason),
            Self::Left(session, remaining) => Delivery::Left(session, remaining),
            Self::Walks(session, begins) => Delivery::Walks(session, begins),
            Self::Piece(sessions, text) => Delivery::Piece(sessions, form(text)),
            Self::VerifyToken(session, attempt, token) => {
                Delivery::VerifyToken(session, attempt, form(token))
            }
            Self::Changed(patches) => Delivery::Changed(patches.map(form)),
        }
    }
}

/// Delivery groups as bits, so that one broadcast can name several.
pub mod groups {
    /// Sessions that get nothing.
    pub const MUTE: u32 = 0;
    /// Sessions that get everything.
    pub const LIVE: u32 = 1;
    /// Sessions that get whole arrays for deltas.
    pub const WHOLE_ARRAYS: u32 = 2;
    /// Sessions that get no document yet.
    pub const HELD: u32 = 4;
}

/// The bit of a group.
pub(super) fn bit(group: Group) -> u32 {
    match group {
        Group::Live => groups::LIVE,
        Group::WholeArrays => groups::WHOLE_ARRAYS,
        Group::Held => groups::HELD,
        Group::Mute => groups::MUTE,
    }
}
