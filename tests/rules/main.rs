//! The rules of SPEC.md, shown on a room as its owner drives it: bytes in, frames out.

mod table;

mod dialect;
mod durability;
mod joining;
mod lagging;
mod merging;
mod patches;
mod presence;
mod quotas;
mod reconnect;
mod refusals;
mod replay;
mod resting;
mod rights;
mod snapshots;
mod stalled;
mod walks;
mod ways;
