//! The driver: runs one room's engine and turns what it wants into deliveries.
//!
//! Here live [`Room`], which joins engine and dialect and catches panics, and [`Delivery`], what is left to do for the
//! owner of the sockets. Everything impure that is not JS belongs here; later also journals, locks and the commit thread.
//!
//! What must stay true:
//! - All effects of an input are encoded before the next input is handled.
//! - After a panic a room refuses everything ([`RoomError::Broken`]): what it holds may be half an edit.

#![forbid(unsafe_code)]

mod delivery;
mod room;

pub use delivery::{Delivery, groups};
pub use room::{Room, RoomError, Snapshot};
