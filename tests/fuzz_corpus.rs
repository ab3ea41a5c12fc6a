//! The fuzz targets on the inputs that are kept: what was found once, and a few that reach far. Needs no fuzzer.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a target that cannot go on has found something"
)]

#[expect(dead_code, reason = "the targets need no faults")]
#[path = "crash/disk.rs"]
mod disk;
#[expect(dead_code, reason = "the targets need no power loss")]
#[path = "crash/image.rs"]
mod image;
#[expect(dead_code, reason = "the targets need no power loss")]
#[path = "crash/rng.rs"]
mod rng;
#[expect(unreachable_pub, reason = "elsewhere they are a crate of their own")]
#[path = "../fuzz/src/targets/mod.rs"]
mod targets;

use std::{
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
};

/// Runs a target on all of its inputs, and names those that it panics on.
fn replay(name: &str, target: fn(&[u8])) {
    let folder = format!("{}/fuzz/seeds/{name}", env!("CARGO_MANIFEST_DIR"));
    let mut failed = Vec::new();
    let mut count = 0;
    for entry in fs::read_dir(folder).expect("every target has seeds") {
        let path = entry.unwrap().path();
        let input = fs::read(&path).unwrap();
        count += 1;
        if catch_unwind(AssertUnwindSafe(|| target(&input))).is_err() {
            failed.push(path);
        }
    }
    assert!(count > 0 && failed.is_empty(), "{name} fails on {failed:?}");
}

#[test]
fn frames_of_any_bytes() {
    replay("frame_decode", targets::frame_decode);
}

#[test]
fn rooms_through_anything() {
    replay("room_frames", targets::room_frames);
}

#[test]
fn deltas_of_any_shape() {
    replay("buffer_delta", targets::buffer_delta);
}

#[test]
fn snapshots_of_any_bytes() {
    replay("snapshot_import", targets::snapshot_import);
}

#[test]
fn files_of_any_bytes() {
    replay("journal_recover", targets::journal_recover);
}

#[test]
fn names_of_any_rooms() {
    replay("room_names", targets::room_names);
}
