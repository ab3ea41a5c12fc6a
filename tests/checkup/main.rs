//! Rooms looked at from outside, on this machine's disk: what is said of them, and what is rescued.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

#[path = "../crash/format.rs"]
mod format;
mod inspecting;
mod room;
mod salvaging;
mod surveying;
