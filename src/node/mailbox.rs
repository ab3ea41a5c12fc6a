//! How a room's answers reach lib/: numbers through memory that both sides see, texts as one string.
//!
//! Making JS values is what a call across the border costs most, so an answer is one string, whatever it consists of: all
//! texts one after the other. What to do with which piece stands in the *mailbox*, an array of numbers that lib/ made and
//! that is overwritten by the next answer:
//!
//! ```text
//! mailbox := count op*                     count: the slots that follow; below 0 where the answer is not to be run as it stands,
//!                                          because there is a LEFT in it, or `more` has the rest of it
//!          | 0 bytes                       there is nothing to do, and so many bytes are kept for the store
//! op      := SEND session length           length: UTF-16 code units of the next piece of the string
//!          | BROADCAST groups except length
//!          | PLACE session group
//!          | CLOSE session code length
//!          | LEFT session remaining
//!          | VERIFY_TOKEN session attempt length
//!          | CHANGED length                length: -1 without a text
//!          | COMMIT                        there are changes to commit
//!          | STORE_FAILED length           the text is an error: code, space, message
//!          | STORE_HEALED
//!          | STORE_TROUBLE length
//!          | SETTLED ticket length         length: -1 without an error
//!          | REFUSED session length        the text is the code of a frame that was refused
//!          | WALKS session begins          1: the session is caught up in steps from now on; 0: not any more
//!          | RECEIVER session              of the next PIECE
//!          | PIECE length                  a step of the catch-ups of its receivers
//! ```
//!
//! What does not fit is asked for with `more`, before any other call.
//!
//! Reading arguments costs as much as making values, so the raw calls of `raw.rs` find theirs there as well, as 32 bit
//! integers:
//!
//! ```text
//! order := place generation session session/2^32 length
//! ```
#![expect(unsafe_code, reason = "writing into memory that JS sees")]

use std::{borrow::Cow, cell::RefCell, rc::Rc};

use napi::bindgen_prelude::Float64Array;
use napi_derive::napi;

use super::{error::error_text, room::number, rooms::RoomNumber};
use crate::{
    engine::{CloseReason, SessionId},
    protocol::json::is_ascii,
    server::{Delivery, News, Outbox, Queued},
};

const SEND: f64 = 0.0;
const BROADCAST: f64 = 1.0;
const PLACE: f64 = 2.0;
const CLOSE: f64 = 3.0;
const LEFT: f64 = 4.0;
const VERIFY_TOKEN: f64 = 5.0;
const CHANGED: f64 = 6.0;
const COMMIT: f64 = 7.0;
const STORE_FAILED: f64 = 8.0;
const STORE_HEALED: f64 = 9.0;
const STORE_TROUBLE: f64 = 10.0;
const SETTLED: f64 = 11.0;
const REFUSED: f64 = 12.0;
const WALKS: f64 = 13.0;
const RECEIVER: f64 = 14.0;
const PIECE: f64 = 15.0;

/// The slots that the largest operation takes.
const MOST_SLOTS: usize = 4;

/// From this much text on the rest of an answer is asked for: the longest string of V8 has about 512 MiB.
const ANSWER_BYTES: usize = 64 << 20;

/// Stands for "no session" and "no text".
const NONE: f64 = -1.0;

/// The mailbox of all rooms of one JS thread.
#[derive(Debug)]
#[napi]
pub struct NativeMailbox {
    mailbox: Rc<RefCell<Mailbox>>,
}

#[napi]
impl NativeMailbox {
    /// A mailbox in an array that lib/ reads.
    #[napi(constructor)]
    pub fn new(slots: Float64Array) -> Self {
        Self { mailbox: Rc::new(RefCell::new(Mailbox(slots))) }
    }
}

impl NativeMailbox {
    pub(super) fn share(&self) -> Rc<RefCell<Mailbox>> {
        Rc::clone(&self.mailbox)
    }
}

/// The array that answers are written into.
pub(super) struct Mailbox(Float64Array);

impl std::fmt::Debug for Mailbox {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_tuple("Mailbox").field(&self.0.len()).finish()
    }
}

impl Mailbox {
    /// Says that there is nothing to do, and how many bytes are kept until changes are stored.
    pub(super) fn post_nothing(&mut self, unstored_bytes: usize) {
        let bytes = number(u64::try_from(unstored_bytes).unwrap_or(u64::MAX));
        for (slot, number) in self.slots().iter_mut().zip([0.0, bytes]) {
            *slot = number;
        }
    }

