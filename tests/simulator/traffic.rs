//! What the server and the clients do with what reaches them, and how connections end.

use serde_json::Value;

use super::{
    network::{Down, State, Up, must_be_early},
    patch::merge,
    replica::patches,
    server::{Link, Sent},
    world::World,
};

impl World {
    /// The server lets a connection in.
    pub fn join(&mut self, link: Link) {
        self.end_older(link);
        let connection = &self.links[link];
        let (client, held) =
            (self.members[connection.member].replica.client.clone(), connection.held);
        self.note(|_| {
            format!("server: {client} joins by {link}{}", if held { "" } else { ", bare" })
        });
        let (session, sent) = self.server.join(link, &client, held);
        self.links[link].session = Some(session);
        self.deliver(sent);
    }

    /// Ends older connections of a client first that hold on to presence which the client has taken back (limit 10).
    fn end_older(&mut self, link: Link) {
        let member = self.links[link].member;
        let replica = &self.members[member].replica;
        let mine = |older: &Link| self.links[*older].member == member && !self.links[*older].over;
        let older: Vec<Link> = (0..link).filter(mine).collect();
        let shown = self.server.ledger.shown.get(&replica.client).into_iter().flatten().cloned();
        let coming = older.iter().flat_map(|older| self.links[*older].frames_up());
        let coming = coming
            .flat_map(|frame| patches(frame, "ephemeralPatches"))
            .flatten()
            .map(|(key, _)| key);
        let edits = self.members[member].app.edits().presence;
        let unsent = replica.presence_buffer.iter().chain([&edits]);
        let showing = merge([&replica.local_presence].into_iter().chain(unsent));
        if shown.chain(coming).all(|key| showing.contains_key(&key)) {
            return;
        }
        for older in older {
            while !self.links[older].over && self.links[older].up.contains(&Up::Close) {
                self.handle(older);
            }
        }
    }

    /// The server takes the next item of a connection.
    pub fn handle(&mut self, link: Link) {
        if self.links[link].session.is_none() {
            self.join(link);
        }
        let session = self.links[link].session.unwrap_or_default();
        if let Some(Up::Frame(frame)) = self.links[link].up.front() {
            let frame = frame.clone();
            self.handle_older(link);
            let text = frame.to_string();
            self.links[link].up.pop_front();
            self.note(|_| format!("server: {link} says {text}"));
            let sent = self.server.receive(session, &text);
            self.deliver(sent);
        } else if self.links[link].up.pop_front().is_some() {
            self.links[link].over = true;
            self.note(|_| format!("server: {link} is gone"));
            let sent = self.server.leave(session, self.mode.close_empty);
            self.deliver(sent);
        }
    }

    /// Handles first what must not come late on older connections of the same client (limit 9).
    fn handle_older(&mut self, link: Link) {
        let member = self.links[link].member;
        for older in 0..link {
            let early = |world: &Self| {
                let connection = &world.links[older];
                connection.member == member
                    && !connection.over
                    && connection.frames_up().any(must_be_early)
            };
            while early(self) {
                self.handle(older);
            }
        }
    }

    /// Whether the next frame of a connection must not come yet (limit 9): an older one of the same client may have shown
    /// presence with a `reconnect` that waits in the room for the store, and would show it later.
    pub fn is_premature(&self, link: Link) -> bool {
        let connection = &self.links[link];
        let mut older = self.links[..link].iter();
        let has_older = older.any(|older| {
            older.member == connection.member && !older.over && older.session.is_some()
        });
        let shows = connection.up.front().is_some_and(
            |item| matches!(item, Up::Frame(frame) if frame["ephemeralPatches"].is_array()),
        );
        self.server.is_stalled() && has_older && shows
    }

    fn deliver(&mut self, sent: Vec<Sent>) {
        for item in sent {
            self.sent += 1;
            match item {
                Sent::Frame(link, text) => {
                    let frame: Value = serde_json::from_slice(&text).unwrap();
                    self.note(|_| format!("server: to {link}: {frame}"));
                    self.links[link].down.push_back((self.sent, Down::Frame(frame)));
                }
                Sent::Close(link) => self.fail(format!("the server closed connection {link}")),
            }
        }
    }

