//! A journaled room: nothing that shows a change leaves before the change is stored.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    delivery::Delivery,
    durable::News,
    outbox::Outbox,
    provisional::{Again, CaughtUp, Change, Entry, Origin, Piece, Provisional},
    replay::replay_change,
    room::{Room, RoomError, deliveries},
    snapshot::Snapshot,
    waiting::Kept,
};
use crate::{
    engine::{
        Clock, CloseReason, Effect, Frame, Group, Input, Message, Patches, ReconnectPatches,
        SessionId,
    },
    protocol::{
        canvas::{self, FrameParts, FrameText},
        limits::Limits,
    },
};

impl Room {
    /// From now on changes are provisional until [`Self::stored`] says otherwise: [`Self::take_batch`] gives them, and
    /// what shows one is not delivered before. To be called before anybody uses the room. The document as it is counts
    /// as stored.
    pub fn set_journaled(&mut self) {
        self.engine.set_journaled();
        self.is_journaled = true;
    }

    /// Gives back what the next change can do without: nobody is here.
    pub(super) fn rest_provisional(&mut self) {
        if !self.has_unstored() {
            self.provisional.take_if(|provisional| provisional.is_at_rest());
        }
    }

    /// Applies changes that are stored already, each with its clock and the text of its patches: the ones after the
    /// snapshot that the room was restored from, before anybody uses it. On an error it must not be used.
    pub fn replay<'c>(
        &mut self,
        changes: impl IntoIterator<Item = (Clock, &'c [u8])>,
    ) -> Result<(), RoomError> {
        self.guard(|room| {
            for (clock, text) in changes {
                replay_change(room.clock(), clock, text, |patches| room.engine.replay(patches))?;
            }
            Ok(())
        })
    }

    /// The clock of the last change that is stored, or need not be.
    pub fn stored_clock(&self) -> Clock {
        self.engine.document().stored()
    }

    /// Whether there are changes that are not stored yet.
    pub fn has_unstored(&self) -> bool {
        self.stored_clock() < self.clock()
    }

    /// How many bytes are kept until changes are stored.
    pub fn unstored_bytes(&self) -> usize {
        self.provisional.as_ref().map_or(0, |provisional| provisional.tail_bytes())
    }

    /// Whether nothing can be stored: the document is what is stored, and what would change it waits.
    pub fn is_stalled(&self) -> bool {
        self.provisional.as_ref().is_some_and(|provisional| provisional.is_stalled)
    }

    /// The changes since the last batch, to be stored in order. Several batches may be on their way.
    pub fn take_batch(&mut self) -> Option<Vec<Change>> {
        let provisional = self.provisional.as_mut()?;
        provisional.handed = provisional.batch.last()?.clock;
        Some(std::mem::take(&mut provisional.batch))
    }

    /// Whether there are changes that no batch has had.
    pub fn has_batch(&self) -> bool {
        self.provisional.as_ref().is_some_and(|provisional| !provisional.batch.is_empty())
    }

    /// Begins a copy of the document as far as it is stored, as [`begin_snapshot`](Self::begin_snapshot) does. `in_flight` are
    /// the patches of the batches that are not stored yet.
    pub fn begin_stored_snapshot(
        &mut self,
        in_flight: &[&[u8]],
    ) -> Result<Option<Snapshot>, RoomError> {
        self.guard(|room| {
            let clock = room.clock();
            room.engine.take_back();
            room.begin_encoder();
            let batch = room.provisional.as_ref().map_or(&[][..], |it| &it.batch);
            let batch = batch.iter().map(|change| &*change.patches);
            for text in in_flight.iter().copied().chain(batch) {
                let last = room.engine.document().clock();
                let engine = &mut room.engine;
                replay_change(last, last + 1, text, |patches| engine.apply_again(patches))?;
            }
            debug_assert_eq!(room.clock(), clock, "every unstored change is in a batch");
            Ok(room.step_encoder())
        })
    }

    /// The changes of all batches up to this clock are stored. Gives what waited for them.
    pub fn stored(&mut self, clock: Clock) -> Result<Vec<Delivery>, RoomError> {
        deliveries(|out| self.stored_into(clock, out))
    }

    pub(super) fn stored_into(&mut self, clock: Clock, out: &mut Outbox) -> Result<(), RoomError> {
        self.guard(|room| {
            let Some(provisional) = &mut room.provisional else { return Ok(()) };
            let clock = clock.min(provisional.handed);
            room.engine.handle(Input::Stored { clock }, &mut Vec::new());
            provisional.release(clock, out);
            Ok(())
        })
    }

