//! The bindings to Node and Bun.
//!
//! Here live the classes that lib/ calls: each converts its arguments, calls one thing of the layers below and converts
//! the result. No rule of a room and no state of its own; the only folder that may hold unsafe code.

mod error;
mod room;

pub use room::{NativeRoom, NativeSnapshot};

/// The protocol version that current clients speak.
#[napi_derive::napi]
pub const PROTOCOL_VERSION: u32 = crate::protocol::canvas::PROTOCOL_VERSION;
