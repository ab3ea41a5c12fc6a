//! A room of which everything is believed only as far as it holds.

use super::{choices::Choices, json::parse};
use heddle::{
    engine::{Access, Input, Quota, SessionId},
    protocol::{canvas::snapshot, limits::Limits},
    server::{Change, Delivery, Room, RoomError, SnapshotText, groups, replay},
};
use serde_json::Value;
use std::collections::{BTreeMap, VecDeque};

const TYPES: [&str; 7] =
    ["clientCount", "patch", "ack", "synced", "resync", "version-mismatch", "error"];

/// A room, and what its deliveries said so far.
pub(super) struct WatchedRoom {
    pub(super) room: Room,
    quota: Quota,
    journal: Option<Journal>,
    /// The delivery group of each session, as the owner of the sockets has it.
    members: BTreeMap<SessionId, u32>,
    next_session: SessionId,
    attempts: Vec<(SessionId, u32)>,
}

/// A store that takes its time.
#[derive(Default)]
struct Journal {
    in_flight: VecDeque<Vec<Change>>,
    stored: Vec<Change>,
}

impl WatchedRoom {
    pub(super) fn new(is_journaled: bool, quota: Quota) -> Self {
        let mut room = Room::with_limits(true, Limits { quota, ..Limits::default() }).unwrap();
        if is_journaled {
            room.set_journaled();
        }
        let journal = is_journaled.then(Journal::default);
        let members = BTreeMap::new();
        Self { room, quota, journal, members, next_session: 1, attempts: Vec::new() }
    }

    /// One that was there once, is there, or is about to come.
    pub(super) fn some_session(&self, choices: &mut Choices<'_>) -> SessionId {
        u64::try_from(choices.below(usize::try_from(self.next_session).unwrap() + 1)).unwrap()
    }

    pub(super) fn some_attempt(&self, choices: &mut Choices<'_>) -> Option<(SessionId, u32)> {
        let count = self.attempts.len();
        (count > 0).then(|| self.attempts[choices.below(count)])
    }

    pub(super) fn join(&mut self, client: &[u8], access: Access, held: bool) -> SessionId {
        let session = self.next_session;
        self.next_session += 1;
        self.handle(Input::Joined { session, client, access, held });
        session
    }

    /// Handles an input that never changes the document.
    pub(super) fn handle(&mut self, input: Input<'_>) {
        let before = self.text();
        let deliveries = self.room.handle(input).unwrap();
        self.run(&deliveries);
        assert_eq!(self.text(), before, "what is no edit changed the document");
    }

    pub(super) fn receive(&mut self, session: SessionId, frame: &[u8]) {
        let (before, clock) = (self.text(), self.room.clock());
        let access = self.room.access(session);
        let deliveries = self.room.receive(session, frame).unwrap();
        self.run(&deliveries);
        let is_changed = self.room.clock() != clock;
        assert_eq!(self.text() != before, is_changed, "the clock tells of changes");
        assert!(!is_changed || access == Some(Access::ReadWrite));
        assert!(self.room.clock() - clock <= 1, "a frame is one change");
        if self.journal.is_none() {
            self.assert_answered(session, &deliveries, is_changed);
        }
    }

    /// What the sender is told is what happened.
    fn assert_answered(&self, session: SessionId, deliveries: &[Delivery], is_changed: bool) {
        let answers: Vec<Value> = deliveries
            .iter()
            .filter_map(|delivery| sent_to(session, delivery).map(parse))
            .collect();
        let find = |kind: &str| answers.iter().find(|answer| answer["type"] == kind);
        let clock = self.room.clock();
        for kind in ["ack", "synced"] {
            if let Some(answer) = find(kind) {
                assert_eq!(answer["timestamp"], clock, "{answer}");
            }
        }
        if find("error").is_some() {
            assert!(!is_changed, "a refused frame changed the document");
            assert!(find("ack").is_none());
            let is_here = self.room.access(session).is_some();
            let is_served = find("synced").is_some() || self.room.walks(session);
            assert_eq!(is_here, is_served, "closed, unless it is caught up");
        }
        let told = deliveries.iter().filter(|it| matches!(it, Delivery::Changed(_))).count();
        assert_eq!(told, usize::from(is_changed));
    }

