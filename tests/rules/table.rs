//! A room with its sessions around it: what each of them is sent is kept until a test takes it.
#![expect(clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]

use std::collections::BTreeMap;

use heddle::{
    engine::{Access, CloseReason, Input, RefusalCode, SessionId},
    protocol::limits::Limits,
    server::{Change, Delivery, Room, RoomError, groups},
};

/// A room and its sessions. Sessions are numbers that the tests name.
pub(crate) struct Table {
    pub(crate) room: Room,
    sessions: BTreeMap<SessionId, Seat>,
    /// Who was sent something, frame by frame.
    pub(crate) order: Vec<SessionId>,
    /// What the room asked for besides sending.
    pub(crate) asked: Vec<Asked>,
    /// How many steps of catch-ups were encoded.
    pub(crate) pieces: usize,
    /// The sessions whose frames were refused, and why.
    pub(crate) refused: Vec<(SessionId, RefusalCode)>,
}

#[derive(Default)]
struct Seat {
    group: u32,
    frames: Vec<String>,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    Close(SessionId, CloseReason),
    Walks(SessionId, bool),
    Left(SessionId, usize),
    Verify(SessionId, u32, String),
    Changed(String),
}

impl Table {
    pub(crate) fn new() -> Self {
        Self::with_limits(Limits::default())
    }

    pub(crate) fn with_limits(limits: Limits) -> Self {
        let room = Room::with_limits(true, limits).expect("the system has randomness");
        Self {
            room,
            sessions: BTreeMap::new(),
            order: Vec::new(),
            asked: Vec::new(),
            pieces: 0,
            refused: Vec::new(),
        }
    }

    /// A journaled room with these clients, as [`Self::with`].
    pub(crate) fn journaled(clients: &[&str]) -> Self {
        let mut table = Self::new();
        table.room.set_journaled();
        for (client, session) in clients.iter().zip(1..) {
            table.join(session, client);
        }
        table.forget();
        table
    }

    /// A room with these clients, as sessions 1, 2, …, which have been sent all there is to send.
    pub(crate) fn with(clients: &[&str]) -> Self {
        let mut table = Self::new();
        for (client, session) in clients.iter().zip(1..) {
            table.join(session, client);
        }
        table.forget();
        table
    }

    pub(crate) fn join(&mut self, session: SessionId, client: &str) {
        self.join_as(session, client, Access::ReadWrite, false);
    }

    pub(crate) fn join_held(&mut self, session: SessionId, client: &str) {
        self.join_as(session, client, Access::ReadWrite, true);
    }

    pub(crate) fn join_readonly(&mut self, session: SessionId, client: &str) {
        self.join_as(session, client, Access::ReadOnly, false);
    }

    fn join_as(&mut self, session: SessionId, client: &str, access: Access, held: bool) {
        self.sessions.insert(session, Seat::default());
        self.handle(Input::Joined { session, client: client.as_bytes(), access, held });
    }

    pub(crate) fn leave(&mut self, session: SessionId) {
        self.sessions.remove(&session);
        self.handle(Input::Left { session });
    }

    /// The socket of a session does not drain.
    pub(crate) fn lag(&mut self, session: SessionId) {
        self.handle(Input::Lagging { session });
    }

    /// It has drained.
    pub(crate) fn drained(&mut self, session: SessionId) {
        self.handle(Input::Drained { session });
    }

    /// Goes on with the catch-ups of these sessions.
    pub(crate) fn step(&mut self, ready: &[SessionId]) {
        let deliveries = self.room.step(ready).expect("the room is sound");
        self.deliver(deliveries);
    }

    /// Goes on with the catch-up of a session to its end.
    pub(crate) fn walk(&mut self, session: SessionId) {
        for _ in 0..10_000 {
            if !self.room.walks(session) {
                return;
            }
            self.step(&[session]);
        }
        panic!("the catch-up of session {session} does not end");
    }

    pub(crate) fn handle(&mut self, input: Input<'_>) {
        let deliveries = self.room.handle(input).expect("the room is sound");
        self.deliver(deliveries);
    }

    pub(crate) fn receive(&mut self, session: SessionId, frame: impl AsRef<[u8]>) {
        let deliveries = self.room.receive(session, frame.as_ref()).expect("the room is sound");
        self.deliver(deliveries);
    }

