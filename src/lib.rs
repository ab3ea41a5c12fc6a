//! heddle: a room engine for real-time collaboration.
//!
//! Dependencies point down only: [`node`] -> [`server`] -> [`protocol`], [`storage`] -> [`engine`];
//! `tests/layers.rs` enforces it. ARCHITECTURE.md has the tour.

pub mod engine;
#[cfg(feature = "node")]
pub mod node;
pub mod protocol;
pub mod server;
pub mod storage;
