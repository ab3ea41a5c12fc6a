//! A room and its store on a disk that hangs or fails when a test says so.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test that cannot go on has failed, and one that hangs must"
)]

mod disk;
mod hanging;
