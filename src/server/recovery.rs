//! Opening a room: its files locked, read and made into a document, on a thread where that may take its time.

use super::{
    replay::{ReplayError, replay, restore},
    room::RoomError,
    store::{Notify, Store, StoreOptions},
};
use crate::{
    engine::{Clock, Document},
    protocol::{
        canvas::{check_loaded, snapshot},
        limits::Limits,
    },
    storage::{Change, Damage, FileStore, Format, Opened, StorageError},
};

/// What the files of a room hold, in the canvas dialect.
pub const CANVAS: Format = Format { check, replay: replay_text };

/// A room as its files have it.
#[derive(Debug)]
pub struct Recovered {
    /// The document; none where nothing was ever stored.
    pub document: Option<Document>,
    /// How many bytes of a torn end were cut off the journal.
    pub cut_bytes: u64,
    /// The files, locked.
    pub store: Store,
}

impl Recovered {
    /// Locks a room's files and reads them. Blocks.
    pub fn open(
        files: &FileStore,
        options: StoreOptions,
        notify: Notify,
    ) -> Result<Self, StorageError> {
        let Opened { store, snapshot, changes, cut_bytes } = files.open()?;
        let is_known = snapshot.is_some() || !changes.is_empty();
        let document = restore(snapshot.as_deref(), texts(&changes));
        let document = document.map_err(|error| store.damaged(damage(&error)))?;
        let document = is_known.then_some(document);
        Ok(Self { document, cut_bytes, store: Store::new(store, options, notify) })
    }

    /// Checks what the files hold against the limits of the room that wants it.
    pub fn check(&self, limits: &Limits) -> Result<(), RoomError> {
        let Some(document) = &self.document else { return Ok(()) };
        check_loaded(document, limits).map_err(RoomError::OverLimit)
    }
}

fn check(text: &[u8]) -> Result<Clock, Damage> {
    match snapshot::decode(text, (0, 0)) {
        Ok(document) => Ok(document.clock()),
        Err(bad) => Err(Damage { offset: bad.offset(), reason: bad.to_string() }),
    }
}

fn replay_text(snapshot: Option<&[u8]>, changes: &[Change]) -> Result<Vec<u8>, Damage> {
    replay(snapshot, texts(changes)).map_err(|error| damage(&error))
}

pub(super) fn texts(changes: &[Change]) -> impl Iterator<Item = (Clock, &[u8])> {
    changes.iter().map(|change| (change.clock, &*change.patches))
}

pub(super) fn damage(error: &ReplayError) -> Damage {
    let offset = match error {
        ReplayError::BadSnapshot(bad) => bad.offset(),
        ReplayError::BadList(_)
        | ReplayError::OutOfOrder { .. }
        | ReplayError::BadChange { .. }
        | ReplayError::NoRandomness(_) => None,
    };
    Damage { offset, reason: error.to_string() }
}