    /// Writes an answer of as much as fits, and puts aside what does not; gives the text to return.
    pub(super) fn post<'o>(
        &mut self,
        out: &'o mut Outbox,
        rest: &mut Option<Box<Outbox>>,
    ) -> Text<'o> {
        let slots = self.slots();
        // Told of all texts at once, because it costs about as much as of one.
        let is_plain = is_ascii(out.texts());
        let mut answer =
            Answer { slots, used: 0, bytes: 0, units: 0, own: None, is_plain, leaves: false };
        while answer.has_room()
            && let Some(next) = out.pop()
        {
            match next {
                Queued::Send(session, frame) => answer.send(session, frame, out),
                Queued::Broadcast(groups, except, frame) => {
                    answer.broadcast(groups, except, frame, out);
                }
                Queued::Changed => answer.numbers([CHANGED, NONE]),
                Queued::Commit => answer.numbers([COMMIT]),
                Queued::Other => answer.other(out),
            }
        }
        answer.finish(out, rest)
    }

    /// What a raw call is about.
    pub(super) fn order(&mut self) -> Order {
        let halves = |slot: Option<&f64>| {
            let bits = slot.map_or(0, |slot| slot.to_bits());
            let half = |bits: u64| u32::try_from(bits & 0xffff_ffff).unwrap_or(0);
            (half(bits), half(bits >> 32))
        };
        let slots = self.slots();
        let (place, generation) = halves(slots.first());
        let session = slots.get(1).map_or(0, |slot| slot.to_bits());
        let (length, _) = halves(slots.get(2));
        Order { room: RoomNumber { place, generation }, session, length }
    }

    fn slots(&mut self) -> &mut [f64] {
        // SAFETY: lib/ reads and writes the array only between two calls, on the thread that makes them.
        unsafe { self.0.as_mut() }
    }
}

/// The arguments of a raw call.
#[derive(Debug, Clone, Copy)]
pub(super) struct Order {
    pub(super) room: RoomNumber,
    pub(super) session: SessionId,
    /// The length of the frame, in UTF-16 code units.
    pub(super) length: u32,
}

/// The text of an answer.
#[derive(Debug)]
pub(super) struct Text<'o> {
    pub(super) bytes: Cow<'o, [u8]>,
    pub(super) is_ascii: bool,
}

struct Answer<'m> {
    slots: &'m mut [f64],
    used: usize,
    /// The length of the text so far, in bytes.
    bytes: usize,
    /// The same in UTF-16 code units.
    units: usize,
    /// The text, where some of it is not in the outbox.
    own: Option<Vec<u8>>,
    /// Whether all of it is in the outbox, and ASCII: then no piece has to be copied, or looked at.
    is_plain: bool,
    /// Whether there is a LEFT in it.
    leaves: bool,
}