    /// Nothing that is not stored yet will be, nor anything else until [`Self::store_recovered`]. Takes the unstored
    /// changes back, lets their frames wait, and gives what else waited.
    pub fn store_failed(&mut self) -> Result<Vec<Delivery>, RoomError> {
        deliveries(|out| self.store_failed_into(out))
    }

    pub(super) fn store_failed_into(&mut self, out: &mut Outbox) -> Result<(), RoomError> {
        self.guard(|room| {
            if !room.is_journaled {
                return Ok(());
            }
            let stored = room.stored_clock();
            let mut provisional =
                room.provisional.take().unwrap_or_else(|| Box::new(Provisional::new(stored)));
            provisional.is_stalled = true;
            provisional.batch.clear();
            let tail = provisional.take_tail();
            room.engine.handle(Input::StoreFailed, &mut Vec::new());
            provisional.handed = room.clock();
            room.provisional = Some(provisional);
            let mut undone = Undone::default();
            for Entry { deliveries, showing, again, caught_up, piece, shows: _ } in tail {
                let piece = piece.filter(|piece| piece.shows);
                let is_taken_back = again.is_some() || !caught_up.is_empty() || piece.is_some();
                for (delivery, shows) in deliveries.zip(showing) {
                    if !(is_taken_back && shows) {
                        out.push(undone.spare(delivery));
                    }
                }
                // Whose `reconnect` is answered anew is caught up by that.
                let caught_up = caught_up.iter().filter(|it| !undone.answers.contains(&it.session));
                for told in caught_up {
                    room.run(told.again(), None, out);
                }
                if let Some(Piece { sessions, slots, .. }) = &piece {
                    room.run(Input::GivenBack { sessions, slots }, None, out);
                }
                if let Some(again) = again {
                    room.take_back(again, &mut undone, out);
                }
            }
            for (session, group) in undone.groups {
                room.run(Input::Replaced { session, group }, None, out);
            }
            Ok(())
        })
    }

    /// After [`Self::store_failed`]: drops the edit by the server itself that came last, instead of having it wait, for a
    /// caller who is told at once. False when it was not taken back.
    pub fn forget_edit(&mut self) -> bool {
        self.provisional.as_mut().is_some_and(|provisional| provisional.waiting.pop_last_edit())
    }

    /// Changes can be stored again. Handles what waited, in order.
    pub fn store_recovered(&mut self) -> Result<Vec<Delivery>, RoomError> {
        deliveries(|out| self.store_recovered_into(out))
    }

    pub(super) fn store_recovered_into(&mut self, out: &mut Outbox) -> Result<(), RoomError> {
        self.guard(|room| {
            if let Some(provisional) = &mut room.provisional {
                provisional.is_stalled = false;
            }
            while let Some(kept) = room.next_waiting() {
                if let Some(session) = kept.session {
                    room.catch_up(session, out);
                }
                room.handle_again(&kept, out);
            }
            Ok(())
        })
    }

    /// Whether a frame cannot be handled now: it would change the document while nothing can be stored, or its session's
    /// `reconnect` waits for that.
    pub(super) fn must_wait(&self, session: SessionId, frame: &Frame<'_>) -> bool {
        let stalled = self.provisional.as_ref().filter(|provisional| provisional.is_stalled);
        stalled.is_some_and(|provisional| {
            provisional.waiting.blocks(session) || self.engine.would_write(session, frame)
        })
    }

    /// Lets a frame wait. What a `patch` shows of its client's presence does not.
    pub(super) fn wait(
        &mut self,
        session: SessionId,
        bytes: &[u8],
        frame: &Frame<'_>,
        out: &mut Outbox,
    ) {
        let is_reconnect = matches!(frame, Frame::Reconnect { .. });
        let is_blocked =
            self.provisional.as_ref().is_some_and(|waits| waits.waiting.blocks(session));
        let mut is_shown = false;
        if let Frame::Patch { message_id, presence, .. } = *frame
            && !is_blocked
        {
            self.run(Input::Postponed { session, message_id, presence }, None, out);
            is_shown = true;
        }
        if self.engine.session(session).is_some() {
            let kept = Kept { session: Some(session), bytes: bytes.into(), is_shown };
            self.keep(kept, is_reconnect, out);
        }
    }

