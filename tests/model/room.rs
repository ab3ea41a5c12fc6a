//! A room with a writer, and others who only watch.

use std::collections::BTreeMap;

use heddle::{
    engine::{Access, Input, SessionId},
    server::{Delivery, Room, groups},
};
use serde_json::{Value as Json, from_slice, json};

use super::{View, frames};

const WRITER: SessionId = 1;
const CURRENT: SessionId = 2;
const VERSION_1: SessionId = 3;

/// A room under test.
#[derive(Debug)]
pub struct TestRoom {
    room: Room,
    /// What a watcher of version 2 makes of the broadcasts.
    pub current: View,
    /// What a watcher of version 1 makes of them.
    pub version_1: View,
}

impl TestRoom {
    /// An empty room with everybody in it.
    pub fn new() -> Self {
        let mut test =
            Self { room: Room::new(false).unwrap(), current: View::new(), version_1: View::new() };
        for session in [WRITER, CURRENT, VERSION_1] {
            test.join(session);
            let version = if session == VERSION_1 { 1 } else { 2 };
            test.catch_up(session, version, 0);
        }
        test
    }

    /// Sends a frame; the clock that its ack gives, or nothing when it is refused.
    pub fn send(&mut self, frame: &frames::Frame) -> Option<u64> {
        let text = format!(
            r#"{{"type":"patch","messageId":"m","documentPatches":{}}}"#,
            frames::json(frame)
        );
        let mut ack = None;
        for delivery in self.room.receive(WRITER, text.as_bytes()).unwrap() {
            match delivery {
                Delivery::Send(WRITER, text) => ack = parse(&text)["timestamp"].as_u64(),
                Delivery::Broadcast(to, _, text) => self.watch(to, &parse(&text)),
                Delivery::Left(..) => self.join(WRITER),
                Delivery::Send(..)
                | Delivery::Place(..)
                | Delivery::Walks(..)
                | Delivery::Piece(..)
                | Delivery::Refused(..)
                | Delivery::Close(..)
                | Delivery::VerifyToken(..)
                | Delivery::Changed(_) => {}
            }
        }
        ack
    }

    /// The snapshot.
    pub fn snapshot(&mut self) -> Json {
        parse(&self.room.snapshot().unwrap().text)
    }

    /// The same room after a restart, with nobody in it.
    pub fn restarted(&mut self) -> Self {
        let mut room = Room::new(false).unwrap();
        room.restore(&self.room.snapshot().unwrap().text).unwrap();
        Self { room, current: View::new(), version_1: View::new() }
    }

    /// The document patch that a client gets which has seen everything up to `since`; none when it lacks nothing.
    pub fn diff(&mut self, since: u64) -> Option<Json> {
        let session = 1_000 + since;
        self.join(session);
        self.catch_up(session, 2, since)
            .into_iter()
            .find_map(|frame| frame["documentPatches"].get(0).cloned())
    }

    fn join(&mut self, session: SessionId) {
        let access = Access::ReadWrite;
        let joined = Input::Joined { session, client: b"c", access, held: false };
        drop(self.room.handle(joined).unwrap());
    }

    fn catch_up(&mut self, session: SessionId, version: u32, since: u64) -> Vec<Json> {
        let frame =
            json!({ "type": "reconnect", "protocolVersion": version, "lastTimestamp": since });
        let mut frames = Vec::new();
        for delivery in self.room.receive(session, frame.to_string().as_bytes()).unwrap() {
            if let Delivery::Send(_, text) = delivery {
                frames.push(parse(&text));
            }
        }
        frames
    }

    fn watch(&mut self, to: u32, frame: &Json) {
        for patch in frame["documentPatches"].as_array().into_iter().flatten() {
            if to & groups::LIVE != 0 {
                merge(&mut self.current, patch);
            }
            if to & groups::WHOLE_ARRAYS != 0 {
                merge(&mut self.version_1, patch);
            }
        }
    }
}

/// Merges a document patch into what a client shows, as a client does: deletions delete, creations are whole, updates
/// of what is not there are nothing.
pub fn merge(view: &mut View, patch: &Json) {
    for (key, fields) in patch.as_object().unwrap() {
        match fields["_exists"].as_bool() {
            Some(false) => {
                view.remove(key);
                continue;
            }
            Some(true) => {
                view.insert(key.clone(), BTreeMap::new());
            }
            None => {}
        }
        let Some(shown) = view.get_mut(key) else { continue };
        for (name, json) in fields.as_object().unwrap() {
            let value = value(json).over(shown.get(name)).unwrap();
            shown.insert(name.clone(), value);
        }
    }
}

/// Reads a value of the wire.
pub fn value(json: &Json) -> frames::Value {
    let numbers = |json: &Json| serde_json::from_value(json.clone()).unwrap();
    match json {
        Json::Bool(flag) => frames::Value::Bool(*flag),
        Json::String(text) => frames::Value::Text(text.clone()),
        Json::Object(delta) => {
            let length = serde_json::from_value(delta["len"].clone()).unwrap();
            frames::Value::Delta(length, serde_json::from_value(delta["runs"].clone()).unwrap())
        }
        Json::Array(_) | Json::Null | Json::Number(_) => frames::Value::Numbers(numbers(json)),
    }
}

fn parse(text: &[u8]) -> Json {
    from_slice(text).unwrap()
}
