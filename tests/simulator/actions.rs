//! What happens next, by chance.

use serde_json::{Value, json};

use super::{
    network::{Connection, Down, State, Up},
    patch::{Fields, numbers},
    schema::{self, KEYS, Kind, presence_keys},
    server::Link,
    world::World,
};

#[derive(Debug, Clone, Copy)]
enum Action {
    Edit(usize),
    Sync(usize),
    Join(Link),
    Handle(Link),
    Arrive(Link),
    FinishClose(Link),
    Leave(usize),
    Return(usize),
    Hop(usize),
    Cut(Link),
    Stop,
    Start,
    Store(usize),
    TurnStore,
    TurnLag(Link),
    Step,
}

impl World {
    /// One thing happens.
    pub fn step(&mut self) {
        let pause = if self.rng.percent(4) { 600 } else { 12 };
        let pause = self.rng.below(pause);
        self.advance(pause);
        let actions = self.actions();
        let total = actions.iter().map(|(weight, _)| weight).sum();
        let mut chance = self.rng.below(total);
        for (weight, action) in actions {
            if chance < weight {
                return self.act(action);
            }
            chance -= weight;
        }
    }

    fn actions(&self) -> Vec<(u64, Action)> {
        let mode = self.mode;
        let mut actions =
            vec![if self.up { (mode.restart, Action::Stop) } else { (8, Action::Start) }];
        for (member, who) in self.members.iter().enumerate() {
            let connected = who.replica.socket.is_some();
            actions.push((mode.edit, Action::Edit(member)));
            actions.push((mode.sync, Action::Sync(member)));
            if connected {
                actions.push((mode.leave, Action::Leave(member)));
                actions.push((mode.hop, Action::Hop(member)));
            } else if self.may_return(member) {
                actions.push((mode.leave * 3, Action::Return(member)));
            }
        }
        if let Some(waiting) = self.server.storing() {
            let turn = if self.server.is_stalled() { mode.fail * 2 } else { mode.fail };
            actions.push((turn, Action::TurnStore));
            if waiting > 0 {
                actions.push((mode.store, Action::Store(waiting)));
            }
        }
        if self.links.iter().any(|link| self.server.walks(link.session)) {
            actions.push((mode.walk, Action::Step));
        }
        for (link, connection) in self.links.iter().enumerate() {
            actions.extend(self.actions_of(link, connection));
        }
        actions
    }

    fn actions_of(&self, link: Link, connection: &Connection) -> Vec<(u64, Action)> {
        let mut actions = Vec::new();
        if !connection.over && connection.session.is_none() {
            actions.push((15, Action::Join(link)));
        } else if !connection.over && !connection.up.is_empty() && !self.is_premature(link) {
            // A session that lags, or is being caught up in steps, is hardly read.
            let session = connection.session;
            let is_held = self.server.lags(session) || self.server.walks(session);
            let is_over = connection.up.front() == Some(&Up::Close);
            let weight = if is_held && !is_over { 1 } else { 25 };
            actions.push((weight, Action::Handle(link)));
        }
        if connection.state == State::Open && !connection.over {
            actions.push((self.mode.drop, Action::Cut(link)));
            actions.push((self.mode.lag, Action::TurnLag(link)));
        }
        if connection.state == State::Closing {
            actions.push((4, Action::FinishClose(link)));
        }
        if self.is_next(link) {
            actions.push((25, Action::Arrive(link)));
        }
        actions
    }

