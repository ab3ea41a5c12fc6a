//! The client's half of the protocol: what its websocket adapter does, call by call.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::patch::{Fields, Patch, deletion, existence, materialize, merge, strip};

/// The number of a socket of one replica, counted from 0.
pub type Socket = usize;

/// What a replica does to the world.
#[derive(Debug)]
pub enum Output {
    /// It opens a socket.
    Connect(Socket),
    /// It sends a frame.
    Send(Socket, Value),
    /// It closes a socket.
    Close(Socket),
}

/// The changes of one step of the application, or for it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Changes {
    /// Document patches, merged.
    pub document: Patch,
    /// Presence patches, merged.
    pub presence: Patch,
}

/// Milliseconds between two sends with others present, rounded up to what a clock of whole milliseconds can tell.
const TOGETHER_MS: u64 = 34;
const ALONE_MS: u64 = 1_000;
const FIRST_RETRY_MS: u64 = 500;
const LAST_RETRY_MS: u64 = 10_000;

/// A client's adapter. Every method is one call, or one event, of the real one.
#[derive(Debug)]
pub struct Replica {
    /// The client's name.
    pub client: String,
    /// The protocol version that it says it speaks.
    pub version: u32,
    /// The socket that it sends on; an older one may still be open.
    pub socket: Option<Socket>,
    /// Sockets opened so far.
    pub sockets: usize,
    /// The cursor: the clock up to which the document is complete.
    pub last_timestamp: u64,
    /// Document patches that came since the last pull.
    pub pending_document: Vec<Patch>,
    /// Presence patches that came since the last pull.
    pub pending_presence: Vec<Patch>,
    /// Patches without an ack, in the order in which they were sent; their fields mask incoming ones.
    pub in_flight: Vec<(String, Patch)>,
    /// What was done without a socket.
    pub offline: Patch,
    /// What waits for the next flush.
    pub document_buffer: Vec<Patch>,
    /// What waits for the next flush.
    pub presence_buffer: Vec<Patch>,
    /// The presence that the client shows.
    pub local_presence: Patch,
    /// When it will connect by itself.
    pub reconnect_at: Option<u64>,
    /// Whether it was told to stay away.
    pub left: bool,
    /// The document as far as it went through here, tombstones included: the source of a resync.
    pub mirror: Patch,
    pending_timestamp: u64,
    timestamps: BTreeMap<String, BTreeMap<String, u64>>,
    remote_presence: Patch,
    connected_users: u64,
    messages: u64,
    last_send: Option<u64>,
    retry_ms: u64,
    outputs: Vec<Output>,
}

impl Replica {
    /// A client that has seen nothing.
    pub fn new(client: &str, version: u32) -> Self {
        Self {
            client: client.to_owned(),
            version,
            socket: None,
            sockets: 0,
            last_timestamp: 0,
            pending_document: Vec::new(),
            pending_presence: Vec::new(),
            in_flight: Vec::new(),
            offline: Patch::new(),
            document_buffer: Vec::new(),
            presence_buffer: Vec::new(),
            local_presence: Patch::new(),
            reconnect_at: None,
            left: false,
            mirror: Patch::new(),
            pending_timestamp: 0,
            timestamps: BTreeMap::new(),
            remote_presence: Patch::new(),
            connected_users: 0,
            messages: 0,
            last_send: None,
            retry_ms: FIRST_RETRY_MS,
            outputs: Vec::new(),
        }
    }

    /// Takes what the replica did since the last call.
    pub fn outputs(&mut self) -> Vec<Output> {
        std::mem::take(&mut self.outputs)
    }

    /// Connects, at the start and when the retry timer fires.
    pub fn connect(&mut self) {
        self.reconnect_at = None;
        self.requeue();
        self.outputs.push(Output::Connect(self.sockets));
        self.sockets += 1;
    }

    /// Connects because the user wants to be back.
    pub fn reconnect(&mut self) {
        self.left = false;
        self.retry_ms = FIRST_RETRY_MS;
        self.connect();
    }

