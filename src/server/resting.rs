//! A room at rest. Most of the rooms that are open are idle, and a small one is worth little more than its document, packed.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use super::{
    history::{Past, Restoration},
    provisional::Change,
    room::{Room, RoomError},
    snapshot::Snapshot,
};
use crate::{
    engine::{Access, Clock, Document, RoomAtRest, SessionId},
    protocol::{canvas::Decoding, limits::Limits},
};

/// A room that rests while nobody is in it (LC21). What is packed can be asked for on the whole only: whatever needs the room
/// itself has to [`wake`](Self::wake) it, and whatever needs but a look at its document is given a copy.
#[derive(Debug)]
pub struct RestingRoom {
    state: State,
    /// Whether it rests as soon as nobody is here and nothing is under way. Not after an edit by the server itself has woken it: the
    /// next one would have to wake it again, and so each would cost what the whole document costs.
    is_rest_due: bool,
}

#[derive(Debug)]
enum State {
    Awake(Box<Room>),
    AtRest(Box<AtRest>),
}

/// What is left of a room.
#[derive(Debug)]
struct AtRest {
    engine: RoomAtRest,
    limits: Arc<Limits>,
    piece_bytes: (usize, usize),
    decoding: Decoding,
    wants_patches: bool,
    is_journaled: bool,
}

impl RestingRoom {
    /// A room that has yet to be visited: at rest until it holds something, or somebody comes.
    pub fn new(mut room: Room) -> Self {
        let state = if room.census() == (0, 0)
            && let Ok(Some(resting)) = room.at_rest()
        {
            State::AtRest(Box::new(resting))
        } else {
            State::Awake(Box::new(room))
        };
        Self { state, is_rest_due: false }
    }

    /// Makes changes wait until they are stored, as [`Room::set_journaled`] does.
    pub fn set_journaled(&mut self) {
        match &mut self.state {
            State::Awake(room) => room.set_journaled(),
            State::AtRest(resting) => resting.is_journaled = true,
        }
    }

    /// The room, unless it is at rest: then nobody is here, and everything is stored.
    pub fn awake(&self) -> Option<&Room> {
        match &self.state {
            State::Awake(room) => Some(room),
            State::AtRest(_) => None,
        }
    }

    /// [`awake`](Self::awake), to change it.
    pub fn awake_mut(&mut self) -> Option<&mut Room> {
        match &mut self.state {
            State::Awake(room) => Some(room),
            State::AtRest(_) => None,
        }
    }

    /// The room, unpacked if it was at rest.
    #[inline]
    pub fn wake(&mut self) -> Result<&mut Room, RoomError> {
        if let State::AtRest(resting) = &self.state {
            self.state = State::Awake(resting.wake()?);
        }
        // It is there by now.
        self.awake_mut().ok_or(RoomError::Broken)
    }

    /// [`wake`](Self::wake), for an edit by the server itself: the room rests again when somebody has come and gone.
    pub fn wake_to_stay(&mut self) -> Result<&mut Room, RoomError> {
        self.is_rest_due &= self.awake().is_some();
        self.wake()
    }

    /// Takes note that somebody is here, so that it rests when nobody is any more.
    pub fn note_visit(&mut self) {
        self.is_rest_due = true;
    }

    /// Where nobody is here, gives back what the next input can do without, and rests if that is due.
    pub fn rest(&mut self) {
        let State::Awake(room) = &mut self.state else { return };
        if !room.is_empty() {
            return;
        }
        room.rest_provisional();
        if self.is_rest_due
            // A panic has broken the room, which is told to whoever needs it next.
            && let Ok(Some(resting)) = room.at_rest()
        {
            self.state = State::AtRest(Box::new(resting));
        }
    }

    /// The number of the last change.
    pub fn clock(&self) -> Clock {
        match &self.state {
            State::Awake(room) => room.clock(),
            State::AtRest(resting) => resting.engine.document().clock(),
        }
    }

    /// How many components are alive, and how many tombstones there are.
    pub fn census(&self) -> (usize, usize) {
        match &self.state {
            State::Awake(room) => room.census(),
            State::AtRest(resting) => resting.engine.document().census(),
        }
    }

    /// The size of the document, as the quota has it.
    pub fn document_bytes(&self) -> usize {
        match &self.state {
            State::Awake(room) => room.document_bytes(),
            State::AtRest(resting) => resting.engine.document().bytes(),
        }
    }

    /// What the document takes in memory, about.
    pub fn memory_bytes(&self) -> usize {
        match &self.state {
            State::Awake(room) => room.document_bytes(),
            State::AtRest(resting) => resting.engine.document().packed_bytes(),
        }
    }

