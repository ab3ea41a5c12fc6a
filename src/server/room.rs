//! One room: engine and dialect joined, panics caught.

use std::{
    mem,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use super::{
    delivery::{Delivery, bit},
    durable::News,
    outbox::Outbox,
    provisional::{Origin, Provisional},
    replay::ReplayError,
    sending::PIECE_BYTES,
};
use crate::{
    engine::{
        self, Access, Clock, Document, Effect, Frame, Input, PatchMemory, Refusal, RefusalCode,
        SessionId,
    },
    protocol::{
        canvas::{self, Decoding, FrameParts, FrameText, snapshot::Encoder},
        limits::Limits,
    },
};

/// A room as its owner sees it: bytes in, deliveries out.
#[derive(Debug)]
pub struct Room {
    pub(super) engine: engine::Room,
    pub(super) limits: Arc<Limits>,
    pub(super) piece_bytes: (usize, usize),
    pub(super) decoding: Decoding,
    /// Whether [`Delivery::Changed`] carries the patches.
    pub(super) wants_patches: bool,
    /// There while somebody is here.
    spare: Option<Box<Spare>>,
    /// Whether nothing that shows a change leaves before the change is stored.
    pub(super) is_journaled: bool,
    /// What a journaled room has not let go yet, where there is anything.
    pub(super) provisional: Option<Box<Provisional>>,
    /// A snapshot that is being written.
    pub(super) encoder: Option<Box<Encoder>>,
    broken: bool,
}

/// Empty lists, so that not every input costs the allocation of some.
#[derive(Debug, Default)]
struct Spare {
    effects: Vec<Effect<'static>>,
    patches: PatchMemory<'static>,
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

    /// An empty room, whose limits other rooms may share. Fails when the system has no randomness to give.
    pub fn with_limits(
        wants_patches: bool,
        limits: impl Into<Arc<Limits>>,
    ) -> Result<Self, getrandom::Error> {
        let hash_keys = (getrandom::u64()?, getrandom::u64()?);
        let engine = engine::Room::new(Document::new(hash_keys));
        Ok(Self::around(engine, limits.into(), wants_patches))
    }

    pub(super) fn around(
        mut engine: engine::Room,
        limits: Arc<Limits>,
        wants_patches: bool,
    ) -> Self {
        engine.set_quota(limits.quota);
        Self {
            engine,
            limits,
            piece_bytes: (PIECE_BYTES, PIECE_BYTES),
            decoding: Decoding::default(),
            wants_patches,
            spare: None,
            is_journaled: false,
            provisional: None,
            encoder: None,
            broken: false,
        }
    }

    /// Decodes frames otherwise than by default. What comes of them is the same.
    pub fn set_decoding(&mut self, decoding: Decoding) {
        self.decoding = decoding;
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

    /// Whether nobody is here.
    pub(super) fn is_empty(&self) -> bool {
        self.engine.is_empty()
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
            let hash_keys = room.engine.document().hash_keys();
            let document = canvas::snapshot::decode(snapshot, hash_keys)?;
            canvas::check_loaded(&document, &room.limits).map_err(RoomError::OverLimit)?;
            room.replace_document(document);
            Ok(())
        })
    }

    /// Puts a document in place that a storage of the user's own holds. On an error nothing has changed.
    pub fn take_over(&mut self, document: Document) -> Result<(), RoomError> {
        self.guard(|room| {
            canvas::check_loaded(&document, &room.limits).map_err(RoomError::OverLimit)?;
            room.replace_document(document);
            Ok(())
        })
    }

    /// Puts a document in place that was restored, and checked, elsewhere.
    pub fn adopt(&mut self, document: Document) -> Result<(), RoomError> {
        self.guard(|room| {
            room.replace_document(document);
            Ok(())
        })
    }

    fn replace_document(&mut self, document: Document) {
        // What is half written is of the other one.
        self.encoder = None;
        self.engine.replace_document(document);
    }

    /// Handles an input that carries no frame.
    pub fn handle(&mut self, input: Input<'_>) -> Result<Vec<Delivery>, RoomError> {
        deliveries(|out| self.handle_into(input, out))
    }

    pub(super) fn handle_into(
        &mut self,
        input: Input<'_>,
        out: &mut Outbox,
    ) -> Result<(), RoomError> {
        self.guard(|room| {
            room.run(input, None, out);
            Ok(())
        })
    }

    /// Handles a frame.
    pub fn receive(
        &mut self,
        session: SessionId,
        bytes: &[u8],
    ) -> Result<Vec<Delivery>, RoomError> {
        deliveries(|out| self.receive_into(session, bytes, out))
    }

    pub(super) fn receive_into(
        &mut self,
        session: SessionId,
        bytes: &[u8],
        out: &mut Outbox,
    ) -> Result<(), RoomError> {
        self.guard(|room| {
            let text;
            let spare = room.spare.as_mut().map(|spare| mem::take(&mut spare.patches));
            let mut parts = FrameParts::within(spare.unwrap_or_default());
            let is_usual = match room.decoding {
                Decoding::SinglePass => canvas::decode_usual(bytes, &room.limits, &mut parts),
                Decoding::Careful => false,
            };
            let frame = if is_usual {
                parts.patch()
            } else {
                text = FrameText::read(bytes, &room.limits);
                canvas::decode_frame(&text, &room.limits, &mut parts)
            };
            if !(is_usual && room.answer_directly(session, &frame, bytes, out)) {
                room.take_frame(session, &frame, bytes, out);
            }
            if !room.engine.is_empty() {
                room.spare.get_or_insert_default().patches = parts.into_memory();
            }
            Ok(())
        })
    }

    fn take_frame(
        &mut self,
        session: SessionId,
        frame: &Frame<'_>,
        bytes: &[u8],
        out: &mut Outbox,
    ) {
        if self.must_wait(session, frame) {
            return self.wait(session, bytes, frame, out);
        }
        let origin = Origin { session: Some(session), bytes, is_shown: false };
        self.catch_up(session, out);
        self.run(Input::Received { session, frame }, Some(origin), out);
    }

    /// Applies an edit by the server itself: the JSON text of a list of patches (PA11).
    pub fn edit(&mut self, patches: &[u8]) -> Result<Vec<Delivery>, RoomError> {
        let limits = *self.limits;
        deliveries(|out| self.edit_into(patches, limits, out))
    }

    /// [`edit`](Self::edit), of any size: for patches that lead to what the room has held before.
    pub fn edit_unlimited(&mut self, patches: &[u8]) -> Result<Vec<Delivery>, RoomError> {
        deliveries(|out| self.edit_into(patches, Limits::ACCEPTED_BEFORE, out))
    }

    /// An edit by the server itself, within limits of its own.
    pub(super) fn edit_into(
        &mut self,
        patches: &[u8],
        limits: Limits,
        out: &mut Outbox,
    ) -> Result<(), RoomError> {
        self.guard(|room| {
            if room.is_stalled() {
                return Err(RoomError::Stalled);
            }
            room.apply_edit(patches, limits, out).map_err(RoomError::BadPatch)
        })
    }

    pub(super) fn apply_edit(
        &mut self,
        bytes: &[u8],
        limits: Limits,
        out: &mut Outbox,
    ) -> Result<(), Refusal> {
        let text = FrameText::read(bytes, &limits);
        let patches = canvas::decode_edit(text.sound()?, &limits)?;
        self.engine.check_edit(&patches)?;
        let origin = Origin { session: None, bytes, is_shown: false };
        self.run(Input::Edited { patches: &patches }, Some(origin), out);
        Ok(())
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
    pub(super) fn catch_up(&mut self, session: SessionId, out: &mut Outbox) {
        if self.lags(session) {
            self.run(Input::Drained { session }, None, out);
        }
        if self.walks(session) {
            self.run(Input::Hurried { session }, None, out);
        }
    }

    /// Handles an input that came from `origin`, and gives what may leave at once.
    pub(super) fn run(&mut self, input: Input<'_>, origin: Option<Origin<'_>>, out: &mut Outbox) {
        if self.is_journaled {
            return self.run_provisionally(input, origin, out);
        }
        let mut effects = self.no_effects();
        self.engine.handle(input, &mut effects);
        for effect in &effects {
            self.deliver(effect, out);
        }
        self.spare(effects);
    }

    /// An empty list of effects.
    pub(super) fn no_effects<'f>(&mut self) -> Vec<Effect<'f>> {
        self.spare.as_mut().map(|spare| mem::take(&mut spare.effects)).unwrap_or_default()
    }

    /// Keeps an empty list of effects for the next input, as long as somebody is here to send one.
    pub(super) fn spare(&mut self, effects: Vec<Effect<'_>>) {
        if self.engine.is_empty() {
            self.spare = None;
        } else {
            self.spare.get_or_insert_default().effects = engine::emptied(effects);
        }
    }

    /// Turns an effect into deliveries.
    pub(super) fn deliver(&mut self, effect: &Effect<'_>, out: &mut Outbox) {
        let delivery = match *effect {
            Effect::Broadcast { except, audience, ref message } => {
                return self.broadcast(except, audience, message, out);
            }
            // Only a journaled room has these, and takes them before.
            Effect::Append { .. } => return,
            Effect::Send(session, ref message) => return self.send(session, message, out),
            Effect::Place(session, group) => Delivery::Place(session, bit(group)),
            Effect::Walks(session, begins) => Delivery::Walks(session, begins),
            Effect::Piece { ref sessions, since, ref slots, .. } => {
                let text = canvas::encode_piece(since, slots, &self.engine);
                return out.deliver(Delivery::Piece(sessions.clone(), &text));
            }
            Effect::VerifyToken { session, attempt, token } => {
                Delivery::VerifyToken(session, attempt, token)
            }
            Effect::Changed(patches) => Delivery::Changed(self.wants_patches.then_some(patches)),
            Effect::Close(session, reason) => Delivery::Close(session, reason),
            Effect::Left { session, remaining } => Delivery::Left(session, remaining),
        };
        out.deliver(delivery);
    }
}

/// The deliveries of a room without a store, for an owner who keeps them.
pub(super) fn deliveries(
    work: impl FnOnce(&mut Outbox) -> Result<(), RoomError>,
) -> Result<Vec<Delivery>, RoomError> {
    let mut out = Outbox::default();
    work(&mut out)?;
    let deliveries = out.filter_map(|news| match news {
        News::Deliver(delivery) => Some(delivery),
        News::Commit
        | News::StoreFailed(_)
        | News::StoreHealed
        | News::StoreTrouble(_)
        | News::Settled(..) => None,
    });
    Ok(deliveries.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Group;

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
