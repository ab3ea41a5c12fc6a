//! What happens to a store in the background: syncs, compactions, and healing after a failure.

use std::{
    sync::{Arc, PoisonError},
    time::{Duration, Instant},
};

use super::{
    super::{history::oldest_ms, lane::now},
    Inner, Level, StoreEvent,
    state::{State, rest},
};
use crate::storage::{RoomStore, StorageError};

/// The first pause after a failure; each further one is twice as long.
const FIRST_RETRY: Duration = Duration::from_millis(100);

/// The longest pause between two attempts.
const LONGEST_RETRY: Duration = Duration::from_secs(30);

/// A journal smaller than this is not worth a compaction, however small the snapshot is.
const LEAST_JOURNAL_BYTES: u64 = 64 << 10;

/// When the next compaction may be.
pub(super) struct Compaction {
    is_running: bool,
    not_before: Option<Instant>,
    /// How many in a row have failed.
    failures: u32,
}

impl Compaction {
    pub(super) const NEW: Self = Self { is_running: false, not_before: None, failures: 0 };

    /// Whether a new one would do as well.
    pub(super) fn is_at_rest(&self) -> bool {
        self.failures == 0 && self.may_begin()
    }

    fn may_begin(&self) -> bool {
        !self.is_running && self.not_before.is_none_or(|time| time <= now())
    }
}

impl Inner {
    /// After an append: sees to it that it is synced before long, and the journal compacted when it has outgrown the snapshot.
    pub(super) fn keep_up(self: &Arc<Self>) {
        let status = self.room.status();
        let mut state = self.state();
        if state.failure.is_some() {
            return;
        }
        // At `Disk` it is synced already, in its journal or in a log.
        let level = self.terms.options.level;
        if status.unsynced && !state.is_sync_armed && level == Level::Process {
            state.make().is_sync_armed = true;
            self.terms.device.sync_soon(Arc::clone(self));
        }
        let outgrown = status.journal_bytes > status.snapshot_bytes.max(LEAST_JOURNAL_BYTES);
        if outgrown && !state.is_closed && state.compaction.may_begin() {
            state.make().compaction.is_running = true;
            let store = Arc::clone(self);
            self.terms.device.chores.run(Box::new(move || store.compact_in_background()));
        }
    }

    /// What is appended from here on is for the next sync.
    pub(in super::super) fn begin_sync(&self) {
        let mut state = self.state();
        if let Some(state) = state.made() {
            state.is_sync_armed = false;
        }
        rest(&mut state);
    }

    /// Whether it may be synced through a log. One that is closed leaves no log behind.
    pub(in super::super) fn can_share_sync(&self) -> bool {
        !self.state().is_closed && self.files().can_share_sync()
    }

    /// Tells of a sync in the background where it failed.
    pub(in super::super) fn synced(&self, outcome: Result<(), StorageError>) {
        if let Err(error) = outcome {
            self.failed_in_background(error);
        }
    }

    fn compact_in_background(&self) {
        let outcome = self.minding_history(RoomStore::compact);
        let mut state = self.state();
        let compaction = &mut state.make().compaction;
        compaction.is_running = false;
        compaction.failures = if outcome.is_ok() { 0 } else { compaction.failures + 1 };
        let pause = pause(compaction.failures).max(self.terms.options.compaction_gap);
        compaction.not_before = now().checked_add(pause);
        // Of a room that was closed meanwhile the last save tells.
        let is_news = compaction.failures == 1 && !state.is_closed;
        drop(state);
        if let Err(error) = outcome {
            if self.room.status().poisoned {
                self.failed_in_background(error);
            } else if is_news {
                self.tell(StoreEvent::Trouble(error));
            }
        }
    }

    /// A failure that no batch reports: nothing more can be stored in these files.
    pub(super) fn failed_in_background(&self, error: StorageError) {
        let mut state = self.state();
        // The last save of a closed room finds out for itself, and is who tells.
        if !state.is_closed {
            state.make().fail(error);
            drop(state);
            self.notify();
        }
    }

    pub(super) fn heal_later(self: &Arc<Self>) {
        let pause = match self.state().made() {
            Some(State { failure: Some(failure), .. }) => {
                failure.attempts += 1;
                pause(failure.attempts)
            }
            _ => return,
        };
        let store = Arc::clone(self);
        self.terms.device.chores.run_after(
            pause,
            Box::new(move || {
                if !store.state().is_closed && store.try_to_heal().is_err() {
                    store.heal_later();
                }
            }),
        );
    }

    /// Rewrites a failed store; nothing to do for one that has not failed.
    pub(super) fn try_to_heal(&self) -> Result<(), StorageError> {
        let healing = self.healing.lock().unwrap_or_else(PoisonError::into_inner);
        let heal_with = match &self.state().failure {
            Some(failure) => failure.heal_with.clone(),
            None => return Ok(()),
        };
        // Its owner may not have taken back yet what is not stored.
        let snapshot = heal_with.ok_or_else(|| self.room.refusal())?;
        self.minding_history(|room| room.rewrite(&snapshot))?;
        let mut state = self.state();
        let made = state.make();
        made.failure = None;
        // What waits in a closed room has nobody to wait for it.
        if !made.is_closed {
            made.events.push_back(StoreEvent::Healed);
        }
        drop(state);
        drop(healing);
        self.notify();
        Ok(())
    }

    /// Does what may archive a part of the journal, and tells of it where that began to fail.
    pub(super) fn minding_history<T>(&self, work: impl FnOnce(&RoomStore) -> T) -> T {
        if let Some(retention) = self.retention() {
            self.room.keep_history(oldest_ms(retention));
        }
        let outcome = work(&self.room);
        if let Some(error) = self.room.take_history_trouble() {
            self.tell(StoreEvent::Trouble(error));
        }
        outcome
    }
}

/// The pause after so many failures in a row.
pub(super) fn pause(failures: u32) -> Duration {
    match failures {
        0 => Duration::ZERO,
        _ => FIRST_RETRY.saturating_mul(1 << (failures - 1).min(16)).min(LONGEST_RETRY),
    }
}
