//! The server: a room as its owner drives it, bytes in and deliveries out.

use std::collections::BTreeMap;

use heddle::{
    engine::{Access, Input, SessionId},
    server::{Delivery, RestingRoom, Room},
};
use serde_json::Value;

use super::{ledger::Ledger, store::Store};

/// Catch-ups come in several frames, so that connections break between them too.
const PIECE_BYTES: usize = 64;

/// The number of a connection in the world.
pub type Link = usize;

/// What the server does to a connection.
#[derive(Debug)]
pub enum Sent {
    /// It sends a frame.
    Frame(Link, Vec<u8>),
    /// It closes the socket.
    Close(Link),
}

/// A server with one room, which is there while somebody is in it.
#[derive(Debug, Default)]
pub struct Server {
    /// What the room must hold.
    pub ledger: Ledger,
    room: Option<RestingRoom>,
    disk: Option<Vec<u8>>,
    /// Where a journaled room's changes go.
    store: Option<Store>,
    /// It forgets who was sent a first catch-up in several frames, which must not break off then (SPEC.md, Known gaps).
    forgets: bool,
    sessions: BTreeMap<SessionId, (Link, String)>,
    groups: BTreeMap<SessionId, u32>,
    joined: SessionId,
    /// What was sent and should not have been.
    wrong: Option<String>,
}

impl Server {
    /// A server whose room journals, or not, and may end and be opened again, or fall back to an older snapshot.
    pub fn new(journaled: bool, forgets: bool) -> Self {
        Self { store: journaled.then(Store::default), forgets, ..Self::default() }
    }

    /// Whether frames wait in the room until something is stored.
    pub fn withholds(&self) -> bool {
        self.room.as_ref().is_some_and(RestingRoom::has_unstored)
    }

    /// A connection joins, opening the room if it is closed.
    pub fn join(&mut self, link: Link, client: &str, held: bool) -> (SessionId, Vec<Sent>) {
        self.joined += 1;
        let session = self.joined;
        let (disk, store) = (self.disk.as_deref(), self.store.as_ref());
        let first_bytes = if self.forgets { usize::MAX } else { PIECE_BYTES };
        let room = self.room.get_or_insert_with(|| {
            if let Some(store) = store {
                let mut room = store.open();
                room.set_piece_bytes(first_bytes, PIECE_BYTES);
                return RestingRoom::new(room);
            }
            let mut room = Room::new(false).unwrap();
            room.set_piece_bytes(first_bytes, PIECE_BYTES);
            if let Some(snapshot) = disk {
                room.restore(snapshot).unwrap();
            }
            RestingRoom::new(room)
        });
        self.sessions.insert(session, (link, client.to_owned()));
        let input =
            Input::Joined { session, client: client.as_bytes(), access: Access::ReadWrite, held };
        let deliveries = room.wake().unwrap().handle(input).unwrap();
        (session, self.carry_out(deliveries))
    }

    /// A frame came in.
    pub fn receive(&mut self, session: SessionId, text: &str) -> Vec<Sent> {
        let Some((_, client)) = self.sessions.get(&session) else { return Vec::new() };
        let frame = serde_json::from_str(text).unwrap();
        let room = self.room.as_mut().unwrap().wake().unwrap();
        if let Some(store) = &mut self.store {
            store.expect(&frame);
            self.ledger.show(client, &frame, !room.is_stalled());
        } else {
            self.ledger.handle(client, &frame);
        }
        let deliveries = room.receive(session, text.as_bytes()).unwrap();
        self.carry_out(deliveries)
    }

    /// How many changes are on their way to the store; none without a store or a room.
    pub fn storing(&self) -> Option<usize> {
        self.store.as_ref().filter(|_| self.room.is_some()).map(Store::waiting)
    }

    /// Whether the store has failed.
    pub fn is_stalled(&self) -> bool {
        self.awake().is_some_and(Room::is_stalled)
    }

    /// The store has so many more changes.
    pub fn stored(&mut self, count: usize) -> Vec<Sent> {
        let (Some(store), Some(room)) = (&mut self.store, &mut self.room) else {
            return Vec::new();
        };
        store.finish(count);
        let deliveries = room.wake().unwrap().stored(store.clock()).unwrap();
        self.carry_out(deliveries)
    }

