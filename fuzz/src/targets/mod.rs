//! One function per target: takes any bytes, and panics when something that must hold does not.

mod buffer_delta;
mod choices;
mod frame_decode;
mod frames;
mod journal_bytes;
mod journal_recover;
mod json;
mod room_frames;
mod room_names;
mod snapshot_import;
mod watched_room;

pub use buffer_delta::buffer_delta;
pub use frame_decode::frame_decode;
pub use journal_recover::journal_recover;
pub use room_frames::room_frames;
pub use room_names::room_names;
pub use snapshot_import::snapshot_import;
