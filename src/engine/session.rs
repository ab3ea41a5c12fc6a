//! Sessions: who is connected, with which rights, and which broadcasts reach them.

use std::rc::Rc;

/// One live connection. Numbers are the caller's, never reused within a room.
pub type SessionId = u64;

/// What a session may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Receives everything, writes nothing, neither document nor presence.
    ReadOnly,
    /// Reads and writes.
    ReadWrite,
}

/// The delivery group of a session: which form of a broadcast it gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// Everything, in the current form.
    Live,
    /// Everything, buffer deltas spelled out as whole arrays (CV1).
    WholeArrays,
    /// Presence and counts, but no document yet: its own first frame is about to ask for that (JN3).
    Held,
    /// Nothing, after a version mismatch (CV3).
    Mute,
}

/// What the room knows of one session.
#[derive(Debug)]
pub struct Session {
    /// The client it belongs to; shared, because every broadcast names it.
    pub client: Rc<[u8]>,
    /// Its rights, as of the last grant.
    pub access: Access,
    /// Where broadcasts find it.
    pub group: Group,
    /// The number of its latest token refresh; older ones no longer count (AU5).
    pub attempt: u32,
    /// The latest token refresh that was under way when rights were set from outside: what it grants is overruled (AU9).
    pub overruled: u32,
}
