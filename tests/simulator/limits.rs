//! Moments that the client cannot bear, whatever its server does: the limits in [`super`] that make it take a step
//! before, or a frame wait.

use serde_json::{Value, json};

use super::{
    edits::is_behind,
    network::{Connection, State},
    patch::{collides, existence, is_creation, is_deletion, merge},
    replica::patches,
    server::Link,
    world::World,
};

impl World {
    /// Lets the client take a step where its adapter is about to lose something by an end of a socket (limit 2).
    pub fn settle(&mut self, member: usize) {
        let replica = &self.members[member].replica;
        let unsent = !replica.offline.is_empty() || !replica.in_flight.is_empty();
        let cleared = !replica.pending_document.is_empty() && unsent;
        let edits = self.members[member].app.edits();
        let hidden = edits.presence.values().any(is_deletion);
        let revived = edits.document.iter().any(|(key, fields)| {
            is_creation(fields) && replica.offline.get(key).is_some_and(is_deletion)
        });
        let app = &self.members[member].app;
        let mut come = replica.pending_presence.iter().flatten();
        let forgotten =
            come.any(|(key, fields)| is_creation(fields) && app.components.contains_key(key));
        if cleared
            || hidden
            || revived
            || forgotten
            || is_behind(&replica.document_buffer, &edits.document)
            || is_behind(&replica.presence_buffer, &edits.presence)
        {
            self.sync(member);
        }
    }

    /// Lets the client take a step, and send, where a frame would collide with what it has not sent (limits 1, 3, 6).
    pub fn before_frame(&mut self, link: Link, frame: &Value) {
        let member = self.links[link].member;
        let document = patches(frame, "documentPatches");
        let presence = patches(frame, "ephemeralPatches");
        let Self { members, links, .. } = self;
        let (replica, app) = (&members[member].replica, &members[member].app);
        let edits = app.edits().document;
        let unsent = replica.document_buffer.iter().chain([&edits]);
        let overwritten =
            unsent.into_iter().any(|patch| document.iter().any(|come| collides(come, patch)));
        let answered = links.iter().any(|link| {
            link.member == member
                && link.state == State::Open
                && link.answered
                && Some(link.socket) == replica.socket
        });
        let masked = answered && document.iter().any(|come| collides(come, &replica.offline));
        let forgotten =
            [(&replica.pending_document, &document), (&replica.pending_presence, &presence)]
                .into_iter()
                .any(|(pending, come)| {
                    let merged = merge(pending.iter().chain(come));
                    let mut deleted =
                        come.iter().flatten().filter(|(_, fields)| is_deletion(fields));
                    deleted.any(|(key, _)| {
                        !merged.contains_key(key) && app.components.contains_key(key)
                    })
                });
        if overwritten || masked || forgotten || self.lets_go_early(link, frame) {
            self.advance(1_000);
            self.sync(member);
        }
    }

    /// Limit 8: whether documents come to a client, not held back, whose creations or deletions a pull would take for
    /// answered while the answer is still to come.
    fn lets_go_early(&self, link: Link, frame: &Value) -> bool {
        let connection = &self.links[link];
        let replica = &self.members[connection.member].replica;
        let fragile = replica.offline.values().any(|fields| existence(fields).is_some());
        let waiting = self.links.iter().any(|newest| {
            let current =
                newest.member == connection.member && Some(newest.socket) == replica.socket;
            current
                && !newest.synced
                && (newest.socket != connection.socket || frame["clientId"] != "")
        });
        fragile && waiting && frame["documentPatches"].is_array()
    }

    /// Whether the next frame of a connection may reach its client now (limit 9): not while the client is between two
    /// sockets with an old one open, and in the order in which the server sent, whatever the socket.
    pub fn hears(&self, link: Link) -> bool {
        let connection = &self.links[link];
        if connection.state != State::Open {
            return false;
        }
        let mine = || self.links.iter().filter(|other| other.member == connection.member);
        let between = self.members[connection.member].replica.socket.is_none()
            || mine().any(|other| other.state == State::Connecting);
        let place = connection.down.front().map(|(place, _)| *place);
        let first = mine()
            .filter(|other| other.state == State::Open)
            .filter_map(|other| other.down.front().map(|(place, _)| *place))
            .all(|other| Some(other) >= place);
        !between && first
    }

    /// Follows what a client learns from a frame, and checks what every frame must keep to.
    pub fn check_frame(&mut self, link: Link, frame: &Value) {
        let member = self.links[link].member;
        let connection = &mut self.links[link];
        if frame["type"] == "synced" {
            connection.synced = true;
        }
        let is_answer = frame["clientId"] == "" && frame["documentPatches"].is_array();
        connection.answered |= is_answer || connection.synced;
        let early = connection.held && !connection.synced && frame["clientId"] != "";
        if early && frame["documentPatches"].is_array() {
            self.fail(format!("{frame} reached connection {link} before its answer (JN3)"));
        }
        if frame["documentPatches"].is_array() || frame["type"] == "ack" {
            let open = |link: &&mut Connection| link.member == member && link.state == State::Open;
            self.links.iter_mut().filter(open).for_each(|link| link.exposed = true);
        }
        if let Some(clock) = frame["timestamp"].as_u64() {
            // RC10: the frames of a long catch-up have the clock that the client came with.
            let is_piece = frame["clientId"] == "" && !self.links[link].synced;
            if clock < self.links[link].clock && !is_piece {
                self.fail(format!("the clock went back to {clock} on connection {link}"));
            }
            self.links[link].clock = clock;
        }
        if frame["type"] == "ack" {
            let handled =
                frame["messageId"].as_str().and_then(|id| self.server.ledger.handled.get(id));
            if handled.map(|clock| json!(clock)) != Some(frame["timestamp"].clone()) {
                self.fail(format!("{frame} acks what was handled at {handled:?}"));
            }
        }
    }
}
