//! The history of a room: journals that compaction has cut, kept with the snapshots that they continue.
//!
//! Lives here: the names of archived files, putting files there ([`archive()`], [`prune`]) and reading them back
//! ([`list`], [`snapshot_at`]). May not live here: anything that an open room depends on. Recovery never looks here.
//!
//! ```text
//! <name>.history/<first clock>-<last clock>-<newest time>.journal   a segment: a journal as it was, see `journal/`
//! <name>.history/<clock>.json                                       the snapshot that a segment continues
//! ```
//!
//! A segment continues the snapshot whose clock is one below its first, unless it begins with a snapshot itself or with
//! an empty room. So each can be read alone, and goes alone when all of its changes are older than the retention: its
//! newest time, in milliseconds since 1970, is in its name.
//!
//! Files are second names of the room's own where the file system has links. Such a journal may go on behind the last
//! clock of its name; what it says there is not part of the segment, because it may have been taken back.
//!
//! Clocks can be given again: to changes that were taken back, or after somebody put an older snapshot in the room's
//! place. The files in use are right then, and of segments the one with the greater base, each up to the base of the
//! next. Archiving removes those that the room has gone back behind.

mod archive;
mod read;

use super::{StorageError, files::Files, leftovers, recovery::Found};
use crate::engine::Clock;
use std::path::PathBuf;

pub(super) use archive::{Copying, archive, prune};
pub use read::{Listing, PastChange, Wanted};
pub(super) use read::{list, snapshot_at, too_short};

/// An archived journal, as its name tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Segment {
    /// The clock before its first change.
    base: Clock,
    /// The clock of its last change.
    last: Clock,
    /// When its newest change was made, in milliseconds since 1970.
    newest_ms: u64,
}

/// What a file of the archive is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Journal(Segment),
    Snapshot(Clock),
    /// A file on its way to its name, left by a process that died.
    Temporary,
}

impl Segment {
    /// What the changes that were found are as a segment; `None` where there are none.
    fn of(found: &Found) -> Option<Self> {
        let (first, last) = (found.changes.first()?, found.changes.last()?);
        let newest_ms = found.changes.iter().map(|change| change.time_ms).max()?;
        Some(Self { base: first.clock.checked_sub(1)?, last: last.clock, newest_ms })
    }

    fn journal(&self, files: &Files) -> PathBuf {
        let Self { base, last, newest_ms } = self;
        let first = base.saturating_add(1);
        files.history().join(format!("{first}-{last}-{newest_ms}.journal"))
    }
}

fn snapshot_path(files: &Files, clock: Clock) -> PathBuf {
    files.history().join(format!("{clock}.json"))
}

impl Kind {
    /// What a name stands for; `None` for names that this module does not give.
    fn of(name: &str) -> Option<Self> {
        if name.ends_with(leftovers::SUFFIX) {
            return Some(Self::Temporary);
        }
        if let Some(clock) = name.strip_suffix(".json") {
            return number(clock).map(Self::Snapshot);
        }
        let mut numbers = name.strip_suffix(".journal")?.split('-').map(number);
        let (first, last, newest_ms) = (numbers.next()??, numbers.next()??, numbers.next()??);
        let base = first.checked_sub(1)?;
        let segment = Self::Journal(Segment { base, last, newest_ms });
        (numbers.next().is_none() && last >= first).then_some(segment)
    }
}

/// A number in the only spelling that is ever written.
fn number(digits: &str) -> Option<u64> {
    digits.parse().ok().filter(|number: &u64| number.to_string() == digits)
}

/// The files of a room's archive.
fn contents(files: &Files) -> Result<Vec<(Kind, PathBuf)>, StorageError> {
    let dir = files.history();
    if !files.exists(&dir)? {
        return Ok(Vec::new());
    }
    let names = files.folder.disk.list(&dir, usize::MAX).map_err(StorageError::io("list", &dir))?;
    let ours = names.into_iter().filter_map(|name| {
        let kind = Kind::of(name.to_str()?)?;
        Some((kind, dir.join(name)))
    });
    Ok(ours.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hi4_only_names_that_the_archive_gives_are_read() {
        let segment = Segment { base: 0, last: 50, newest_ms: 1_700_000_000_000 };

        assert_eq!(Kind::of("1-50-1700000000000.journal"), Some(Kind::Journal(segment)));
        assert_eq!(Kind::of("50.json"), Some(Kind::Snapshot(50)));
        assert_eq!(Kind::of("0a.heddle-tmp"), Some(Kind::Temporary));
        for other in [
            "0-50-1.journal",
            "9-8-1.journal",
            "1-50.journal",
            "1-50-1-1.journal",
            "01-50-1.journal",
            "+1.json",
            "notes.txt",
        ] {
            assert_eq!(Kind::of(other), None, "{other}");
        }
    }
}