    pub(super) fn edit(&mut self, patches: &[u8]) {
        let (before, clock) = (self.text(), self.room.clock());
        match self.room.edit(patches) {
            Ok(deliveries) => self.run(&deliveries),
            Err(RoomError::BadPatch(_) | RoomError::Stalled) => {
                assert_eq!((self.text(), self.room.clock()), (before, clock));
            }
            Err(error) => panic!("{error}"),
        }
        assert!(matches!(self.room.clock() - clock, 0 | 1));
    }

    fn run(&mut self, deliveries: &[Delivery]) {
        assert!(self.room.document_bytes() <= self.quota.document_bytes);
        assert!(self.room.census().0 <= self.quota.components);
        let is_plain = self.journal.is_none();
        let mut closing = Vec::new();
        for delivery in deliveries {
            match delivery {
                Delivery::Send(session, text) => {
                    assert_known(text);
                    assert!(!is_plain || self.members.contains_key(session));
                }
                Delivery::Broadcast(to, except, text) => {
                    assert_known(text);
                    let mut others =
                        self.members.iter().filter(|(session, _)| Some(**session) != *except);
                    let is_heard = others.any(|(_, group)| group & to != 0);
                    assert!(*to != 0 && (!is_plain || is_heard), "encoded for nobody");
                }
                Delivery::Place(session, group) => {
                    let known = [groups::MUTE, groups::LIVE, groups::WHOLE_ARRAYS, groups::HELD];
                    assert!(known.contains(group));
                    self.members.insert(*session, *group);
                }
                Delivery::Piece(sessions, text) => {
                    assert_known(text);
                    assert!(!is_plain || sessions.iter().all(|it| self.members.contains_key(it)));
                }
                Delivery::Walks(session, _) | Delivery::Refused(session, _) => {
                    assert!(!is_plain || self.members.contains_key(session));
                }
                Delivery::Close(session, _) => closing.push(*session),
                Delivery::Left(session, remaining) => {
                    assert!(self.members.remove(session).is_some());
                    assert!(!is_plain || *remaining == self.members.len());
                    closing.retain(|it| it != session);
                }
                Delivery::VerifyToken(session, attempt, token) => {
                    assert!(parse(token).is_string() || parse(token).is_null());
                    self.attempts.push((*session, *attempt));
                }
                Delivery::Changed(patches) => drop(parse(patches.as_ref().unwrap())),
            }
        }
        assert!(closing.is_empty(), "closed, but has not left");
    }

    fn text(&mut self) -> SnapshotText {
        self.room.snapshot().unwrap().text
    }

    /// One step of the store: it takes a batch, stores some, fails, or comes back.
    pub(super) fn step_store(&mut self, choices: &mut Choices<'_>) {
        let Some(journal) = &mut self.journal else { return };
        match choices.below(8) {
            0..=2 => journal.in_flight.extend(self.room.take_batch()),
            3..=4 => {
                let most = journal.in_flight.len();
                self.store(choices.below(most + 1));
            }
            5 => self.fail(),
            6 => {
                let deliveries = self.room.store_recovered().unwrap();
                self.run(&deliveries);
            }
            _ => self.assert_stored_snapshot(),
        }
        assert!(self.room.stored_clock() <= self.room.clock());
        assert_eq!(self.room.has_unstored(), self.room.stored_clock() < self.room.clock());
    }

    fn store(&mut self, batches: usize) {
        let Some(journal) = &mut self.journal else { return };
        journal.stored.extend(journal.in_flight.drain(..batches).flatten());
        let clock = journal.stored.last().map_or(0, |change| change.clock);
        let deliveries = self.room.stored(clock).unwrap();
        self.run(&deliveries);
        assert_eq!(self.room.stored_clock(), clock);
    }

