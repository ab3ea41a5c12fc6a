//! Appends whose sync is that of a log, which other rooms share.

use super::{
    super::{Change, StorageError, disk::as_offset, sync_log::SyncLog},
    RoomStore,
    tail::Health,
};
use std::sync::{Arc, PoisonError};

/// What an append put where.
#[derive(Debug)]
pub(in super::super) struct Written {
    /// The journal's id.
    pub(in super::super) journal: u128,
    pub(in super::super) offset: u64,
    pub(in super::super) bytes: Vec<u8>,
}

impl Written {
    fn end(&self) -> u64 {
        self.offset + as_offset(self.bytes.len())
    }
}

impl RoomStore {
    /// Appends changes that a log is to make safe, and gives them with all before them that is not. `None` where a log alone
    /// could not: then the journal needs a sync of its own. The caller has `syncing` locked.
    pub(in super::super) fn append_for_log(
        &self,
        changes: &[Change],
    ) -> Result<Option<Written>, StorageError> {
        let mut tail = self.tail();
        // One that is about to close, or has been closed meanwhile, has its own way.
        if changes.is_empty() && tail.health != Health::Sound {
            return Ok(None);
        }
        self.append_to(&mut tail, changes)?;
        let Some((journal, offset, bytes)) = tail.unsafe_end() else { return Ok(None) };
        let file = Arc::clone(&journal.file);
        let written = Written { journal: journal.id, offset, bytes: bytes.to_vec() };
        drop(tail);
        // What a log has of a file that has lost its name nobody puts anywhere.
        let is_there = file.is_at(&self.files.journal()).unwrap_or(false);
        Ok(Some(written).filter(|_| is_there))
    }

    /// Whether a log could make safe what is not, with a sync that others share.
    pub fn can_share_sync(&self) -> bool {
        self.tail().unsafe_end().is_some()
    }

    /// A log has what was written, and is needed until the journal has been synced.
    pub(in super::super) fn logged(&self, written: &Written, log: &Arc<SyncLog>) {
        self.change(|tail| {
            if let Some(journal) = &mut tail.journal
                && journal.id == written.journal
            {
                // Not the journal's end: a compaction may have added a mark, which the log lacks.
                journal.logged = written.end();
            }
        });
        let mut mine = self.upkeep().log.lock().unwrap_or_else(PoisonError::into_inner);
        if mine.as_ref().is_none_or(|mine| !Arc::ptr_eq(mine, log)) {
            *mine = Some(Arc::clone(log));
        }
    }

    /// Lets go of the log, after making the journal safe without it.
    pub(super) fn leave_log(&self) {
        let Some(upkeep) = self.upkeep.get() else { return };
        let log = upkeep.log.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(log) = log else { return };
        let needs_it = self.tail().journal.as_ref().is_some_and(|journal| journal.needs_log());
        if needs_it && self.sync().is_err() {
            // For whoever opens the room next.
            log.outlive();
        }
    }
}

impl Drop for RoomStore {
    fn drop(&mut self) {
        self.leave_log();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::{FileStore, Format, checksum::Identity};

    const FORMAT: Format = Format { check: |_| Ok(0), replay: |_, _| Ok(Vec::new()) };

    fn change(clock: u64) -> Change {
        Change { clock, time_ms: 0, client: Box::default(), patches: Box::from(*b"[]") }
    }

    #[test]
    fn jr13_a_log_does_not_speak_for_a_mark_that_it_lacks() {
        let dir = tempfile::tempdir().unwrap();
        let id: Vec<_> = "room".encode_utf16().collect();
        let store = FileStore::new(dir.path(), &id, FORMAT).open().unwrap().store;
        store.append(&[change(1)]).unwrap();
        store.sync().unwrap();
        let log = Arc::new(SyncLog::new(&store.files));

        let written = store.append_for_log(&[change(2)]).unwrap().unwrap();
        let mark = Identity { clock: 1, checksum: 0 };
        store.change(|tail| tail.mark(written.offset, mark).unwrap());
        store.logged(&written, &log);

        let next = store.append_for_log(&[change(3)]).unwrap();
        assert!(next.is_none(), "after power loss the log's bytes would follow a hole");
    }
}
