//! Clients, connections and the server, and what moves between them. One method is one thing that happens.

use serde_json::Value;

use super::{
    member::Member,
    modes::Mode,
    network::{Connection, Down, State, Up, must_be_early},
    patch::merge,
    replica::{Output, patches},
    rng::Rng,
    server::{Link, Sent, Server},
};

/// What a run keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Record {
    /// Only whether it failed.
    Nothing,
    /// What went into each adapter and came out.
    Traces,
    /// That, and what happened, line by line.
    Log,
}

/// A simulated world.
#[derive(Debug)]
pub struct World {
    /// What can happen in it.
    pub mode: Mode,
    /// Its chance.
    pub rng: Rng,
    /// The time in milliseconds.
    pub now: u64,
    /// The clients.
    pub members: Vec<Member>,
    /// Every connection ever made.
    pub links: Vec<Connection>,
    /// The server.
    pub server: Server,
    /// Whether the server takes connections.
    pub up: bool,
    /// How many of the clients, from the first, it takes connections of.
    pub admitted: usize,
    /// What went wrong first.
    pub failure: Option<String>,
    /// What happened, line by line, if it is kept.
    pub log: Option<Vec<String>>,
    sent: u64,
}

impl World {
    /// A world in which every client is about to connect.
    pub fn new(mode: Mode, seed: u64, record: Record) -> Self {
        let mut rng = Rng::new(seed);
        let names = ["ann", "bob", "cat", "dan"];
        let members = names.iter().take(mode.members).map(|name| {
            let version = if rng.percent(mode.version_1) { 1 } else { 2 };
            Member::new(name, version, record != Record::Nothing)
        });
        let members = members.collect();
        Self {
            mode,
            rng,
            now: 1,
            members,
            links: Vec::new(),
            server: Server::default(),
            up: true,
            admitted: usize::MAX,
            failure: None,
            log: (record == Record::Log).then(Vec::new),
            sent: 0,
        }
    }

    /// Notes what happens.
    pub fn note(&mut self, line: impl FnOnce(&Self) -> String) {
        if self.log.is_some() {
            let line = format!("{:>6}  {}", self.now, line(self));
            self.log.iter_mut().for_each(|log| log.push(line.clone()));
        }
    }

    /// Remembers the first thing that went wrong.
    pub fn fail(&mut self, reason: String) {
        self.note(|_| format!("FAILED: {reason}"));
        self.failure.get_or_insert(reason);
    }

    /// Lets time pass; clients whose retry timer fires connect.
    pub fn advance(&mut self, milliseconds: u64) {
        let then = self.now + milliseconds;
        for member in 0..self.members.len() {
            let due =
                |world: &Self| world.members[member].replica.reconnect_at.filter(|at| *at <= then);
            if due(self).is_some() {
                self.settle(member);
            }
            if let Some(at) = due(self) {
                let outputs = self.members[member].wake(at);
                self.carry_out(member, outputs, true);
            }
        }
        self.now = then;
    }

    /// One step of a client's application.
    pub fn sync(&mut self, member: usize) {
        let outputs = self.members[member].sync(self.now);
        self.note(|world| {
            let event =
                world.members[member].trace.iter().flatten().last().cloned().unwrap_or_default();
            let (edits, pulled) = (&event["edits"], &event["pulled"]);
            format!("{} steps: edits {edits} pulls {pulled}", world.name(member))
        });
        self.carry_out(member, outputs, false);
    }

    /// Does what a client wants done.
    pub fn carry_out(&mut self, member: usize, outputs: Vec<Output>, by_timer: bool) {
        for output in outputs {
            self.note(|world| format!("{} does {output:?}", world.name(member)));
            match output {
                Output::Connect(socket) => self.connect(member, socket, by_timer),
                Output::Send(socket, frame) => {
                    let link = self.link_of(member, socket);
                    self.links[link].up.push_back(Up::Frame(frame));
                }
                Output::Close(socket) => {
                    let link = self.link_of(member, socket);
                    self.links[link].state = State::Closing;
                    self.links[link].up.push_back(Up::Close);
                }
            }
        }
    }

    fn connect(&mut self, member: usize, socket: usize, by_timer: bool) {
        let held = !self.rng.percent(self.mode.bare);
        let link = self.links.len();
        self.links.push(Connection::new(member, socket, held, by_timer));
        let admitted = self.up && member < self.admitted;
        let answer = if admitted { Down::Open } else { Down::Fail };
        self.links[link].down.push_back((0, answer));
        if !admitted {
            self.links[link].over = true;
        } else if !held {
            self.join(link);
        }
    }

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
        self.server.stop();
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

    /// The name of a client.
    pub fn name(&self, member: usize) -> &str {
        &self.members[member].replica.client
    }

    fn link_of(&self, member: usize, socket: usize) -> Link {
        let found = |link: &Connection| link.member == member && link.socket == socket;
        self.links.iter().position(found).unwrap()
    }
}