impl Answer<'_> {
    fn has_room(&self) -> bool {
        self.used + MOST_SLOTS < self.slots.len() && self.bytes < ANSWER_BYTES
    }

    fn send(&mut self, session: SessionId, frame: usize, out: &mut Outbox) {
        let length = self.piece(frame, out);
        self.numbers([SEND, number(session), length]);
    }

    fn broadcast(
        &mut self,
        groups: u32,
        except: Option<SessionId>,
        frame: usize,
        out: &mut Outbox,
    ) {
        let length = self.piece(frame, out);
        self.numbers([BROADCAST, f64::from(groups), except.map_or(NONE, number), length]);
    }

    /// Adds what is rare.
    #[cold]
    fn other(&mut self, out: &mut Outbox) {
        let Some(news) = out.take_other() else { return };
        match news {
            News::Deliver(Delivery::Piece(sessions, text)) => self.share(sessions, text, out),
            News::Deliver(delivery) => self.delivery(delivery, out),
            News::Commit => self.numbers([COMMIT]),
            News::StoreFailed(error) => {
                let length = self.own_piece(&error_text(&error), out);
                self.numbers([STORE_FAILED, length]);
            }
            News::StoreHealed => self.numbers([STORE_HEALED]),
            News::StoreTrouble(error) => {
                let length = self.own_piece(&error_text(&error), out);
                self.numbers([STORE_TROUBLE, length]);
            }
            News::Settled(ticket, Ok(())) => self.numbers([SETTLED, f64::from(ticket), NONE]),
            News::Settled(ticket, Err(error)) => {
                let length = self.own_piece(&error_text(&error), out);
                self.numbers([SETTLED, f64::from(ticket), length]);
            }
        }
    }

    fn delivery(&mut self, delivery: Delivery<usize>, out: &mut Outbox) {
        match delivery {
            Delivery::Send(session, frame) => self.send(session, frame, out),
            Delivery::Broadcast(groups, except, frame) => {
                self.broadcast(groups, except, frame, out);
            }
            Delivery::Place(session, group) => {
                self.numbers([PLACE, number(session), f64::from(group)]);
            }
            // Shared above, where the rest of it can be put back.
            Delivery::Piece(..) => {}
            Delivery::Walks(session, begins) => {
                self.numbers([WALKS, number(session), if begins { 1.0 } else { 0.0 }]);
            }
            Delivery::Refused(session, code) => {
                let length = self.own_piece(code.as_str().as_bytes(), out);
                self.numbers([REFUSED, number(session), length]);
            }
            Delivery::Close(session, reason) => {
                let (code, reason) = close_code(reason);
                let length = self.own_piece(reason.as_bytes(), out);
                self.numbers([CLOSE, number(session), code, length]);
            }
            Delivery::Left(session, remaining) => {
                let remaining = f64::from(u32::try_from(remaining).unwrap_or(u32::MAX));
                self.numbers([LEFT, number(session), remaining]);
                self.leaves = true;
            }
            Delivery::VerifyToken(session, attempt, token) => {
                let length = self.piece(token, out);
                self.numbers([VERIFY_TOKEN, number(session), f64::from(attempt), length]);
            }
            Delivery::Changed(None) => self.numbers([CHANGED, NONE]),
            Delivery::Changed(Some(patches)) => {
                let length = self.piece(patches, out);
                self.numbers([CHANGED, length]);
            }
        }
    }

    /// A text with its receivers, of whom there may be more than fit: those come first with the rest.
    fn share(&mut self, mut sessions: Vec<SessionId>, text: usize, out: &mut Outbox) {
        while self.has_room()
            && let Some(session) = sessions.pop()
        {
            self.numbers([RECEIVER, number(session)]);
        }
        if self.has_room() {
            let length = self.piece(text, out);
            self.numbers([PIECE, length]);
        } else {
            out.put_back(News::Deliver(Delivery::Piece(sessions, text)));
        }
    }

    fn finish<'o>(self, out: &'o mut Outbox, rest: &mut Option<Box<Outbox>>) -> Text<'o> {
        let Self { slots, used, bytes: length, units, own, is_plain: _, leaves } = self;
        if let Some(count) = slots.first_mut() {
            let used = f64::from(u32::try_from(used).unwrap_or(u32::MAX));
            *count = if out.is_empty() && !leaves { used } else { -used };
        }
        if !out.is_empty() {
            *rest = Some(Box::new(out.split_rest(if own.is_some() { 0 } else { length })));
        }
        let bytes = own.map_or_else(|| Cow::Borrowed(out.take_text(length)), Cow::Owned);
        Text { bytes, is_ascii: units == length }
    }

    fn numbers<const N: usize>(&mut self, numbers: [f64; N]) {
        let next = self.used + 1;
        if let Some(slots) = self.slots.get_mut(next..next + N) {
            slots.copy_from_slice(&numbers);
        }
        self.used += N;
    }

    /// Adds the next piece of the outbox, of so many bytes; gives its length.
    fn piece(&mut self, bytes: usize, out: &mut Outbox) -> f64 {
        let units = if self.is_plain {
            bytes
        } else {
            units_of_next(&mut self.own, self.bytes, bytes, out)
        };
        self.count(bytes, units)
    }

    /// Adds a piece that the outbox does not have; gives its length.
    fn own_piece(&mut self, piece: &[u8], out: &mut Outbox) -> f64 {
        let before = self.bytes;
        self.own.get_or_insert_with(|| out.take_text(before).to_vec()).extend_from_slice(piece);
        self.is_plain = false;
        self.count(piece.len(), code_units(piece))
    }

    /// Counts a piece; gives its length as it is written.
    fn count(&mut self, bytes: usize, units: usize) -> f64 {
        self.bytes += bytes;
        self.units += units;
        f64::from(u32::try_from(units).unwrap_or(u32::MAX))
    }
}

/// Counts the code units of the next piece of the outbox, which comes behind so many bytes of the answer. Where that has a
/// text of its own, the piece is added to it.
#[cold]
fn units_of_next(
    own: &mut Option<Vec<u8>>,
    behind: usize,
    bytes: usize,
    out: &mut Outbox,
) -> usize {
    let Some(own) = own else { return code_units(out.peek_text(behind, bytes)) };
    let piece = out.take_text(bytes);
    own.extend_from_slice(piece);
    code_units(piece)
}

/// The length of UTF-8 text as JS counts it: that in bytes only where all of it is ASCII.
fn code_units(text: &[u8]) -> usize {
    if is_ascii(text) {
        return text.len();
    }
    // One for each character, and one more for each that takes four bytes.
    text.iter().filter(|byte| **byte & 0xc0 != 0x80).count()
        + text.iter().filter(|byte| **byte >= 0xf0).count()
}

/// The close codes of SPEC.md (CC1): below 4500 a client may come back.
fn close_code(reason: CloseReason) -> (f64, &'static str) {
    match reason {
        CloseReason::FrameRefused => (4400.0, "frame refused"),
        CloseReason::TokenRefused => (4401.0, "token refused"),
        CloseReason::TooManyFramesWait => (4413.0, "too many frames wait"),
        CloseReason::TooSlow => (4408.0, "too slow"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_counted_as_js_counts_them() {
        for text in ["", "ascii", "é", "中文", "😀", "a😀é中\u{fffd}"] {
            for padding in 0..100 {
                for text in [format!("{}{text}", "x".repeat(padding)), text.repeat(padding)] {
                    assert_eq!(code_units(text.as_bytes()), text.encode_utf16().count(), "{text}");
                }
            }
        }
    }
}
