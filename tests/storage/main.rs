//! Open rooms on this machine's disk: what is promised while nothing goes wrong, and what happens
//! when files vanish or somebody else has the room.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test that cannot go on has failed, and another process is told by a line"
)]

#[path = "../crash/format.rs"]
mod format;
mod history;
mod journal;
mod locks;
mod room;
