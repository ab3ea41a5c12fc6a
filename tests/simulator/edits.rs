//! Edits that the client cannot bear, whatever its server does: the limits in [`super`] that keep one from being made.

use serde_json::Value;

use super::{
    ledger::Entry,
    network::{Connection, State},
    patch::{Fields, Patch, collides, existence, is_creation, is_deletion, is_delta, merge, strip},
    replica::part_of,
    schema::{self, Kind},
    world::World,
};

impl World {
    /// Whether a client may send this edit of a component.
    pub fn may_edit(&self, member: usize, key: &str, edit: &Fields) -> bool {
        let kind = schema::kind(key);
        let replica = &self.members[member].replica;
        let patch = Patch::from([(key.to_owned(), edit.clone())]);
        if kind == Kind::Presence {
            let behind = replica.socket.is_none() && is_behind(&replica.presence_buffer, &patch);
            return !behind && (!is_deletion(edit) || self.may_hide(member, key));
        }
        let behind = replica.socket.is_none() && is_behind(&replica.document_buffer, &patch);
        let pending = strip(&merge(&replica.pending_document), &replica.offline);
        let entry = self.server.ledger.entries.get(key).cloned().unwrap_or_default();
        // Limits 1 and 2.
        if collides(&pending, &patch) || behind {
            return false;
        }
        if is_deletion(edit) && self.forgets_deletion(member, key) {
            return false;
        }
        let foreign = self.foreign_writes(member, key);
        let pending = pending.get(key);
        (kind == Kind::Singleton
            || self.may_change_life(member, key, edit, &foreign, pending, &entry))
            && self.may_write_buffers(member, edit, &foreign, pending, &entry)
    }

    /// Whether a client may take presence back: while one connection knows of it (limit 10), and not where the
    /// deletion would be merged away with a creation of what others see (limit 6).
    fn may_hide(&self, member: usize, key: &str) -> bool {
        let replica = &self.members[member].replica;
        let mine = || self.links.iter().filter(|link| link.member == member);
        let mut down = mine().flat_map(Connection::frames_down);
        // What an older connection showed may wait for the store, and reach the newer one only later.
        let withheld = mine().count() > 1 && self.server.withholds();
        let coming = withheld
            || down.any(|frame| part_of(frame, "ephemeralPatches", key).is_some())
            || replica.pending_presence.iter().any(|patch| patch.contains_key(key));
        let unsent = replica.presence_buffer.iter().filter_map(|patch| patch.get(key));
        let forgotten =
            replica.local_presence.contains_key(key) && unsent.into_iter().any(is_creation);
        self.mode.hop == 0
            && !forgotten
            && !coming
            && mine().all(|link| link.state != State::Connecting)
            && mine().filter(|link| !link.over).count() <= 1
    }

    /// Limit 6: whether a deletion would be merged away with a creation that the room has, or is about to get.
    fn forgets_deletion(&self, member: usize, key: &str) -> bool {
        let replica = &self.members[member].replica;
        let sent = replica.in_flight.iter().map(|(_, patch)| patch);
        let mut unconfirmed = sent.chain(&replica.document_buffer).chain([&replica.offline]);
        let created = unconfirmed.any(|patch| patch.get(key).is_some_and(is_creation));
        let links = self.links.iter().filter(|link| link.member == member && !link.over);
        let mut coming = links.flat_map(Connection::frames_up);
        created
            && (self.server.ledger.entries.get(key).is_some_and(|entry| entry.alive)
                || coming.any(|frame| part_of(frame, "documentPatches", key).is_some()))
    }

    /// Limits 4, 5 and 9.
    fn may_change_life(
        &self,
        member: usize,
        key: &str,
        edit: &Fields,
        foreign: &[Fields],
        pending: Option<&Fields>,
        entry: &Entry,
    ) -> bool {
        if self.hears_twice(member, key) {
            return false;
        }
        let seen = self.cursor(member);
        if is_creation(edit) {
            foreign.iter().all(is_creation)
                && pending.is_none()
                && entry.changed <= seen
                && !self.hears_own_deletion(member, key)
        } else {
            !foreign.iter().any(is_creation)
                && !pending.is_some_and(is_creation)
                && entry.born <= seen
        }
    }

