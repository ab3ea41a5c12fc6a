//! One room: engine and dialect joined, panics caught.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use super::{
    delivery::{Delivery, bit},
    provisional::{Origin, Provisional},
    replay::ReplayError,
    sending::PIECE_BYTES,
};
use crate::{
    engine::{
        self, Access, Audience, Clock, Document, Effect, Group, Input, Message, Refusal,
        RefusalCode, SessionId,
    },
    protocol::{
        canvas::{self, FrameText},
        limits::Limits,
    },
};

/// A room as its owner sees it: bytes in, deliveries out.
#[derive(Debug)]
pub struct Room {
    pub(super) engine: engine::Room,
    pub(super) limits: Limits,
    pub(super) piece_bytes: (usize, usize),
    hash_keys: (u64, u64),
    /// Whether [`Delivery::Changed`] carries the patches.
    wants_patches: bool,
    /// What a journaled room has not let go yet.
    pub(super) provisional: Option<Box<Provisional>>,
    broken: bool,
}

/// A consistent copy of a room's document.
#[derive(Debug)]
pub struct Snapshot {
    /// The clock of its last change.
    pub clock: Clock,
    /// Its JSON text, shared with whoever stores it.
    pub text: Arc<[u8]>,
}

/// Why a room did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RoomError {
    /// The engine panicked, now or earlier. Becomes `code: 'HEDDLE_ROOM_BROKEN'`.
    #[error("the room is broken and must be closed")]
    Broken,
    /// The snapshot is none. Becomes `code: 'HEDDLE_BAD_SNAPSHOT'`.
    #[error("no valid room snapshot: {0}")]
    BadSnapshot(#[from] canvas::snapshot::BadSnapshot),
    /// The server's own edit was refused. Becomes `code: 'HEDDLE_BAD_PATCH'`.
    #[error("no valid patch: {} ({})", .0.message, .0.code.as_str())]
    BadPatch(Refusal),
    /// The server's own edit cannot be stored, nor can it wait. Becomes `code: 'HEDDLE_STORE_FAILED'`.
    #[error("nothing can be stored at the moment")]
    Stalled,
    /// What was to be loaded is over a limit. Becomes `code: 'HEDDLE_BAD_SNAPSHOT'`.
    #[error("no document for this room: {} ({})", .0.message, .0.code.as_str())]
    OverLimit(Refusal),
    /// The changes that a storage gave do not fit its snapshot. Becomes `code: 'HEDDLE_BAD_SNAPSHOT'`.
    #[error("no valid changes: {0}")]
    BadChange(#[from] ReplayError),
}

impl RoomError {
    /// What a frame would be refused for, where that is what is wrong.
    pub fn refusal(&self) -> Option<RefusalCode> {
        match self {
            Self::BadPatch(refusal)
            | Self::OverLimit(refusal)
            | Self::BadChange(ReplayError::BadChange { refusal, .. }) => Some(refusal.code),
            Self::BadSnapshot(bad) | Self::BadChange(ReplayError::BadSnapshot(bad)) => {
                bad.refusal()
            }
            Self::Broken | Self::Stalled | Self::BadChange(_) => None,
        }
    }
}

impl Room {
    /// An empty room with the default limits. Fails when the system has no randomness to give.
    pub fn new(wants_patches: bool) -> Result<Self, getrandom::Error> {
        Self::with_limits(wants_patches, Limits::default())
    }

    /// An empty room. Fails when the system has no randomness to give.
    pub fn with_limits(wants_patches: bool, limits: Limits) -> Result<Self, getrandom::Error> {
        let hash_keys = (getrandom::u64()?, getrandom::u64()?);
        let mut engine = engine::Room::new(Document::new(hash_keys));
        engine.set_quota(limits.quota);
        Ok(Self {
            engine,
            limits,
            piece_bytes: (PIECE_BYTES, PIECE_BYTES),
            hash_keys,
            wants_patches,
            provisional: None,
            broken: false,
        })
    }

    /// The number of the last change.
    pub fn clock(&self) -> Clock {
        self.engine.document().clock()
    }

    /// How many components are alive, and how many tombstones there are.
    pub fn census(&self) -> (usize, usize) {
        let document = self.engine.document();
        (document.alive(), document.components().len() - document.alive())
    }

    /// The size of the document, as the quota has it.
    pub fn document_bytes(&self) -> usize {
        self.engine.document().bytes()
    }

    /// A session's rights, as long as it is here.
    pub fn access(&self, session: SessionId) -> Option<Access> {
        self.engine.session(session).map(|session| session.access)
    }

    /// Whether the outcome of this token refresh still counts (AU5).
    pub fn awaits(&self, session: SessionId, attempt: u32) -> bool {
        self.engine.awaits(session, attempt)
    }

    /// Whether a session lags: it is sent nothing until it has drained, or sends something.
    pub fn lags(&self, session: SessionId) -> bool {
        self.engine.lagging_since(session).is_some()
    }

    /// Whether a session is being caught up in steps: its frames have to wait.
    pub fn walks(&self, session: SessionId) -> bool {
        self.engine.walks(session)
    }

    /// Starts from a snapshot. On an error nothing has changed.
    pub fn restore(&mut self, snapshot: &[u8]) -> Result<(), RoomError> {
        self.guard(|room| {
            let document = canvas::snapshot::decode(snapshot, room.hash_keys)?;
            canvas::check_loaded(&document, &room.limits).map_err(RoomError::OverLimit)?;
            room.engine.replace_document(document);
            Ok(())
        })
    }

    /// Puts a document in place that a storage of the user's own holds. On an error nothing has changed.
    pub fn take_over(&mut self, document: Document) -> Result<(), RoomError> {
        self.guard(|room| {
            canvas::check_loaded(&document, &room.limits).map_err(RoomError::OverLimit)?;
            room.engine.replace_document(document);
            Ok(())
        })
    }

    /// Puts a document in place that was restored, and checked, elsewhere.
    pub fn adopt(&mut self, document: Document) -> Result<(), RoomError> {
        self.guard(|room| {
            room.engine.replace_document(document);
            Ok(())
        })
    }

    /// Copies the document.
    pub fn snapshot(&mut self) -> Result<Snapshot, RoomError> {
        self.guard(|room| {
            let document = room.engine.document();
            Ok(Snapshot {
                clock: document.clock(),
                text: canvas::snapshot::encode(document).into(),
            })
        })
    }

    /// Handles an input that carries no frame.
    pub fn handle(&mut self, input: Input<'_>) -> Result<Vec<Delivery>, RoomError> {
        self.guard(|room| Ok(room.run(input, None)))
    }

    /// Handles a frame.
    pub fn receive(
        &mut self,
        session: SessionId,
        bytes: &[u8],
    ) -> Result<Vec<Delivery>, RoomError> {
        self.guard(|room| {
            let text = FrameText::read(bytes, &room.limits);
            let frame = canvas::decode_frame(&text, &room.limits);
            if room.must_wait(session, &frame) {
                return Ok(room.wait(session, bytes, frame));
            }
            let origin = Origin { session: Some(session), bytes, is_shown: false };
            let mut deliveries = room.catch_up(session);
            let answer = room.run(Input::Received { session, frame }, Some(origin));
            if deliveries.is_empty() {
                return Ok(answer);
            }
            deliveries.extend(answer);
            Ok(deliveries)
        })
    }

    /// Applies an edit by the server itself: the JSON text of a list of patches (PA11).
    pub fn edit(&mut self, patches: &[u8]) -> Result<Vec<Delivery>, RoomError> {
        self.edit_within(patches, self.limits)
    }

    /// [`edit`](Self::edit), of any size: for patches that lead to what the room has held before.
    pub fn edit_unlimited(&mut self, patches: &[u8]) -> Result<Vec<Delivery>, RoomError> {
        self.edit_within(patches, Limits::ACCEPTED_BEFORE)
    }

    fn edit_within(&mut self, patches: &[u8], limits: Limits) -> Result<Vec<Delivery>, RoomError> {
        self.guard(|room| {
            if room.is_stalled() {
                return Err(RoomError::Stalled);
            }
            room.apply_edit(patches, limits).map_err(RoomError::BadPatch)
        })
    }

    pub(super) fn apply_edit(
        &mut self,
        bytes: &[u8],
        limits: Limits,
    ) -> Result<Vec<Delivery>, Refusal> {
        let text = FrameText::read(bytes, &limits);
        let patches = canvas::decode_edit(text.sound()?, &limits)?;
        self.engine.check_edit(&patches)?;
        let origin = Origin { session: None, bytes, is_shown: false };
        Ok(self.run(Input::Edited { patches }, Some(origin)))
    }

    /// Runs `work` unless the room is broken, and breaks the room when it panics.
    pub(super) fn guard<T>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, RoomError>,
    ) -> Result<T, RoomError> {
        if self.broken {
            return Err(RoomError::Broken);
        }
        // Whatever a panic leaves half done is never looked at again.
        catch_unwind(AssertUnwindSafe(|| work(self))).unwrap_or_else(|_| {
            self.broken = true;
            Err(RoomError::Broken)
        })
    }

    /// Tells a session what it lacks because it lagged, or is being caught up in steps, before one of its frames is handled:
    /// an answer that came before that would make its client miss it (SR4).
    pub(super) fn catch_up(&mut self, session: SessionId) -> Vec<Delivery> {
        let mut deliveries = Vec::new();
        if self.lags(session) {
            deliveries = self.run(Input::Drained { session }, None);
        }
        if self.walks(session) {
            deliveries.extend(self.run(Input::Hurried { session }, None));
        }
        deliveries
    }

    /// Handles an input that came from `origin`, and gives what may leave at once.
    pub(super) fn run(&mut self, input: Input<'_>, origin: Option<Origin<'_>>) -> Vec<Delivery> {
        if self.provisional.is_some() {
            return self.run_provisionally(input, origin);
        }
        let mut effects = Vec::new();
        self.engine.handle(input, &mut effects);
        let mut deliveries = Vec::with_capacity(effects.len());
        for effect in effects {
            self.deliver(effect, &mut deliveries, std::convert::identity);
        }
        deliveries
    }

    /// Turns an effect into deliveries, each wrapped by `wrap`.
    pub(super) fn deliver<T>(
        &mut self,
        effect: Effect<'_>,
        deliveries: &mut Vec<T>,
        wrap: impl Fn(Delivery) -> T,
    ) {
        let delivery = match effect {
            Effect::Broadcast { except, audience, message } => {
                return self.broadcast(except, audience, &message, |it| deliveries.push(wrap(it)));
            }
            // Only a journaled room has these, and takes them before.
            Effect::Append { .. } => return,
            Effect::Send(session, message) => {
                return self.send(session, &message, |it| deliveries.push(wrap(it)));
            }
            Effect::Place(session, group) => Delivery::Place(session, bit(group)),
            Effect::Walks(session, begins) => Delivery::Walks(session, begins),
            Effect::Piece { sessions, since, slots, .. } => {
                Delivery::Piece(sessions, canvas::encode_piece(since, &slots, &self.engine))
            }
            Effect::VerifyToken { session, attempt, token } => {
                Delivery::VerifyToken(session, attempt, token.into())
            }
            Effect::Changed(patches) => {
                Delivery::Changed(self.wants_patches.then(|| patches.into()))
            }
            Effect::Close(session, reason) => Delivery::Close(session, reason),
            Effect::Left { session, remaining } => Delivery::Left(session, remaining),
        };
        deliveries.push(wrap(delivery));
    }

    /// Encodes a broadcast once for each form in which somebody gets it.
    fn broadcast(
        &self,
        except: Option<SessionId>,
        audience: Audience,
        message: &Message<'_>,
        mut deliver: impl FnMut(Delivery),
    ) {
        let present = |here: bool, group: Group| if here { bit(group) } else { 0 };
        let (live, whole_arrays, held) = (
            present(audience.live, Group::Live),
            present(audience.whole_arrays, Group::WholeArrays),
            present(audience.held, Group::Held),
        );
        let forms = if let Message::Change { document, presence, .. } = message {
            // Where nothing is spelled out both versions read the same text.
            let deltas = document.has_deltas || presence.has_deltas;
            let (current, spelled_out) =
                if deltas { (live, whole_arrays) } else { (live | whole_arrays, 0) };
            [(current, Group::Live), (spelled_out, Group::WholeArrays), (held, Group::Held)]
        } else {
            [(live | whole_arrays | held, Group::Live), (0, Group::WholeArrays), (0, Group::Held)]
        };
        for (groups, form) in forms {
            if groups != 0 {
                let text = canvas::encode::encode(message, form, &self.engine);
                if let Some(text) = text {
                    deliver(Delivery::Broadcast(groups, except, text));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The groups of each broadcast of one frame from session 1.
    fn broadcasts(room: &mut Room) -> Vec<u32> {
        let delta = br#"{"type":"patch","documentPatches":[{"a":{"_exists":true,"p":{"__buf":1,"len":1,"runs":[]}}}]}"#;
        let deliveries = room.receive(1, delta).unwrap();
        let groups = deliveries.iter().filter_map(|delivery| {
            let Delivery::Broadcast(groups, ..) = delivery else { return None };
            Some(*groups)
        });
        groups.collect()
    }

    #[test]
    fn a_broadcast_is_encoded_only_for_groups_that_somebody_else_is_in() {
        let mut room = Room::new(false).unwrap();
        let join = |room: &mut Room, session| {
            let (client, access) = (&b"c"[..], Access::ReadWrite);
            room.handle(Input::Joined { session, client, access, held: false }).unwrap();
        };

        join(&mut room, 1);
        assert_eq!(broadcasts(&mut room), [0; 0]);
        join(&mut room, 2);
        assert_eq!(broadcasts(&mut room), [bit(Group::Live)]);
        room.receive(2, br#"{"type":"reconnect","lastTimestamp":0,"protocolVersion":1}"#).unwrap();
        assert_eq!(broadcasts(&mut room), [bit(Group::WholeArrays)]);
        room.handle(Input::Left { session: 2 }).unwrap();
        assert_eq!(broadcasts(&mut room), [0; 0]);
    }

    #[test]
    fn lc12_a_panic_breaks_the_room_and_nothing_else() {
        let mut room = Room::new(false).unwrap();
        let mut other = Room::new(false).unwrap();
        room.edit(br#"[{"a":{"_exists":true}}]"#).unwrap();

        let outcome = room.guard(|room| -> Result<(), RoomError> {
            room.wants_patches = true;
            panic!("the engine has a bug");
        });

        assert!(matches!(outcome, Err(RoomError::Broken)));
        assert!(
            matches!(room.snapshot(), Err(RoomError::Broken)),
            "what it holds may be half an edit"
        );
        assert!(matches!(room.receive(1, b"{}"), Err(RoomError::Broken)));
        assert!(matches!(
            room.restore(br#"{"timestamp":0,"state":{},"timestamps":{}}"#),
            Err(RoomError::Broken)
        ));
        assert!(other.edit(br#"[{"a":{"_exists":true}}]"#).is_ok());
    }
}
