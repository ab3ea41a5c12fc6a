//! In what state a room's files are.

use super::{
    super::{
        Change, Owner, StorageError,
        disk::as_offset,
        files::Snapshot,
        lock::find_owner,
        recovery::{Found, JournalFile, combine, read_journal},
    },
    RoomFiles,
};
use crate::engine::Clock;
use std::{
    path::{Path, PathBuf},
    thread,
    time::{Duration, SystemTime},
};

/// How often a room is read again that does not make sense, and how long apart: longer than the
/// ticks in which file systems count.
const MAX_READS: u32 = 10;
const PAUSE: Duration = Duration::from_millis(20);

/// The state of a room's files.
#[derive(Debug, Default)]
pub struct Inspection {
    /// Who has the room open.
    pub owner: Option<Owner>,
    /// The size of the snapshot file, if there is one.
    pub snapshot_bytes: Option<u64>,
    /// The size of the journal, if there is one.
    pub journal_bytes: Option<u64>,
    /// What is torn at the journal's end: it was never promised to anybody. While the room is open
    /// it may be on its way.
    pub torn_bytes: u64,
    /// The last clock that is known to be good.
    pub clock: Option<Clock>,
    /// The snapshot that the changes build on. Neither it nor the changes are there where
    /// something is wrong.
    pub snapshot: Option<Vec<u8>>,
    /// The changes that are not in the snapshot.
    pub changes: Vec<Change>,
    /// What is wrong with the files.
    pub problems: Vec<StorageError>,
    /// Whether what is wrong may be only that the files changed while they were read, time and
    /// again.
    pub is_passing: bool,
}

/// When each file of a room was last written.
type Stamp = [Option<SystemTime>; 4];

impl RoomFiles {
    /// Reads the room's files, again and again while they are changed by somebody who has the room
    /// open. Changes nothing, and nobody is refused the room meanwhile.
    pub fn inspect(&self) -> Inspection {
        let mut before = self.stamp();
        let mut unchanged = 0;
        let mut reads = 0;
        loop {
            let mut inspection = self.look();
            let is_clean = inspection.problems.is_empty();
            if is_clean && (inspection.owner.is_none() || inspection.torn_bytes == 0) {
                return inspection;
            }
            thread::sleep(PAUSE);
            let after = self.stamp();
            unchanged = if after == before { unchanged + 1 } else { 0 };
            before = after;
            reads += 1;
            // Twice: a write may leave the time as the one right before it has made it.
            if unchanged == 2 || reads == MAX_READS {
                let may_pass = unchanged < 2 && inspection.owner.is_some();
                inspection.is_passing = may_pass && !is_clean;
                return inspection;
            }
        }
    }

    pub(super) fn look(&self) -> Inspection {
        let files = &self.files;
        let mut inspection = Inspection::default();
        match find_owner(files) {
            Ok(owner) => inspection.owner = owner,
            Err(error) => inspection.problems.push(error),
        }
        let journal = read_journal(files);
        let snapshot = read_snapshot(self);
        match (journal, snapshot) {
            (Ok(journal), Ok(snapshot)) => self.take_together(journal, snapshot, &mut inspection),
            (journal, snapshot) => {
                inspection.problems.extend(journal.err());
                match snapshot {
                    Ok(snapshot) => {
                        inspection.clock = snapshot.map(|snapshot| snapshot.identity.clock);
                    }
                    Err(error) => inspection.problems.push(error),
                }
                self.measure(&mut inspection);
            }
        }
        inspection
    }

    fn take_together(
        &self,
        journal: Option<JournalFile>,
        snapshot: Option<Snapshot>,
        inspection: &mut Inspection,
    ) {
        match combine(&self.files, journal, snapshot, self.format) {
            Ok(Found { text, changes, clock, snapshot, journal }) => {
                inspection.clock = Some(clock);
                inspection.snapshot = text;
                inspection.changes = changes;
                inspection.snapshot_bytes = snapshot.map(|snapshot| snapshot.bytes);
                inspection.torn_bytes = journal.as_ref().map_or(0, |journal| journal.torn_bytes);
                inspection.journal_bytes = journal.as_ref().map(size);
            }
            Err(error) => {
                if let StorageError::Damaged { clock, .. } = &error {
                    inspection.clock = *clock;
                }
                inspection.problems.push(error);
                self.measure(inspection);
            }
        }
    }

    /// The sizes of files that do not make sense.
    fn measure(&self, inspection: &mut Inspection) {
        for problem in &inspection.problems {
            if let StorageError::Damaged { clock, .. } = problem {
                inspection.clock = inspection.clock.max(*clock);
            }
        }
        let size = |path: &Path| {
            self.files.folder.disk.read(path).ok().map(|bytes| as_offset(bytes.len()))
        };
        let snapshot = self.files.locate().ok().flatten();
        inspection.snapshot_bytes = snapshot.and_then(|path| size(&path));
        inspection.journal_bytes =
            size(&self.files.journal()).or_else(|| size(&self.files.new_journal()));
    }

    fn stamp(&self) -> Stamp {
        let disk = &self.files.folder.disk;
        let snapshot = self.files.locate().ok().flatten();
        [
            Some(self.files.journal()),
            Some(self.files.new_journal()),
            Some(self.files.lock()),
            snapshot,
        ]
        .map(|path: Option<PathBuf>| disk.written_at(&path?).ok())
    }
}

fn read_snapshot(room: &RoomFiles) -> Result<Option<Snapshot>, StorageError> {
    let path = room.files.locate()?;
    path.map(|path| room.files.read_snapshot(path, room.format)).transpose()
}

fn size(journal: &JournalFile) -> u64 {
    journal.torn_bytes + journal.scan.as_ref().map_or(0, |scan| scan.end)
}
