//! Catch-ups that are too large to be given at once: they are *walks* over the document, in steps.
//!
//! A session that walks is held back (JN3): presence reaches it, documents do not. Each step tells some slots to all who
//! lack them and have the same cursor, so that one reading of the document serves a crowd: who comes later gets on where
//! the others are, and is told later what they had before. What changes meanwhile is told at the end, when the session
//! goes into its group: then it has everything up to the clock at which its walk began, so that the end is a catch-up
//! like any other, from there on.

use std::{borrow::Cow, collections::BTreeMap, rc::Rc};

use super::{
    Clock, Component, Told,
    document::Slot,
    effect::{Effect, Message},
    input::CaughtUp,
    lazy::{Blank, Lazy},
    room::Room,
    session::{Group, SessionId},
    slots::Slots,
};

/// The longest text that is told at once, about, inside the call that asked for it. More comes in steps, encoded once for all
/// who come at the same time, as hundreds do after a restart.
const MOST_AT_ONCE_BYTES: usize = 512 << 10;

/// The text of a step, about: a turn of the event loop should have room for several.
const STEP_BYTES: usize = 256 << 10;

/// What a component counts beside its fields and its key.
const COMPONENT_BYTES: usize = 16;

/// What the size of a document counts for each component, and its text does not.
const KEEPING_BYTES: usize = 48;

/// How many slots a step looks at, at most, to find what it may tell.
const MOST_LOOKS: usize = 1 << 14;

/// Where more slots than this changed here and there, a walk looks at all: to note them would cost more.
const MOST_NOTED: usize = 1 << 10;

/// How often a walk begins anew because as much has changed meanwhile, until the rest is told at once.
const MOST_ROUNDS: u32 = 8;

/// Everybody's walk.
#[derive(Debug, Clone)]
pub(super) struct Walks {
    sessions: BTreeMap<SessionId, Walk>,
    /// Where the next step begins.
    position: Slot,
    /// What may be told at once, and in a step, to those who have seen nothing, and to the others.
    at_once_bytes: (usize, usize),
    step_bytes: (usize, usize),
    /// Those who have seen nothing may have got what was deleted after this clock: their first walk may have been cut off.
    graves_from: Clock,
}

/// How far a session has been told what it lacks.
#[derive(Debug, Clone)]
struct Walk {
    /// Its cursor.
    since: Clock,
    /// The clock at which the walk began. What changed later is told at the end.
    until: Clock,
    /// What has to be looked at yet.
    left: Slots,
    rounds: u32,
    end: End,
}

/// How a walk ends.
#[derive(Debug, Clone)]
pub(super) struct End {
    /// The group that the session belongs to then.
    pub(super) group: Group,
    /// Keys to send whatever their clock (RC7).
    pub(super) touched: Vec<Box<[u8]>>,
    /// What it need not be told of presence.
    pub(super) told: Told,
    /// Whether it asked, and waits for `synced`.
    pub(super) answers: bool,
}

impl Walks {
    const fn new() -> Self {
        Self {
            sessions: BTreeMap::new(),
            position: 0,
            at_once_bytes: (MOST_AT_ONCE_BYTES, MOST_AT_ONCE_BYTES),
            step_bytes: (STEP_BYTES, STEP_BYTES),
            graves_from: Clock::MAX,
        }
    }

    /// The group in which a session will be at the end of its walk.
    pub(super) fn destination(&self, session: SessionId) -> Option<Group> {
        self.sessions.get(&session).map(|walk| walk.end.group)
    }

    fn at_once(&self, since: Clock) -> usize {
        of(self.at_once_bytes, since)
    }

    fn step(&self, since: Clock) -> usize {
        of(self.step_bytes, since)
    }
}

impl Lazy<Walks> {
    /// A session walks no more. True when it did.
    pub(super) fn forget(&mut self, session: SessionId) -> bool {
        self.take(session).is_some()
    }

    fn take(&mut self, session: SessionId) -> Option<Walk> {
        self.made().and_then(|walks| walks.sessions.remove(&session))
    }

    /// What was taken back has not been told to anybody, and its clocks will be given again.
    pub(super) fn hold_to_clock(&mut self, clock: Clock) {
        for walk in self.made().into_iter().flat_map(|walks| walks.sessions.values_mut()) {
            walk.since = walk.since.min(clock);
            walk.until = walk.until.min(clock);
        }
    }

    /// What a step was about to tell, and did not: it shows what was taken back.
    pub(super) fn give_back(&mut self, sessions: &[SessionId], slots: &Slots) {
        let Some(walks) = self.made() else { return };
        for session in sessions {
            if let Some(walk) = walks.sessions.get_mut(session) {
                walk.left.add(slots);
            }
        }
    }
}

