//! What rooms have in common that are stored alike: of a server's rooms that is usually all.

use std::{sync::Arc, time::Duration};

use super::super::device::Device;
use crate::storage::latest::Latest;

/// What an ack promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Nothing until the next save.
    None,
    /// The change survives the death of the process.
    Process,
    /// The change survives power loss.
    Disk,
}

/// How a room is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoreOptions {
    /// What an ack promises.
    pub level: Level,
    /// The least time between two compactions.
    pub compaction_gap: Duration,
    /// What is cut from the journal is kept until all of a part is older than this; `None` where there is no history.
    pub retention: Option<Duration>,
}

/// Tells the owner of a store, from any thread, that there are events. Must not call back.
#[derive(Clone)]
pub struct Notify {
    pub(super) tell: Tell,
    pub(super) number: u32,
}

/// Called with the number of a store, as its owner has it.
type Tell = Arc<dyn Fn(u32) + Send + Sync>;

impl Notify {
    /// Calls this with this number.
    pub fn new(tell: Arc<dyn Fn(u32) + Send + Sync>, number: u32) -> Self {
        Self { tell, number }
    }

    /// The number.
    pub fn number(&self) -> u32 {
        self.number
    }
}

impl std::fmt::Debug for Notify {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Notify").field("number", &self.number).finish_non_exhaustive()
    }
}

pub(super) struct Terms {
    pub(super) options: StoreOptions,
    pub(super) device: Arc<Device>,
    pub(super) tell: Tell,
}

static LATEST: Latest<Terms> = Latest::new();

impl Terms {
    /// The terms, shared with the last room if it has the same.
    pub(super) fn shared(options: StoreOptions, device: &Arc<Device>, tell: &Tell) -> Arc<Self> {
        LATEST.share(
            |latest| {
                latest.options == options
                    && Arc::ptr_eq(&latest.device, device)
                    && Arc::ptr_eq(&latest.tell, tell)
            },
            || Self { options, device: Arc::clone(device), tell: Arc::clone(tell) },
        )
    }
}
