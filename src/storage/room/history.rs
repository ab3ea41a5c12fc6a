//! What an open room does for its history. Nothing of it can fail the room: what goes wrong is kept for whoever asks.

use super::{
    super::{
        StorageError,
        history::{Copying, Listing, Wanted, archive, list, prune, snapshot_at, too_short},
        recovery::{Found, find},
    },
    RoomStore,
    tail::Health,
};
use crate::engine::Clock;
use std::sync::{MutexGuard, PoisonError};

/// How archiving journals goes.
#[derive(Debug)]
pub(super) struct History {
    /// How old what is archived may be.
    since_ms: u64,
    /// The first failure since the last success.
    trouble: Option<StorageError>,
    is_failing: bool,
}

impl RoomStore {
    /// From now on journals are archived before they are cut or removed, and archived ones removed when all of their
    /// changes are older than `since_ms`, milliseconds since 1970.
    ///
    /// Where that fails, compacting and closing go on without: the history has a gap.
    /// [`take_history_trouble`](Self::take_history_trouble) tells.
    pub fn keep_history(&self, since_ms: u64) {
        match &mut *self.history() {
            Some(history) => history.since_ms = since_ms,
            none => *none = Some(History { since_ms, trouble: None, is_failing: false }),
        }
    }

    /// What went wrong with the archive, once for each time that it began to go wrong.
    pub fn take_history_trouble(&self) -> Option<StorageError> {
        self.history().as_mut()?.trouble.take()
    }

    /// Lists changes, archived ones and those in the journal. Appends go on meanwhile; compacting and closing wait.
    pub fn list_history(&self, wanted: Wanted) -> Result<Listing, StorageError> {
        let _work = self.work();
        self.tail().check(&self.files, &[Health::Sound, Health::Poisoned])?;
        list(&self.files, self.format, wanted)
    }

    /// The text of the room as it was right after the change with this clock; `stored` is the clock up to which the
    /// room counts as stored. [`StorageError::NoHistory`] where it is not there. Others wait as in
    /// [`list_history`](Self::list_history).
    pub fn snapshot_at(&self, clock: Clock, stored: Clock) -> Result<Vec<u8>, StorageError> {
        let _work = self.work();
        self.tail().check(&self.files, &[Health::Sound, Health::Poisoned])?;
        snapshot_at(&self.files, self.format, clock, stored)
    }

    /// Whether journals are archived.
    pub(super) fn keeps_history(&self) -> bool {
        self.history().is_some()
    }

    /// Archives what a journal holds that is about to be cut.
    pub(super) fn archive(&self, found: &Found) {
        self.mind_history(|| archive(&self.files, found, Copying::Allowed));
    }

    /// Archives what a journal holds that is about to be given up, up to the clock that it is given up for. One that
    /// has failed may lack anything; what it says is checked when it is read.
    pub(super) fn archive_given_up(&self, clock: Clock, has_failed: bool) {
        // A disk that has failed may need the space for the room itself.
        let copying = if has_failed { Copying::Refused } else { Copying::Allowed };
        self.mind_history(|| {
            let mut found = find(&self.files, self.format)?;
            if found.clock < clock {
                return Err(too_short(self.files.journal(), found.clock));
            }
            found.changes.retain(|change| change.clock <= clock);
            if let Some(journal) = &found.journal {
                // What a failed sync has lost stays lost, whatever this says.
                drop(self.files.folder.disk.sync_file(&journal.path));
            }
            archive(&self.files, &found, copying)
        });
    }

    /// Removes what has become too old.
    pub(super) fn prune_history(&self) {
        self.mind_history(|| Ok(()));
    }

    fn mind_history(&self, work: impl FnOnce() -> Result<(), StorageError>) {
        let Some(since_ms) = self.history().as_ref().map(|history| history.since_ms) else {
            return;
        };
        let pruned = || prune(&self.files, since_ms);
        let outcome = match work() {
            Ok(()) => pruned(),
            Err(error) => pruned().and(Err(error)),
        };
        let mut history = self.history();
        let Some(history) = &mut *history else { return };
        if let Err(error) = outcome {
            if !history.is_failing {
                history.trouble = Some(StorageError::History { source: Box::new(error) });
            }
            history.is_failing = true;
        } else {
            history.is_failing = false;
        }
    }

    /// Taken last, and never held over I/O.
    fn history(&self) -> MutexGuard<'_, Option<History>> {
        self.upkeep().history.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