    /// The store fails.
    pub fn fail(&mut self) -> Vec<Sent> {
        let (Some(store), Some(room)) = (&mut self.store, &mut self.room) else {
            return Vec::new();
        };
        store.lose(&mut self.ledger);
        let deliveries = room.wake().unwrap().store_failed().unwrap();
        self.carry_out(deliveries)
    }

    /// Whether a session lags.
    pub fn lags(&self, session: Option<SessionId>) -> bool {
        session.zip(self.awake()).is_some_and(|(session, room)| room.lags(session))
    }

    /// The socket of a session stops draining, or has drained.
    pub fn turn_lag(&mut self, session: SessionId) -> Vec<Sent> {
        let Some(room) = self.room.as_mut().filter(|_| self.sessions.contains_key(&session)) else {
            return Vec::new();
        };
        let room = room.wake().unwrap();
        let input = if room.lags(session) {
            Input::Drained { session }
        } else {
            Input::Lagging { session }
        };
        let deliveries = room.handle(input).unwrap();
        self.carry_out(deliveries)
    }

    /// Whether a session is being caught up in steps, so that its frames should wait.
    pub fn walks(&self, session: Option<SessionId>) -> bool {
        session.zip(self.awake()).is_some_and(|(session, room)| room.walks(session))
    }

    /// Some sessions take another step of their catch-ups.
    pub fn step(&mut self, ready: &[SessionId]) -> Vec<Sent> {
        let Some(room) = &mut self.room else { return Vec::new() };
        let deliveries = room.wake().unwrap().step(ready).unwrap();
        self.carry_out(deliveries)
    }

    /// The store works again.
    pub fn recover(&mut self) -> Vec<Sent> {
        let Some(room) = &mut self.room else { return Vec::new() };
        let deliveries = room.wake().unwrap().store_recovered().unwrap();
        self.carry_out(deliveries)
    }

    /// The server is killed when the store has so many more changes, of which nobody was told.
    pub fn kill(&mut self, count: usize) {
        if let Some(store) = &mut self.store {
            store.finish(count.min(store.waiting()));
            store.lose(&mut self.ledger);
            self.room = None;
        }
        self.stop();
    }

    /// A connection ended. With `close_empty` the last one closes the room.
    pub fn leave(&mut self, session: SessionId, close_empty: bool) -> Vec<Sent> {
        let Some(room) = &mut self.room else { return Vec::new() };
        let deliveries = room.wake().unwrap().handle(Input::Left { session }).unwrap();
        let sent = self.carry_out(deliveries);
        if close_empty && self.sessions.is_empty() {
            self.stop();
        }
        sent
    }

    /// Saves the room and ends it; every session is gone.
    pub fn stop(&mut self) {
        if let Some(mut room) = self.room.take() {
            match &mut self.store {
                Some(store) => {
                    store.finish(store.waiting());
                    store.compact();
                }
                None => self.disk = Some(room.snapshot().unwrap().text.to_vec()),
            }
        }
        self.sessions.clear();
        self.groups.clear();
        self.ledger.shown.clear();
    }

    /// Ends the room and goes back to a snapshot and what it held.
    pub fn roll_back(&mut self, (disk, ledger): (Vec<u8>, Ledger)) {
        self.stop();
        self.disk = Some(disk);
        self.ledger = ledger;
        self.ledger.shown.clear();
    }

    /// The room's snapshot, and what it must hold.
    pub fn backup(&mut self) -> Option<(Vec<u8>, Ledger)> {
        Some((self.snapshot()?, self.ledger.clone()))
    }

