//! The driver: runs one room's engine and turns what it wants into deliveries.
//!
//! Here live [`Room`], which joins engine and dialect and catches panics, [`Delivery`], what is left to do for the owner
//! of the sockets, and for journaled rooms what waits until a [`Change`] is stored; [`Store`], which decides what is
//! written when and on which thread, and [`DurableRoom`], a room with its store, which is packed while nobody is in it
//! ([`RestingRoom`]). Everything impure that is not JS belongs
//! here.
//!
//! What must stay true:
//! - All effects of an input are encoded before the next input is handled.
//! - Nothing that shows a change of a journaled room leaves before the change is stored, and nothing overtakes what waits:
//!   deliveries leave in the order in which the room handled things. What waits is bounded by how long the store may take
//!   to answer, so whoever owns one has it fail in time.
//! - The thread that serves the rooms waits for nothing but one write to a file, and that only on a device that was quick.
//! - After a panic a room refuses everything ([`RoomError::Broken`]): what it holds may be half an edit.

#![forbid(unsafe_code)]

mod checkup;
mod delivery;
mod device;
mod direct;
mod durable;
mod history;
mod journaled;
mod lane;
mod outbox;
mod provisional;
mod recovery;
mod replay;
mod resting;
mod room;
mod sending;
mod snapshot;
mod store;
mod waiting;

pub use checkup::{Census, inspect, salvage};
pub use delivery::{Delivery, groups};
pub use durable::{DurableRoom, News};
pub use history::{History, Past, PastList, Restoration};
pub use outbox::{Outbox, Queued};
pub use provisional::Change;
pub use recovery::{CANVAS, Recovered};
pub use replay::{ReplayError, replay};
pub use resting::RestingRoom;
pub use room::{Room, RoomError};
pub use snapshot::{Snapshot, SnapshotText};
pub use store::{Level, Notify, Store, StoreEvent, StoreOptions};
