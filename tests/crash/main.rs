//! A simulated disk under the storage layer: whatever crashes, fails or rots, a room is what was
//! promised or an error.
//!
//! `HEDDLE_CRASH_RUNS` makes the runs that much longer; the figures are printed with `--nocapture`.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed, and its figures are for people"
)]

mod crashes;
mod damage;
mod disk;
mod faults;
mod format;
mod group;
mod image;
mod promises;
mod rng;
mod run;
