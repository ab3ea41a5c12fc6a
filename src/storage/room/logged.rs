//! Appends whose sync is that of a log, which other rooms share.

use super::{
    super::{Change, StorageError, sync_log::SyncLog},
    RoomStore,
    tail::Journal,
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

impl RoomStore {
    /// Appends changes that a log is to make safe. `None` where the log alone could not, because the journal has
    /// more that is not safe: then it needs a sync of its own. The caller has `syncing` locked.
    pub(in super::super) fn append_for_log(
        &self,
        changes: &[Change],
    ) -> Result<Option<Written>, StorageError> {
        let mut tail = self.tail();
        let before = tail.journal.as_ref().filter(|journal| journal.is_safe());
        let before = before.map(|journal| (journal.id, journal.end));
        self.append_to(&mut tail, changes)?;
        Ok(before.map(|(journal, offset)| Written { journal, offset, bytes: tail.buffer.clone() }))
    }

    /// A log has what was written, and is needed until the journal has been synced.
    pub(in super::super) fn logged(&self, written: &Written, log: &Arc<SyncLog>) {
        self.change(|tail| {
            if let Some(journal) = &mut tail.journal
                && journal.id == written.journal
            {
                journal.logged = journal.end;
            }
        });
        let mut mine = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        if mine.as_ref().is_none_or(|mine| !Arc::ptr_eq(mine, log)) {
            *mine = Some(Arc::clone(log));
        }
    }

    /// Lets go of the log, after making the journal safe without it.
    pub(super) fn leave_log(&self) {
        let log = self.log.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(log) = log else { return };
        let needs_it = self.tail().journal.as_ref().is_some_and(Journal::needs_log);
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