impl Blank for Walks {
    const BLANK: &'static Self = &Self::new();

    fn blank() -> Self {
        Self::new()
    }
}

impl Room {
    /// Has catch-ups over these sizes come in steps: those of clients that have seen nothing, and the others.
    pub fn set_step_bytes(&mut self, first: usize, others: usize) {
        let walks = self.walks.make();
        walks.at_once_bytes = (first, others);
        walks.step_bytes = (first, others);
    }

    /// Whether a session is being caught up in steps: until the end its frames have to wait.
    pub fn walks(&self, session: SessionId) -> bool {
        self.walks.sessions.contains_key(&session)
    }

    /// The delivery group that a session is in, or will be in when it is caught up.
    pub fn destination(&self, session: SessionId) -> Option<Group> {
        let group = self.sessions.get(&session).map(|session| session.group)?;
        Some(self.walks.destination(session).unwrap_or(group))
    }

    /// From now on a client that says that it has seen nothing may be one whose first catch-up was cut off in the middle.
    pub fn bury_for_all(&mut self) {
        let clock = self.document.stored();
        let walks = self.walks.make();
        walks.graves_from = walks.graves_from.min(clock);
    }

    /// The clock after which a client that has seen everything up to `since` is told what was deleted (RC5).
    pub fn graves_after(&self, since: Clock) -> Clock {
        if since == 0 { self.walks.graves_from } else { since }
    }

    /// What these slots hold for a client that has seen everything up to `since`.
    pub fn lacking(&self, since: Clock, slots: &Slots) -> impl Iterator<Item = &Component> {
        let components = slots.iter().filter_map(|slot| self.document.at(slot));
        components.filter(move |component| self.is_lacking(component, since))
    }

    fn is_lacking(&self, component: &Component, since: Clock) -> bool {
        let changed = component.changed();
        (since == 0 || changed > since)
            && (component.is_alive() || changed > self.graves_after(since))
    }

    /// Whether more has changed than is told at once.
    pub(super) fn must_walk(&self, since: Clock) -> bool {
        let mut rest = self.walks.at_once(since);
        if since == 0 {
            let slots = self.document.components().len();
            return self.document.bytes().saturating_sub(slots.saturating_mul(KEEPING_BYTES))
                > rest;
        }
        self.document.changed_since(since).any(|component| {
            let bytes = text_size(component, since);
            let is_over = bytes > rest;
            rest = rest.saturating_sub(bytes);
            is_over
        })
    }

    /// Begins to tell a session what it lacks. What changed last it has been told already where it was `handed`.
    pub(super) fn begin_walk(
        &mut self,
        id: SessionId,
        since: Clock,
        handed: bool,
        end: End,
        effects: &mut Vec<Effect<'_>>,
    ) {
        let until = self.document.clock();
        let mut left = self.slots_to_tell(since);
        if handed {
            let own = self.document.slots_since(since);
            let own = own.take_while(|(_, component)| component.changed() == until);
            left.remove(&Slots::collect(own.map(|(slot, _)| slot).collect()));
        }
        if since == 0 {
            self.bury_for_all();
        }
        self.place(id, Group::Held, effects);
        self.walks.make().sessions.insert(id, Walk { since, until, left, rounds: 1, end });
        effects.push(Effect::Walks(id, true));
    }

    /// Tells these sessions some of what they lack, and catches those up who have been told the rest. Only those are to be
    /// named who take more.
    pub(super) fn step(&mut self, ready: &[SessionId], effects: &mut Vec<Effect<'_>>) {
        let heard = |id: &&SessionId| !self.laggards.contains_key(id) && self.walks(**id);
        let ready: Vec<SessionId> = ready.iter().filter(heard).copied().collect();
        let is_through =
            |id: &&SessionId| self.walks.sessions.get(id).is_some_and(|walk| walk.left.is_empty());
        let through: Vec<SessionId> = ready.iter().filter(is_through).copied().collect();
        if through.is_empty() {
            self.tell_some(&ready, effects);
        }
        for id in through {
            self.end_round(id, effects);
        }
    }

    /// Tells a session at once what it still lacks, because it is about to be told something else.
    pub(super) fn hurry(&mut self, id: SessionId, effects: &mut Vec<Effect<'_>>) {
        if let Some(Walk { since, end, .. }) = self.walks.take(id) {
            self.end_walk(id, since, end, effects);
        }
    }

    fn slots_to_tell(&self, since: Clock) -> Slots {
        let all = || Slots::range(0, self.document.end());
        if since == 0 {
            return all();
        }
        let mut noted = Vec::new();
        for (slot, _) in self.document.slots_since(since) {
            if noted.len() == MOST_NOTED {
                return all();
            }
            noted.push(slot);
        }
        Slots::collect(noted)
    }

