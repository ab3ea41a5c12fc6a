//! Frames that nearly all are take a way of their own: through one pass of decoding and straight to their answers. Whatever happens
//! in a room, what comes of them is the same.

use heddle::{
    engine::{Input, SessionId},
    protocol::canvas::Decoding,
};
use proptest::{collection::vec, prelude::*, sample::select};

use super::table::Table;

/// Whose each session is, in turns.
const CLIENTS: [&str; 4] = ["alice", "bob", "cat", "bob"];

/// Document patches; the last are refused.
const DOCUMENTS: [&str; 9] = [
    "",
    r#"[{"a":{"_exists":true,"x":1.5,"points":[1,2,3]}}]"#,
    r#"[{"a":{"x":2}}]"#,
    r#"[{"a":{"points":{"__buf":1,"len":4,"runs":[[1,[0.1,7]]]}}}]"#,
    r#"[{"a":{"_exists":false}},{"b":{"_exists":true,"text":"a text of some length, so that a catch-up takes more than one step"}}]"#,
    r#"[{"b":{"text":"é"},"nobody":{"x":1}}]"#,
    r#"[{"c":{"_exists":true,"y":0,"z":"\n"}},{"c":{"y":1}}]"#,
    r#"[{"a":{"x":{"__buf":1,"len":1,"runs":[]}}}]"#,
    r#"[{"b":{"_exists":1}}]"#,
];

/// Presence patches.
const PRESENCES: [&str; 5] = [
    "",
    r#"[{"p":{"_exists":true,"x":1,"trail":[1]}}]"#,
    r#"[{"p":{"x":-20.25}}]"#,
    r#"[{"p":{"trail":{"__buf":1,"len":2,"runs":[[1,[5]]]}}},{"q":{"_exists":true}}]"#,
    r#"[{"p":{"_exists":false}}]"#,
];

