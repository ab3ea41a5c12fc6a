//! The dialect of `@woven-ecs/canvas-store`, versions 1 and 2.
//!
//! One JSON object per frame. [`decode_frame`] turns it into an engine input, [`decode_usual`] does so faster with the frames that
//! nearly all are, [`encode`] turns what the engine wants sent
//! into text, [`snapshot`] is the form in which rooms are stored, [`restoration`] leads back to one.

pub mod changes;
mod decode;
pub mod encode;
mod loaded;
mod lookup;
mod patches;
mod pieces;
pub mod restoration;
pub mod snapshot;
mod usual;

pub use decode::{FrameText, decode_edit, decode_frame};
pub use loaded::check_loaded;
pub use patches::FrameParts;
pub use pieces::{encode_for_one, encode_piece};
pub use usual::{Decoding, decode_usual};

/// The protocol version of current clients.
pub const PROTOCOL_VERSION: u32 = 2;
