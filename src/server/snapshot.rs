//! Snapshots of a room: at once, or little by little while the room goes on.

use std::sync::Arc;

use super::room::{Room, RoomError};
use crate::{
    engine::{Clock, Document},
    protocol::canvas::snapshot::{Encoder, encode},
};

/// How much text is written at a time: a millisecond or two, which nobody notices.
const STEP_BYTES: usize = 512 << 10;

/// A consistent copy of a room's document.
#[derive(Debug)]
pub struct Snapshot {
    /// The clock of its last change.
    pub clock: Clock,
    /// Its JSON text, shared with whoever stores it.
    pub text: SnapshotText,
}

/// The JSON text of a snapshot. Megabytes that were written in place are not moved to be shared.
pub type SnapshotText = Arc<Vec<u8>>;

impl Snapshot {
    pub(super) fn of(document: &Document) -> Self {
        Self { clock: document.clock(), text: Arc::new(encode(document)) }
    }
}

impl Room {
    /// Copies the document.
    pub fn snapshot(&mut self) -> Result<Snapshot, RoomError> {
        self.guard(|room| Ok(Snapshot::of(room.engine.document())))
    }

    /// Begins a copy of the document as it is now, and gives it where that is little work; else
    /// [`continue_snapshot`](Self::continue_snapshot) does, later.
    pub fn begin_snapshot(&mut self) -> Result<Option<Snapshot>, RoomError> {
        self.guard(|room| {
            room.begin_encoder();
            Ok(room.step_encoder())
        })
    }

    /// Does a share of the copy that was begun last, and gives it once it is whole. A copy of a document that is not the
    /// room's any more is begun anew.
    pub fn continue_snapshot(&mut self) -> Result<Option<Snapshot>, RoomError> {
        self.guard(|room| {
            if room.encoder.is_none() {
                room.begin_encoder();
            }
            Ok(room.step_encoder())
        })
    }

    pub(super) fn begin_encoder(&mut self) {
        self.encoder = Some(Box::new(Encoder::begin(self.engine.document_to_copy())));
    }

    pub(super) fn step_encoder(&mut self) -> Option<Snapshot> {
        let document = self.engine.document_to_copy();
        let clock = document.copied_clock();
        if !self.encoder.as_mut()?.step(document, STEP_BYTES) {
            return None;
        }
        let text = self.encoder.take()?.into_text();
        Some(Snapshot { clock, text: Arc::new(text) })
    }
}
