//! Rooms at rest.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use heddle::{
    engine::{Access, Input, SessionId},
    protocol::limits::Limits,
    server::{Delivery, DurableRoom, News, Outbox, Room},
};

const ANN: SessionId = 1;
const BOB: SessionId = 2;

/// A room that may rest, and what it has sent.
struct Site {
    room: DurableRoom,
    sent: Vec<(SessionId, String)>,
    is_refused: bool,
}

impl Site {
    fn new() -> Self {
        Self::around(Room::new(true).unwrap())
    }

    fn around(room: Room) -> Self {
        Self { room: DurableRoom::new(room), sent: Vec::new(), is_refused: false }
    }

    fn journaled() -> Self {
        let mut room = Room::new(true).unwrap();
        room.set_journaled();
        Self::around(room)
    }

    /// A room at rest that holds two components, one of them deleted.
    fn at_rest() -> Self {
        let mut site = Self::new();
        site.join(ANN, "ann");
        site.draws(ANN, r#"[{"a":{"_exists":true,"x":1,"points":[1,2,3]},"b":{"_exists":true}}]"#);
        site.draws(ANN, r#"[{"b":{"_exists":false}}]"#);
        site.leave(ANN);
        assert!(site.is_at_rest());
        site
    }

    fn is_at_rest(&self) -> bool {
        self.room.room.awake().is_none()
    }

    fn join(&mut self, session: SessionId, client: &str) {
        let (client, access) = (client.as_bytes(), Access::ReadWrite);
        self.does(|room, out| {
            room.handle(Input::Joined { session, client, access, held: false }, out).unwrap();
        });
    }

    fn leave(&mut self, session: SessionId) {
        self.does(|room, out| room.handle(Input::Left { session }, out).unwrap());
    }

    fn says(&mut self, session: SessionId, frame: &str) {
        self.does(|room, out| room.receive(session, frame.as_bytes(), out).unwrap());
    }

    fn draws(&mut self, session: SessionId, patches: &str) {
        self.says(
            session,
            &format!(r#"{{"type":"patch","messageId":"m","documentPatches":{patches}}}"#),
        );
    }

    fn reconnects(&mut self, session: SessionId, since: u64) -> String {
        let frame =
            format!(r#"{{"type":"reconnect","lastTimestamp":{since},"protocolVersion":2}}"#);
        self.sent.clear();
        self.says(session, &frame);
        self.sent.iter().map(|(_, text)| text.as_str()).collect()
    }

    fn edit(&mut self, patches: &str) {
        self.does(|room, out| room.edit(patches.as_bytes(), out).unwrap());
    }

    /// The store takes everything.
    fn store(&mut self) {
        drop(self.room.room.take_batch());
        let clock = self.room.room.clock();
        self.does(|room, out| room.stored(clock, out).unwrap());
    }

    fn snapshot(&mut self) -> String {
        let snapshot = self.room.room.snapshot().unwrap();
        String::from_utf8(snapshot.text.to_vec()).unwrap()
    }

    fn does(&mut self, act: impl FnOnce(&mut DurableRoom, &mut Outbox)) {
        let mut out = Outbox::default();
        act(&mut self.room, &mut out);
        for news in out {
            match news {
                News::Deliver(Delivery::Send(session, text)) => {
                    self.sent.push((session, String::from_utf8(text).unwrap()));
                }
                News::Deliver(Delivery::Refused(..)) => self.is_refused = true,
                News::Deliver(_)
                | News::Commit
                | News::StoreFailed(_)
                | News::StoreHealed
                | News::StoreTrouble(_)
                | News::Settled(..) => {}
            }
        }
    }
}

const HELD: &str = r#"{"timestamp":2,"state":{"a":{"_exists":true,"x":1,"points":[1,2,3]},"b":{"_exists":false}},"timestamps":{"a":{"_exists":1,"x":1,"points":1},"b":{"_exists":2}}}"#;

#[test]
fn lc21_a_room_rests_when_the_last_session_has_left_and_wakes_for_the_next() {
    let mut site = Site::new();
    site.edit(r#"[{"a":{"_exists":true}}]"#);
    assert!(!site.is_at_rest(), "nobody has been here");

    site.join(ANN, "ann");
    site.join(BOB, "bob");
    site.leave(ANN);
    assert!(!site.is_at_rest());
    site.leave(BOB);
    assert!(site.is_at_rest());

    site.join(ANN, "ann");
    assert!(!site.is_at_rest());
    assert!(site.reconnects(ANN, 0).contains(r#""a":{"_exists":true}"#));
    site.leave(ANN);
    assert!(site.is_at_rest());
}

#[test]
fn lc21_a_room_rests_until_somebody_comes_or_it_holds_something() {
    let mut site = Site::new();
    assert!(site.is_at_rest());
    site.join(ANN, "ann");
    assert!(!site.is_at_rest());
    site.leave(ANN);
    assert!(site.is_at_rest());

    let mut site = Site::new();
    site.room.recover(Some(HELD.as_bytes()), b"[]").unwrap();
    assert!(!site.is_at_rest(), "it would be packed for whoever it was opened for");
    assert_eq!(site.snapshot(), HELD);
}

#[test]
fn lc21_a_room_that_rests_from_the_beginning_journals() {
    let mut site = Site::new();
    site.room.room.set_journaled();
    assert!(site.is_at_rest());

    site.join(ANN, "ann");
    site.sent.clear();
    site.draws(ANN, r#"[{"a":{"_exists":true}}]"#);

    assert_eq!(site.sent, [], "it is not stored");
    site.store();
    assert!(!site.sent.is_empty());
}

#[test]
fn lc21_a_room_that_was_at_rest_answers_as_if_it_had_not() {
    let mut site = Site::at_rest();

    site.join(BOB, "bob");

    let all = site.reconnects(BOB, 0);
    assert!(all.contains(r#"{"a":{"_exists":true,"x":1,"points":[1,2,3]}}"#), "{all}");
    let lacking = site.reconnects(BOB, 1);
    assert!(lacking.contains(r#"[{"b":{"_exists":false}}]"#), "{lacking}");
    site.draws(BOB, r#"[{"a":{"points":{"__buf":1,"len":4,"runs":[[3,[9]]]}},"b":{"x":2}}]"#);
    assert_eq!(
        site.snapshot(),
        HELD.replace(r#""timestamp":2"#, r#""timestamp":3"#)
            .replace("[1,2,3]", "[1,2,3,9]")
            .replace(r#""points":1"#, r#""points":3"#)
    );
}

#[test]
fn lc21_what_can_be_told_of_a_room_at_rest_does_not_wake_it() {
    let mut site = Site::at_rest();
    let room = &mut site.room.room;

    assert_eq!((room.clock(), room.census(), room.stored_clock()), (2, (1, 1), 2));
    assert_eq!((room.access(ANN), room.awaits(ANN, 0), room.has_unstored()), (None, false, false));
    assert!(room.document_bytes() > room.memory_bytes());
    assert!(room.begin_snapshot().unwrap().is_some());
    assert!(room.continue_snapshot().unwrap().is_some());
    assert_eq!(site.snapshot(), HELD);
    assert!(site.room.begin_stored_snapshot(b"[]").unwrap().is_some());
    site.store();
    site.does(|room, out| room.commit(out).unwrap());
    assert!(site.is_at_rest());
}

#[test]
fn lc21_an_edit_by_the_server_wakes_a_room_until_somebody_has_come_and_gone() {
    let mut site = Site::at_rest();

    site.edit(r#"[{"a":{"x":2}}]"#);
    assert!(!site.is_at_rest());
    site.edit(r#"[{"a":{"x":3}}]"#);
    site.does(|room, out| room.commit(out).unwrap());
    site.store();

    assert!(!site.is_at_rest(), "or each edit would cost what the whole document costs");
    assert!(site.snapshot().contains(r#""x":3"#));
    site.join(ANN, "ann");
    site.leave(ANN);
    assert!(site.is_at_rest());
    assert!(site.snapshot().contains(r#""x":3"#));
}

#[test]
fn lc21_a_room_that_journals_rests_when_everything_is_stored() {
    let mut site = Site::journaled();
    site.join(ANN, "ann");
    site.draws(ANN, r#"[{"a":{"_exists":true}}]"#);
    site.leave(ANN);
    assert!(!site.is_at_rest());
    site.store();
    assert!(site.is_at_rest());

    site.join(BOB, "bob");
    site.sent.clear();
    site.draws(BOB, r#"[{"b":{"_exists":true}}]"#);
    assert_eq!(site.sent, [], "it still journals");
    site.does(|room, out| room.store_failed(out).unwrap());
    assert!(!site.snapshot().contains(r#""b""#));
    site.leave(BOB);
    assert!(!site.is_at_rest(), "what comes has to wait");
    site.does(|room, out| room.store_recovered(out).unwrap());
    assert!(site.is_at_rest());
}

#[test]
fn lc21_a_store_that_fails_under_a_room_at_rest_is_heard_of() {
    let mut site = Site::journaled();
    site.join(ANN, "ann");
    site.leave(ANN);
    assert!(site.is_at_rest());

    site.does(|room, out| room.store_failed(out).unwrap());
    assert!(site.room.room.awake().unwrap().is_stalled());
    site.does(|room, out| room.store_recovered(out).unwrap());

    assert!(site.is_at_rest());
}

#[test]
fn lc21_a_session_that_is_closed_for_its_frame_was_the_last_too() {
    let mut site = Site::at_rest();
    site.join(BOB, "bob");

    site.draws(BOB, r#"{"a":1}"#);

    assert!(site.is_refused);
    assert!(site.is_at_rest());
}

#[test]
fn lc21_limits_and_sizes_hold_after_waking() {
    let mut limits = Limits::default();
    limits.quota.components = 2;
    let mut room = Room::with_limits(true, limits).unwrap();
    room.set_piece_bytes(1, 1);
    let mut site = Site::around(room);
    site.join(ANN, "ann");
    site.draws(ANN, r#"[{"a":{"_exists":true},"b":{"_exists":true}}]"#);
    site.leave(ANN);

    site.join(BOB, "bob");

    site.reconnects(BOB, 0);
    assert!(site.room.room.awake().unwrap().walks(BOB));
    site.draws(BOB, r#"[{"c":{"_exists":true}}]"#);
    assert!(site.is_refused);
}

#[test]
fn lc21_whose_first_catch_up_broke_off_is_told_what_was_deleted_after_waking_too() {
    let mut room = Room::new(true).unwrap();
    room.set_piece_bytes(1, 1);
    let mut site = Site::around(room);
    site.join(ANN, "ann");
    site.draws(ANN, r#"[{"a":{"_exists":true},"b":{"_exists":true}}]"#);
    site.join(BOB, "bob");
    site.reconnects(BOB, 0);
    site.leave(BOB);
    site.draws(ANN, r#"[{"a":{"_exists":false}}]"#);
    site.leave(ANN);
    assert!(site.is_at_rest());

    site.join(BOB, "bob");
    site.reconnects(BOB, 0);
    let mut told = String::new();
    while site.room.room.awake().unwrap().walks(BOB) {
        let mut out = Outbox::default();
        site.room.step(&[BOB], &mut out).unwrap();
        for news in out {
            if let News::Deliver(Delivery::Piece(_, text) | Delivery::Send(_, text)) = news {
                told.push_str(std::str::from_utf8(&text).unwrap());
            }
        }
    }

    assert!(told.contains(r#""a":{"_exists":false}"#), "{told}");
}

#[test]
fn lc21_a_large_document_stays_as_it_is() {
    let text = "x".repeat(128 << 10);
    let mut site = Site::new();
    site.join(ANN, "ann");
    site.draws(ANN, &format!(r#"[{{"a":{{"_exists":true,"text":"{text}"}}}}]"#));

    site.leave(ANN);

    assert!(!site.is_at_rest());
    site.join(ANN, "ann");
    site.draws(ANN, r#"[{"a":{"text":""}}]"#);
    site.leave(ANN);
    assert!(site.is_at_rest());
}
