//! What an open room's owner does beside journaling: saving whole snapshots, letting go, and naming the files in errors.

use super::{
    super::{
        Damage, StorageError,
        checksum::{Identity, bare},
        disk::Temporary,
        leftovers::Leftovers,
    },
    RoomStore,
    tail::Health,
};
use crate::engine::Clock;
use std::{
    io::{self, ErrorKind},
    path::PathBuf,
    sync::atomic::Ordering,
    time::Duration,
};

impl RoomStore {
    /// Puts a snapshot in place of all that is stored, durably, and leaves no journal. Appends go on from its clock.
    ///
    /// After an error what was stored still is.
    pub fn save(&self, snapshot: &[u8]) -> Result<(), StorageError> {
        if self.tail().journal.is_some() {
            self.rewrite(snapshot)?;
            return self.finish(&mut self.work());
        }
        let mut work = self.work();
        self.tail().check(&self.files, &[Health::Sound])?;
        let text = bare(snapshot);
        let clock = self.clock_of(&text, self.files.snapshot())?;
        self.lock.ensure(&self.files)?;
        let written = self.files.write_snapshot(&text)?;
        self.put_snapshot(written, Identity::of(&text, clock), &mut work)?;
        self.change(|tail| tail.clock = clock);
        Ok(())
    }

    /// The clock of a snapshot that is about to be written there, unless it is none.
    pub(super) fn clock_of(&self, text: &[u8], path: PathBuf) -> Result<Clock, StorageError> {
        (self.format.check)(text).map_err(|damage| {
            let reason = io::Error::new(ErrorKind::InvalidInput, damage.to_string());
            StorageError::io("write a snapshot to", path)(reason)
        })
    }

    /// Puts a snapshot that was written aside, and its size, in place of the one that is there, durably.
    pub(super) fn put_snapshot(
        &self,
        (temporary, bytes): (Temporary, u64),
        snapshot: Identity,
        work: &mut Leftovers,
    ) -> Result<(), StorageError> {
        let path = self.files.snapshot();
        temporary.keep(&path).map_err(StorageError::io("replace", &path))?;
        self.files.sync_dir()?;
        self.gauge.snapshot_bytes.store(bytes, Ordering::Relaxed);
        self.change(|tail| tail.base = Some(snapshot));
        work.remove(&*self.files.folder.disk, &self.files.folder.dir, &self.files.name);
        Ok(())
    }

    /// Lets go of the files as they are: whoever opens them next finds all that was appended.
    pub fn release(&self) {
        let _work = self.work();
        self.leave_log();
        let was_open = self.tail().health != Health::Closed;
        self.change(|tail| tail.health = Health::Closed);
        if was_open {
            self.lock.release(&self.files);
        }
    }

    /// A number that the directory's device has, and no other device.
    pub fn device(&self) -> u64 {
        self.files.folder.disk.device(&self.files.folder.dir)
    }

    /// The error of a disk that has not answered for so long.
    pub fn timed_out(&self, after: Duration) -> StorageError {
        let reason = format!("no answer for {} ms", after.as_millis());
        StorageError::io("append to", self.files.journal())(io::Error::new(
            ErrorKind::TimedOut,
            reason,
        ))
    }

    /// The error of a store that takes no more writes.
    pub fn refusal(&self) -> StorageError {
        StorageError::Poisoned { path: self.files.journal() }
    }

    /// The error of a journal whose changes cannot have been made on its snapshot.
    pub fn damaged(&self, damage: Damage) -> StorageError {
        StorageError::Damaged { path: self.files.journal(), damage, clock: None }
    }
}
