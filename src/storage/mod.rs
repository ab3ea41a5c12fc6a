//! The storage layer: what is kept of a room outside memory, and under which name.
//!
//! Lives here: the file per room ([`FileStore`]), the names that room ids get on a file system
//! ([`file_name`]), and the errors of both. The journal and the recovery from it will live here
//! too, beside the snapshots.
//!
//! May not live here: sessions, sockets, timers, threads, JSON. A snapshot is bytes; whether they
//! make sense is told by the [`Check`] that the caller hands in. The calls block, so they belong on
//! a worker thread.
//!
//! Invariants:
//! - A file is either the last snapshot that was completely written or the one before it, never a
//!   mixture.
//! - Only a name that nothing answers to is an empty room. Everything else that cannot be read is
//!   an error, and stays on the disk, under its own name or beside it.
//! - No room id leads out of its directory, and no two ids share a file, on file systems that fold
//!   names either.
//! - Every system call is a function of `disk.rs`, so that a simulated disk can take its place.

#![forbid(unsafe_code)]

mod disk;
mod file;
mod leftovers;
mod names;
mod wtf8;

#[cfg(test)]
mod contract;

use std::{fmt, io, path::PathBuf};

pub use file::FileStore;
pub use names::{file_name, legacy_name};

/// Tells whether bytes are a snapshot; a store believes it about every file it finds.
pub type Check = fn(&[u8]) -> Result<(), Damage>;

/// Why bytes are no snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The byte at which reading stopped, where there is such a place.
    pub offset: Option<u64>,
    /// What was wrong, as a phrase that can follow a colon.
    pub reason: String,
}

impl fmt::Display for Damage {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.reason)?;
        match self.offset {
            Some(offset) => write!(out, " at byte {offset}"),
            None => Ok(()),
        }
    }
}

/// What went wrong between a room and its file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StorageError {
    /// The operating system refused. Becomes `code: 'HEDDLE_STORAGE'`.
    #[error("could not {operation} {}: {source}", path.display())]
    Io {
        /// What was tried, as a verb that the path can follow.
        operation: &'static str,
        /// What it was tried on.
        path: PathBuf,
        /// The operating system's answer.
        source: io::Error,
    },
    /// The file is there, can be read, and is no snapshot; it was left as it is. Becomes `code:
    /// 'HEDDLE_DAMAGED_FILE'`.
    #[error("{} is no snapshot: {damage}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What the [`Check`] said about it.
        damage: Damage,
    },
    /// The file system answers to the room's file name with a file of another spelling, which is
    /// another room's; it was neither read nor written. Becomes `code: 'HEDDLE_STORAGE'`.
    #[error("{} belongs to another room, whose file name this file system takes for the same", path.display())]
    NameTaken {
        /// The name that was asked for.
        path: PathBuf,
    },
}