    fn fail(&mut self) {
        let Some(journal) = &mut self.journal else { return };
        journal.in_flight.clear();
        let clock = journal.stored.last().map_or(0, |change| change.clock);
        let deliveries = self.room.store_failed().unwrap();
        self.run(&deliveries);
        assert!(self.room.is_stalled());
        assert_eq!((self.room.clock(), self.room.stored_clock()), (clock, clock));
        self.assert_stored_snapshot();
    }

    /// What is stored is what replaying it gives.
    fn assert_stored_snapshot(&mut self) {
        let Some(journal) = &self.journal else { return };
        let in_flight: Vec<&[u8]> =
            journal.in_flight.iter().flatten().map(|change| &*change.patches).collect();
        let whole = self.room.snapshot().unwrap().text;
        let mut stored = self.room.begin_stored_snapshot(&in_flight).unwrap();
        while stored.is_none() {
            stored = self.room.continue_snapshot().unwrap();
        }
        let stored = stored.unwrap();
        let changes = journal.stored.iter().map(|change| (change.clock, &*change.patches));
        let replayed = replay(None, changes).unwrap();
        assert_eq!(String::from_utf8_lossy(&stored.text), String::from_utf8_lossy(&replayed));
        assert_eq!(self.room.snapshot().unwrap().text, whole, "looking at it changed the room");
    }

    /// Lets the store take all there is, and looks at what the room has become.
    pub(super) fn settle(mut self) {
        if self.journal.is_some() {
            let deliveries = self.room.store_recovered().unwrap();
            self.run(&deliveries);
            let batch = self.room.take_batch();
            let batches = self.journal.as_mut().map_or(0, |journal| {
                journal.in_flight.extend(batch);
                journal.in_flight.len()
            });
            self.store(batches);
            assert!(!self.room.has_unstored());
            self.assert_stored_snapshot();
        }
        let text = self.text();
        let document = snapshot::decode(&text, (1, 2)).unwrap();
        assert_eq!(snapshot::encode(&document), *text);
        let (alive, tombstones) = self.room.census();
        assert_eq!((document.alive(), document.components().len()), (alive, alive + tombstones));
        self.assert_served(alive);
        self.assert_everybody_leaves();
    }

    /// Who comes now with nothing gets all that is alive.
    fn assert_served(&mut self, alive: usize) {
        let session = self.join(b"late", Access::ReadOnly, true);
        let frame = br#"{"type":"reconnect","lastTimestamp":0,"protocolVersion":2}"#;
        let deliveries = self.room.receive(session, frame).unwrap();
        self.run(&deliveries);
        let text = deliveries.iter().find_map(|delivery| sent_to(session, delivery));
        let frame = parse(text.unwrap());
        if !frame.is_null() {
            let shown = frame["documentPatches"][0].as_object().map_or(0, serde_json::Map::len);
            assert_eq!(shown, alive, "{frame}");
        }
    }

    fn assert_everybody_leaves(mut self) {
        for session in 0..=self.next_session {
            let deliveries = self.room.handle(Input::Left { session }).unwrap();
            self.run(&deliveries);
        }
        assert!(self.members.is_empty(), "somebody is left: {:?}", self.members);
    }
}

/// What a delivery sends to this session alone.
fn sent_to(session: SessionId, delivery: &Delivery) -> Option<&[u8]> {
    let Delivery::Send(to, text) = delivery else { return None };
    (*to == session).then_some(text)
}

/// Asserts that a text is a frame that the protocol has.
fn assert_known(text: &[u8]) {
    let frame = parse(text);
    if !frame.is_null() {
        let kind = frame["type"].as_str().unwrap();
        assert!(TYPES.contains(&kind), "{frame}");
    }
}
