//! What a store's owner asks for and is told the end of: saving, flushing, closing.

use std::sync::Arc;

use super::{super::snapshot::SnapshotText, Inner, StoreEvent, upkeep::pause};
use crate::storage::{RoomStore, StorageError};

/// How often the last save of a closed room is tried (DU11).
const LAST_SAVE_ATTEMPTS: u32 = 5;

/// What the owner asked for, with the ticket of its answer.
pub(super) enum Request {
    Save(u32, SnapshotText),
    Flush(u32),
    Close(u32, bool),
}

impl Inner {
    pub(super) fn request(self: &Arc<Self>, request: Request) {
        let mut state = self.state();
        let made = state.make();
        made.requests.push((made.handed, request));
        drop(state);
        self.start_requests();
    }

    pub(super) fn start_requests(self: &Arc<Self>) {
        let mut state = self.state();
        let Some(made) = state.made() else { return };
        let requests = std::mem::take(&mut made.requests);
        let (due, waiting) = requests.into_iter().partition(|(after, _)| *after <= made.ended);
        made.requests = waiting;
        drop(state);
        for (_, request) in due {
            let store = Arc::clone(self);
            self.terms.device.chores.run(Box::new(move || match request {
                Request::Save(ticket, snapshot) => {
                    store.tell(StoreEvent::Settled(ticket, store.room.save(&snapshot)));
                }
                Request::Flush(ticket) => {
                    store.tell(StoreEvent::Settled(ticket, store.flush()));
                }
                Request::Close(ticket, save) => store.close(ticket, save, 1),
            }));
        }
    }

    fn flush(&self) -> Result<(), StorageError> {
        self.try_to_heal()?;
        self.minding_history(RoomStore::compact).inspect_err(|_| {
            if self.room.status().poisoned {
                self.failed_in_background(self.room.refusal());
            }
        })
    }

    fn close(self: &Arc<Self>, ticket: u32, save: bool, attempt: u32) {
        let outcome = if save {
            self.try_to_heal().and_then(|()| self.minding_history(RoomStore::close))
        } else {
            Ok(())
        };
        match outcome {
            Err(error) if attempt < LAST_SAVE_ATTEMPTS => {
                self.close_failed(error, attempt);
                let store = Arc::clone(self);
                let again = Box::new(move || store.close(ticket, save, attempt + 1));
                self.terms.device.chores.run_after(pause(attempt), again);
            }
            outcome => {
                self.room.release();
                self.tell(StoreEvent::Settled(ticket, outcome));
            }
        }
    }

    /// Tells of a last save that failed. Files that take no more writes need what their owner has in memory.
    fn close_failed(&self, error: StorageError, attempt: u32) {
        let mut state = self.state();
        if self.room.status().poisoned && state.failure.is_none() {
            state.make().fail(error);
        } else if attempt == 1 {
            state.make().events.push_back(StoreEvent::Trouble(error));
        }
        drop(state);
        self.notify();
    }
}
