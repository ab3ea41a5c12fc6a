//! Bytes to engine types and back: the only place that sees untrusted bytes.
//!
//! [`json`] reads JSON text as `JSON.parse` does and tells whether it is canonical; [`canvas`] is the dialect of
//! `@woven-ecs/canvas-store`. Further dialects get a folder of their own beside it.
//!
//! What must stay true:
//! - What is let through is valid: the engine never sees text that is not canonical JSON, a list that holds something
//!   other than objects, or a delta without bounds.
//! - No bytes whatever make this layer panic, recurse deeper than [`limits::Limits::depth`] or allocate more than a small
//!   multiple of the frame.
//! - It keeps nothing between two frames.

#![forbid(unsafe_code)]

pub mod canvas;
pub mod json;
pub mod limits;
