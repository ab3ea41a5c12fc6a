//! A room's history: what was, and how to get back to it.

use std::{sync::Arc, time::Duration};

use super::{
    durable::wall_time_ms,
    recovery::damage,
    replay::restore,
    room::{Room, RoomError},
    store::Inner,
};
use crate::{
    engine::{Clock, Document},
    protocol::canvas::{
        changes::{self, PastText},
        restoration,
    },
    storage::{StorageError, Wanted},
};

/// Reads the history of one room, from any thread. Blocks.
#[derive(Debug)]
pub struct History {
    pub(super) store: Arc<Inner>,
}

/// Changes that were made at some time.
#[derive(Debug)]
pub struct PastList {
    /// The JSON text of a list of `{ timestamp, time, clientId }`.
    pub text: Vec<u8>,
    /// Why some are missing.
    pub errors: Vec<StorageError>,
}

/// A room as it was.
#[derive(Debug)]
pub struct Past {
    /// Its snapshot's text.
    pub text: Vec<u8>,
    document: Document,
}

/// How to get a room back to what it was.
#[derive(Debug)]
pub struct Restoration {
    /// The JSON text of a list of patches, empty where there is nothing to do.
    pub patches: Vec<u8>,
    /// The JSON text of a list of `{ key, fields }`: what cannot be taken away again.
    pub kept: Vec<u8>,
}

impl History {
    /// The changes after a clock up to another, up to which the room counts as stored; no more than `limit`, the oldest
    /// first.
    pub fn list(
        &self,
        after: Clock,
        stored: Clock,
        limit: usize,
    ) -> Result<PastList, StorageError> {
        let since_ms = self.store.retention().map_or(0, oldest_ms);
        let listing = self.store.files().list_history(Wanted { after, stored, since_ms, limit })?;
        let text = changes::encode_past(listing.changes.iter().map(|change| PastText {
            clock: change.clock,
            time_ms: change.time_ms,
            client: &change.client,
        }));
        Ok(PastList { text, errors: listing.errors })
    }

    /// The room as it was right after a change.
    pub fn at(&self, clock: Clock, stored: Clock) -> Result<Past, StorageError> {
        let files = self.store.files();
        let text = files.snapshot_at(clock, stored)?;
        match restore(Some(&text), std::iter::empty()) {
            Ok(document) => Ok(Past { text, document }),
            Err(error) => Err(files.damaged(damage(&error))),
        }
    }
}

impl Past {
    /// Its clock.
    pub fn clock(&self) -> Clock {
        self.document.clock()
    }
}

impl Restoration {
    /// How to get from one document to what was.
    pub(super) fn plan(now: &Document, past: &Past) -> Self {
        let (patches, kept) = restoration::encode(now, &past.document);
        Self { patches, kept }
    }
}

impl Room {
    /// How to get from the document as it is now to what it was.
    pub fn plan_restoration(&mut self, past: &Past) -> Result<Restoration, RoomError> {
        self.guard(|room| Ok(Restoration::plan(room.engine.document(), past)))
    }
}

/// The time before which changes are too old, in milliseconds since 1970.
pub(super) fn oldest_ms(retention: Duration) -> u64 {
    let retention = u64::try_from(retention.as_millis()).unwrap_or(u64::MAX);
    wall_time_ms().saturating_sub(retention)
}
