//! Clients that come back: what they did meanwhile, and what they missed.

use std::{borrow::Cow, rc::Rc};

use super::{
    Clock, Told,
    effect::{Effect, Message},
    input::ReconnectPatches,
    room::{Refused, Room},
    session::{Access, Group, SessionId},
    walks::End,
};

impl Room {
    /// Takes what a client did while it was away, and tells it what it lacks.
    pub(super) fn reconnect<'f>(
        &mut self,
        id: SessionId,
        since: Clock,
        patches: &ReconnectPatches<'f>,
        effects: &mut Vec<Effect<'f>>,
    ) {
        let Some(session) = self.sessions.get(&id) else { return };
        let (group, access, before) = (session.group, session.access, self.document.clock());
        let mut changed = None;
        let mut touched = Vec::new();
        let accepted = match patches {
            ReconnectPatches::Sound { document, presence } => {
                self.accept(id, document, presence, effects)
            }
            ReconnectPatches::Refused(refusal, touched) => {
                Err(Refused { refusal: refusal.clone(), touched: touched.clone() })
            }
        };
        match accepted {
            Ok(change) => {
                changed = change;
                if access == Access::ReadWrite && since > before {
                    effects.push(Effect::Send(id, Message::Resync { since: before }));
                }
            }
            Err(refused) => {
                touched = refused.touched;
                effects.push(Effect::Send(id, Message::Refused(refused.refusal, None)));
            }
        }
        self.answer_reconnect(id, since, group, changed.is_some(), touched, effects);
        effects.extend(changed.map(Effect::Changed));
    }

    /// Tells who reconnects what it lacks, or begins to.
    fn answer_reconnect<'f>(
        &mut self,
        id: SessionId,
        since: Clock,
        group: Group,
        handed: bool,
        touched: Vec<&'f [u8]>,
        effects: &mut Vec<Effect<'f>>,
    ) {
        let Some(session) = self.sessions.get(&id) else { return };
        let told = Told::default();
        if self.must_walk(since) {
            if handed {
                effects.push(Effect::Send(id, Message::Handed { since }));
            }
            let touched = touched.into_iter().map(Box::from).collect();
            let end = End { group, touched, told, answers: true };
            self.begin_walk(id, since, handed, end, effects);
            return;
        }
        let client = Rc::clone(&session.client);
        let touched = touched.into_iter().map(Cow::Borrowed).collect();
        let graves = self.graves_after(since);
        let ends_walk = false;
        let catch_up = Message::CatchUp { client, since, touched, graves, told, ends_walk };
        effects.push(Effect::Send(id, catch_up));
        effects.push(Effect::Send(id, Message::Synced(self.document.clock())));
    }
}
