//! What a journaled room has handled and not yet let go.

use std::{collections::VecDeque, rc::Rc};

use super::{
    outbox::Outbox,
    waiting::{Kept, Waiting},
};
use crate::engine::{self, Clock, Group, Input, SessionId, Slots};

/// A change to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Its number.
    pub clock: Clock,
    /// The inside of the JSON string that names the client who made it; empty for the server itself.
    pub client: Box<[u8]>,
    /// The canonical JSON text of its list of patches.
    pub patches: Box<[u8]>,
}

/// The provisional part of a room: changes on their way to the store, and everything that waits for them.
#[derive(Debug)]
pub(super) struct Provisional {
    /// Changes that the store has not been given yet.
    pub(super) batch: Vec<Change>,
    /// The clock of the last change that it was given.
    pub(super) handed: Clock,
    /// What has been handled since the first change that is not stored, in order. The first entry shows such a change.
    pub(super) tail: VecDeque<Entry>,
    /// What the tail keeps, in bytes.
    tail_bytes: usize,
    /// Frames that are not handled while nothing can be stored.
    pub(super) waiting: Waiting,
    /// Whether nothing can be stored.
    pub(super) is_stalled: bool,
}

/// One input that was handled, and what it wants delivered.
#[derive(Debug)]
pub(super) struct Entry {
    /// The clock that it shows, if it shows the document.
    pub(super) shows: Option<Clock>,
    pub(super) deliveries: Outbox,
    /// Of each delivery, whether it shows the document.
    pub(super) showing: Vec<bool>,
    /// What it takes to handle it again, if it shows the document.
    pub(super) again: Option<Again>,
    /// The sessions that it caught up, if that shows the document.
    pub(super) caught_up: Vec<CaughtUp>,
    /// To whom it tells a step of their catch-ups.
    pub(super) piece: Option<Piece>,
}

/// A session that was told all it lacked.
#[derive(Debug)]
pub(super) struct CaughtUp {
    pub(super) session: SessionId,
    /// The clock up to which it had been told everything.
    pub(super) since: Clock,
    /// The keys that it was told whatever their clock.
    pub(super) touched: Vec<Box<[u8]>>,
    /// Whether it had been told a part before, step by step.
    pub(super) ends_walk: bool,
    /// Whether it waited for `synced`.
    pub(super) answers: bool,
}

impl CaughtUp {
    /// What has it told anew.
    pub(super) fn again(&self) -> Input<'_> {
        let Self { session, since, ref touched, ends_walk, answers } = *self;
        Input::CaughtUp {
            session,
            caught_up: engine::CaughtUp { since, touched, ends_walk, answers },
        }
    }
}

/// A step of catch-ups.
#[derive(Debug)]
pub(super) struct Piece {
    pub(super) sessions: Vec<SessionId>,
    pub(super) slots: Slots,
    /// Whether it shows what is not stored.
    pub(super) shows: bool,
}

/// What an entry counts beside its texts.
const ENTRY_BYTES: usize = 64;

impl Entry {
    /// Of an input that made so many deliveries, each of which shows the document or does not.
    pub(super) fn of(showing: Vec<bool>) -> Self {
        Self {
            shows: None,
            deliveries: Outbox::default(),
            showing,
            again: None,
            caught_up: Vec::new(),
            piece: None,
        }
    }

    fn bytes(&self) -> usize {
        let kept = self.again.as_ref().map_or(0, |again| again.kept.bytes.len());
        ENTRY_BYTES + kept + self.deliveries.text_bytes()
    }
}

/// A frame or edit whose answer shows a document that may be taken back.
#[derive(Debug)]
pub(super) struct Again {
    pub(super) kept: Kept,
    /// The client whose presence it told in one frame with the change that it made.
    pub(super) showed: Option<Rc<[u8]>>,
    /// The delivery group that its session was in before.
    pub(super) group: Option<Group>,
}

/// Where an input came from, if it has to be handled again.
#[derive(Debug, Clone, Copy)]
pub(super) struct Origin<'f> {
    /// Who sent it; nobody where the server itself edited.
    pub(super) session: Option<SessionId>,
    pub(super) bytes: &'f [u8],
    /// Whether its presence was handled and told before.
    pub(super) is_shown: bool,
}

impl Provisional {
    /// Nothing is kept: everything up to this clock is stored.
    pub(super) fn new(clock: Clock) -> Self {
        Self {
            batch: Vec::new(),
            handed: clock,
            tail: VecDeque::new(),
            tail_bytes: 0,
            waiting: Waiting::default(),
            is_stalled: false,
        }
    }

    /// Whether anything is kept. What comes next must not overtake it.
    pub(super) fn keeps_any(&self) -> bool {
        !self.tail.is_empty()
    }

    /// Keeps what an input wants delivered, behind what is kept.
    pub(super) fn keep(&mut self, entry: Entry) {
        self.tail_bytes += entry.bytes();
        self.tail.push_back(entry);
    }

    /// Gives what may leave now that the changes up to this clock are stored.
    pub(super) fn release(&mut self, stored: Clock, out: &mut Outbox) {
        let may_leave = |entry: &Entry| entry.shows.is_none_or(|clock| clock <= stored);
        while self.tail.front().is_some_and(may_leave) {
            let Some(entry) = self.tail.pop_front() else { break };
            self.tail_bytes -= entry.bytes();
            out.append_all(entry.deliveries);
        }
    }

    /// Whether a new one would be the same, where all changes are stored.
    pub(super) fn is_at_rest(&self) -> bool {
        let Self { batch, handed: _, tail, tail_bytes: _, waiting, is_stalled } = self;
        batch.is_empty() && tail.is_empty() && waiting.is_empty() && !is_stalled
    }

    /// Whether a step of catch-ups waits.
    pub(super) fn keeps_piece(&self) -> bool {
        self.tail.iter().any(|entry| entry.piece.is_some())
    }

    /// Takes the whole tail, stored or not.
    pub(super) fn take_tail(&mut self) -> VecDeque<Entry> {
        self.tail_bytes = 0;
        std::mem::take(&mut self.tail)
    }

    /// How many bytes wait for the store: encoded deliveries, and the frames that they came of.
    pub(super) fn tail_bytes(&self) -> usize {
        self.tail_bytes
    }
}