    /// Sends document patches, `m` being the message's id.
    pub(crate) fn patch(&mut self, session: SessionId, document: &str) {
        self.receive(
            session,
            format!(r#"{{"type":"patch","messageId":"m","documentPatches":{document}}}"#),
        );
    }

    pub(crate) fn show(&mut self, session: SessionId, presence: &str) {
        self.receive(
            session,
            format!(r#"{{"type":"patch","messageId":"p","ephemeralPatches":{presence}}}"#),
        );
    }

    /// Reconnects with version 2 and no patches.
    pub(crate) fn reconnect(&mut self, session: SessionId, since: u64) {
        self.receive(
            session,
            format!(r#"{{"type":"reconnect","lastTimestamp":{since},"protocolVersion":2}}"#),
        );
    }

    pub(crate) fn edit(&mut self, patches: &str) -> Result<(), RoomError> {
        let deliveries = self.room.edit(patches.as_bytes())?;
        self.deliver(deliveries);
        Ok(())
    }

    /// Takes what is to be stored, as clock, client and patches.
    pub(crate) fn batch(&mut self) -> Vec<(u64, String, String)> {
        let changes = self.room.take_batch().unwrap_or_default();
        let change = |change: Change| {
            (change.clock, text(change.client.to_vec()), text(change.patches.to_vec()))
        };
        changes.into_iter().map(change).collect()
    }

    /// The store has the changes up to this clock.
    pub(crate) fn stored(&mut self, clock: u64) {
        let deliveries = self.room.stored(clock).expect("the room is sound");
        self.deliver(deliveries);
    }

    /// The store takes everything there is.
    pub(crate) fn store(&mut self) {
        self.batch();
        self.stored(self.room.clock());
    }

    /// The store fails.
    pub(crate) fn fail(&mut self) {
        let deliveries = self.room.store_failed().expect("the room is sound");
        self.deliver(deliveries);
    }

    /// The store works again.
    pub(crate) fn recover(&mut self) {
        let deliveries = self.room.store_recovered().expect("the room is sound");
        self.deliver(deliveries);
    }

    /// Takes what a session was sent since the last look.
    pub(crate) fn sent(&mut self, session: SessionId) -> Vec<String> {
        self.sessions
            .get_mut(&session)
            .map(|seat| std::mem::take(&mut seat.frames))
            .unwrap_or_default()
    }

    /// Forgets all that was sent and asked so far.
    pub(crate) fn forget(&mut self) {
        self.order.clear();
        self.asked.clear();
        self.refused.clear();
        for seat in self.sessions.values_mut() {
            seat.frames.clear();
        }
    }

    /// The document as a snapshot.
    pub(crate) fn snapshot(&mut self) -> String {
        text(self.room.snapshot().expect("the room is sound").text.to_vec())
    }

    fn deliver(&mut self, deliveries: Vec<Delivery>) {
        for delivery in deliveries {
            match delivery {
                Delivery::Send(session, frame) => {
                    self.order.push(session);
                    if let Some(seat) = self.sessions.get_mut(&session) {
                        seat.frames.push(text(frame));
                    }
                }
                Delivery::Broadcast(groups, except, frame) => {
                    let frame = text(frame);
                    for (session, seat) in &mut self.sessions {
                        if seat.group & groups != 0 && Some(*session) != except {
                            self.order.push(*session);
                            seat.frames.push(frame.clone());
                        }
                    }
                }
                Delivery::Piece(sessions, frame) => {
                    let frame = text(frame);
                    self.pieces += 1;
                    for session in sessions {
                        if let Some(seat) = self.sessions.get_mut(&session) {
                            seat.frames.push(frame.clone());
                        }
                    }
                }
                Delivery::Walks(session, walks) => self.asked.push(Asked::Walks(session, walks)),
                Delivery::Place(session, group) => {
                    assert!(group <= groups::HELD, "one group at a time");
                    match self.sessions.get_mut(&session) {
                        Some(seat) => seat.group = group,
                        None => panic!("placed session {session}, which is not here"),
                    }
                }
                Delivery::Close(session, reason) => {
                    // Its socket takes nothing more; what it got before stays readable.
                    if let Some(seat) = self.sessions.get_mut(&session) {
                        seat.group = groups::MUTE;
                    }
                    self.asked.push(Asked::Close(session, reason));
                }
                Delivery::Refused(session, code) => self.refused.push((session, code)),
                Delivery::Left(session, remaining) => {
                    self.asked.push(Asked::Left(session, remaining));
                }
                Delivery::VerifyToken(session, attempt, token) => {
                    self.asked.push(Asked::Verify(session, attempt, text(token)));
                }
                Delivery::Changed(patches) => {
                    self.asked.extend(patches.map(text).map(Asked::Changed));
                }
            }
        }
    }
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).expect("frames are UTF-8")
}
