//! Patches that are answered directly, without a list of effects: to make one, to go through it and to drop it takes as long as
//! to apply a cursor. What comes of them is the same.

use std::rc::Rc;

use super::{
    Clock,
    effect::{Applied, Audience},
    patch::Patches,
    room::Room,
    session::{Access, Group, SessionId},
    whole_arrays::may_spell_out_too_much,
};

/// What is told of a patch: first the change to those who hear of it, then the ack to its sender.
#[derive(Debug)]
pub struct Answer<'f> {
    /// To whom the change goes, and what it is. Nothing where nobody else is here.
    pub broadcast: Option<(Audience, Applied<'f>)>,
    /// The clock of the ack.
    pub clock: Clock,
}

impl Room {
    /// Handles the patch of a session to which nothing else is due, as [`handle`](Self::handle) would. None, and nothing has
    /// changed, where more may come of it than an [`Answer`].
    pub fn answer_directly<'f>(
        &mut self,
        id: SessionId,
        document: &'f Patches<'f>,
        presence: &'f Patches<'f>,
    ) -> Option<Answer<'f>> {
        let session = self.sessions.get(&id)?;
        // Who is caught up in steps is held meanwhile.
        let may_write = session.access == Access::ReadWrite && session.group == Group::Live;
        let is_nothing = document.is_empty() && presence.is_empty();
        // Of those who lag one may have to be given up on.
        if !may_write || is_nothing || !self.laggards.is_empty() || may_spell_out_too_much(document)
        {
            return None;
        }
        self.check_frame(&session.client, document, presence).ok()?;
        let client = Rc::clone(&session.client);
        let (clock, late) = self.apply(&client, document, presence);
        let broadcast = self.listeners(Some((id, Group::Live))).map(|audience| {
            let client = Some(client);
            (audience, Applied { client, clock, document, late, presence })
        });
        Some(Answer { broadcast, clock: self.document.clock() })
    }
}