    /// Catch-ups go on that come in steps: of this share of the sessions.
    pub fn walk(&mut self, percent: u64) {
        let mut ready = Vec::new();
        for link in 0..self.links.len() {
            let session = self.links[link].session.filter(|_| !self.links[link].over);
            if self.server.walks(session) && self.rng.percent(percent) {
                ready.extend(session);
            }
        }
        self.note(|_| format!("server: a step for {ready:?}"));
        let sent = self.server.step(&ready);
        self.deliver(sent);
    }

    /// Some of the changes on their way have arrived at the store.
    pub fn store(&mut self, count: usize) {
        self.note(|_| format!("server: {count} changes are stored"));
        let sent = self.server.stored(count);
        self.deliver(sent);
    }

    /// The store fails, or recovers.
    pub fn turn_store(&mut self) {
        let recovers = self.server.is_stalled();
        self.note(|_| format!("server: the store {}", if recovers { "recovers" } else { "fails" }));
        let sent = if recovers { self.server.recover() } else { self.server.fail() };
        self.deliver(sent);
    }

    /// The socket of a session stops draining, or has drained.
    pub fn turn_lag(&mut self, link: Link) {
        let Some(session) = self.links[link].session else { return };
        let lags = self.server.lags(Some(session));
        self.note(|_| format!("server: {link} {}", if lags { "has drained" } else { "lags" }));
        let sent = self.server.turn_lag(session);
        self.deliver(sent);
    }

    /// The client gets the next item of a connection.
    pub fn arrive(&mut self, link: Link) {
        let Some((_, item)) = self.links[link].down.front() else { return };
        let (member, socket) = (self.links[link].member, self.links[link].socket);
        if let Down::Frame(frame) = item {
            let frame = frame.clone();
            self.before_frame(link, &frame);
            if !self.hears(link) {
                return;
            }
            self.links[link].down.pop_front();
            self.check_frame(link, &frame);
            self.note(|world| format!("{} gets from {link}: {frame}", world.name(member)));
            let outputs = self.members[member].received(self.now, socket, &frame);
            self.carry_out(member, outputs, false);
            return;
        }
        self.settle(member);
        let Some((_, item)) = self.links[link].down.pop_front() else { return };
        self.note(|world| format!("{}: {link}: {item:?}", world.name(member)));
        let outputs = if item == Down::Open {
            self.links[link].state = State::Open;
            self.links[link].cursor_at_open = self.members[member].replica.last_timestamp;
            self.members[member].opened(self.now, socket)
        } else if item == Down::Fail {
            self.links[link].state = State::Closed;
            let by_timer = self.links[link].by_timer;
            self.members[member].failed(self.now, socket, by_timer)
        } else {
            self.links[link].state = State::Closed;
            self.members[member].closed(self.now, socket)
        };
        self.carry_out(member, outputs, false);
    }

    /// The close of a socket that the client closed is through.
    pub fn finish_close(&mut self, link: Link) {
        let (member, socket) = (self.links[link].member, self.links[link].socket);
        self.settle(member);
        self.links[link].state = State::Closed;
        self.note(|world| format!("{}: {link} is closed", world.name(member)));
        let outputs = self.members[member].closed(self.now, socket);
        self.carry_out(member, outputs, false);
    }

    /// A connection breaks, with what is in the air lost from some frame on.
    pub fn cut(&mut self, link: Link) {
        self.note(|_| format!("{link} breaks"));
        self.links[link].lose_up(&mut self.rng);
        self.links[link].lose_down(&mut self.rng);
    }

    /// The server stops: it saves, and every connection ends.
    pub fn stop(&mut self, air: bool) {
        self.note(|_| "server: stops".to_owned());
        self.up = false;
        if air {
            let arrived = self.server.storing().map_or(0, |waiting| self.rng.index(waiting + 1));
            self.server.kill(arrived);
        } else {
            self.server.stop();
        }
        for link in &mut self.links {
            if !link.over {
                link.over = true;
                link.up.clear();
                if air || !link.synced {
                    link.lose_down(&mut self.rng);
                } else {
                    link.down.push_back((self.sent, Down::Close));
                }
            }
        }
    }
}
