//! Connections: two ordered queues each, which end at different times for client and server.

use std::collections::VecDeque;

use heddle::engine::SessionId;
use serde_json::Value;

use super::{patch::is_delta, replica::Socket, rng::Rng, schema};

/// What travels to the server.
#[derive(Debug, PartialEq)]
pub enum Up {
    /// A frame.
    Frame(Value),
    /// The end.
    Close,
}

/// What travels to the client.
#[derive(Debug, PartialEq)]
pub enum Down {
    /// The connection stands.
    Open,
    /// It could not be made.
    Fail,
    /// A frame.
    Frame(Value),
    /// The end.
    Close,
}

/// Where the client's socket is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Not open yet.
    Connecting,
    /// Open.
    Open,
    /// Closed by the client, which has not heard the end of it: frames no longer reach it.
    Closing,
    /// Closed.
    Closed,
}

/// One connection.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "its two ends change state on their own")]
pub struct Connection {
    /// Whose.
    pub member: usize,
    /// The client's number for it.
    pub socket: Socket,
    /// The client's end.
    pub state: State,
    /// The server's end, once it joined.
    pub session: Option<SessionId>,
    /// True when the server is done with it.
    pub over: bool,
    /// Whether the room holds documents back until its first frame.
    pub held: bool,
    /// True when the client's retry timer asked for it.
    pub by_timer: bool,
    /// To the server.
    pub up: VecDeque<Up>,
    /// To the client, each with its place in the order of all that the server sent.
    pub down: VecDeque<(u64, Down)>,
    /// The client's cursor when it opened.
    pub cursor_at_open: u64,
    /// True once the client has the answer to what it sent with its reconnect.
    pub answered: bool,
    /// True once the client has all that its reconnect asked for.
    pub synced: bool,
    /// True once the client took documents while that answer was still to come.
    pub exposed: bool,
    /// The last clock that the client saw on it.
    pub clock: u64,
}

impl Connection {
    /// A connection about to be made.
    pub fn new(member: usize, socket: Socket, held: bool, by_timer: bool) -> Self {
        Self {
            member,
            socket,
            state: State::Connecting,
            session: None,
            over: false,
            held,
            by_timer,
            up: VecDeque::new(),
            down: VecDeque::new(),
            cursor_at_open: 0,
            answered: false,
            synced: false,
            exposed: false,
            clock: 0,
        }
    }

    /// The frames on their way to the server.
    pub fn frames_up(&self) -> impl Iterator<Item = &Value> {
        self.up.iter().filter_map(|item| match item {
            Up::Frame(frame) => Some(frame),
            Up::Close => None,
        })
    }

    /// The frames on their way to the client, if its socket still takes them.
    pub fn frames_down(&self) -> impl Iterator<Item = &Value> {
        let taken = matches!(self.state, State::Connecting | State::Open);
        self.down.iter().filter(move |_| taken).filter_map(|(_, item)| match item {
            Down::Frame(frame) => Some(frame),
            Down::Open | Down::Fail | Down::Close => None,
        })
    }

    /// True when cutting it now would leave the client with a gap that the client cannot know of (limit 8).
    pub fn must_last(&self) -> bool {
        self.exposed && !self.synced && self.state == State::Open
    }

    /// Loses what is on the way to the server from a random frame on.
    pub fn lose_up(&mut self, rng: &mut Rng) {
        self.up.truncate(rng.index(self.up.len() + 1));
        self.up.push_back(Up::Close);
    }

    /// Loses what is on the way to the client from a random frame on; all of it when a part would leave a gap.
    pub fn lose_down(&mut self, rng: &mut Rng) {
        let opening = usize::from(self.down.front().is_some_and(|(_, item)| *item == Down::Open));
        let keep = if self.synced { rng.index(self.down.len() + 1) } else { opening };
        self.down.truncate(keep.max(opening));
        self.down.push_back((0, Down::Close));
    }
}

/// True when a late frame of an old connection could not be told from a new edit (limit 9): presence, creations,
/// deletions and writes to buffers.
pub fn must_be_early(frame: &Value) -> bool {
    let components = |list: &str| {
        let patches = frame[list].as_array().into_iter().flatten();
        patches.filter_map(Value::as_object).flatten().collect::<Vec<_>>()
    };
    let fragile =
        |fields: &Value| {
            fields.as_object().into_iter().flatten().any(|(name, value)| {
                name == "_exists" || schema::is_buffer(name) || is_delta(value)
            })
        };
    !components("ephemeralPatches").is_empty()
        || components("documentPatches").into_iter().any(|(_, fields)| fragile(fields))
}
