//! What a room is told.

use std::rc::Rc;

use super::{
    Clock, Slots,
    effect::CloseReason,
    patch::{Patches, Refusal},
    session::{Access, Group, SessionId},
};

/// One thing that happened, to be handled as a whole.
#[derive(Debug)]
pub enum Input<'f> {
    /// A connection was accepted.
    Joined {
        /// Its number, new to this room.
        session: SessionId,
        /// The client's name.
        client: &'f [u8],
        /// Its rights.
        access: Access,
        /// Whether documents wait for its first frame (JN3).
        held: bool,
    },
    /// A frame came in. One who lags, or is being caught up in steps, must be caught up before, by [`Self::Drained`] or
    /// [`Self::Hurried`].
    Received {
        /// From whom.
        session: SessionId,
        /// What it says.
        frame: &'f Frame<'f>,
    },
    /// A frame that writes came in, and cannot be handled while nothing can be stored: only its presence is, now.
    Postponed {
        /// From whom.
        session: SessionId,
        /// The JSON text of its `messageId`, if it has one.
        message_id: Option<&'f [u8]>,
        /// Its presence patches.
        presence: &'f Patches<'f>,
    },
    /// What is left of a frame whose presence was handled before: its document patches and the answer to it. One who lags
    /// must be caught up before.
    Resumed {
        /// From whom.
        session: SessionId,
        /// The whole frame.
        frame: &'f Frame<'f>,
    },
    /// The change that a session's frame made was taken back before anybody saw it: what it shows of its client's
    /// presence, which stays, has yet to be told to the others.
    Withdrawn {
        /// From whom; it may have left.
        session: SessionId,
        /// Whose presence.
        client: Rc<[u8]>,
        /// The presence patches.
        presence: &'f Patches<'f>,
    },
    /// A session belongs to this group again: the frame that moved it from there has not been handled after all.
    Replaced {
        /// Whose.
        session: SessionId,
        /// The group.
        group: Group,
    },
    /// A session's socket does not drain: nothing more is to be sent to it for now.
    Lagging {
        /// Whose.
        session: SessionId,
    },
    /// The socket of a session that lags has drained.
    Drained {
        /// Whose.
        session: SessionId,
    },
    /// What a session was about to be caught up with shows changes that were taken back: it is told anew.
    CaughtUp {
        /// Whose.
        session: SessionId,
        /// How far it had been told everything, and what it was about to be told.
        caught_up: CaughtUp<'f>,
    },
    /// Sessions that are being caught up in steps can take more.
    Step {
        /// Which.
        ready: &'f [SessionId],
    },
    /// A frame of a session that is being caught up in steps has to be handled all the same: it is told the rest at once.
    Hurried {
        /// Whose.
        session: SessionId,
    },
    /// A step of these sessions' catch-ups shows changes that were taken back, and was not sent.
    GivenBack {
        /// Which.
        sessions: &'f [SessionId],
        /// What they were not told.
        slots: &'f Slots,
    },
    /// A session must be closed.
    Evicted {
        /// Whose.
        session: SessionId,
        /// Why.
        reason: CloseReason,
    },
    /// The changes up to this clock are stored.
    Stored {
        /// The clock.
        clock: Clock,
    },
    /// The changes that are not stored cannot be: they are taken back.
    StoreFailed,
    /// A connection ended.
    Left {
        /// Whose.
        session: SessionId,
    },
    /// The server's own code edits the document (PA11).
    Edited {
        /// The edit.
        patches: &'f Patches<'f>,
    },
    /// Rights were set from outside; a token refresh under way can no longer change them (AU9).
    AccessChanged {
        /// Whose.
        session: SessionId,
        /// The new rights.
        access: Access,
    },
    /// A token that [`super::Effect::VerifyToken`] asked about is good.
    TokenVerified {
        /// Whose.
        session: SessionId,
        /// Which refresh.
        attempt: u32,
        /// The rights that it gives.
        access: Access,
    },
    /// Such a token was refused.
    TokenRefused {
        /// Whose.
        session: SessionId,
        /// Which refresh.
        attempt: u32,
    },
}

/// What a session was about to be told.
#[derive(Debug, Clone, Copy)]
pub struct CaughtUp<'f> {
    /// The clock up to which it had been told everything.
    pub since: Clock,
    /// Keys to send whatever their clock (RC7).
    pub touched: &'f [Box<[u8]>],
    /// Whether it had been told a part before, step by step.
    pub ends_walk: bool,
    /// Whether it waits for `synced`.
    pub answers: bool,
}

/// A decoded frame.
#[derive(Debug)]
pub enum Frame<'f> {
    /// Edits and presence of a live client.
    Patch {
        /// The JSON text of its `messageId`, if it has one.
        message_id: Option<&'f [u8]>,
        /// Document patches.
        document: &'f Patches<'f>,
        /// Presence patches.
        presence: &'f Patches<'f>,
    },
    /// A client that wants to be brought up to date.
    Reconnect {
        /// The clock up to which it has seen everything.
        since: Clock,
        /// The delivery group that its protocol version belongs to.
        group: Group,
        /// What it did while it was away.
        patches: ReconnectPatches<'f>,
    },
    /// A client whose protocol version is not served (CV2).
    Unserved,
    /// A new token to verify; the JSON text of the string.
    TokenRefresh(&'f [u8]),
    /// A type this server does not know (PA10).
    Unknown,
    /// A frame that cannot be accepted, with the `messageId` it had.
    Refused(Refusal, Option<&'f [u8]>),
}

/// The patches of a reconnect: refused ones do not keep the client from being served (RC6).
#[derive(Debug)]
pub enum ReconnectPatches<'f> {
    /// Well-formed patches, perhaps none.
    Sound {
        /// Document patches.
        document: &'f Patches<'f>,
        /// Presence patches.
        presence: &'f Patches<'f>,
    },
    /// Malformed ones, and the document keys that they touched (RC7).
    Refused(Refusal, Vec<&'f [u8]>),
}
