//! Clients, connections and the server, and the clients' own doing. One method is one thing that happens.

use super::{
    member::Member,
    modes::Mode,
    network::{Connection, Down, State, Up},
    replica::Output,
    rng::Rng,
    server::{Link, Server},
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
    /// How many frames the server sent; gives each its place.
    pub sent: u64,
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
            server: Server::new(
                mode.store > 0,
                mode.rollback || mode.close_empty || mode.restart > 0,
            ),
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

    /// The name of a client.
    pub fn name(&self, member: usize) -> &str {
        &self.members[member].replica.client
    }

    fn link_of(&self, member: usize, socket: usize) -> Link {
        let found = |link: &Connection| link.member == member && link.socket == socket;
        self.links.iter().position(found).unwrap()
    }
}
