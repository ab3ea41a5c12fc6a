//! What can be wrong with a room's files.

use crate::engine::Clock;
use std::{fmt, io, path::PathBuf};

/// Why bytes are not what they should be.
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

/// Who holds the lock on a room's files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The owner's process, where it could be told.
    pub pid: Option<u32>,
    /// Whether that is this process.
    pub this_process: bool,
    /// Whether the owner is about to let go: trying again soon makes sense. Known of owners in this
    /// process only.
    pub closing: bool,
}

impl fmt::Display for Owner {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.this_process, self.pid) {
            (true, _) if self.closing => out.write_str("this process, which is closing it"),
            (true, _) => out.write_str("this process"),
            (false, Some(pid)) => write!(out, "process {pid}"),
            (false, None) => out.write_str("another process"),
        }
    }
}

/// What went wrong between a room and its files.
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
    /// The file is there, can be read, and is not what was written; it was left as it is. Becomes
    /// `code: 'HEDDLE_DAMAGED_FILE'`.
    #[error("{} is damaged: {damage}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and where.
        damage: Damage,
        /// The clock up to which the room could be read; `None` where nothing could be.
        clock: Option<Clock>,
    },
    /// The file system answers to the room's file name with a file of another spelling, which is
    /// another room's; it was neither read nor written. Becomes `code: 'HEDDLE_STORAGE'`.
    #[error("{} belongs to another room, whose file name this file system takes for the same", path.display())]
    NameTaken {
        /// The name that was asked for.
        path: PathBuf,
    },
    /// Somebody else has the room open. Becomes `code: 'HEDDLE_ROOM_LOCKED'`.
    #[error("{} is in use by {owner}", path.display())]
    Locked {
        /// The room's snapshot file.
        path: PathBuf,
        /// Who has it open.
        owner: Owner,
    },
    /// An earlier write failed: nothing more is written to this journal, because nobody knows what
    /// of it is on the disk. [`RoomStore::rewrite`](super::RoomStore::rewrite) makes a new one.
    /// Becomes `code: 'HEDDLE_STORAGE'`.
    #[error("{} takes no more writes since one failed", path.display())]
    Poisoned {
        /// The journal.
        path: PathBuf,
    },
    /// The room cannot be had as it was then. Becomes `code: 'HEDDLE_NO_HISTORY'`.
    #[error("there is no history of the clock {clock}; there is of {}", Ranges(available))]
    NoHistory {
        /// The clock that was asked for.
        clock: Clock,
        /// From and to which clocks there is one.
        available: Vec<(Clock, Clock)>,
    },
    /// The archive of a room's journals could not be written or cleared: its history has a gap, or
    /// goes back further than wanted. The room itself is whole. Becomes
    /// `code: 'HEDDLE_HISTORY_FAILED'`.
    #[error("the history could not be archived: {source}")]
    History {
        /// What went wrong.
        source: Box<Self>,
    },
}

/// Clocks, for people.
struct Ranges<'r>(&'r [(Clock, Clock)]);

impl fmt::Display for Ranges<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return out.write_str("none");
        }
        for (position, (from, to)) in self.0.iter().enumerate() {
            let comma = if position == 0 { "" } else { ", " };
            write!(out, "{comma}{from} to {to}")?;
        }
        Ok(())
    }
}

impl StorageError {
    /// Makes an I/O error of what was tried, for `map_err`.
    pub(super) fn io(
        operation: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { operation, path: path.into(), source }
    }
}