    /// Leaves because the user wants to be away.
    pub fn disconnect(&mut self) {
        self.left = true;
        self.reconnect_at = None;
        if let Some(socket) = self.socket.take() {
            self.outputs.push(Output::Close(socket));
        }
    }

    /// A socket opened.
    pub fn opened(&mut self, socket: Socket) {
        self.socket = Some(socket);
        self.retry_ms = FIRST_RETRY_MS;
        let mut frame = json!({
            "type": "reconnect",
            "lastTimestamp": self.last_timestamp,
            "protocolVersion": self.version,
        });
        if !self.offline.is_empty() {
            frame["documentPatches"] = json!([self.offline]);
        }
        if !self.local_presence.is_empty() {
            frame["ephemeralPatches"] = json!([self.local_presence]);
        }
        self.outputs.push(Output::Send(socket, frame));
    }

    /// A socket closed, whichever it was.
    pub fn closed(&mut self, now: u64) {
        self.socket = None;
        self.requeue();
        let gone = std::mem::take(&mut self.remote_presence);
        if !gone.is_empty() {
            self.pending_presence.push(gone.into_keys().map(|key| (key, deletion())).collect());
        }
        if !self.left {
            self.reconnect_at = Some(now + self.retry_ms);
        }
    }

    /// A socket that the retry timer asked for could not be opened.
    pub fn failed(&mut self, now: u64, by_timer: bool) {
        if by_timer {
            self.retry_ms = (self.retry_ms * 2).min(LAST_RETRY_MS);
        }
        self.closed(now);
    }

    /// A frame came.
    pub fn received(&mut self, frame: &Value) {
        match frame["type"].as_str().unwrap_or_default() {
            "patch" => self.received_patch(frame),
            "ack" => {
                let acked =
                    |(id, _): &(String, Patch)| Some(id.as_str()) == frame["messageId"].as_str();
                if let Some(index) = self.in_flight.iter().position(acked) {
                    let (_, patch) = self.in_flight.remove(index);
                    let clock = frame["timestamp"].as_u64().unwrap();
                    self.last_timestamp = clock;
                    self.record(&patch, clock);
                }
            }
            "resync" => self.resync(frame["since"].as_u64().unwrap()),
            "clientCount" => self.connected_users = frame["count"].as_u64().unwrap(),
            _ => {}
        }
    }

    /// The application asks for what came. The cursor moves here, not on receipt.
    pub fn pull(&mut self) -> Changes {
        let mut changes = Changes::default();
        if !self.pending_document.is_empty() {
            let merged = merge(&std::mem::take(&mut self.pending_document));
            self.last_timestamp = self.last_timestamp.max(self.pending_timestamp);
            changes.document = strip(&merged, &self.offline);
            self.offline.clear();
        }
        changes.presence = merge(&std::mem::take(&mut self.pending_presence));
        changes
    }

    /// The application passes on what it did, and what it pulled.
    pub fn push(&mut self, now: u64, edits: &Changes, pulled: &Changes) {
        self.apply_to_mirror(&edits.document);
        self.apply_to_mirror(&pulled.document);
        let document = Some(&edits.document).filter(|patch| !patch.is_empty());
        let presence = Some(&edits.presence).filter(|patch| !patch.is_empty());
        if self.socket.is_none() {
            self.offline = merge([&self.offline].into_iter().chain(document));
            self.local_presence = merge([&self.local_presence].into_iter().chain(presence));
            return;
        }
        self.document_buffer.extend(document.cloned());
        self.presence_buffer.extend(presence.cloned());
        let interval = if self.connected_users > 1 { TOGETHER_MS } else { ALONE_MS };
        if self.last_send.is_none_or(|last| now - last >= interval) {
            self.flush(now);
        }
    }

