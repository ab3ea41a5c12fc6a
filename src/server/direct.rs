//! Frames that are answered directly: nothing comes of them but a broadcast and an ack, in a journaled room once the change is
//! stored.

use std::rc::Rc;

use super::{
    delivery::Delivery,
    outbox::Outbox,
    provisional::{Again, Entry},
    room::Room,
    waiting::Kept,
};
use crate::engine::{Answer, Frame, Group, Message, SessionId};

impl Room {
    /// Handles a frame as [`take_frame`](Self::take_frame) would, without a list of effects. False, and nothing has changed, where that
    /// is not possible.
    pub(super) fn answer_directly(
        &mut self,
        session: SessionId,
        frame: &Frame<'_>,
        bytes: &[u8],
        out: &mut Outbox,
    ) -> bool {
        let Frame::Patch { message_id, document, presence } = *frame else { return false };
        if self.is_stalled() {
            return false;
        }
        let answer = self.engine.answer_directly(session, document, presence);
        let Some(Answer { broadcast, clock }) = answer else { return false };
        let start = (out.len(), out.text_bytes());
        if let Some((audience, applied)) = &broadcast {
            self.broadcast_applied(Some(session), *audience, applied, out);
        }
        let broadcasts = out.len() - start.0;
        self.send(session, &Message::Ack { message_id, clock }, out);
        let is_change = !document.is_empty();
        if is_change {
            let patches = self.wants_patches.then_some(document.text);
            out.deliver(Delivery::Changed(patches));
        }
        if self.is_journaled && self.has_unstored() {
            let client = self.engine.session(session).map(|session| Rc::clone(&session.client));
            let showed = client.filter(|_| is_change);
            if let Some(client) = &showed {
                self.record(clock, client, document.text);
            }
            let mut showing = vec![is_change; broadcasts];
            showing.resize(out.len() - start.0, true);
            let again = || {
                let kept = Kept { session: Some(session), bytes: bytes.into(), is_shown: true };
                Some(Again { kept, showed, group: Some(Group::Live) })
            };
            self.hold(Entry::of(showing), again, start, out);
        }
        true
    }
}