    /// Whether the client's own deletion may still come back to it.
    fn hears_own_deletion(&self, member: usize, key: &str) -> bool {
        let replica = &self.members[member].replica;
        let repeated = Some(&replica.offline).filter(|_| replica.socket.is_some());
        let links = self.links.iter().filter(|link| link.member == member && !link.over);
        let mut coming = links
            .flat_map(Connection::frames_up)
            .filter_map(|frame| part_of(frame, "documentPatches", key));
        let mut sent = replica.in_flight.iter().map(|(_, patch)| patch).chain(repeated);
        sent.any(|patch| patch.get(key).is_some_and(is_deletion))
            || coming.any(|fields| is_deletion(&fields))
    }

    /// Limit 9: whether a second socket may bring a creation or deletion again that the client knows, its own or not.
    fn hears_twice(&self, member: usize, key: &str) -> bool {
        let replica = &self.members[member].replica;
        let sent = replica.in_flight.iter().map(|(_, patch)| patch);
        let mut unconfirmed = sent.chain(&replica.document_buffer).chain([&replica.offline]);
        let sockets = || {
            let open = |link: &&Connection| matches!(link.state, State::Connecting | State::Open);
            self.links.iter().filter(move |link| link.member == member && open(link))
        };
        let mut coming = sockets().flat_map(Connection::frames_down).filter(|frame| {
            part_of(frame, "documentPatches", key).is_some_and(|part| existence(&part).is_some())
        });
        // One of the sockets may be gone, and the other still bring what came by both.
        let known = |frame: &Value| {
            frame["timestamp"].as_u64().is_some_and(|clock| clock <= replica.last_timestamp)
        };
        if sockets().count() > 1 {
            coming.next().is_some()
                || unconfirmed.any(|patch| patch.get(key).is_some_and(is_creation))
        } else {
            coming.any(known)
        }
    }

    /// Limit 7.
    fn may_write_buffers(
        &self,
        member: usize,
        edit: &Fields,
        foreign: &[Fields],
        pending: Option<&Fields>,
        entry: &Entry,
    ) -> bool {
        edit.iter().filter(|(name, _)| schema::is_buffer(name)).all(|(name, value)| {
            let mut others = foreign.iter().filter_map(|fields| fields.get(name));
            if is_delta(value) {
                let written = entry.clocks.get(name).copied().unwrap_or(entry.changed);
                let unseen = pending.is_some_and(|fields| fields.contains_key(name));
                others.next().is_none() && !unseen && written <= self.cursor(member)
            } else {
                !others.any(is_delta)
            }
        })
    }

    /// What others have written of a component that may still be on its way to the room, or come again.
    fn foreign_writes(&self, member: usize, key: &str) -> Vec<Fields> {
        let mut writes = Vec::new();
        for (other, foreign) in
            self.members.iter().enumerate().filter(|(other, _)| *other != member)
        {
            let replica = &foreign.replica;
            let sent = replica.in_flight.iter().map(|(_, patch)| patch);
            let kept = sent.chain(&replica.document_buffer).chain([&replica.offline]);
            writes.extend(kept.filter_map(|patch| patch.get(key)).cloned());
            writes.extend(foreign.app.edit_of(key));
            let links = self.links.iter().filter(|link| link.member == other && !link.over);
            let coming = links.flat_map(Connection::frames_up);
            writes.extend(coming.filter_map(|frame| part_of(frame, "documentPatches", key)));
        }
        writes
    }

    /// The clock up to which a client has taken everything.
    fn cursor(&self, member: usize) -> u64 {
        let open =
            self.links.iter().filter(|link| link.member == member && link.state == State::Open);
        let gaps = open.filter(|link| !link.synced).map(|link| link.cursor_at_open);
        gaps.min().unwrap_or(u64::MAX).min(self.members[member].replica.last_timestamp)
    }
}

/// Whether an older edit of the same would go out after this one: what waits for a flush when a socket closes goes out
/// behind what is done without one (limit 2).
pub fn is_behind(buffer: &[Patch], patch: &Patch) -> bool {
    patch.iter().any(|(key, fields)| {
        buffer.iter().filter_map(|older| older.get(key)).any(|older| {
            existence(older).is_some()
                || existence(fields).is_some()
                || older.keys().any(|name| fields.contains_key(name))
        })
    })
}