    /// Compares what the room holds with what it must hold; tells the difference.
    pub fn check(&mut self) -> Result<(), String> {
        if let Some(wrong) = self.wrong.take() {
            return Err(wrong);
        }
        let Some(snapshot) = self.snapshot() else { return Ok(()) };
        let snapshot: Value = serde_json::from_slice(&snapshot).unwrap();
        if snapshot["timestamp"].as_u64() != Some(self.ledger.clock) {
            return Err(format!(
                "the room is at {}, not {}",
                snapshot["timestamp"], self.ledger.clock
            ));
        }
        let state: BTreeMap<String, _> = serde_json::from_value(snapshot["state"].clone()).unwrap();
        for (key, entry) in &self.ledger.entries {
            let held = state.get(key);
            let expected =
                if entry.alive { entry.fields.clone() } else { super::patch::deletion() };
            if held != Some(&expected) {
                return Err(format!("the room holds {held:?} under {key}, not {expected:?}"));
            }
            let clocks: BTreeMap<String, u64> =
                serde_json::from_value(snapshot["timestamps"][key].clone()).unwrap();
            if entry.alive && clocks != entry.clocks {
                return Err(format!("the clocks of {key} are {clocks:?}, not {:?}", entry.clocks));
            }
        }
        if state.len() > self.ledger.entries.len() {
            return Err(format!("the room holds more than it should: {:?}", state.keys()));
        }
        Ok(())
    }

    fn snapshot(&mut self) -> Option<Vec<u8>> {
        match (&mut self.room, &self.store) {
            (Some(room), _) => Some(room.snapshot().unwrap().text.to_vec()),
            (None, Some(store)) => Some(store.text()),
            (None, None) => self.disk.clone(),
        }
    }

    /// Checks what a journaled room sends.
    fn watch(&mut self, text: &[u8]) {
        let Some(store) = &self.store else { return };
        let frame: Value = serde_json::from_slice(text).unwrap();
        self.wrong = self.wrong.take().or_else(|| store.check(&frame).err());
        if let (Some(id), Some(clock)) = (frame["messageId"].as_str(), frame["timestamp"].as_u64())
        {
            self.ledger.handled.insert(id.to_owned(), clock);
        }
    }

    fn carry_out(&mut self, deliveries: Vec<Delivery>) -> Vec<Sent> {
        if let (Some(store), Some(room)) = (&mut self.store, &mut self.room) {
            store.take(room, &mut self.ledger);
        }
        if let Some(room) = &mut self.room {
            if !room.is_empty() {
                room.note_visit();
            }
            room.rest();
        }
        let mut sent = Vec::new();
        for delivery in deliveries {
            if let Delivery::Send(_, text)
            | Delivery::Piece(_, text)
            | Delivery::Broadcast(.., text) = &delivery
            {
                self.watch(text);
            }
            match delivery {
                Delivery::Place(session, group) => {
                    self.groups.insert(session, group);
                }
                Delivery::Send(session, text) => {
                    sent.extend(
                        self.sessions.get(&session).map(|(link, _)| Sent::Frame(*link, text)),
                    );
                }
                Delivery::Broadcast(groups, except, text) => {
                    for (session, (link, _)) in &self.sessions {
                        let listens =
                            self.groups.get(session).is_some_and(|group| group & groups != 0);
                        if listens && Some(*session) != except {
                            sent.push(Sent::Frame(*link, text.clone()));
                        }
                    }
                }
                Delivery::Piece(sessions, text) => {
                    let links = sessions.iter().filter_map(|session| self.sessions.get(session));
                    sent.extend(links.map(|(link, _)| Sent::Frame(*link, text.clone())));
                }
                Delivery::Close(session, _) => {
                    sent.extend(self.sessions.get(&session).map(|(link, _)| Sent::Close(*link)));
                }
                Delivery::Left(session, _) => self.forget(session),
                Delivery::Refused(..)
                | Delivery::VerifyToken(..)
                | Delivery::Walks(..)
                | Delivery::Changed(_) => {}
            }
        }
        sent
    }

    /// The room, unless it is closed or at rest.
    fn awake(&self) -> Option<&Room> {
        self.room.as_ref().and_then(RestingRoom::awake)
    }

    fn forget(&mut self, session: SessionId) {
        self.groups.remove(&session);
        if let Some((_, client)) = self.sessions.remove(&session)
            && self.sessions.values().all(|(_, other)| *other != client)
        {
            self.ledger.shown.remove(&client);
        }
    }
}