    /// The limits that it shares with other rooms.
    pub fn limits(&self) -> &Limits {
        match &self.state {
            State::Awake(room) => &room.limits,
            State::AtRest(resting) => &resting.limits,
        }
    }

    /// Whether nobody is here.
    pub fn is_empty(&self) -> bool {
        self.awake().is_none_or(Room::is_empty)
    }

    /// A session's rights, as long as it is here.
    pub fn access(&self, session: SessionId) -> Option<Access> {
        self.awake()?.access(session)
    }

    /// Whether the outcome of this token refresh still counts (AU5).
    pub fn awaits(&self, session: SessionId, attempt: u32) -> bool {
        self.awake().is_some_and(|room| room.awaits(session, attempt))
    }

    /// The clock of the last change that is stored, or need not be.
    pub fn stored_clock(&self) -> Clock {
        self.awake().map_or_else(|| self.clock(), Room::stored_clock)
    }

    /// Whether there are changes that are not stored yet.
    pub fn has_unstored(&self) -> bool {
        self.awake().is_some_and(Room::has_unstored)
    }

    /// How many bytes are kept until changes are stored.
    pub fn unstored_bytes(&self) -> usize {
        self.awake().map_or(0, Room::unstored_bytes)
    }

    /// The changes since the last batch, as [`Room::take_batch`] gives them.
    pub fn take_batch(&mut self) -> Option<Vec<Change>> {
        self.awake_mut()?.take_batch()
    }

    /// Drops the last edit by the server itself, as [`Room::forget_edit`] does.
    pub fn forget_edit(&mut self) -> bool {
        self.awake_mut().is_some_and(Room::forget_edit)
    }

    /// Copies the document. A room at rest stays so: that all rooms are saved now and then is no reason to wake them.
    pub fn snapshot(&mut self) -> Result<Snapshot, RoomError> {
        match &mut self.state {
            State::Awake(room) => room.snapshot(),
            State::AtRest(resting) => resting.look(Snapshot::of),
        }
    }

    /// Begins a copy of the document, as [`Room::begin_snapshot`] does. One at rest is small.
    pub fn begin_snapshot(&mut self) -> Result<Option<Snapshot>, RoomError> {
        match &mut self.state {
            State::Awake(room) => room.begin_snapshot(),
            State::AtRest(_) => self.snapshot().map(Some),
        }
    }

    /// Does a share of the copy that was begun last, as [`Room::continue_snapshot`] does.
    pub fn continue_snapshot(&mut self) -> Result<Option<Snapshot>, RoomError> {
        match &mut self.state {
            State::Awake(room) => room.continue_snapshot(),
            State::AtRest(_) => self.snapshot().map(Some),
        }
    }

    /// How to get from the document as it is now to what it was.
    pub fn plan_restoration(&mut self, past: &Past) -> Result<Restoration, RoomError> {
        match &mut self.state {
            State::Awake(room) => room.plan_restoration(past),
            State::AtRest(resting) => resting.look(|now| Restoration::plan(now, past)),
        }
    }
}

impl Room {
    /// The room, packed; none while anything is under way.
    fn at_rest(&mut self) -> Result<Option<AtRest>, RoomError> {
        self.guard(|room| {
            if room.provisional.is_some() || room.encoder.is_some() {
                return Ok(None);
            }
            Ok(room.engine.at_rest().map(|engine| AtRest {
                engine,
                limits: Arc::clone(&room.limits),
                piece_bytes: room.piece_bytes,
                decoding: room.decoding,
                wants_patches: room.wants_patches,
                is_journaled: room.is_journaled,
            }))
        })
    }
}

impl AtRest {
    /// A copy of the document, to be looked at by `work`.
    fn look<T>(&self, work: impl FnOnce(&Document) -> T) -> Result<T, RoomError> {
        let document = || self.engine.document().wake().map_err(|_| RoomError::Broken);
        guard(|| Ok(work(&document()?)))
    }

    #[cold]
    fn wake(&self) -> Result<Box<Room>, RoomError> {
        guard(|| {
            let engine = self.engine.wake().map_err(|_| RoomError::Broken)?;
            let mut room = Room::around(engine, Arc::clone(&self.limits), self.wants_patches);
            room.piece_bytes = self.piece_bytes;
            room.decoding = self.decoding;
            if self.is_journaled {
                room.set_journaled();
            }
            Ok(Box::new(room))
        })
    }
}

/// Runs `work`, and takes a panic for a broken room. What is packed stays, and whoever comes next hears the same.
fn guard<T>(work: impl FnOnce() -> Result<T, RoomError>) -> Result<T, RoomError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or(Err(RoomError::Broken))
}
