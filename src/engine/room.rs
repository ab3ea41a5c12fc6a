//! One room: what each input does, and what it wants done.

use std::{collections::BTreeMap, rc::Rc};

use super::{
    Clock, Document, Presence, Told,
    effect::{Applied, Audience, CloseReason, Effect, Message, push_with},
    input::{Frame, Input},
    lagging::Laggards,
    lazy::Lazy,
    patch::{Patches, Refusal},
    population::Population,
    postponed::withdrawn,
    quota::Quota,
    session::{Access, Group, Session, SessionId},
    walks::Walks,
};

/// A room: document, presence and sessions.
#[derive(Debug)]
pub struct Room {
    pub(super) document: Document,
    pub(super) presence: Lazy<Presence>,
    pub(super) sessions: BTreeMap<SessionId, Session>,
    /// How many sessions each client has; its presence lives as long as one does (PR4).
    clients: Lazy<BTreeMap<Rc<[u8]>, usize>>,
    pub(super) population: Population,
    pub(super) laggards: Lazy<Laggards>,
    pub(super) walks: Lazy<Walks>,
    pub(super) quota: Quota,
    journaled: bool,
}

impl Room {
    /// A room without sessions around a document.
    pub fn new(document: Document) -> Self {
        Self {
            document,
            presence: Lazy::new(),
            sessions: BTreeMap::new(),
            clients: Lazy::new(),
            population: Population::default(),
            laggards: Lazy::new(),
            walks: Lazy::new(),
            quota: Quota::NONE,
            journaled: false,
        }
    }

    /// From now on changes are provisional until [`Input::Stored`], and each is an [`Effect::Append`].
    pub fn set_journaled(&mut self) {
        self.journaled = true;
        self.document.keep_provisional();
    }

    /// The document as it is now.
    pub fn document(&self) -> &Document {
        &self.document
    }

    /// The document, for whoever reads a copy of it while it goes on.
    pub fn document_to_copy(&mut self) -> &mut Document {
        &mut self.document
    }

    /// Everybody's presence as it is now.
    pub fn presence(&self) -> &Presence {
        &self.presence
    }

    /// Whether nobody is here.
    pub fn is_empty(&self) -> bool {
        self.sessions.is_empty()
    }

    /// A session, as long as it is here.
    pub fn session(&self, session: SessionId) -> Option<&Session> {
        self.sessions.get(&session)
    }

    /// Puts another document in place of the present one. Sessions are not told: for rooms that nobody has used yet.
    pub fn replace_document(&mut self, document: Document) {
        self.document = document;
        if self.journaled {
            self.document.keep_provisional();
        }
    }

    /// Applies a change that is stored already, the one after the last. Sessions are not told: for rooms that nobody has
    /// used yet.
    pub fn replay(&mut self, patches: &Patches<'_>) -> Result<(), Refusal> {
        self.document.replay(patches)?;
        self.document.settle(self.document.clock(), false);
        Ok(())
    }

    /// Takes provisional changes back for a moment, to look at what is stored; [`Self::apply_again`] must follow for each of
    /// them.
    pub fn take_back(&mut self) {
        self.document.take_back();
    }

    /// Applies a change again that [`Self::take_back`] took.
    pub fn apply_again(&mut self, patches: &Patches<'_>) -> Result<(), Refusal> {
        self.document.replay(patches)
    }

    /// True while the outcome of this token refresh still counts (AU5).
    pub fn awaits(&self, session: SessionId, attempt: u32) -> bool {
        self.sessions.get(&session).is_some_and(|session| session.attempt == attempt)
    }

