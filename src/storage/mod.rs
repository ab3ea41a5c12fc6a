//! The storage layer: what is kept of a room outside memory, and under which name.
//!
//! Lives here: the files of a room, loaded and saved whole or opened ([`FileStore`]), the open room
//! and its journal ([`RoomStore`]), recovery, the archive of old journals (`history/`), the locks
//! that give a room one owner, the names that room ids get on a file system ([`file_name`]), and the disk under all of it ([`Disk`]).
//!
//! May not live here: sessions, sockets, timers, threads of its own, JSON. Snapshots and changes
//! are bytes; what they mean is told by the [`Format`] that the caller hands in. The calls block,
//! so all but appending belong on a worker thread.
//!
//! Invariants:
//! - A file has its name only once it is whole and synced; the journal's end, and a journal that was
//!   never synced, are the exceptions that recovery expects.
//! - A journal is cut only when the snapshot that stands for it is durable, name and all.
//! - Only a name that nothing answers to is an empty room. Everything else that cannot be read is
//!   an error, and stays on the disk, under its own name or beside it.
//! - After a failed write or sync a file is given up: nobody knows what of it is on the disk.
//! - No room id leads out of its directory, and no two ids share a file, on file systems that fold
//!   names either.
//! - Every system call is an operation of a [`Disk`], so that a simulated disk can take its place.

#![forbid(unsafe_code)]

mod bytes;
mod checksum;
mod checkup;
mod disk;
mod error;
mod file;
mod files;
mod history;
mod journal;
pub(crate) mod latest;
mod leftovers;
mod lock;
mod names;
mod recovery;
mod room;
mod sync_log;
mod wtf8;

#[cfg(test)]
mod contract;

use crate::engine::Clock;

pub use checkup::{
    Doubt, Inspection, Leftover, LeftoverKind, Loss, Rescue, RoomFiles, RoomName, Salvage, Source,
    Survey, survey,
};
pub use disk::{Disk, DiskFile, LoggedDisk, RealDisk};
use files::Files;

pub use error::{Damage, Owner, StorageError};
pub use file::FileStore;
pub use history::{Listing, PastChange, Wanted};
pub use names::{file_name, legacy_name};
pub use room::{Opened, RoomStore, Status};
pub use sync_log::{FullLog, GroupCommit};

/// One accepted frame's document patches, as the journal keeps them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Its number: one more than that of the change before it.
    pub clock: Clock,
    /// When it was accepted, in milliseconds since 1970.
    pub time_ms: u64,
    /// Whose it is, in UTF-8; empty for the server's own edits.
    pub client: Box<[u8]>,
    /// The document patches, in the text that [`Format::replay`] understands.
    pub patches: Box<[u8]>,
}

/// Makes a snapshot's text of an older one's, `None` for an empty room's, and the changes since.
pub type Replay = fn(Option<&[u8]>, &[Change]) -> Result<Vec<u8>, Damage>;

/// What bytes mean, which a store cannot know by itself.
#[derive(Clone, Copy, Debug)]
pub struct Format {
    /// The clock of a snapshot's text. A store believes it about every file it finds.
    pub check: fn(&[u8]) -> Result<Clock, Damage>,
    /// The text of the snapshot that changes lead to.
    pub replay: Replay,
}