    /// Whether the client may get the next item of a connection.
    pub fn is_next(&self, link: Link) -> bool {
        let connection = &self.links[link];
        let reaches = matches!(connection.state, State::Connecting | State::Open);
        match connection.down.front() {
            Some((_, Down::Frame(_))) => self.hears(link),
            // Limit 9: sockets open in the order in which they were made.
            Some((_, Down::Open)) => !self.links[..link]
                .iter()
                .any(|older| older.member == connection.member && older.state == State::Connecting),
            Some((_, Down::Fail | Down::Close)) => reaches,
            None => false,
        }
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Edit(member) => {
                for _ in 0..=self.rng.below(3) {
                    self.edit(member);
                }
            }
            Action::Sync(member) => self.sync(member),
            Action::Join(link) => self.join(link),
            Action::Handle(link) => self.handle(link),
            Action::Arrive(link) => self.arrive(link),
            Action::FinishClose(link) => self.finish_close(link),
            Action::Leave(member) => {
                self.leave(member);
            }
            Action::Return(member) => self.come_back(member),
            Action::Hop(member) => {
                if self.leave(member) {
                    self.come_back(member);
                }
            }
            Action::Cut(link) if !self.links[link].must_last() => self.cut(link),
            Action::Stop if self.links.iter().any(|link| !link.over && link.must_last()) => {}
            Action::Stop => self.stop(self.mode.air),
            Action::Start => self.up = true,
            Action::Store(waiting) => {
                let count = 1 + self.rng.index(waiting);
                self.store(count);
            }
            Action::TurnStore => self.turn_store(),
            Action::TurnLag(link) => self.turn_lag(link),
            Action::Step => self.walk(60),
            Action::Cut(_) => {}
        }
    }

    fn leave(&mut self, member: usize) -> bool {
        let lasting = |link: &Connection| link.member == member && link.must_last();
        if self.links.iter().any(lasting) {
            return false;
        }
        self.settle(member);
        let outputs = self.members[member].disconnect(self.now);
        self.carry_out(member, outputs, false);
        true
    }

    /// Whether a user who left may come back: once the socket that they left by is closed.
    pub fn may_return(&self, member: usize) -> bool {
        let mut links = self.links.iter().filter(|link| link.member == member);
        self.members[member].replica.left
            && links.all(|link| matches!(link.state, State::Open | State::Closed))
    }

    /// The user of a client comes back.
    pub fn come_back(&mut self, member: usize) {
        self.settle(member);
        let outputs = self.members[member].reconnect(self.now);
        self.carry_out(member, outputs, false);
    }

    /// The user of a client edits something, if the client's limits let them.
    pub fn edit(&mut self, member: usize) {
        let key = if self.rng.percent(80) {
            (*self.rng.pick(&KEYS)).to_owned()
        } else {
            let keys = presence_keys(self.name(member));
            self.rng.pick(&keys).clone()
        };
        let mut app = self.members[member].app.clone();
        let present = app.components.get(&key);
        let mortal = schema::kind(&key) != Kind::Singleton;
        if mortal && present.is_some() && self.rng.percent(self.mode.deletes) {
            app.remove(&key);
        } else {
            let base = present.cloned();
            let fields = self.some_fields(&key, base.as_ref());
            app.write(&key, fields);
        }
        let edit = app.edit_of(&key);
        if edit.as_ref().is_none_or(|edit| self.may_edit(member, &key, edit)) {
            self.note(|world| format!("{} edits {key}: {}", world.name(member), json!(edit)));
            self.members[member].app = app;
        }
    }

    /// New values for all fields of a new component, or for some of one that is there.
    fn some_fields(&mut self, key: &str, base: Option<&Fields>) -> Fields {
        let names: Vec<String> = schema::defaults(key).into_keys().collect();
        let chosen = match base {
            None => names,
            Some(_) => vec![self.rng.pick(&names).clone(), self.rng.pick(&names).clone()],
        };
        chosen
            .into_iter()
            .map(|name| {
                let value = self.some_value(&name, base.and_then(|base| base.get(&name)));
                (name, value)
            })
            .collect()
    }

    fn some_value(&mut self, name: &str, old: Option<&Value>) -> Value {
        let number = |world: &mut Self| i64::try_from(world.rng.below(1_000)).unwrap();
        if !schema::is_buffer(name) {
            let number = number(self);
            return if name == "label" || name == "title" {
                json!(number.to_string())
            } else {
                json!(number)
            };
        }
        let mut array = numbers(old);
        match self.rng.below(8) {
            0 => {
                let length = self.rng.index(14);
                array = std::iter::repeat_with(|| number(self)).take(length).collect();
            }
            1 => array.truncate(self.rng.index(array.len() + 1)),
            2..5 if !array.is_empty() => {
                let at = self.rng.index(array.len());
                array[at] = number(self);
            }
            _ => array.extend([number(self), number(self)]),
        }
        json!(array)
    }
}