    /// Handles one input and pushes its effects, which must all run before the next input. Inputs for sessions that are
    /// not here do nothing.
    pub fn handle<'f>(&mut self, input: Input<'f>, effects: &mut Vec<Effect<'f>>) {
        self.dispatch(input, effects);
        self.give_up_laggards(effects);
    }

    fn dispatch<'f>(&mut self, input: Input<'f>, effects: &mut Vec<Effect<'f>>) {
        match input {
            Input::Joined { session, client, access, held } => {
                self.join(session, client, access, held, effects);
            }
            Input::Received { session, frame } => self.receive(session, frame, effects),
            Input::Postponed { session, message_id, presence } => {
                self.postpone(session, message_id, presence, effects);
            }
            Input::Resumed { session, frame } => self.resume(session, frame, effects),
            Input::Withdrawn { session, client, presence } => {
                withdrawn(session, client, presence, effects);
            }
            Input::Replaced { session, group } => {
                if self.walks.forget(session) {
                    effects.push(Effect::Walks(session, false));
                }
                self.place(session, group, effects);
            }
            Input::Lagging { session } => self.lag(session, effects),
            Input::Drained { session } => self.end_lag(session, effects),
            Input::CaughtUp { session, caught_up } => {
                self.catch_up_anew(session, caught_up, effects);
            }
            Input::Step { ready } => self.step(ready, effects),
            Input::Hurried { session } => self.hurry(session, effects),
            Input::GivenBack { sessions, slots } => self.walks.give_back(sessions, slots),
            Input::Evicted { session, reason } => {
                if self.sessions.contains_key(&session) {
                    self.close(session, reason, effects);
                }
            }
            Input::Stored { clock } => self.document.settle(clock, self.sessions.is_empty()),
            Input::StoreFailed => {
                self.document.take_back();
                self.hold_to_clock();
            }
            Input::Left { session } => self.leave(session, effects),
            Input::Edited { patches } => self.edit(patches, effects),
            Input::AccessChanged { session, access } => self.set_access(session, access),
            Input::TokenVerified { session, attempt, access } if self.awaits(session, attempt) => {
                self.grant(session, attempt, access);
            }
            Input::TokenRefused { session, attempt } if self.awaits(session, attempt) => {
                self.close(session, CloseReason::TokenRefused, effects);
            }
            // AU5: an older attempt than the latest.
            Input::TokenVerified { .. } | Input::TokenRefused { .. } => {}
        }
    }

    fn join<'f>(
        &mut self,
        id: SessionId,
        client: &'f [u8],
        access: Access,
        held: bool,
        effects: &mut Vec<Effect<'f>>,
    ) {
        let client: Rc<[u8]> = client.into();
        *self.clients.make().entry(Rc::clone(&client)).or_default() += 1;
        let group = if held { Group::Held } else { Group::Live };
        let session =
            Session { client: Rc::clone(&client), access, group, attempt: 0, overruled: 0 };
        self.sessions.insert(id, session);
        self.population.enter(group);
        effects.push(Effect::Place(id, group));
        if self.presence.has_others(&client) {
            let told = Told::default();
            effects.push(Effect::Send(id, Message::Presence { client, told }));
        }
        self.announce_count(effects);
    }

    fn leave(&mut self, id: SessionId, effects: &mut Vec<Effect<'_>>) {
        let Some(session) = self.sessions.remove(&id) else { return };
        if !self.forget_lag(id) {
            self.population.exit(session.group);
        }
        self.walks.forget(id);
        let clients = self.clients.make();
        let others = clients.get_mut(&session.client).map_or(0, |count| {
            *count -= 1;
            *count
        });
        if others == 0 {
            clients.remove(&session.client);
            let keys = self.presence.remove(&session.client);
            if !keys.is_empty() {
                self.broadcast(
                    None,
                    Message::PresenceGone { client: session.client, keys },
                    effects,
                );
            }
        }
        self.announce_count(effects);
        effects.push(Effect::Left { session: id, remaining: self.sessions.len() });
        if self.sessions.is_empty() {
            self.rest();
        }
    }

    /// Gives back what only serves sessions: empty maps keep room for their first entries.
    fn rest(&mut self) {
        self.sessions = BTreeMap::new();
        self.clients = Lazy::new();
        self.presence = Lazy::new();
        self.laggards = Lazy::new();
        self.document.rest();
    }

    pub(super) fn close(
        &mut self,
        id: SessionId,
        reason: CloseReason,
        effects: &mut Vec<Effect<'_>>,
    ) {
        effects.push(Effect::Close(id, reason));
        self.leave(id, effects);
    }

    pub(super) fn receive<'f>(
        &mut self,
        id: SessionId,
        frame: &Frame<'f>,
        effects: &mut Vec<Effect<'f>>,
    ) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        match *frame {
            Frame::Reconnect { since, group, ref patches } => {
                let walked = self.walks.forget(id);
                self.place(id, group, effects);
                self.reconnect(id, since, patches, effects);
                if walked && !self.walks(id) {
                    effects.push(Effect::Walks(id, false));
                }
            }
            Frame::Unserved => {
                self.place(id, Group::Mute, effects);
                effects.push(Effect::Send(id, Message::VersionMismatch));
            }
            Frame::TokenRefresh(token) => {
                session.attempt = session.attempt.wrapping_add(1);
                effects.push(Effect::VerifyToken { session: id, attempt: session.attempt, token });
            }
            // CV3: whatever else a mute session sends, it could not be told what became of it.
            Frame::Patch { .. } | Frame::Unknown | Frame::Refused(..)
                if session.group == Group::Mute => {}
            Frame::Patch { message_id, document, presence } => {
                if session.group == Group::Held {
                    self.stop_holding(id, effects);
                }
                self.patch(id, message_id, document, presence, effects);
            }
            Frame::Unknown => {}
            Frame::Refused(ref refusal, message_id) => {
                self.refuse(id, refusal.clone(), message_id, effects);
            }
        }
    }

    fn patch<'f>(
        &mut self,
        id: SessionId,
        message_id: Option<&'f [u8]>,
        document: &'f Patches<'f>,
        presence: &'f Patches<'f>,
        effects: &mut Vec<Effect<'f>>,
    ) {
        if document.is_empty() && presence.is_empty() {
            return;
        }
        self.answer_patch(id, message_id, document, presence, effects);
    }

    pub(super) fn answer_patch<'f>(
        &mut self,
        id: SessionId,
        message_id: Option<&'f [u8]>,
        document: &'f Patches<'f>,
        presence: &'f Patches<'f>,
        effects: &mut Vec<Effect<'f>>,
    ) {
        match self.accept(id, document, presence, effects) {
            Ok(changed) => {
                let clock = self.document.clock();
                push_with(effects, || Effect::Send(id, Message::Ack { message_id, clock }));
                if let Some(patches) = changed {
                    push_with(effects, || Effect::Changed(patches));
                }
            }
            Err(refused) => self.refuse(id, refused.refusal, message_id, effects),
        }
    }

    /// Applies and broadcasts a session's patches, if it may write. Returns the text of the document patches applied.
    pub(super) fn accept<'f>(
        &mut self,
        id: SessionId,
        document: &'f Patches<'f>,
        presence: &'f Patches<'f>,
        effects: &mut Vec<Effect<'f>>,
    ) -> Result<Option<&'f [u8]>, Refused<'f>> {
        let Some(session) = self.sessions.get(&id) else { return Ok(None) };
        if let Err(refusal) = self.check_frame(&session.client, document, presence) {
            let touched = document.updates.iter().map(|update| update.key).collect();
            return Err(Refused { refusal, touched });
        }
        if session.access == Access::ReadOnly || (document.is_empty() && presence.is_empty()) {
            return Ok(None);
        }
        let (client, group) = (Rc::clone(&session.client), session.group);
        let changed = (!document.is_empty()).then_some(document.text);
        let (clock, late) = self.apply(&client, document, presence);
        if let Some(patches) = changed {
            self.append(Some(&client), patches, effects);
        }
        self.spare_whole_arrays(Some(id), document, effects);
        if let Some(audience) = self.listeners(Some((id, group))) {
            let (except, client) = (Some(id), Some(client));
            push_with(effects, || {
                let applied = Applied { client, clock, document, late, presence };
                let message = Message::Change(applied);
                Effect::Broadcast { except, audience, message }
            });
        }
        Ok(changed)
    }

    /// Applies checked patches of a client. Gives the clock of the change, if there are document patches, and the updates among them
    /// that came too late (MG5).
    pub(super) fn apply(
        &mut self,
        client: &Rc<[u8]>,
        document: &Patches<'_>,
        presence: &Patches<'_>,
    ) -> (Option<Clock>, Vec<usize>) {
        let is_change = !document.is_empty();
        let late = if is_change { self.document.apply(document) } else { Vec::new() };
        self.presence.apply(client, presence);
        (is_change.then(|| self.document.clock()), late)
    }

    fn edit<'f>(&mut self, document: &'f Patches<'f>, effects: &mut Vec<Effect<'f>>) {
        if document.is_empty() || self.check_edit(document).is_err() {
            return;
        }
        let text = document.text;
        let late = self.document.apply(document);
        let clock = Some(self.document.clock());
        self.append(None, text, effects);
        self.spare_whole_arrays(None, document, effects);
        let applied = Applied { client: None, clock, document, late, presence: Patches::none() };
        self.broadcast(None, Message::Change(applied), effects);
        effects.push(Effect::Changed(text));
    }

    /// Has the change that was just applied stored, if the room is journaled.
    fn append<'f>(
        &self,
        client: Option<&Rc<[u8]>>,
        patches: &'f [u8],
        effects: &mut Vec<Effect<'f>>,
    ) {
        if self.journaled {
            let clock = self.document.clock();
            effects.push(Effect::Append { clock, client: client.cloned(), patches });
        }
    }

    pub(super) fn refuse<'f>(
        &mut self,
        id: SessionId,
        refusal: Refusal,
        message_id: Option<&'f [u8]>,
        effects: &mut Vec<Effect<'f>>,
    ) {
        effects.push(Effect::Send(id, Message::Refused(refusal, message_id)));
        self.close(id, CloseReason::FrameRefused, effects);
    }

    /// Sets rights from outside. They outlive the grant of a refresh that is under way: its token is older than the decision.
    fn set_access(&mut self, id: SessionId, access: Access) {
        if let Some(session) = self.sessions.get_mut(&id) {
            session.access = access;
            session.overruled = session.attempt;
        }
    }

    fn grant(&mut self, id: SessionId, attempt: u32, access: Access) {
        if let Some(session) = self.sessions.get_mut(&id)
            && session.overruled != attempt
        {
            session.access = access;
        }
    }

    /// JN3: the first frame of a session has come.
    pub(super) fn stop_holding(&mut self, id: SessionId, effects: &mut Vec<Effect<'_>>) {
        if self.sessions.get(&id).is_some_and(|session| session.group == Group::Held) {
            self.place(id, Group::Live, effects);
        }
    }

    pub(super) fn place(&mut self, id: SessionId, group: Group, effects: &mut Vec<Effect<'_>>) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        if session.group != group {
            let old = std::mem::replace(&mut session.group, group);
            if self.laggards.contains_key(&id) {
                return;
            }
            self.population.exit(old);
            self.population.enter(group);
            effects.push(Effect::Place(id, group));
        }
    }

    fn announce_count(&self, effects: &mut Vec<Effect<'_>>) {
        self.broadcast(None, Message::ClientCount(self.sessions.len()), effects);
    }

    pub(super) fn broadcast<'f>(
        &self,
        except: Option<SessionId>,
        message: Message<'f>,
        effects: &mut Vec<Effect<'f>>,
    ) {
        let sender = except.and_then(|id| Some((id, self.sessions.get(&id)?.group)));
        if let Some(audience) = self.listeners(sender) {
            effects.push(Effect::Broadcast { except: sender.map(|(id, _)| id), audience, message });
        }
    }

    /// Who hears what somebody has caused, of whom the group is known, if anybody does.
    pub(super) fn listeners(&self, sender: Option<(SessionId, Group)>) -> Option<Audience> {
        // One who lags is in no group.
        let left_out = sender.filter(|(id, _)| !self.laggards.contains_key(id));
        let audience = self.population.audience(left_out.map(|(_, group)| group));
        (audience.live || audience.whole_arrays || audience.held).then_some(audience)
    }
}

/// Patches that were not applied.
pub(super) struct Refused<'f> {
    pub(super) refusal: Refusal,
    pub(super) touched: Vec<&'f [u8]>,
}
