//! What a client lacks, in frames of bounded size (RC10).
//!
//! A client takes the largest clock that it has seen as the one up to which it knows everything, so only the last frame
//! with a part of the document may carry the room's clock: the others carry the one that the client came with. Presence
//! has no clock, and follows.

use std::borrow::Cow;

use super::encode::{
    DOCUMENT_PATCHES, EPHEMERAL_PATCHES, Frame, PATCH_OF, TIMESTAMP, TOMBSTONE, component_since,
    encode, fields_since, push_quoted,
};
use crate::engine::{Clock, Component, Group, Message, Room, Slots, Told};

/// The text of a message to one session, in as many frames as it takes for none to be much longer than `limit`.
///
/// Encodes what the room holds now, so it must run before the room handles anything else.
pub fn encode_for_one(message: &Message<'_>, room: &Room, limit: usize) -> Vec<Vec<u8>> {
    let mut pieces = Pieces { done: Vec::new(), open: None, limit };
    match message {
        Message::Presence { client, told } => pieces.presence(client, told, room),
        Message::CatchUp { client, since, touched, graves, told, ends_walk } => {
            pieces.document(*since, touched, *graves, room);
            if *ends_walk {
                pieces.move_cursor(room);
            }
            pieces.presence(client, told, room);
        }
        Message::Handed { since } => pieces.handed(*since, room),
        Message::ClientCount(_)
        | Message::Change(_)
        | Message::PresenceGone { .. }
        | Message::Ack { .. }
        | Message::Resync { .. }
        | Message::Synced(_)
        | Message::VersionMismatch
        | Message::Refused(..) => {
            let mut text = Vec::new();
            encode(message, Group::Live, room, &mut text);
            return vec![text];
        }
    }
    pieces.finish()
}

/// The text of what slots hold for clients that have seen everything up to `since`, in one frame that leaves their cursor
/// where it is.
pub fn encode_piece(since: Clock, slots: &Slots, room: &Room) -> Vec<u8> {
    let mut pieces = Pieces { done: Vec::new(), open: None, limit: usize::MAX };
    for component in room.lacking(since, slots) {
        pieces.component(component, since, since, usize::MAX);
    }
    pieces.end_document(since);
    pieces.finish().pop().unwrap_or_default()
}

/// How much longer the first frame may be for the sake of what the last change has touched.
const OWN_PIECES: usize = 8;

struct Pieces {
    done: Vec<Vec<u8>>,
    open: Option<Open>,
    limit: usize,
}

/// A frame being written.
struct Open {
    text: Vec<u8>,
    /// Whether the list of patches that was begun last is still open.
    in_list: bool,
}

impl Open {
    fn new() -> Self {
        let mut text = Vec::new();
        Frame { out: &mut text }.open(PATCH_OF).name(b"");
        Self { text, in_list: false }
    }

    fn frame(&mut self) -> Frame<'_> {
        Frame { out: &mut self.text }
    }

    fn close(mut self) -> Vec<u8> {
        self.text.push(b'}');
        self.text
    }

    fn begin_list(&mut self, list: &[u8]) {
        self.frame().member(list).extend_from_slice(b"[{");
        self.in_list = true;
    }

    fn end_list(&mut self) {
        if self.in_list {
            self.text.extend_from_slice(b"}]");
            self.in_list = false;
        }
    }
}

impl Pieces {
    fn document(&mut self, since: Clock, touched: &[Cow<'_, [u8]>], graves: Clock, room: &Room) {
        let document = room.document();
        // What comes after the last piece is what the client must not believe to have.
        let known = since.min(document.clock());
        let mut touched = touched.to_vec();
        touched.sort_unstable();
        touched.dedup();
        for component in document.changed_since(since) {
            let wanted = component.is_alive() || component.changed() > graves;
            let is_touched = |key: &[u8]| touched.binary_search_by(|it| (**it).cmp(key)).is_ok();
            if wanted && !is_touched(component.key()) {
                // A client that hands in what it did offline takes the first frame for the answer to all of it.
                let is_own = component.changed() == document.clock();
                let limit = if is_own { self.limit.saturating_mul(OWN_PIECES) } else { self.limit };
                self.component(component, since, known, limit);
            }
        }
        for key in &touched {
            let out = self.member(DOCUMENT_PATCHES, key, Some(known), self.limit);
            match document.get(key) {
                Some(component) => component_since(component, None, out),
                None => out.extend_from_slice(TOMBSTONE),
            }
        }
        self.end_document(document.clock());
    }

    /// What the last change touched.
    fn handed(&mut self, since: Clock, room: &Room) {
        let document = room.document();
        let touched = document.changed_since(since);
        let limit = self.limit.saturating_mul(OWN_PIECES);
        for component in touched.take_while(|it| it.changed() == document.clock()) {
            self.component(component, since, since, limit);
        }
        self.end_document(since);
    }

    /// Has the last frame move the client's cursor, where there is none yet with a part of the document.
    fn move_cursor(&mut self, room: &Room) {
        if self.open.is_none() {
            self.open.insert(Open::new()).begin_list(DOCUMENT_PATCHES);
            self.end_document(room.document().clock());
        }
    }

    fn component(&mut self, component: &Component, since: Clock, known: Clock, limit: usize) {
        let newer = Some(since).filter(|since| *since > 0);
        let out = self.member(DOCUMENT_PATCHES, component.key(), Some(known), limit);
        component_since(component, newer, out);
    }

    fn end_document(&mut self, clock: Clock) {
        if let Some(open) = &mut self.open {
            open.end_list();
            open.frame().number(TIMESTAMP, &clock);
        }
    }

    fn presence(&mut self, client: &[u8], told: &Told, room: &Room) {
        for (key, fields) in room.presence().of_others(client, told) {
            fields_since(fields, None, self.member(EPHEMERAL_PATCHES, key, None, self.limit));
        }
    }

    /// Starts a member of a list, in a frame of its own where this one is full; that is closed with `clock`. The caller writes
    /// the value.
    fn member(
        &mut self,
        list: &[u8],
        key: &[u8],
        clock: Option<Clock>,
        limit: usize,
    ) -> &mut Vec<u8> {
        if self.open.as_ref().is_some_and(|open| open.text.len() >= limit)
            && let Some(mut full) = self.open.take()
        {
            full.end_list();
            if let Some(clock) = clock {
                full.frame().number(TIMESTAMP, &clock);
            }
            self.done.push(full.close());
        }
        let open = self.open.get_or_insert_with(Open::new);
        if open.in_list {
            open.text.push(b',');
        } else {
            open.begin_list(list);
        }
        push_quoted(key, &mut open.text);
        open.text.push(b':');
        &mut open.text
    }

    fn finish(mut self) -> Vec<Vec<u8>> {
        if let Some(mut open) = self.open.take() {
            open.end_list();
            self.done.push(open.close());
        }
        self.done
    }
}
