//! Slow readers: a session whose socket does not drain is sent nothing more, and later one diff instead of it all.

use std::{collections::BTreeMap, rc::Rc};

use super::{
    Clock, Presence,
    departures::Stamp,
    effect::{CloseReason, Effect, Message},
    room::Room,
    session::{Group, SessionId},
    walks::End,
};

/// The sessions that lag, each with what it has been sent. They belong to no delivery group; [`super::Session::group`] is
/// the one that they will be in again.
pub(super) type Laggards = BTreeMap<SessionId, Lag>;

/// Up to where a session has been told everything.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lag {
    cursor: Clock,
    departures: Stamp,
    presence: Stamp,
}

impl Room {
    /// The clock up to which a session that lags has been told everything; none for one that does not lag.
    pub fn lagging_since(&self, session: SessionId) -> Option<Clock> {
        self.laggards.get(&session).map(|lag| lag.cursor)
    }

    /// Takes a session out of its delivery group (SR2).
    pub(super) fn lag(&mut self, id: SessionId, effects: &mut Vec<Effect<'_>>) {
        let Some(session) = self.sessions.get(&id) else { return };
        if self.laggards.contains_key(&id) {
            return;
        }
        self.population.exit(session.group);
        let departures = self.presence.remember_departures();
        let (cursor, presence) = (self.document.clock(), self.presence.latest());
        self.laggards.make().insert(id, Lag { cursor, departures, presence });
        if session.group != Group::Mute {
            effects.push(Effect::Place(id, Group::Mute));
        }
    }

    /// Tells a session that lags what it lacks, and puts it back into its group (SR3).
    pub(super) fn end_lag(&mut self, id: SessionId, effects: &mut Vec<Effect<'_>>) {
        let lag = self.laggards.made().and_then(|laggards| laggards.remove(&id));
        let Some(lag) = lag else { return };
        if let Some(session) = self.sessions.get(&id)
            && session.group != Group::Mute
        {
            let (client, group) = (Rc::clone(&session.client), session.group);
            let keys = self.presence.departed_since(&client, lag.departures);
            if !keys.is_empty() {
                let nobody = Rc::from(&b""[..]);
                let keys = keys.clone();
                effects.push(Effect::Send(id, Message::PresenceGone { client: nobody, keys }));
            }
            let told = Presence::told(lag.presence, keys);
            let must_walk = group != Group::Held && self.must_walk(lag.cursor);
            if group == Group::Held || must_walk {
                effects.push(Effect::Send(id, Message::Presence { client, told }));
            } else {
                let (since, graves, touched) = (lag.cursor, lag.cursor, Vec::new());
                let ends_walk = false;
                let diff = Message::CatchUp { client, since, touched, graves, told, ends_walk };
                effects.push(Effect::Send(id, diff));
            }
            effects.push(Effect::Send(id, Message::ClientCount(self.sessions.len())));
            effects.push(Effect::Place(id, group));
            self.population.enter(group);
            if must_walk {
                let told = Presence::told(self.presence.latest(), Vec::new());
                let end = End { group, touched: Vec::new(), told, answers: false };
                self.begin_walk(id, lag.cursor, false, end, effects);
            }
        }
        self.forget_departures();
    }

    /// A session that leaves lags no more. True when it did.
    pub(super) fn forget_lag(&mut self, id: SessionId) -> bool {
        let lagged = self.laggards.made().is_some_and(|laggards| laggards.remove(&id).is_some());
        self.forget_departures();
        lagged
    }

    /// What was taken back has not been told to anybody, and its clocks will be given again.
    pub(super) fn hold_to_clock(&mut self) {
        let clock = self.document.clock();
        self.walks.hold_to_clock(clock);
        for lag in self.laggards.made().into_iter().flat_map(BTreeMap::values_mut) {
            lag.cursor = lag.cursor.min(clock);
        }
    }

    /// Closes those who lag when more presence went than is remembered for them (SR8).
    pub(super) fn give_up_laggards(&mut self, effects: &mut Vec<Effect<'_>>) {
        if self.presence.has_lost_departures() {
            let laggards: Vec<SessionId> = self.laggards.keys().copied().collect();
            for session in laggards {
                self.close(session, CloseReason::TooSlow, effects);
            }
        }
    }

    fn forget_departures(&mut self) {
        if self.laggards.is_empty() {
            self.presence.forget_departures();
        }
    }
}
