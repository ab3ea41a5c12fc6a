//! The bindings to Node and Bun.
//!
//! Here live the classes that lib/ calls: each converts its arguments, calls one thing of the layers below and converts
//! the result. No rule of a room and no state of its own; the only folder that may hold unsafe code.

#![expect(clippy::needless_pass_by_value, reason = "the napi macros hand arguments over by value")]

mod checkup;
mod error;
mod history;
mod limits;
mod mailbox;
mod notifier;
mod opening;
mod raw;
mod retirement;
mod room;
mod rooms;
mod store;
mod storing;

pub use checkup::{
    NativeInspection, NativeLeftover, NativeLoss, NativeProblem, NativeRoomName, NativeSalvage,
    NativeSurvey, inspect_room, room_name, salvage_room, survey_rooms,
};
pub use history::{
    ListPast, NativeHistory, NativePast, NativePastList, NativeRestoration, ReadPast,
};
pub use limits::NativeLimits;
pub use mailbox::NativeMailbox;
pub use notifier::NativeNotifier;
pub use opening::{NativeStoreOptions, Open, OpenError};
pub use raw::raw_calls;
pub use retirement::forget_room;
pub use room::{NativeRooms, NativeSnapshot};
pub use store::{Load, NativeFileStore, Save, open_files};

/// The protocol version that current clients speak.
#[napi_derive::napi]
pub const PROTOCOL_VERSION: u32 = crate::protocol::canvas::PROTOCOL_VERSION;
