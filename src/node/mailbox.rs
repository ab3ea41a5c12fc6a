//! How a room's answers reach lib/: numbers through memory that both sides see, texts as one string.
//!
//! Making JS values is what a call across the border costs most, so an answer is one string, whatever it consists of: all
//! texts one after the other. What to do with which piece stands in the *mailbox*, an array of numbers that lib/ made and
//! that is overwritten by the next answer:
//!
//! ```text
//! mailbox := count op*                     count: the slots that follow; below 0 where `more` has the rest of the answer
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
#![expect(unsafe_code, reason = "writing into memory that JS sees")]

use std::collections::VecDeque;

use napi::bindgen_prelude::Float64Array;

use super::{
    error::error_text,
    room::{number, text},
};
use crate::{
    engine::{CloseReason, SessionId},
    server::{Delivery, News},
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

/// The array that answers are written into.
pub(super) struct Mailbox(Float64Array);

impl std::fmt::Debug for Mailbox {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_tuple("Mailbox").field(&self.0.len()).finish()
    }
}

impl Mailbox {
    pub(super) fn new(slots: Float64Array) -> Self {
        Self(slots)
    }

    /// Writes an answer of as much news as fits, and takes it out of `news`; the string to return, or none when there is
    /// nothing to do.
    pub(super) fn post(&mut self, news: &mut VecDeque<News>) -> Option<String> {
        if news.is_empty() {
            return None;
        }
        // SAFETY: lib/ reads the array only between two calls, on the thread that makes them.
        let slots = unsafe { self.0.as_mut() };
        let mut answer = Answer { slots, used: 0, text: Vec::new() };
        while answer.has_room()
            && let Some(next) = news.pop_front()
        {
            answer.add(next, news);
        }
        Some(answer.finish(news.is_empty()))
    }
}

struct Answer<'m> {
    slots: &'m mut [f64],
    used: usize,
    text: Vec<u8>,
}

impl Answer<'_> {
    fn has_room(&self) -> bool {
        self.used + MOST_SLOTS < self.slots.len() && self.text.len() < ANSWER_BYTES
    }

    fn add(&mut self, news: News, rest: &mut VecDeque<News>) {
        match news {
            News::Deliver(Delivery::Piece(sessions, text)) => self.share(sessions, text, rest),
            News::Deliver(delivery) => self.delivery(delivery),
            News::Commit => self.numbers([COMMIT]),
            News::StoreFailed(error) => {
                self.numbers([STORE_FAILED]);
                self.piece(&error_text(&error));
            }
            News::StoreHealed => self.numbers([STORE_HEALED]),
            News::StoreTrouble(error) => {
                self.numbers([STORE_TROUBLE]);
                self.piece(&error_text(&error));
            }
            News::Settled(ticket, Ok(())) => self.numbers([SETTLED, f64::from(ticket), NONE]),
            News::Settled(ticket, Err(error)) => {
                self.numbers([SETTLED, f64::from(ticket)]);
                self.piece(&error_text(&error));
            }
        }
    }

    fn delivery(&mut self, delivery: Delivery) {
        match delivery {
            Delivery::Send(session, frame) => {
                self.numbers([SEND, number(session)]);
                self.piece(&frame);
            }
            Delivery::Broadcast(groups, except, frame) => {
                self.numbers([BROADCAST, f64::from(groups), except.map_or(NONE, number)]);
                self.piece(&frame);
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
                self.numbers([REFUSED, number(session)]);
                self.piece(code.as_str().as_bytes());
            }
            Delivery::Close(session, reason) => {
                let (code, reason) = close_code(reason);
                self.numbers([CLOSE, number(session), code]);
                self.piece(reason.as_bytes());
            }
            Delivery::Left(session, remaining) => {
                let remaining = f64::from(u32::try_from(remaining).unwrap_or(u32::MAX));
                self.numbers([LEFT, number(session), remaining]);
            }
            Delivery::VerifyToken(session, attempt, token) => {
                self.numbers([VERIFY_TOKEN, number(session), f64::from(attempt)]);
                self.piece(&token);
            }
            Delivery::Changed(None) => self.numbers([CHANGED, NONE]),
            Delivery::Changed(Some(patches)) => {
                self.numbers([CHANGED]);
                self.piece(&patches);
            }
        }
    }

    /// A text with its receivers, of whom there may be more than fit: those come first with the rest.
    fn share(&mut self, mut sessions: Vec<SessionId>, text: Vec<u8>, rest: &mut VecDeque<News>) {
        while self.has_room()
            && let Some(session) = sessions.pop()
        {
            self.numbers([RECEIVER, number(session)]);
        }
        if self.has_room() {
            self.numbers([PIECE]);
            self.piece(&text);
        } else {
            rest.push_front(News::Deliver(Delivery::Piece(sessions, text)));
        }
    }

    fn finish(self, is_all: bool) -> String {
        if let Some(count) = self.slots.first_mut() {
            let used = f64::from(u32::try_from(self.used).unwrap_or(u32::MAX));
            *count = if is_all { used } else { -used };
        }
        text(self.text)
    }

    fn numbers<const N: usize>(&mut self, numbers: [f64; N]) {
        for number in numbers {
            self.used += 1;
            if let Some(slot) = self.slots.get_mut(self.used) {
                *slot = number;
            }
        }
    }

    fn piece(&mut self, piece: &[u8]) {
        self.numbers([code_units(piece)]);
        self.text.extend_from_slice(piece);
    }
}

/// The length of UTF-8 text as JS counts it.
fn code_units(text: &[u8]) -> f64 {
    let units = if text.is_ascii() {
        text.len()
    } else {
        // One for each character, and one more for each that takes four bytes.
        text.iter().filter(|byte| **byte & 0xc0 != 0x80).count()
            + text.iter().filter(|byte| **byte >= 0xf0).count()
    };
    f64::from(u32::try_from(units).unwrap_or(u32::MAX))
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
            let expected = u32::try_from(text.encode_utf16().count()).unwrap();
            assert_eq!(
                code_units(text.as_bytes()).to_bits(),
                f64::from(expected).to_bits(),
                "{text}"
            );
        }
    }
}