/// Something happens; sessions are counted among those that are here.
#[derive(Debug, Clone)]
enum Step {
    Join(Seat),
    Leave(usize),
    Patch(usize, &'static str, &'static str),
    Reconnect(usize, u64, u32),
    Edit(&'static str),
    Lag(usize),
    Drained(usize),
    Walk,
    Batch,
    Store,
    Fail,
    Recover,
}

#[derive(Debug, Clone, Copy)]
enum Seat {
    Live,
    Held,
    ReadOnly,
}

fn step() -> impl Strategy<Value = Step> {
    let session = || 0..4_usize;
    let seat = select(vec![Seat::Live, Seat::Live, Seat::Held, Seat::ReadOnly]);
    let patch = (session(), select(&DOCUMENTS[..]), select(&PRESENCES[..]));
    let reconnect = (session(), 0..4_u64, 1..=3_u32);
    prop_oneof![
        2 => seat.prop_map(Step::Join),
        1 => session().prop_map(Step::Leave),
        16 => patch.prop_map(|(session, document, presence)| Step::Patch(session, document, presence)),
        2 => reconnect.prop_map(|(session, since, version)| Step::Reconnect(session, since, version)),
        1 => select(&DOCUMENTS[1..5]).prop_map(Step::Edit),
        1 => session().prop_map(Step::Lag),
        1 => session().prop_map(Step::Drained),
        1 => Just(Step::Walk),
        2 => Just(Step::Batch),
        4 => Just(Step::Store),
        1 => Just(Step::Fail),
        1 => Just(Step::Recover),
    ]
}

/// What a frame of patches says; names in the order in which clients write them.
fn frame(document: &str, presence: &str) -> String {
    let member = |name, list: &str| {
        if list.is_empty() { String::new() } else { format!(r#","{name}":{list}"#) }
    };
    let (document, presence) =
        (member("documentPatches", document), member("ephemeralPatches", presence));
    format!(r#"{{"type":"patch","messageId":"m"{document}{presence}}}"#)
}

/// A room, and who is in it.
struct World {
    table: Table,
    here: Vec<SessionId>,
    joined: SessionId,
    is_journaled: bool,
}

impl World {
    fn new(is_journaled: bool, decoding: Decoding) -> Self {
        let mut table = Table::new();
        table.room.set_decoding(decoding);
        table.room.set_piece_bytes(120, 80);
        if is_journaled {
            table.room.set_journaled();
        }
        Self { table, here: Vec::new(), joined: 0, is_journaled }
    }

    fn session(&self, place: usize) -> SessionId {
        self.here.get(place % self.here.len().max(1)).copied().unwrap_or(0)
    }

    /// Takes a step, and gives what it says by itself.
    fn take(&mut self, step: &Step) -> String {
        let session = |place| self.session(place);
        match *step {
            Step::Join(seat) => self.join(seat),
            Step::Leave(place) => {
                let session = session(place);
                self.table.handle(Input::Left { session });
            }
            Step::Patch(place, document, presence) => {
                let session = session(place);
                self.table.receive(session, frame(document, presence));
            }
            Step::Reconnect(place, since, version) => {
                let session = session(place);
                let frame = format!(
                    r#"{{"type":"reconnect","lastTimestamp":{since},"protocolVersion":{version}}}"#
                );
                self.table.receive(session, frame);
            }
            Step::Edit(patches) => return format!("{:?}", self.table.edit(patches)),
            Step::Lag(place) => {
                let session = session(place);
                self.table.lag(session);
            }
            Step::Drained(place) => {
                let session = session(place);
                self.table.drained(session);
            }
            Step::Walk => {
                let room = &self.table.room;
                let walking = self.here.iter().copied().filter(|session| room.walks(*session));
                let walking: Vec<_> = walking.collect();
                self.table.step(&walking);
            }
            Step::Batch if self.is_journaled => return format!("{:?}", self.table.batch()),
            Step::Store if self.is_journaled && !self.table.room.is_stalled() => self.table.store(),
            Step::Fail if self.is_journaled => self.table.fail(),
            Step::Recover if self.table.room.is_stalled() => self.table.recover(),
            Step::Batch | Step::Store | Step::Fail | Step::Recover => {}
        }
        String::new()
    }

    fn join(&mut self, seat: Seat) {
        let client = CLIENTS.iter().cycle().nth(self.here.len()).copied().unwrap_or_default();
        self.joined += 1;
        match seat {
            Seat::Live => self.table.join(self.joined, client),
            Seat::Held => self.table.join_held(self.joined, client),
            Seat::ReadOnly => self.table.join_readonly(self.joined, client),
        }
        self.here.push(self.joined);
    }

    /// What everybody was sent, and the room asked for, since the last look.
    fn heard(&mut self) -> String {
        let sent: Vec<_> = (1..=self.joined).map(|session| self.table.sent(session)).collect();
        let Table { order, asked, refused, .. } = &self.table;
        let heard = format!("{sent:?} {order:?} {asked:?} {refused:?}");
        self.table.forget();
        let room = &self.table.room;
        self.here.retain(|session| room.access(*session).is_some());
        heard
    }
}

/// All that came of a history, step by step.
fn play(steps: &[Step], is_journaled: bool, decoding: Decoding) -> Vec<String> {
    let mut world = World::new(is_journaled, decoding);
    let step = |step| [world.take(step), world.heard()].concat();
    let mut outcomes: Vec<_> = steps.iter().map(step).collect();
    outcomes.push(world.table.snapshot());
    outcomes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    #[test]
    fn cv7_every_history_is_the_same_whichever_way_frames_take(
        steps in vec(step(), 1..60),
        is_journaled in any::<bool>(),
    ) {
        let usual = play(&steps, is_journaled, Decoding::SinglePass);
        let careful = play(&steps, is_journaled, Decoding::Careful);
        prop_assert_eq!(usual, careful);
    }
}
