//! One client: its application and its adapter, with a record of all that went in and came out.

use serde_json::{Value, json};

use super::{
    app::App,
    replica::{Changes, Output, Replica, Socket},
};

/// A client in the world.
#[derive(Debug)]
pub struct Member {
    /// The application.
    pub app: App,
    /// The adapter.
    pub replica: Replica,
    /// Everything that happened to the adapter, as JSON, if it is recorded.
    pub trace: Option<Vec<Value>>,
}

impl Member {
    /// A client that has not connected yet.
    pub fn new(client: &str, version: u32, record: bool) -> Self {
        Self {
            app: App::new(version == 1),
            replica: Replica::new(client, version),
            trace: record.then(Vec::new),
        }
    }

    /// It starts.
    pub fn start(&mut self, at: u64) -> Vec<Output> {
        self.replica.connect();
        self.outcome(|| json!({ "at": at, "do": "start" }))
    }

    /// Its retry timer fires.
    pub fn wake(&mut self, at: u64) -> Vec<Output> {
        self.replica.connect();
        self.outcome(|| json!({ "at": at, "do": "wake" }))
    }

    /// Its user comes back.
    pub fn reconnect(&mut self, at: u64) -> Vec<Output> {
        self.replica.reconnect();
        self.outcome(|| json!({ "at": at, "do": "reconnect" }))
    }

    /// Its user leaves.
    pub fn disconnect(&mut self, at: u64) -> Vec<Output> {
        self.replica.disconnect();
        self.outcome(|| json!({ "at": at, "do": "disconnect" }))
    }

    /// A socket opens.
    pub fn opened(&mut self, at: u64, socket: Socket) -> Vec<Output> {
        self.replica.opened(socket);
        self.outcome(|| json!({ "at": at, "do": "open", "socket": socket }))
    }

    /// A socket closes.
    pub fn closed(&mut self, at: u64, socket: Socket) -> Vec<Output> {
        self.replica.closed(at);
        self.outcome(|| json!({ "at": at, "do": "close", "socket": socket }))
    }

    /// A socket cannot be opened.
    pub fn failed(&mut self, at: u64, socket: Socket, by_timer: bool) -> Vec<Output> {
        self.replica.failed(at, by_timer);
        self.outcome(|| json!({ "at": at, "do": "fail", "socket": socket }))
    }

    /// A frame comes.
    pub fn received(&mut self, at: u64, socket: Socket, frame: &Value) -> Vec<Output> {
        self.replica.received(frame);
        self.outcome(|| json!({ "at": at, "do": "message", "socket": socket, "frame": frame }))
    }

    /// One step of the application: its edits go out, what came is applied.
    pub fn sync(&mut self, at: u64) -> Vec<Output> {
        let edits = self.app.take_edits();
        let pulled = self.replica.pull();
        self.app.apply(&pulled);
        self.replica.push(at, &edits, &pulled);
        self.outcome(
            || json!({ "at": at, "do": "sync", "edits": shown(&edits), "pulled": shown(&pulled) }),
        )
    }

    /// The whole record, with what the adapter holds at the end.
    pub fn take_trace(&mut self) -> Vec<Value> {
        let mut trace = self.trace.take().unwrap_or_default();
        let replica = &self.replica;
        let in_flight: Vec<&String> = replica.in_flight.iter().map(|(id, _)| id).collect();
        trace.push(json!({
            "do": "end",
            "state": replica.mirror,
            "lastTimestamp": replica.last_timestamp,
            "offlineBuffer": replica.offline,
            "inFlight": in_flight,
            "localEphemeralState": replica.local_presence,
        }));
        trace
    }

    fn outcome(&mut self, event: impl FnOnce() -> Value) -> Vec<Output> {
        let outputs = self.replica.outputs();
        if let Some(trace) = &mut self.trace {
            let mut event = event();
            event["out"] = outputs.iter().map(shown_output).collect();
            trace.push(event);
        }
        outputs
    }
}

fn shown_output(output: &Output) -> Value {
    match output {
        Output::Connect(socket) => json!(["connect", socket]),
        Output::Send(socket, frame) => json!(["send", socket, frame]),
        Output::Close(socket) => json!(["close", socket]),
    }
}

fn shown(changes: &Changes) -> Value {
    json!({ "document": changes.document, "ephemeral": changes.presence })
}
