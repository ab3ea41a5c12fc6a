//! Runs: chance, then rest, then the comparison.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    ledger::{Ledger, without_existence},
    member::Member,
    modes::Mode,
    network::{State, Up},
    patch::{Fields, existence},
    schema::{self, Kind},
    server::Link,
    world::{Record, World},
};

/// Rounds in which everything must have come to rest.
const ROUNDS: usize = 60;

/// What came of a run.
#[derive(Debug)]
pub struct Outcome {
    /// What went wrong, if anything did.
    pub failure: Option<String>,
    /// For each client its name, its protocol version and what happened to its adapter.
    pub traces: Vec<(String, u32, Vec<Value>)>,
    /// What happened, line by line, if it was kept.
    pub log: Vec<String>,
}

/// Runs a mode with a seed.
pub fn run(mode: Mode, seed: u64, record: Record) -> Outcome {
    let mut world = World::new(mode, seed, record);
    for member in 0..world.members.len() {
        let outputs = world.members[member].start(world.now);
        world.carry_out(member, outputs, false);
    }
    let backup_at = world.rng.index(mode.steps);
    let mut backup = None;
    for step in 0..mode.steps {
        world.step();
        if mode.rollback && step == backup_at {
            backup = world.server.backup();
        }
    }
    world.rest();
    if let Some(backup) = backup.filter(|(_, ledger)| world.knows_since(0, ledger.clock)) {
        world.roll_back(backup);
    }
    world.compare();
    let log = world.log.take().unwrap_or_default();
    let traces = world
        .members
        .iter_mut()
        .map(|member| (member.replica.client.clone(), member.replica.version, member.take_trace()));
    Outcome { failure: world.failure, traces: traces.collect(), log }
}

impl World {
    /// The server falls back to an older snapshot; its clients come back one after the other (limit 11).
    fn roll_back(&mut self, backup: (Vec<u8>, Ledger)) {
        self.note(|_| "server: falls back to an older snapshot".to_owned());
        self.stop(false);
        self.server.roll_back(backup);
        for admitted in 1..=self.members.len() {
            self.admitted = admitted;
            self.rest();
        }
    }

    /// Whether a client could tell the room everything that changed after `clock`.
    fn knows_since(&self, member: usize, clock: u64) -> bool {
        let mirror = &self.members[member].replica.mirror;
        let mut lost = self.server.ledger.entries.iter().filter(|(_, entry)| entry.changed > clock);
        lost.all(|(key, entry)| match mirror.get(key) {
            Some(fields) if entry.alive => *fields == entry.fields,
            Some(fields) => existence(fields) == Some(false),
            None => false,
        })
    }

    /// Everybody comes back, everything arrives, nobody edits.
    fn rest(&mut self) {
        self.up = true;
        let mut quiet = 0;
        for _ in 0..ROUNDS {
            let moved = self.drain();
            for member in 0..self.members.len() {
                self.sync(member);
            }
            let waiting = |(index, member): (usize, &Member)| {
                index < self.admitted && member.replica.socket.is_none()
            };
            let unsettled = moved || self.members.iter().enumerate().any(waiting);
            quiet = if unsettled { 0 } else { quiet + 1 };
            if quiet == 3 {
                return;
            }
            self.advance(1_000);
        }
        self.fail("it does not come to rest".to_owned());
    }

    /// Moves everything until nothing can move. False when nothing could.
    fn drain(&mut self) -> bool {
        let mut moved = false;
        for member in 0..self.members.len() {
            if self.may_return(member) {
                self.come_back(member);
                moved = true;
            }
        }
        while self.pass_along() | self.settle_store() | self.end_lags() | self.end_walks() {
            moved = true;
        }
        moved
    }

    fn end_lags(&mut self) -> bool {
        let lags = |world: &Self, link: &Link| world.server.lags(world.links[*link].session);
        let lagging: Vec<Link> = (0..self.links.len()).filter(|link| lags(self, link)).collect();
        for link in &lagging {
            self.turn_lag(*link);
        }
        !lagging.is_empty()
    }

    fn end_walks(&mut self) -> bool {
        let walking = (0..self.links.len()).any(|link| self.is_walking(link));
        if walking {
            self.walk(100);
        }
        walking
    }

    /// Whether the next frame of a connection waits until its session is caught up.
    fn is_walking(&self, link: Link) -> bool {
        let connection = &self.links[link];
        !connection.over
            && self.server.walks(connection.session)
            && connection.up.front() != Some(&Up::Close)
    }

    fn settle_store(&mut self) -> bool {
        if self.server.is_stalled() {
            self.turn_store();
            return true;
        }
        let waiting = self.server.storing().unwrap_or_default();
        if waiting > 0 {
            self.store(waiting);
        }
        waiting > 0
    }

    fn pass_along(&mut self) -> bool {
        let mut moved = false;
        for link in 0..self.links.len() {
            if self.links[link].state == State::Closing {
                self.finish_close(link);
                moved = true;
            }
            while self.awaits_server(link) && !self.is_walking(link) && !self.is_premature(link) {
                self.handle(link);
                moved = true;
            }
            while self.is_next(link) {
                self.arrive(link);
                moved = true;
            }
        }
        moved
    }

    fn awaits_server(&self, link: Link) -> bool {
        let connection = &self.links[link];
        !connection.over && (connection.session.is_none() || !connection.up.is_empty())
    }

    /// Compares everybody with the room.
    fn compare(&mut self) {
        if let Err(difference) = self.server.check() {
            self.fail(difference);
        }
        let document = self.server.ledger.alive();
        let alive: Vec<BTreeMap<String, Fields>> = self
            .members
            .iter()
            .map(|member| {
                let shown = member.replica.local_presence.iter();
                let shown = shown.filter(|(_, fields)| existence(fields) != Some(false));
                shown.map(|(key, fields)| (key.clone(), without_existence(fields))).collect()
            })
            .collect();
        for member in 0..self.members.len() {
            let own = format!("{}/", self.name(member));
            let others = alive.iter().enumerate().filter(|(other, _)| *other != member);
            let mut expected: BTreeMap<String, Fields> =
                others.flat_map(|(_, shown)| shown.clone()).collect();
            expected.extend(document.clone());
            let held = self.members[member].app.components.iter();
            let held: BTreeMap<String, Fields> = held
                .filter(|(key, _)| schema::kind(key) != Kind::Presence || !key.starts_with(&own))
                .map(|(key, fields)| (key.clone(), fields.clone()))
                .collect();
            for key in expected.keys().chain(held.keys()) {
                if expected.get(key) != held.get(key) {
                    let (held, expected) = (held.get(key).cloned(), expected.get(key).cloned());
                    let name = self.name(member).to_owned();
                    self.fail(format!("{name} holds {held:?} under {key}, not {expected:?}"));
                    break;
                }
            }
        }
    }
}
