//! What a room wants done.

use std::{borrow::Cow, iter, rc::Rc};

use super::{
    Clock, Slots, Told,
    patch::{Patches, Refusal},
    session::{Group, SessionId},
};

/// One thing to do, in order.
#[derive(Debug)]
pub enum Effect<'f> {
    /// Store a change. What shows it must not leave before that is done. Only in a journaled room.
    Append {
        /// Its number.
        clock: Clock,
        /// Whose it is; nobody's when the server itself made it.
        client: Option<Rc<[u8]>>,
        /// The JSON text of the document patches.
        patches: &'f [u8],
    },
    /// From now on, broadcasts reach this session as one of `group`.
    Place(SessionId, Group),
    /// Send to one session.
    Send(SessionId, Message<'f>),
    /// Send to every session but one.
    Broadcast {
        /// The session that is left out.
        except: Option<SessionId>,
        /// In which groups anybody listens: what need not be encoded is not.
        audience: Audience,
        /// What to send.
        message: Message<'f>,
    },
    /// Whether the session is being caught up in steps from now on. As long as it is, its frames have to wait. Does not
    /// wait for anything that is to be sent before.
    Walks(SessionId, bool),
    /// Send what slots hold to sessions that lack it, encoded once from the room as it is when this effect runs.
    Piece {
        /// To whom.
        sessions: Vec<SessionId>,
        /// The clock up to which they have seen everything.
        since: Clock,
        /// The slots.
        slots: Slots,
        /// The clock of what changed last in them.
        newest: Clock,
    },
    /// Ask whether this token is good; at most the answer to the latest attempt counts.
    VerifyToken {
        /// Whose token.
        session: SessionId,
        /// The number to answer with.
        attempt: u32,
        /// The JSON text of the token.
        token: &'f [u8],
    },
    /// The document changed; the JSON text of the patches as they came.
    Changed(&'f [u8]),
    /// Close the session's socket. The effects of its leave follow.
    Close(SessionId, CloseReason),
    /// The session has left.
    Left {
        /// Which.
        session: SessionId,
        /// How many sessions the room still has.
        remaining: usize,
    },
}

/// The groups in which a broadcast would find anybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Audience {
    /// [`Group::Live`]
    pub live: bool,
    /// [`Group::WholeArrays`]
    pub whole_arrays: bool,
    /// [`Group::Held`]
    pub held: bool,
}

/// What a session is told; the dialect gives it its form.
#[derive(Debug)]
pub enum Message<'f> {
    /// How many sessions the room has.
    ClientCount(usize),
    /// The presence of everybody but one client.
    Presence {
        /// Who.
        client: Rc<[u8]>,
        /// What it need not be told again.
        told: Told,
    },
    /// What somebody did.
    Change(Applied<'f>),
    /// The presence of a client that has left.
    PresenceGone {
        /// Who.
        client: Rc<[u8]>,
        /// Its presence keys.
        keys: Vec<Box<[u8]>>,
    },
    /// The sender's patch has been handled.
    Ack {
        /// The JSON text of its `messageId`.
        message_id: Option<&'f [u8]>,
        /// The clock after it.
        clock: Clock,
    },
    /// The client knows more than this room does (RC3).
    Resync {
        /// The clock that the room had.
        since: Clock,
    },
    /// All that the client lacks, encoded from the room as it is when this effect runs.
    CatchUp {
        /// Who asks; its own presence is left out.
        client: Rc<[u8]>,
        /// The clock up to which it has seen everything.
        since: Clock,
        /// Keys to send whatever their clock (RC7).
        touched: Vec<Cow<'f, [u8]>>,
        /// The clock after which it is told what was deleted (RC5).
        graves: Clock,
        /// What it need not be told of presence again.
        told: Told,
        /// Whether it was told a part already, in frames that left its cursor where it was: one must move it now, whatever
        /// it lacks.
        ends_walk: bool,
    },
    /// What the last change touched, as far as it is newer than the client's cursor: the answer to what it handed in, where the
    /// rest of what it lacks comes later.
    Handed {
        /// The clock up to which it has seen everything.
        since: Clock,
    },
    /// The end of a catch-up.
    Synced(Clock),
    /// The client's protocol version is not served.
    VersionMismatch,
    /// The client's frame was refused.
    Refused(Refusal, Option<&'f [u8]>),
}

/// Patches that were applied.
#[derive(Debug)]
pub struct Applied<'f> {
    /// Whose; nobody's when the server itself made them.
    pub client: Option<Rc<[u8]>>,
    /// The clock of the change, if there are document patches.
    pub clock: Option<Clock>,
    /// Document patches.
    pub document: &'f Patches<'f>,
    /// The updates among them that came too late for their component (MG5).
    pub late: Vec<usize>,
    /// Presence patches.
    pub presence: &'f Patches<'f>,
}

/// Adds an effect, made where it stays: to make one and to move it there takes longer.
#[inline]
pub(super) fn push_with<'f>(effects: &mut Vec<Effect<'f>>, effect: impl FnOnce() -> Effect<'f>) {
    effects.extend(iter::once_with(effect));
}

impl Effect<'_> {
    /// Whether it shows what is newer than the clock up to which everything is `stored`, and so has to wait until that is.
    pub fn shows_document(&self, stored: Clock) -> bool {
        match self {
            Self::Changed(_) => true,
            Self::Piece { newest, .. } => *newest > stored,
            Self::Send(_, message) | Self::Broadcast { message, .. } => message.shows_document(),
            Self::Append { .. }
            | Self::Place(..)
            | Self::Walks(..)
            | Self::VerifyToken { .. }
            | Self::Close(..)
            | Self::Left { .. } => false,
        }
    }
}

impl Message<'_> {
    fn shows_document(&self) -> bool {
        match self {
            Self::Ack { .. }
            | Self::Resync { .. }
            | Self::CatchUp { .. }
            | Self::Handed { .. }
            | Self::Synced(_) => true,
            Self::Change(applied) => applied.clock.is_some(),
            Self::ClientCount(_)
            | Self::Presence { .. }
            | Self::PresenceGone { .. }
            | Self::VersionMismatch
            | Self::Refused(..) => false,
        }
    }
}

/// Why a session is closed by the room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CloseReason {
    /// It sent a frame that was refused (LM1).
    FrameRefused,
    /// Its new token was refused (AU4).
    TokenRefused,
    /// Too many of its frames wait for the store (DU16).
    TooManyFramesWait,
    /// It lags, and what it lacks is more than is kept for it (SR8), or it would have to be told too much at once (CV9).
    TooSlow,
}