    /// Handles an input and keeps what may not leave yet.
    pub(super) fn run_provisionally(
        &mut self,
        input: Input<'_>,
        origin: Option<Origin<'_>>,
        out: &mut Outbox,
    ) {
        let group = origin.and_then(|origin| self.group(origin.session?));
        let mut effects = self.no_effects();
        self.engine.handle(input, &mut effects);
        let catches_up =
            effects.iter().any(|effect| matches!(effect, Effect::Send(_, Message::CatchUp { .. })));
        // Its frames wait, or go on, from this moment.
        for effect in &effects {
            if let Effect::Walks(session, begins) = effect {
                out.deliver(Delivery::Walks(*session, *begins));
            }
        }
        let (first, text_start) = (out.len(), out.text_bytes());
        let mut showing = Vec::new();
        let mut showed = None;
        let mut is_refused = false;
        let stored = self.stored_clock();
        let caught_up = if origin.is_none() { caught_up(&effects) } else { Vec::new() };
        let piece = effects.iter().find_map(|effect| piece(effect, stored));
        for effect in &effects {
            if matches!(effect, Effect::Walks(..)) {
                continue;
            }
            let is_refusal = matches!(effect, Effect::Send(_, Message::Refused(..)));
            is_refused |= is_refusal;
            // The refusal of patches is told anew with the catch-up that follows it (RC6).
            let shows = effect.shows_document(stored) || (is_refusal && catches_up);
            if let Effect::Append { clock, client, patches } = effect {
                self.record(*clock, client.as_deref().unwrap_or_default(), patches);
                showed.clone_from(client);
            }
            if let Effect::Left { session, .. } = effect
                && let Some(provisional) = &mut self.provisional
            {
                provisional.waiting.forget(*session);
            }
            self.deliver(effect, out);
            showing.resize(out.len() - first, shows);
        }
        self.spare(effects);
        let again = || {
            let Origin { session, bytes, is_shown } = origin?;
            let kept = Kept { session, bytes: bytes.into(), is_shown: is_shown || !is_refused };
            Some(Again { kept, showed: showed.filter(|_| !is_shown), group })
        };
        let entry = Entry { caught_up, piece, ..Entry::of(showing) };
        self.hold(entry, again, (first, text_start), out);
    }

    /// Puts a change that was made into the next batch.
    pub(super) fn record(&mut self, clock: Clock, client: &[u8], patches: &[u8]) {
        let stored = self.stored_clock();
        let provisional =
            self.provisional.get_or_insert_with(|| Box::new(Provisional::new(stored)));
        let change = Change { clock, client: client.into(), patches: patches.into() };
        provisional.batch.push(change);
    }

    /// Keeps what an input wants delivered, all that is in `out` from its `start` on, where it may not leave yet.
    pub(super) fn hold(
        &mut self,
        mut entry: Entry,
        again: impl FnOnce() -> Option<Again>,
        start: (usize, usize),
        out: &mut Outbox,
    ) {
        let clock = self.clock();
        let is_unstored = self.has_unstored() && entry.showing.contains(&true);
        let Some(provisional) = &mut self.provisional else {
            return debug_assert!(!is_unstored, "every change was recorded");
        };
        if entry.showing.is_empty() || !(is_unstored || provisional.keeps_any()) {
            return;
        }
        let (first, text_start) = start;
        entry.deliveries = out.split_off(first, text_start);
        if is_unstored {
            entry.shows = Some(clock);
            entry.again = again();
        } else {
            entry.caught_up = Vec::new();
        }
        provisional.keep(entry);
    }

    /// Makes up for an entry of the tail whose change, or what it showed, was taken back, and notes what that is.
    fn take_back(
        &mut self,
        Again { kept, showed, group }: Again,
        undone: &mut Undone,
        out: &mut Outbox,
    ) {
        let Some(session) = kept.session else { return self.keep(kept, false, out) };
        let text = FrameText::read(&kept.bytes, &self.limits);
        let mut parts = FrameParts::default();
        let frame = canvas::decode_frame(&text, &self.limits, &mut parts);
        if let Some(client) = showed
            && let Some(presence) = presence_of(&frame)
        {
            self.run(Input::Withdrawn { session, client, presence }, None, out);
        }
        let Some(now) = self.engine.destination(session) else { return };
        if let Frame::Reconnect { group, .. } = &frame {
            if *group != now {
                // A later frame of the session has moved it elsewhere, and is what counts.
                return;
            }
            undone.answers.insert(session);
        }
        if self.must_wait(session, &frame) {
            undone.groups.entry(session).or_insert_with(|| group.unwrap_or(now));
            let is_reconnect = matches!(frame, Frame::Reconnect { .. });
            drop(frame);
            drop(text);
            self.keep(kept, is_reconnect, out);
        } else {
            // If its session lags now, that began after this frame was handled.
            self.handle_again(&kept, out);
        }
    }

