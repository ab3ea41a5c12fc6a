//! What there is to know of a store that does something, or of which something is to be told. Most of the stores that are open have
//! nothing to do.

use std::collections::VecDeque;

use super::{StoreEvent, requests::Request, upkeep::Compaction};
use crate::{
    engine::{
        Clock,
        lazy::{Blank, Lazy},
    },
    server::SnapshotText,
    storage::StorageError,
};

pub(super) struct State {
    pub(super) events: VecDeque<StoreEvent>,
    /// Counts failures: a batch of an earlier age was taken back.
    pub(super) age: u64,
    /// How many batches the commit thread was given, and how many of them have ended.
    pub(super) handed: u64,
    pub(super) ended: u64,
    /// There while nothing can be stored.
    pub(super) failure: Option<Box<Failure>>,
    /// What was asked for, each with the number of the batch that must have ended before.
    pub(super) requests: Vec<(u64, Request)>,
    pub(super) is_sync_armed: bool,
    pub(super) compaction: Compaction,
    pub(super) is_closed: bool,
}

/// What is known of a store that does not work.
#[derive(Default)]
pub(super) struct Failure {
    /// What it is rewritten with, once its owner has said.
    pub(super) heal_with: Option<SnapshotText>,
    pub(super) attempts: u32,
}

impl Blank for State {
    const BLANK: &'static Self = &Self::NEW;

    fn blank() -> Self {
        Self::NEW
    }
}

/// Gives the memory back where the next event does not need it.
pub(super) fn rest(state: &mut Lazy<State>) {
    if state.is_at_rest() {
        *state = Lazy::new();
    }
}

impl State {
    const NEW: Self = Self {
        events: VecDeque::new(),
        age: 0,
        handed: 0,
        ended: 0,
        failure: None,
        requests: Vec::new(),
        is_sync_armed: false,
        compaction: Compaction::NEW,
        is_closed: false,
    };

    /// Whether a new one would do as well. Not after a failure: by its age a batch knows that it was taken back.
    fn is_at_rest(&self) -> bool {
        let Self { events, age, handed: _, ended: _, failure: _, requests, compaction, .. } = self;
        let is_idle = events.is_empty() && requests.is_empty() && !self.is_busy();
        is_idle && *age == 0 && !self.is_sync_armed && !self.is_closed && compaction.is_at_rest()
    }

    /// A batch is given to the commit thread: its number, and its age.
    pub(super) fn hand_over(&mut self) -> (u64, u64) {
        self.handed += 1;
        (self.handed, self.age)
    }

    pub(super) fn is_busy(&self) -> bool {
        self.ended < self.handed
    }

    pub(super) fn finish(&mut self, last: Clock, outcome: Result<(), StorageError>) {
        match outcome {
            Ok(()) => self.events.push_back(StoreEvent::Stored(last)),
            Err(error) => self.fail(error),
        }
    }

    pub(super) fn fail(&mut self, error: StorageError) {
        self.age += 1;
        self.ended = self.handed;
        // What was handed over since an event that waits to be polled is taken back with the rest.
        if self.failure.is_none() {
            self.failure = Some(Box::default());
            self.events.push_back(StoreEvent::Failed(error));
        }
    }
}
