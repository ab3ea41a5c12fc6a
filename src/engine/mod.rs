//! The rules of a room, as a pure state machine.
//!
//! Here live the document and its merge, presence, sessions and their rights, and [`Room::handle`], which takes one
//! [`Input`] and pushes the [`Effect`]s it causes; usual patches get an [`Answer`] instead. No clock, randomness, I/O, threads or JS: what the engine needs of
//! the world comes as an argument, so the same room runs under Node, in a test and in a simulator.
//!
//! What must stay true:
//! - Effects run in order, all of them, before the next input is handled: some say only *what* to send
//!   ([`Message::CatchUp`]) and are encoded from the room as it is then.
//! - A frame is wholly accepted or wholly refused: everything that can fail is checked before anything changes.
//! - In a journaled room a change is provisional until it is stored: what it replaced is kept, and put back when it
//!   cannot be ([`Input::StoreFailed`]). Elsewhere nothing is kept.
//! - Names and values are canonical JSON text, vouched for by the layer that decoded them: a name is the inside of a
//!   JSON string, so equal names are equal bytes.
//! - `handle` neither fails nor panics, and costs what the input changes, not what the room holds.

#![forbid(unsafe_code)]

mod admission;
mod buffer;
mod departures;
mod direct;
mod document;
mod effect;
mod emptied;
mod fields;
mod input;
mod lagging;
pub(crate) mod lazy;
mod merge;
mod patch;
mod population;
mod postponed;
mod presence;
mod quota;
mod reconnect;
mod resting;
mod room;
mod session;
mod slots;
mod walks;
mod whole_arrays;

pub use buffer::{Delta, write_numbers};
pub use direct::Answer;
pub use document::{Component, Document, DocumentAtRest, Restore, Slot, Unreadable};
pub use effect::{Applied, Audience, CloseReason, Effect, Message};
pub use emptied::emptied;
pub use fields::{Content, Fields};
pub use input::{CaughtUp, Frame, Input, ReconnectPatches};
pub use patch::{Field, PatchMemory, Patches, Refusal, RefusalCode, Update, Value};
pub use presence::{Presence, Told};
pub use quota::{Quota, array_size, check_document};
pub use resting::RoomAtRest;
pub use room::Room;
pub use session::{Access, Group, Session, SessionId};
pub use slots::Slots;

/// The number of a change: one integer per room, 0 before the first. The wire calls it `timestamp`.
pub type Clock = u64;

/// The largest clock that every client can hold, `Number.MAX_SAFE_INTEGER`.
pub const MAX_CLOCK: Clock = (1 << 53) - 1;