    /// Lets a frame wait, or closes its session if too many do (DU16).
    fn keep(&mut self, kept: Kept, is_reconnect: bool, out: &mut Outbox) {
        let Some(provisional) = &mut self.provisional else { return };
        let session = kept.session;
        let frame_bytes = self.limits.frame_bytes;
        let has_room = provisional.waiting.push(kept, is_reconnect, frame_bytes);
        if let Some(session) = session.filter(|_| !has_room) {
            let reason = CloseReason::TooManyFramesWait;
            self.run(Input::Evicted { session, reason }, None, out);
        }
    }

    fn next_waiting(&mut self) -> Option<Kept> {
        self.provisional.as_mut()?.waiting.pop()
    }

    /// Handles a frame or edit that could not be handled before, or whose change was taken back.
    fn handle_again(&mut self, kept: &Kept, out: &mut Outbox) {
        let Kept { session, ref bytes, is_shown } = *kept;
        let Some(session) = session else {
            // Nobody waits for an edit whose base is gone with what was taken back.
            return self.apply_edit(bytes, Limits::ACCEPTED_BEFORE, out).unwrap_or_default();
        };
        let text = FrameText::read(bytes, &self.limits);
        let mut parts = FrameParts::default();
        let frame = canvas::decode_frame(&text, &self.limits, &mut parts);
        let input = if is_shown {
            Input::Resumed { session, frame: &frame }
        } else {
            Input::Received { session, frame: &frame }
        };
        self.run(input, Some(Origin { session: Some(session), bytes, is_shown }), out);
    }

    fn group(&self, session: SessionId) -> Option<Group> {
        self.engine.session(session).map(|session| session.group)
    }
}

/// What became of the sessions whose frames were taken back.
#[derive(Default)]
struct Undone {
    /// The delivery groups that they were in before the first of their frames that wait.
    groups: BTreeMap<SessionId, Group>,
    /// Those whose `reconnect` has not been answered after all.
    answers: BTreeSet<SessionId>,
}

impl Undone {
    /// A step of catch-ups must not be the first that somebody hears whose `reconnect` will be answered later.
    fn spare(&self, mut news: News) -> News {
        if let News::Deliver(Delivery::Piece(sessions, _)) = &mut news {
            sessions.retain(|session| !self.answers.contains(session));
        }
        news
    }
}

/// The sessions that effects catch up.
fn caught_up(effects: &[Effect<'_>]) -> Vec<CaughtUp> {
    let is_synced = |session| {
        effects
            .iter()
            .any(|effect| matches!(effect, Effect::Send(id, Message::Synced(_)) if *id == session))
    };
    let caught_up = effects.iter().filter_map(|effect| {
        let Effect::Send(session, Message::CatchUp { since, touched, ends_walk, .. }) = effect
        else {
            return None;
        };
        let touched = touched.iter().map(|key| Box::from(&**key)).collect();
        let (session, since, ends_walk) = (*session, *since, *ends_walk);
        Some(CaughtUp { session, since, touched, ends_walk, answers: is_synced(session) })
    });
    caught_up.collect()
}

/// The step of catch-ups that an effect tells.
fn piece(effect: &Effect<'_>, stored: Clock) -> Option<Piece> {
    let Effect::Piece { sessions, slots, .. } = effect else { return None };
    let (sessions, slots) = (sessions.clone(), slots.clone());
    Some(Piece { sessions, slots, shows: effect.shows_document(stored) })
}

/// The presence patches of a frame that was accepted.
fn presence_of<'f>(frame: &Frame<'f>) -> Option<&'f Patches<'f>> {
    match frame {
        Frame::Patch { presence, .. }
        | Frame::Reconnect { patches: ReconnectPatches::Sound { presence, .. }, .. } => {
            Some(presence)
        }
        Frame::Reconnect { patches: ReconnectPatches::Refused(..), .. }
        | Frame::Unserved
        | Frame::TokenRefresh(_)
        | Frame::Unknown
        | Frame::Refused(..) => None,
    }
}