    /// Tells what comes next to all who lack it, have the same cursor, and are `ready`.
    fn tell_some(&mut self, ready: &[SessionId], effects: &mut Vec<Effect<'_>>) {
        let walk = |id: &SessionId| self.walks.sessions.get(id);
        let Some(since) = ready.first().and_then(walk).map(|walk| walk.since) else { return };
        let position = self.walks.position;
        let alike = ready.iter().filter_map(|id| Some((*id, walk(id)?)));
        let alike: Vec<_> = alike.filter(|(_, walk)| walk.since == since).collect();
        let first_from =
            |position| alike.iter().filter_map(|(_, walk)| walk.left.first_from(position)).min();
        let Some(start) = first_from(position).or_else(|| first_from(0)) else { return };
        let lacking = alike.iter().filter(|(_, walk)| walk.left.contains(start));
        let mut common = Slots::range(start, Slot::MAX);
        let mut sessions = Vec::new();
        for (id, walk) in lacking {
            common = common.and(&walk.left);
            sessions.push(*id);
        }
        let (slots, newest) = self.cut(since, &common);
        let walks = self.walks.make();
        walks.position = slots.end();
        for id in &sessions {
            if let Some(walk) = walks.sessions.get_mut(id) {
                walk.left.remove(&slots);
            }
        }
        if let Some(newest) = newest {
            effects.push(Effect::Piece { sessions, since, slots, newest });
        }
    }

    /// The first of these slots, as many as are told in one step, and the clock of what changed last in them.
    fn cut(&self, since: Clock, slots: &Slots) -> (Slots, Option<Clock>) {
        let mut rest = self.walks.step(since);
        let (mut newest, mut looks) = (None, 0);
        let mut end = Slot::MAX;
        for slot in slots.iter() {
            let Some(component) = self.document.at(slot) else { break };
            if rest == 0 || looks == MOST_LOOKS {
                end = slot;
                break;
            }
            looks += 1;
            if self.is_lacking(component, since) {
                rest = rest.saturating_sub(text_size(component, since));
                newest = newest.max(Some(component.changed()));
            }
        }
        (slots.and(&Slots::range(0, end)), newest)
    }

    /// A session has been told everything up to the clock at which its walk began.
    fn end_round(&mut self, id: SessionId, effects: &mut Vec<Effect<'_>>) {
        let Some(mut walk) = self.walks.take(id) else { return };
        if walk.rounds < MOST_ROUNDS && self.must_walk(walk.until) {
            walk.since = walk.until;
            walk.until = self.document.clock();
            walk.left = self.slots_to_tell(walk.since);
            walk.rounds += 1;
            self.walks.make().sessions.insert(id, walk);
        } else {
            self.end_walk(id, walk.until, walk.end, effects);
        }
    }

    /// Tells a session again what it was caught up with, as it is now.
    pub(super) fn catch_up_anew<'f>(
        &mut self,
        id: SessionId,
        CaughtUp { since, touched, ends_walk, answers }: CaughtUp<'f>,
        effects: &mut Vec<Effect<'f>>,
    ) {
        let Some(session) = self.sessions.get(&id) else { return };
        let client = Rc::clone(&session.client);
        let touched = touched.iter().map(|key| Cow::Borrowed(&**key)).collect();
        let (graves, told) = (since, Told::default());
        let catch_up = Message::CatchUp { client, since, touched, graves, told, ends_walk };
        effects.push(Effect::Send(id, catch_up));
        if answers {
            effects.push(Effect::Send(id, Message::Synced(self.document.clock())));
        }
    }

    fn end_walk(&mut self, id: SessionId, since: Clock, end: End, effects: &mut Vec<Effect<'_>>) {
        let Some(session) = self.sessions.get(&id) else { return };
        let client = Rc::clone(&session.client);
        let graves = self.graves_after(since);
        let touched = end.touched.into_iter().map(|key| Cow::Owned(key.into())).collect();
        let (told, ends_walk) = (end.told, true);
        let catch_up = Message::CatchUp { client, since, touched, graves, told, ends_walk };
        effects.push(Effect::Send(id, catch_up));
        if end.answers {
            effects.push(Effect::Send(id, Message::Synced(self.document.clock())));
        }
        self.place(id, end.group, effects);
        effects.push(Effect::Walks(id, false));
    }
}

/// The bound for those who have seen nothing, or for the others.
fn of((first, others): (usize, usize), since: Clock) -> usize {
    if since == 0 { first } else { others }
}

/// About how long the text is that tells a component.
fn text_size(component: &Component, since: Clock) -> usize {
    let fields = component.fields().size_since(since);
    fields.saturating_add(component.key().len()).saturating_add(COMPONENT_BYTES)
}