    fn flush(&mut self, now: u64) {
        let Some(socket) = self.socket else { return };
        let mut document = vec![std::mem::take(&mut self.offline)];
        document.append(&mut self.document_buffer);
        let document = merge(&document);
        let presence = std::mem::take(&mut self.presence_buffer);
        self.local_presence = merge([&self.local_presence].into_iter().chain(&presence));
        let presence = merge(&presence);
        if document.is_empty() && presence.is_empty() {
            return;
        }
        self.messages += 1;
        let id = format!("{}-{}", self.client, self.messages);
        let mut frame = json!({ "type": "patch", "messageId": id });
        if !document.is_empty() {
            frame["documentPatches"] = json!([document]);
            self.in_flight.push((id, document));
        }
        if !presence.is_empty() {
            frame["ephemeralPatches"] = json!([presence]);
        }
        self.outputs.push(Output::Send(socket, frame));
        self.last_send = Some(now);
    }

    fn requeue(&mut self) {
        if self.in_flight.is_empty() {
            return;
        }
        let sent = std::mem::take(&mut self.in_flight);
        self.offline = merge(sent.iter().map(|(_, patch)| patch).chain([&self.offline]));
    }

    fn received_patch(&mut self, frame: &Value) {
        if let (document, Some(clock)) =
            (patches(frame, "documentPatches"), frame["timestamp"].as_u64())
            && !document.is_empty()
        {
            let mask = merge(self.in_flight.iter().map(|(_, patch)| patch));
            for patch in document {
                let patch = if self.in_flight.is_empty() { patch } else { strip(&patch, &mask) };
                if !patch.is_empty() || self.in_flight.is_empty() {
                    self.record(&patch, clock);
                    self.pending_document.push(patch);
                }
            }
            self.pending_timestamp = self.pending_timestamp.max(clock);
        }
        let presence = patches(frame, "ephemeralPatches");
        self.remote_presence = merge([&self.remote_presence].into_iter().chain(&presence));
        self.pending_presence.extend(presence);
    }

    /// Answers a server that lost what this client has seen: everything confirmed after `since`, and what is not.
    fn resync(&mut self, since: u64) {
        let Some(socket) = self.socket else { return };
        let newer = |(key, clocks): (&String, &BTreeMap<String, u64>)| {
            let state = self.mirror.get(key)?;
            let fields: Fields = clocks
                .iter()
                .filter(|(_, clock)| **clock > since)
                .filter_map(|(name, _)| Some((name.clone(), state.get(name)?.clone())))
                .collect();
            (!fields.is_empty()).then(|| (key.clone(), fields))
        };
        let confirmed: Patch = self.timestamps.iter().filter_map(newer).collect();
        let sent = self.in_flight.iter().map(|(_, patch)| patch);
        let patch =
            merge([&confirmed, &self.offline].into_iter().chain(&self.document_buffer).chain(sent));
        if patch.is_empty() {
            return;
        }
        self.messages += 1;
        let id = format!("{}-resync-{}", self.client, self.messages);
        let frame = json!({ "type": "patch", "messageId": id, "documentPatches": [patch] });
        self.in_flight.push((id, patch));
        self.outputs.push(Output::Send(socket, frame));
    }

    fn record(&mut self, patch: &Patch, clock: u64) {
        for (key, fields) in patch {
            let clocks = self.timestamps.entry(key.clone()).or_default();
            if existence(fields) == Some(false) {
                clocks.clear();
            }
            clocks.extend(fields.keys().map(|name| (name.clone(), clock)));
        }
    }

    fn apply_to_mirror(&mut self, patch: &Patch) {
        for (key, fields) in patch {
            let base = self.mirror.get(key).filter(|base| existence(base) != Some(false));
            let fields = match existence(fields) {
                Some(false) => deletion(),
                _ => materialize(base, fields),
            };
            self.mirror.insert(key.clone(), fields);
        }
    }
}

/// A list of patches in a frame; empty when there is none.
pub fn patches(frame: &Value, list: &str) -> Vec<Patch> {
    let list = &frame[list];
    if list.is_null() { Vec::new() } else { serde_json::from_value(list.clone()).unwrap() }
}

/// What a frame says of one component; clients and servers put everything into one patch.
pub fn part_of(frame: &Value, list: &str, key: &str) -> Option<Fields> {
    let fields = frame[list].get(0)?.get(key)?;
    Some(serde_json::from_value(fields.clone()).unwrap())
}
