//! A room with people in it, as its owner drives it.

use std::hint::black_box;

use heddle::{
    engine::{Access, Document, Input, SessionId},
    server::{DurableRoom, Outbox, Room, RoomError, SnapshotText},
};

use super::frames::{self, Kind};

/// Fixed, because what a look-up costs depends on them.
pub(crate) const HASH_KEYS: (u64, u64) = (0x243f_6a88_85a3_08d3, 0x1319_8a2e_0370_7344);

/// Who sends.
const ALICE: SessionId = 1;

/// Different frames of a kind, one after the other and from the beginning again.
const ROUND: usize = 64;

/// Shapes of one edit while the document is made.
const SHAPES_PER_EDIT: usize = 100;

/// A room, and what its store would do if it has one.
pub(crate) struct Stage {
    room: DurableRoom,
    out: Outbox,
    is_journaled: bool,
    newest: SessionId,
}

impl Stage {
    /// A room of so many shapes and a stroke, with a sender and so many others.
    pub(crate) fn new(shapes: usize, others: u64, is_journaled: bool) -> Self {
        let mut room = Room::new(false).unwrap();
        room.take_over(Document::new(HASH_KEYS)).unwrap();
        for first in (0..shapes).step_by(SHAPES_PER_EDIT) {
            let last = shapes.min(first + SHAPES_PER_EDIT);
            drop(room.edit(&frames::shapes(first..last)).unwrap());
        }
        if is_journaled {
            room.set_journaled();
        }
        let (room, out) = (DurableRoom::new(room), Outbox::default());
        let mut stage = Self { room, out, is_journaled, newest: 0 };
        for _ in 0..=others {
            stage.join();
        }
        stage.receive(ALICE, &frames::first_frame());
        stage
    }

    /// A round of frames from the sender.
    pub(crate) fn round(kind: Kind) -> Vec<Vec<u8>> {
        (0..ROUND).map(|turn| kind.frame(turn)).collect()
    }

    /// Handles a frame of the sender, to its last delivery.
    pub(crate) fn play(&mut self, frame: &[u8]) {
        self.receive(ALICE, frame);
    }

    /// What somebody sends to hear the last changes, so many of them.
    pub(crate) fn request(&self, changes: u64) -> Vec<u8> {
        frames::reconnect(self.room.room.clock() - changes)
    }

    /// Answers somebody who is here already.
    pub(crate) fn catch_up(&mut self, request: &[u8]) {
        self.receive(self.newest, request);
    }

    /// Somebody comes, is sent the whole document, and goes.
    pub(crate) fn visit(&mut self, request: &[u8]) {
        self.join();
        let session = self.newest;
        self.receive(session, request);
        self.deliver(|room, out| room.handle(Input::Left { session }, out));
    }

    /// The document as text.
    pub(crate) fn snapshot(&mut self) -> SnapshotText {
        self.room.room.snapshot().unwrap().text
    }

    fn join(&mut self) {
        self.newest += 1;
        let session = self.newest;
        let client = format!("client-{session}");
        let client = client.as_bytes();
        let joined = Input::Joined { session, client, access: Access::ReadWrite, held: false };
        self.deliver(|room, out| room.handle(joined, out));
    }

    fn receive(&mut self, session: SessionId, frame: &[u8]) {
        self.deliver(|room, out| room.receive(session, frame, out));
    }

    fn deliver(
        &mut self,
        handle: impl FnOnce(&mut DurableRoom, &mut Outbox) -> Result<(), RoomError>,
    ) {
        self.out.clear();
        handle(&mut self.room, &mut self.out).unwrap();
        if self.is_journaled
            && let Some(batch) = self.room.room.take_batch()
            && let Some(last) = batch.last()
        {
            self.room.stored(last.clock, &mut self.out).unwrap();
            drop(black_box(batch));
        }
        black_box(&self.out);
    }
}
