//! What sessions are told.

use super::{
    delivery::{Delivery, bit},
    outbox::{Outbox, Queued},
    room::{Room, RoomError, deliveries},
};
use crate::{
    engine::{Applied, Audience, Group, Input, Message, SessionId},
    protocol::canvas,
};

/// The length from which on a catch-up goes on in another frame: a runtime takes and gives strings of a bounded length,
/// and one frame of everything would be held several times over.
pub(super) const PIECE_BYTES: usize = 8 << 20;

impl Room {
    /// Sends catch-ups in frames, and steps, of about this length; for tests. `first` is for those of clients that have seen
    /// nothing.
    pub fn set_piece_bytes(&mut self, first: usize, others: usize) {
        self.piece_bytes = (first, others);
        self.engine.set_step_bytes(first, others);
    }

    /// Goes on with the catch-ups that come in steps, of sessions that can take more: some at once, so that a room with many
    /// of them gives other rooms their turns. Nothing where all wait for the store, or for somebody to be ready.
    pub fn step(&mut self, ready: &[SessionId]) -> Result<Vec<Delivery>, RoomError> {
        deliveries(|out| self.step_into(ready, out))
    }

    pub(super) fn step_into(
        &mut self,
        ready: &[SessionId],
        out: &mut Outbox,
    ) -> Result<(), RoomError> {
        self.guard(|room| {
            // What is not stored is let go in order: what comes behind it would pile up.
            if !room.provisional.as_ref().is_some_and(|waits| waits.keeps_piece()) {
                room.run(Input::Step { ready }, None, out);
            }
            Ok(())
        })
    }

    /// Encodes a broadcast once for each form in which somebody gets it.
    pub(super) fn broadcast(
        &self,
        except: Option<SessionId>,
        audience: Audience,
        message: &Message<'_>,
        out: &mut Outbox,
    ) {
        if let Message::Change(applied) = message {
            return self.broadcast_applied(except, audience, applied, out);
        }
        out.write(
            |text| canvas::encode::encode(message, Group::Live, &self.engine, text),
            |length| Queued::Broadcast(groups_of(audience), except, length),
        );
    }

    /// The same, of patches: groups get them in different forms.
    pub(super) fn broadcast_applied(
        &self,
        except: Option<SessionId>,
        audience: Audience,
        applied: &Applied<'_>,
        out: &mut Outbox,
    ) {
        // Where nothing is spelled out both versions read the same text.
        let has_deltas = applied.document.has_deltas || applied.presence.has_deltas;
        let spelled_out = audience.whole_arrays && has_deltas;
        let current = Audience {
            whole_arrays: audience.whole_arrays && !has_deltas,
            held: false,
            ..audience
        };
        let forms = [
            (groups_of(current), Group::Live),
            (if spelled_out { bit(Group::WholeArrays) } else { 0 }, Group::WholeArrays),
            (if audience.held { bit(Group::Held) } else { 0 }, Group::Held),
        ];
        for (groups, form) in forms {
            if groups != 0 {
                out.write(
                    |text| canvas::encode::encode_applied(applied, form, &self.engine, text),
                    |length| Queued::Broadcast(groups, except, length),
                );
            }
        }
    }

    /// Encodes a message to one session.
    pub(super) fn send(&mut self, session: SessionId, message: &Message<'_>, out: &mut Outbox) {
        let is_written = out.write(
            |text| canvas::encode::encode(message, Group::Live, &self.engine, text),
            |length| Queued::Send(session, length),
        );
        if !is_written {
            self.send_pieces(session, message, out);
        }
        if let Message::Refused(refusal, _) = message {
            out.deliver(Delivery::Refused(session, refusal.code));
        }
    }

    fn send_pieces(&mut self, session: SessionId, message: &Message<'_>, out: &mut Outbox) {
        let (first, others) = self.piece_bytes;
        let is_first = matches!(message, Message::CatchUp { since: 0, .. });
        let limit = if is_first { first } else { others };
        let texts = canvas::encode_for_one(message, &self.engine, limit);
        if is_first && texts.len() > 1 {
            self.engine.bury_for_all();
        }
        for text in texts {
            out.deliver(Delivery::Send(session, &text));
        }
    }
}

/// The groups in which somebody listens.
fn groups_of(audience: Audience) -> u32 {
    let present = |here: bool, group: Group| if here { bit(group) } else { 0 };
    present(audience.live, Group::Live)
        | present(audience.whole_arrays, Group::WholeArrays)
        | present(audience.held, Group::Held)
}
